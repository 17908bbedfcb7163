"""The examples in the pages of this folder and in the README: what the tool prints stands there as it prints it.

    python docs/examples.py    write all outputs and pictures anew

A block of kind `console` has commands after `$ `, each followed by its output at 80 columns. A line `[…]` stands for
lines that are left out; such an output is not written anew, but it is compared all the same.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from planner.cli import main

FOLDER = Path(__file__).parent
CUT = "[…]"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)


class Example(NamedTuple):
    """A command of a page and what the page shows of its output, which stands at `start` of the page."""

    command: str
    shown: str
    start: int


def pages() -> list[Path]:
    return [FOLDER.parent / "README.md", *sorted(FOLDER.glob("*.md"))]


def examples(page: str) -> Iterator[Example]:
    """The examples in the text of a page."""
    for block in _BLOCK.finditer(page):
        for found in _COMMAND.finditer(page, block.start(1), block.end(1)):
            yield Example(found[1], found[2], found.start(2))


def output(command: str) -> str:
    """What a command prints, on 80 columns and without colours."""
    name, *words = shlex.split(command)
    assert name == "planner", command
    with chdir(FOLDER.parent):
        return CliRunner(env={"COLUMNS": "80"}).invoke(main, words, catch_exceptions=False).output


def agrees(shown: str, printed: str) -> bool:
    """Whether an output is shown as it was printed, but for what was cut."""
    parts = map(re.escape, shown.split(f"{CUT}\n"))
    return re.fullmatch(r"(?:.*\n)+?".join(parts), printed) is not None


def renewed(page: str) -> str:
    """The page with all whole outputs as they are now."""
    for each in reversed(list(examples(page))):
        if CUT not in each.shown:
            page = page[: each.start] + output(each.command) + page[each.start + len(each.shown) :]
    return page


if __name__ == "__main__":
    from pictures import PICTURES

    for path in pages():
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
