from collections.abc import Mapping, Sequence
from math import prod

from planner.diagnostics import SOURCE, Edit, Fault
from planner.words import counted


class AxisPartsDiffer(Fault):
    """The sizes of the parts of an axis in the pattern of a `Rearrange` do not multiply to the axis.

    Why it matters: einops refuses the layer at the first forward pass, mostly because the input's size was changed and
    a number of windows was not.

    When to ignore it: never.

    How to fix it: leave one of the sizes out, and it is worked out; on the way back, give the tensor before the way
    there as a second source, and the result gets its size.
    """

    code = "NSP236"
    mended_by = ("input_size",)
    bad = """
        input: [56, 49, 96]
        layers:
          - {type: Rearrange, pattern: "(h w) t c -> h w t c", h: 8, w: 8}  # NSP236
        """
    fixed = """
        input: [56, 49, 96]
        layers:
          - {type: Rearrange, pattern: "(h w) t c -> h w t c", h: 8}
        """
    good = fixed

    def __init__(self, axis: str, n: int, parts: Mapping[str, int], given: Sequence[str], key: str) -> None:
        """`parts` are the sizes of all parts by their names, `given` the names of those that the file says."""
        product = prod(parts.values())
        needless = [name for name in given if n % (product // parts[name]) == 0] if len(given) == len(parts) else []
        written = " · ".join(f"{name} = {size}" for name, size in parts.items())
        makes = f" makes {product}" if len(parts) > 1 else ""
        super().__init__(
            f"shape mismatch, {n} != {product}",
            label=f"{counted(n, 'cell')} of {axis} from {SOURCE}; {written}{makes}",
            help=f"leave `{needless[-1]}` out to have it worked out, or use sizes that multiply to {n}"
            if needless
            else f"use sizes that multiply to {n}",
            key=key,
            mends=[(Edit((name,), action="remove"),) for name in reversed(needless)],
        )
