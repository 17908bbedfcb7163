from planner.diagnostics import Edit, Fault


class BoundsOutOfOrder(Fault):
    """A lower bound that is not below its upper bound.

    Why it matters: PyTorch refuses `Hardtanh` when it is built, and `RReLU` at the first forward pass.

    When to ignore it: never.

    How to fix it: swap the two bounds, or change one.
    """

    code = "NSP225"
    bad = """
        input: [32, 32, 3]
        layers:
          - {type: Hardtanh, min_val: 1, max_val: 0}  # NSP225
        """
    fixed = """
        input: [32, 32, 3]
        layers:
          - {type: Hardtanh, min_val: 0, max_val: 1}
        """
    good = fixed

    def __init__(self, low: str, low_value: float, high: str, high_value: float, *, may_be_equal: bool = False) -> None:
        rule = "at least" if may_be_equal else "greater than"
        super().__init__(
            f"{high} must be {rule} {low}",
            label=f"{low} is {low_value:g}, {high} is {high_value:g}",
            help=f"swap the two: `{low}: {high_value:g}`, `{high}: {low_value:g}`"
            if low_value != high_value
            else f"make `{high}` greater than {low_value:g}",
            key=low,
            mends=[(Edit((low,), _plain(high_value)), Edit((high,), _plain(low_value)))],
        )


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value
