"""What operators of ONNX mean, one family a file: mostly what functions of PyTorch mean, called in ONNX' way.

An operator is found by its name. It gets the builder, the node, and what the names of its inputs stand for, with None
for what is left out; it returns what its outputs stand for, and raises NotSayable where no layer says it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar

MeaningT = TypeVar("MeaningT", bound=Callable[..., Any])
OPERATORS: dict[str, Callable[..., Any]] = {}


def operator(*names: str) -> Callable[[MeaningT], MeaningT]:
    """Makes a function the meaning of the operators of these names."""

    def added(function: MeaningT) -> MeaningT:
        OPERATORS.update(dict.fromkeys(names, function))
        return function

    return added


@cache
def all_operators() -> dict[str, Callable[..., Any]]:
    """Every operator that has a meaning, by its name."""
    for each in iter_modules(__path__):
        import_module(f"{__name__}.{each.name}")
    return OPERATORS
