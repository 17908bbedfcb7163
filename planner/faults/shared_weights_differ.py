from __future__ import annotations

from collections.abc import Sequence

from planner.diagnostics import SOURCE, Fault, Path
from planner.geometry import Shape


class SharedWeightsDiffer(Fault):
    """A layer would need weights of other sizes than those that `share` or `tie` gives it.

    Why it matters: one tensor has one size. A convolution of 64 channels and one of 3 cannot have the same weights,
    though their arguments agree.

    When to ignore it: never.

    How to fix it: let both read as many channels, by a layer before one of them; or leave `share` out, so that each has
    weights of its own. A matrix to tie must have its output and its input features the right way round: an Embedding of
    50257 vectors of 768 is the weight of a Linear from 768 to 50257.
    """

    code = "NSP252"
    bad = """
        input: [32, 32, 3]
        layers:
          - {name: conv1, type: Conv2d, out_channels: 64, kernel_size: 3}
          - {name: conv2, type: Conv2d, out_channels: 64, kernel_size: 3, share: conv1}  # NSP252
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {name: stem, type: Conv2d, out_channels: 64, kernel_size: 3}
          - {name: conv1, type: Conv2d, out_channels: 64, kernel_size: 3}
          - {name: conv2, type: Conv2d, out_channels: 64, kernel_size: 3, share: conv1}
        """

    @classmethod
    def shared(
        cls,
        owner: str,
        weight: str,
        theirs: Sequence[int] | None,
        ours: Sequence[int] | None,
        reads: Sequence[Sequence[Shape]],
        key: Path,
    ) -> SharedWeightsDiffer:
        """The fault of `share`: the sizes of a weight of both, None where there is no such weight; what both read."""
        return cls(
            f"`share: {owner}` has {_sized(weight, theirs)}, here {_sizes(ours)} would be needed",
            label=_reads(owner, reads),
            help=f"let it read what has the channels that `{owner}` reads, or leave `share` out",
            key=key,
        )

    @classmethod
    def otherwise(cls, owner: str, reads: Sequence[Sequence[Shape]], key: Path) -> SharedWeightsDiffer:
        """The fault of `share` on a layer without weights that is constructed in another way."""
        return cls(
            f"`share: {owner}` is constructed for other sizes",
            label=_reads(owner, reads),
            help="leave `share` out",
            key=key,
        )

    @classmethod
    def tied(cls, name: str, theirs: Sequence[int], weight: str, ours: Sequence[int], key: Path) -> SharedWeightsDiffer:
        """The fault of two tensors that `tie` makes one, and that differ in size."""
        return cls(
            f"`{name}` is {_sizes(theirs)}, and `{weight}` must be {_sizes(ours)}",
            label="one tensor has one size",
            help="change the sizes of one of the two layers, or leave `tie` out",
            key=key,
        )


def _reads(owner: str, reads: Sequence[Sequence[Shape]]) -> str:
    theirs, ours = (" and ".join(map(str, each)) for each in reads)
    return f"`{owner}` reads {theirs}, and this one {ours} from {SOURCE}"


def _sizes(sizes: Sequence[int] | None) -> str:
    return "none" if sizes is None else "×".join(map(str, sizes))


def _sized(weight: str, sizes: Sequence[int] | None) -> str:
    article = "an" if weight[:1] in "aeiou" and weight else "a"
    return f"no {weight}" if sizes is None else f"{article} {weight or 'tensor'} of {_sizes(sizes)}"
