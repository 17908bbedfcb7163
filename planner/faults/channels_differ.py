from planner.diagnostics import SOURCE, Edit, Fault, puts


class ChannelsDiffer(Fault):
    """A size that the file states (`in_channels`, `in_features`, `num_features`, …) is not the size that the layer
    gets.

    Why it matters: PyTorch would build the layer and fail at the first forward pass, as in "mat1 and mat2 shapes cannot
    be multiplied". The usual cause is an input size, a stride or a width that was changed before it.

    When to ignore it: never.

    How to fix it: leave the key out, and the size is worked out; or change the layer before.
    """

    code = "NSP205"
    slip = "size"
    mended_by = ("input_size",)
    bad = """
        input: [28, 28, 1]
        layers:
          - {type: Flatten}
          - {type: Linear, in_features: 800, out_features: 10}  # NSP205
        """
    fixed = """
        input: [28, 28, 1]
        layers:
          - {type: Flatten}
          - {type: Linear, out_features: 10}
        """
    good = fixed

    def __init__(self, name: str, given: object, actual: object) -> None:
        super().__init__(
            f"`{name}` is not the size that arrives",
            label=f"{given} given, {actual} from {SOURCE}",
            help=f"leave `{name}` out to have it worked out, or write `{name}: {actual}`",
            key=name,
            mends=[(Edit((name,), action="remove"),), *puts(name, actual)],
        )
