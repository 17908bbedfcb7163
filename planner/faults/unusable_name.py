from planner.diagnostics import Fault


class UnusableName(Fault):
    """A name that cannot be used: empty, reserved, longer than 200 characters, or with a line break or another control
    character in it.

    Why it matters: names stand in tables, pictures, terminals and in the `state_dict`.

    When to ignore it: never.

    How to fix it: any other characters will do.
    """

    code = "NSP115"
    bad = """
        input: [32, 32, 3]
        layers:
          - {name: input, type: Conv2d, out_channels: 8, kernel_size: 3}  # NSP115
        """
    good = """
        input: [32, 32, 3]
        layers:
          - {name: stem, type: Conv2d, out_channels: 8, kernel_size: 3}
        """

    def __init__(self, name: str, why: str, key: tuple[str | int, ...] = ("name",), *, at_key: bool = False) -> None:
        shown = ascii(name[:40])[1:-1] if not name.isprintable() else name[:40]
        super().__init__(
            f"`{shown}` cannot be a name" if name else "an empty text cannot be a name",
            label=why,
            help="choose another name",
            key=key,
            at_key=at_key,
        )
