"""The layers, one family a file. A class in a file of this folder is a layer type by its name; `_layer.py` is the
contract.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.layers._layer import Layer


@cache
def all_layers() -> dict[str, type[Layer]]:
    """Every layer type by its name, in the order of files and classes."""
    from planner.layers._layer import Layer

    families = (import_module(f"{__name__}.{each.name}") for each in iter_modules(__path__) if each.name[0] != "_")
    return {
        name: each
        for family in families
        for name, each in vars(family).items()
        if isinstance(each, type) and issubclass(each, Layer) and each.__module__ == family.__name__ and name[0] != "_"
    }
