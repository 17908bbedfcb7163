from planner.diagnostics import SOURCE, Fault


class PaddingTooWide(Fault):
    """Reflection padding must be smaller than the axis that it mirrors, and circular padding not larger than it.

    Why it matters: PyTorch refuses it at the first forward pass, often only for small inputs.

    When to ignore it: never.

    How to fix it: less padding, a larger input, or padding with zeros or by replication.
    """

    code = "NSP305"
    bad = """
        input: [4, 4, 3]
        layers:
          - {type: ReflectionPad2d, padding: 4}  # NSP305
        """
    good = """
        input: [5, 5, 3]
        layers:
          - {type: ReflectionPad2d, padding: 4}
        """

    def __init__(self, mode: str, padding: int, n: int) -> None:
        most = n - 1 if mode == "reflect" else n
        super().__init__(
            f"{mode} padding must be {'smaller than' if mode == 'reflect' else 'at most'} the axis",
            label=f"padding {padding} on {n} cells from {SOURCE}",
            help=f"use a padding of at most {most}, or pad with zeros",
            key="padding",
        )
