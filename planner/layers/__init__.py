"""The layers, one family a file.

A class in a file of this folder is a layer type by its name; `_layer.py` is the contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.layers._layer import Layer


class _Types(Mapping[str, "type[Layer]"]):
    """Layer types by name.

    Names are read off the files. A family is imported when one of its types is asked for: most models need a few,
    and importing all takes longer than planning.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, type[Layer]] = {}
        files = sorted(path for path in Path(__file__).parent.glob("*.py") if path.name[0] != "_")
        self._families = {
            name: path.stem
            for path in files
            for name in re.findall(r"^class ([A-Z]\w*)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
        }

    def __getitem__(self, name: str) -> type[Layer]:
        if name not in self._loaded:
            self._loaded[name] = getattr(import_module(f"{__name__}.{self._families[name]}"), name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._families

    def __iter__(self) -> Iterator[str]:
        return iter(self._families)

    def __len__(self) -> int:
        return len(self._families)


@cache
def all_layers() -> Mapping[str, type[Layer]]:
    """Every layer type by its name, in the order of files and classes."""
    return _Types()
