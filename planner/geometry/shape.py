"""The sizes of tensors."""

from __future__ import annotations

import math
from typing import Self


class Shape(tuple[int, ...]):
    """The sizes of a tensor, channels last and without the batch: `Shape((224, 224, 3))` is printed `224×224×3`."""

    __slots__ = ()

    @property
    def spatial(self) -> tuple[int, ...]:
        return self[:-1]

    @property
    def channels(self) -> int:
        return self[-1]

    @property
    def elements(self) -> int:
        return math.prod(self)

    @property
    def torch(self) -> tuple[int, ...]:
        """The same sizes as PyTorch orders them, channels first: `(3, 224, 224)`."""
        return (self[-1], *self[:-1])

    @classmethod
    def of_torch(cls, sizes: tuple[int, ...]) -> Self:
        """The shape of a channels-first tensor without its batch axis."""
        return cls((*sizes[1:], sizes[0]))

    def __str__(self) -> str:
        return "×".join(map(str, self))
