"""Entries that hold the same numbers in axes of another order: those of libraries that have the channels last.

Kernels of Keras and of Flax are height × width × channels read × channels given.
Sources: https://keras.io/api/layers/convolution_layers/convolution2d/,
https://flax.readthedocs.io/en/latest/api_reference/flax.linen/layers.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.checkpoints import SavedTensor
from planner.comparison.state import StateEntry
from planner.layers._layer import Sizes
from planner.loading.names import own_of

KERNEL, DEPTHWISE = "kernel", "depthwise_kernel"
"""What Keras and Flax call a weight, and PyTorch never does."""


def library_name(name: str) -> str:
    """What the library calls the entry, without the number behind it and the modules around it."""
    return own_of(name.rpartition("/")[2].partition(":")[0])


def as_torch_has_it(name: str, sizes: Sizes) -> Sizes:
    """The sizes of an entry as PyTorch would have them, of names that tell their axes."""
    order = _order(library_name(name), sizes)
    return tuple(sizes[axis] for axis in order) if order else sizes


def _order(own: str, sizes: Sizes) -> tuple[int, ...] | None:
    """Which axis of a library's entry each of PyTorch's axes is; None where they are the same, or not known."""
    rank = len(sizes)
    if rank > 1 and own == KERNEL:
        return (rank - 1, rank - 2, *range(rank - 2))
    if rank > 2 and own == DEPTHWISE and sizes[-1] == 1:
        return (rank - 2, rank - 1, *range(rank - 2))
    return None


@dataclass(frozen=True, slots=True)
class Turn:
    """An entry whose axes stand in another order in the checkpoint.

    order  which axis of the checkpoint's each of the file's is; None where the axes of 1 alone are others
    """

    entry: StateEntry
    tensor: SavedTensor
    order: tuple[int, ...] | None

    @classmethod
    def of(cls, entry: StateEntry, tensor: SavedTensor) -> Turn | None:
        """How the numbers have to be turned, where sizes or the library's name say so; else None."""
        ours, theirs = entry.sizes, tensor.sizes
        named = _order(library_name(tensor.name), theirs)
        rank = len(theirs)
        guesses = ((rank - 1, rank - 2, *range(rank - 2)), (rank - 2, rank - 1, *range(rank - 2))) if rank > 1 else ()
        for order in [named] if named else [each for each in guesses if ours != theirs]:
            if tuple(theirs[axis] for axis in order) == ours:
                return cls(entry, tensor, order)
        return cls(entry, tensor, None) if ours != theirs and _plain(ours) == _plain(theirs) else None

    @property
    def named(self) -> bool:
        """Whether the name of the entry says that its axes stand so."""
        return library_name(self.tensor.name) in (KERNEL, DEPTHWISE)

    @property
    def torch(self) -> str:
        """The line of Python that puts it right in a `state` with PyTorch's tensors."""
        name = f"state[{self.tensor.name!r}]"
        if self.order is None:
            return f"{name} = {name}.reshape({', '.join(map(str, self.entry.sizes))})"
        return f"{name} = {name}.permute({', '.join(map(str, self.order))})"


def _plain(sizes: Sequence[int]) -> list[int]:
    return [each for each in sizes if each != 1]
