"""The pictures of the pages in `docs/`, drawn as SVG from what the planner works out.

One file draws one picture: `hand_rule.py` draws `hand-rule.svg` with its function `draw`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

PICTURES: dict[str, Callable[[], str]] = {
    f"{each.name.replace('_', '-')}.svg": import_module(f"{__name__}.{each.name}").draw
    for each in iter_modules(__path__)
    if not each.name.startswith("_")
}
