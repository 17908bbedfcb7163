"""What PyTorch's optimizers hold beside the weights after a step, with their defaults.

Source: https://docs.pytorch.org/docs/stable/optim.html
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Literal, get_args

Optimizer = Literal["none", "sgd", "momentum", "adam", "adamw", "adafactor"]
OPTIMIZERS: tuple[Optimizer, ...] = get_args(Optimizer)
COUNTER = 4
"""Bytes of the number of steps, which most optimizers hold for each parameter, as a tensor."""


def _nothing(sizes: tuple[int, ...], width: int) -> int:
    return 0


def _momentum(sizes: tuple[int, ...], width: int) -> int:
    """A mean of past gradients."""
    return prod(sizes) * width


def _adam(sizes: tuple[int, ...], width: int) -> int:
    """Means of past gradients and of their squares."""
    return 2 * prod(sizes) * width + COUNTER


def _adafactor(sizes: tuple[int, ...], width: int) -> int:
    """Means of squares for each row and each column of the last two axes, or for each value of a vector."""
    if len(sizes) < 2:
        return prod(sizes) * width + COUNTER
    rows, columns = (prod((*sizes[:-2], n)) for n in sizes[-2:])
    return (rows + columns) * width + COUNTER


STATES: dict[Optimizer, Callable[[tuple[int, ...], int], int]] = {
    "none": _nothing,
    "sgd": _nothing,
    "momentum": _momentum,
    "adam": _adam,
    "adamw": _adam,
    "adafactor": _adafactor,
}
"""The bytes that each optimizer holds for a parameter of such sizes, whose numbers have so many bytes."""
