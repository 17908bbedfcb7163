"""Measures networks and writes the page: `python -m zoo [PACKAGE | PACKAGE:NAME] …`; all where none is named.

python -m zoo --page    write the page alone, from what was found before
"""

from __future__ import annotations

import sys

from zoo.networks import networks
from zoo.page import write
from zoo.runs import measure

if __name__ == "__main__":
    wanted = sys.argv[1:]
    if wanted != ["--page"]:
        measure(each for each in networks() if not wanted or {each.package, each.key} & {*wanted})
    write()
