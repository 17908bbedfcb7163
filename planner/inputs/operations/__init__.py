"""What functions of PyTorch mean in the planner's layers, one family a file.

A function is found by the name that PyTorch gives it (`torch.add`, `Tensor.add` and `+` are all `add`). It gets the
builder and the arguments as they were given, with tensors in place of PyTorch's, and returns tensors; what it cannot
say raises NotSayable.

A new function is a public function of that name in the file of its family, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeVar

MeaningT = TypeVar("MeaningT", bound=Callable[..., Any])
OPERATIONS: dict[str, Callable[..., Any]] = {}


def operation(*names: str) -> Callable[[MeaningT], MeaningT]:
    """Makes a function the meaning of those of PyTorch with these names."""

    def added(function: MeaningT) -> MeaningT:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return added


@cache
def all_operations() -> dict[str, Callable[..., Any]]:
    """Every function that has a meaning, by its name."""
    for each in iter_modules(__path__):
        if each.name[0] != "_":
            import_module(f"{__name__}.{each.name}")
    return OPERATIONS
