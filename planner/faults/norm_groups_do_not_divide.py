from planner.diagnostics import SOURCE, Fault, puts


class NormGroupsDoNotDivide(Fault):
    """The number of groups of a group normalization does not divide its channels: all groups have the same size.

    Why it matters: PyTorch refuses the layer when it is built.

    When to ignore it: never.

    How to fix it: a number of groups that divides the channels. 32 is usual, 1 is layer normalization over the whole
    image.
    """

    code = "NSP215"
    bad = """
        input: [56, 56, 48]
        layers:
          - {type: GroupNorm, num_groups: 32}  # NSP215
        """
    fixed = """
        input: [56, 56, 48]
        layers:
          - {type: GroupNorm, num_groups: 24}
        """
    good = """
        input: [56, 56, 48]
        layers:
          - {type: GroupNorm, num_groups: 16}
        """

    def __init__(self, channels: int, groups: int) -> None:
        near = [g for g in range(min(groups, channels, 1024), 0, -1) if not channels % g][:4]
        super().__init__(
            "num_channels must be divisible by num_groups",
            label=f"{channels} channels from {SOURCE} / {groups} groups leaves {channels % groups}",
            help=f"use num_groups: {' or '.join(map(str, near))}",
            key="num_groups",
            mends=puts("num_groups", *near[:2]),
        )
