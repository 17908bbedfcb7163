from planner.diagnostics import Fault, puts


class DuplicateName(Fault):
    """Two layers of one list have the same name.

    Why it matters: `from` could not tell them apart, and a PyTorch module would silently keep the second one's weights
    only.

    When to ignore it: never.

    How to fix it: rename one of them. Layers without a name are numbered by themselves.
    """

    code = "NSP114"
    bad = """
        input: [32, 32, 3]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}  # NSP114
        """
    fixed = """
        input: [32, 32, 3]
        layers:
          - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: conv_2, type: Conv2d, out_channels: 8, kernel_size: 3}
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {name: conv1, type: Conv2d, out_channels: 8, kernel_size: 3}
          - {name: conv2, type: Conv2d, out_channels: 8, kernel_size: 3}
        """

    def __init__(self, name: str, first_line: int | None) -> None:
        where = f" on line {first_line}" if first_line is not None else ""
        super().__init__(
            f"two layers are named `{name}`",
            label=f"the first one stands{where or ' above'}",
            help=f"rename one of them, for example to `{name}_2`",
            key="name",
            mends=puts("name", f"{name.rpartition('.')[2]}_2"),
        )
