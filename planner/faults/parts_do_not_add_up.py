from planner.diagnostics import SOURCE, Fault, puts


class PartsDoNotAddUp(Fault):
    """The sizes listed for a `Split` do not add up to the length of the axis that it cuts.

    Why it matters: PyTorch refuses the layer at the first forward pass, when a width was changed and the list was not.

    When to ignore it: never.

    How to fix it: sizes that add up, or one number for parts of equal size.
    """

    code = "NSP214"
    bad = """
        input: [28, 28, 64]
        layers:
          - {name: parts, type: Split, split_size: [32, 16]}  # NSP214
          - {type: Concat, from: [parts.1, parts.0]}
        """
    fixed = """
        input: [28, 28, 64]
        layers:
          - {name: parts, type: Split, split_size: [32, 32]}
          - {type: Concat, from: [parts.1, parts.0]}
        """
    good = fixed

    def __init__(self, sizes: tuple[int, ...], n: int) -> None:
        total, rest = sum(sizes), n - sum(sizes[:-1])
        listed = f"[{', '.join(map(str, sizes[:6]))}{', …' if len(sizes) > 6 else ''}]"
        mended = f"`split_size: {[*sizes[:-1], rest]}`" if rest > 0 and len(sizes) <= 6 else f"sizes that add up to {n}"
        super().__init__(
            f"split_sizes must sum exactly to {n}",
            label=f"{listed} is {total}, {SOURCE} has {n}",
            help=f"use {mended}",
            key="split_size",
            mends=puts("split_size", [*sizes[:-1], rest]) if rest > 0 else (),
        )
