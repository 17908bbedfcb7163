"""What a network stores: parameters and buffers, as functions and layers are given them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Held:
    """A parameter or a buffer, by the name that the `state_dict` has for it.

    sizes    PyTorch's
    trained  whether it is a parameter
    whole    whether it holds whole numbers or truth values
    kept     whether the `state_dict` has an entry of it
    first    the first name that the `state_dict` has for the same tensor, where it has several
    fill     what it is filled with, where the `state_dict` does not have it and a constant can say it
    """

    name: str
    sizes: tuple[int, ...]
    trained: bool = True
    whole: bool = False
    kept: bool = True
    first: str = ""
    fill: str | float | None = None
