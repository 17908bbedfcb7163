from planner.diagnostics import Path
from planner.faults._in_text import InText, shown


class DuplicateKey(InText):
    """A key that stands twice in one mapping. YAML forbids it; most readers keep the last value and say nothing.

    Why it matters: only one of the two values can count, and the other is on the page for whoever reads the file.

    When to ignore it: never. The rest of the file is checked with the first of the values.

    How to fix it: remove one of the two, or rename it.
    """

    code = "NSP103"
    bad = """
        input: [28, 28, 1]
        layers:
          - type: Conv2d
            out_channels: 6
            kernel_size: 5
            out_channels: 16  # NSP103
        """
    good = """
        input: [28, 28, 1]
        layers:
          - type: Conv2d
            out_channels: 16
            kernel_size: 5
        """

    def __init__(self, key: Path, first_line: int | None, start: int | None = None, end: int | None = None) -> None:
        name = str(key[-1])
        if name == "<<":
            help = "merge several mappings with one key: <<: [*first, *second]"
        elif name.startswith("-"):
            help = f"an entry of a list has a space after its dash: `- {shown(name[1:])}`"
        else:
            help = f"remove one of the two `{shown(name)}`"
        super().__init__(
            f"`{shown(name)}` is given twice",
            label="" if first_line is None else f"first on line {first_line}",
            help=help,
            start=start,
            end=end,
            key=key,
            at_key=True,
        )
