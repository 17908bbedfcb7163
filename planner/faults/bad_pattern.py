from planner.diagnostics import Fault


class BadPattern(Fault):
    """The pattern of a `Rearrange` cannot be read, or does not fit its source.

    A pattern is written as einops writes it, and as shapes are written here: the channels last, without the batch. On
    both sides of the arrow stands every name once; names in brackets make one axis, of which the last runs fastest.

    Why it matters: nothing can be planned behind it, and einops refuses it.

    When to ignore it: never.

    How to fix it: a name for each axis of the source, as in `(h i) (w j) c -> (h w) (i j) c`, which parts a map into
    windows of i×j cells; `i: 7` beside it says how many.
    """

    code = "NSP235"
    bad = """
        input: [56, 56, 96]
        layers:
          - {type: Rearrange, pattern: "b (h i) (w j) c -> (b h w) (i j) c", i: 7, j: 7}  # NSP235
        """
    good = """
        input: [56, 56, 96]
        layers:
          - {type: Rearrange, pattern: "(h i) (w j) c -> (h w) (i j) c", i: 7, j: 7}
        """

    def __init__(self, message: str, pattern: str, help: str, label: str = "") -> None:
        super().__init__(message, label=label or f"in `{pattern[:80]}`", help=help, key="pattern")
