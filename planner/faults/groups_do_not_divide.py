from planner.diagnostics import SOURCE, Fault, puts


class GroupsDoNotDivide(Fault):
    """`groups` does not divide the channels of a convolution: each group reads in_channels / groups of the input
    channels and writes out_channels / groups of the output channels.

    Why it matters: PyTorch refuses the layer when it is built.

    When to ignore it: never.

    How to fix it: choose a number of groups that divides both, or change the channels (a multiple of 8 leaves most
    room).
    """

    code = "NSP202"
    bad = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 96, kernel_size: 3, groups: 3}  # NSP202
        """
    fixed = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 96, kernel_size: 3, groups: 2}
        """
    good = """
        input: [56, 56, 64]
        layers:
          - {type: Conv2d, out_channels: 96, kernel_size: 3, groups: 4}
        """

    def __init__(self, which: str, channels: int, groups: int, others: int) -> None:
        """`which` channels the groups do not divide; `others` are those on the other side of the layer."""
        fitting = [str(g) for g in range(1, min(channels, others, 1024) + 1) if not channels % g and not others % g]
        listed = ", ".join(fitting[:-1]) + f" or {fitting[-1]}" if len(fitting) > 1 else fitting[0]
        origin = f" from {SOURCE}" if which == "in_channels" else ""
        super().__init__(
            f"{which} must be divisible by groups",
            label=f"{channels} channels{origin} / {groups} groups leaves {channels % groups}",
            help=f"use groups: {listed}",
            key="groups",
            mends=puts("groups", *sorted(map(int, fitting), key=lambda g: abs(g - groups))[:3]),
        )
