from __future__ import annotations

from planner.diagnostics import Fault, puts


class IndexOutOfRange(Fault):
    """An index is out of range: `Select` takes a cell that the axis does not have, or an `Embedding` pads with a number
    outside its table, or looks up the numbers of a `Constant` of which some are outside.

    The indices of n things are 0 to n − 1, or −n to −1 from the end.

    Why it matters: PyTorch refuses the layer.

    When to ignore it: never.

    How to fix it: an index within the range that the message states.
    """

    code = "NSP212"
    bad = """
        input: [128]
        layers:
          - {type: Embedding, num_embeddings: 1000, embedding_dim: 64, padding_idx: 1000}  # NSP212
        """
    fixed = """
        input: [128]
        layers:
          - {type: Embedding, num_embeddings: 1000, embedding_dim: 64, padding_idx: 999}
        """
    good = fixed

    def __init__(
        self, name: str, index: int, count: int, message: str, origin: str = "", *, listed: bool = False
    ) -> None:
        """`count` is how many things there are, `origin` where that is from; `listed` means an index in a list."""
        super().__init__(
            message,
            label=f"{index} of {count}{origin}",
            help=f"list numbers from 0 to {count - 1}"
            if listed
            else f"use `{name}: 0` to `{name}: {count - 1}`, or `{name}: -{count}` to `{name}: -1` from the end",
            key=name,
            mends=() if listed else puts(name, count - 1),
        )

    @classmethod
    def looked_up(cls, source: str, most: int, count: int) -> IndexOutOfRange:
        """Numbers that are known, of which some are not in a table of `count` rows."""
        fault = cls("num_embeddings", most, count, "index out of range in self")
        fault._label = f"`{source}` holds numbers from 0 to {most:,}, and the table has {count:,}"
        fault._help = f"use `num_embeddings: {most + 1}`"
        fault.mends = tuple(puts("num_embeddings", most + 1))
        return fault
