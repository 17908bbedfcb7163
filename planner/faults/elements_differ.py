import math

from planner.diagnostics import SOURCE, Fault, puts


class ElementsDiffer(Fault):
    """The sizes given to `Reshape` or `Unflatten` do not multiply to the number of values that there are: these layers
    only regroup values.

    Why it matters: PyTorch refuses the layer at the first forward pass, when the input's size was changed and the
    numbers here were not.

    When to ignore it: never.

    How to fix it: write -1 for one of the sizes to have it worked out, or numbers that multiply to the total.
    """

    code = "NSP213"
    bad = """
        input: [14, 14, 768]
        layers:
          - {type: Reshape, shape: [49, 768]}  # NSP213
        """
    fixed = """
        input: [14, 14, 768]
        layers:
          - {type: Reshape, shape: [196, 768]}
        """
    good = """
        input: [14, 14, 768]
        layers:
          - {type: Reshape, shape: [-1, 768]}
        """

    def __init__(self, name: str, sizes: tuple[int, ...], total: int) -> None:
        known = math.prod(size for size in sizes if size > 0)
        shown = "×".join(str(size) if size > 0 else "?" for size in sizes)
        if -1 in sizes:
            label = f"{shown}: {total:,} from {SOURCE} / {known:,} leaves {total % known:,}"
        else:
            label = f"{shown} is {known:,}, but {SOURCE} has {total:,}"
        mended = _mended(sizes, total)
        super().__init__(
            "sizes don't multiply up to the elements of the input",
            label=label,
            help=f"use `{name}: {mended}`" if mended else f"use sizes that multiply to {total}",
            key=name,
            mends=puts(name, mended) if mended else (),
        )


def _mended(sizes: tuple[int, ...], total: int) -> list[int] | None:
    """The same sizes with one of them changed so that all multiply to the total, where there is one."""
    for i, size in enumerate(sizes):
        others = math.prod(each for each in (*sizes[:i], *sizes[i + 1 :]) if each > 0)
        if (size == -1 or -1 not in sizes) and total % others == 0:
            return [*sizes[:i], total // others, *sizes[i + 1 :]]
    return None
