from planner.diagnostics import Fault


class BadEquation(Fault):
    """The equation of an `Einsum` cannot be read, does not fit its sources, or mixes samples.

    Letters stand in PyTorch's order: the batch, the channels, the spatial axes. Every source begins with the batch, and
    so does the result; behind the arrow stands every letter once, and only such as stand before it.

    Why it matters: PyTorch refuses most of these at the first forward pass. Where the batch is summed over, it would
    not: it would add up different samples.

    When to ignore it: never.

    How to fix it: a letter for each dimension of each source, as in `bchw,bkc->bkhw`; `...` stands for any number.
    """

    code = "NSP233"
    bad = """
        input: {x: [14, 14, 64], weights: [64, 8]}
        layers:
          - {type: Einsum, equation: "chw,ck->khw", from: [x, weights]}  # NSP233
        """
    good = """
        input: {x: [14, 14, 64], weights: [64, 8]}
        layers:
          - {type: Einsum, equation: "bchw,bkc->bkhw", from: [x, weights]}
        """

    def __init__(self, message: str, equation: str, help: str) -> None:
        super().__init__(message, label=f"in `{equation[:80]}`", help=help, key="equation")
