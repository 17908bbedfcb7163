from planner.faults._in_text import InText, shown


class UnusableNumber(InText):
    """A number that no network can use: infinite, not a number, or beyond ±2^63.

    Why it matters: no size, count or rate of a network is such a number; PyTorch's sizes end at 2^63.

    Infinity is a number where PyTorch takes it, as in a mask: `.inf` or `-.inf`, as YAML has it, for `fill`, `init`,
    `max`, `min`, `other` and `value`. So are the largest numbers that tensors hold, about 3.4e+38.

    When to ignore it: never.

    How to fix it: write the number that is meant; a text that only looks like a number needs quotes.
    """

    code = "NSP109"
    bad = """
        input: [28, 28, 1]
        layers:
          - {type: BatchNorm2d, momentum: .inf}  # NSP109
        """
    good = """
        input: [28, 28, 1]
        layers:
          - {type: BatchNorm2d, momentum: 0.1}
        """

    def __init__(
        self, written: str, start: int | None = None, end: int | None = None, key: tuple[str | int, ...] = ()
    ) -> None:
        number = shown(written, 24)
        super().__init__(
            f"`{number}` is not a number that a network can use",
            label="numbers go from -2^63 to 2^63, about 9.2e18",
            help=f'write a smaller number; if it is text, put it in quotes: "{number}"',
            start=start,
            end=end,
            key=key,
        )
