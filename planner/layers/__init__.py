"""The layers, a file or a folder for each family.

A new layer is a class in a file here, found by its name; `_layer.py` is the contract. A large family is a folder, so
that a model loads only those of its files that it needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.layers._layer import Layer


class _Types(Mapping[str, "type[Layer]"]):
    """Layer types by name.

    Names are read off the files. A file is imported when one of its types is asked for: most models need a few, and
    importing all takes longer than planning.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, type[Layer]] = {}
        here = Path(__file__).parent
        files = sorted(path for path in (*here.glob("*.py"), *here.glob("*/*.py")) if path.name[0] != "_")
        self._modules: dict[str, str] = {}
        for path in files:
            module = ".".join(path.relative_to(here).with_suffix("").parts)
            self._modules |= dict.fromkeys(_classes(path.read_text(encoding="utf-8")), module)

    def __getitem__(self, name: str) -> type[Layer]:
        if name not in self._loaded:
            self._loaded[name] = getattr(import_module(f"{__name__}.{self._modules[name]}"), name)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._modules

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)


def _classes(text: str) -> Iterator[str]:
    """The classes in a file's text that have a base and are public."""
    for after in text.split("\nclass ")[1:]:
        name, base, _ = after.partition("(")
        if base and name[0] != "_" and name.isidentifier():
            yield name


@cache
def all_layers() -> Mapping[str, type[Layer]]:
    """Every layer type by its name, in the order of files and classes."""
    return _Types()


def families() -> Mapping[str, Sequence[str]]:
    """The names of all layer types by their families."""
    found: dict[str, list[str]] = {}
    for name, layer in all_layers().items():
        found.setdefault(layer.family(), []).append(name)
    return found
