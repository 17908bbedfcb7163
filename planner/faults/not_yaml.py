from planner.faults._in_text import InText, shown


class NotYaml(InText):
    """A file that is not YAML: a bracket or quote is never closed, the indentation fits nowhere, a colon is missing.

    Why it matters: what follows the slip cannot be read, so it is the only one reported.

    When to ignore it: never.

    How to fix it: the message says where reading stopped, or where the bracket or quote that is never closed was
    opened. Indent with spaces, alike for the keys of one mapping and for the dashes of one list; write `key: value`
    with a space after the colon; put texts in quotes that hold `: ` or ` #`, or inside `{…}` a comma or a bracket.
    """

    code = "NSP102"
    bad = """
        input: [28, 28, 1]
        layers:
          - {type: Conv2d, out_channels: 6, kernel_size: 5  # NSP102
          - {type: ReLU}
        """
    good = """
        input: [28, 28, 1]
        layers:
          - {type: Conv2d, out_channels: 6, kernel_size: 5}
          - {type: ReLU}
        """

    @classmethod
    def character(cls, character: str, start: int) -> "NotYaml":
        return cls(
            f"the character U+{ord(character):04X} cannot stand in a YAML file",
            label="a control character, or a line break that not every program counts as one",
            help=f'remove it; inside double quotes it can be written "\\u{ord(character):04x}"',
            start=start,
        )

    @classmethod
    def half_character(cls, start: int, end: int) -> "NotYaml":
        return cls(
            "an escape stands for half a character",
            label="\\ud800 to \\udfff are halves",
            help="write the character itself, or \\U and its eight digits",
            start=start,
            end=end,
        )

    @classmethod
    def unknown_alias(cls, anchor: str, near: str, start: int) -> "NotYaml":
        return cls(
            f"no anchor `&{shown(anchor)}` stands above this",
            label=f"`*{shown(anchor)}` repeats what `&{shown(anchor)}` names",
            help=near or f'write `&{shown(anchor)}` before the value that it names; if it is text: "*{shown(anchor)}"',
            start=start,
            end=start + len(anchor) + 1,
        )

    @classmethod
    def joined(cls, key: str, start: int) -> "NotYaml":
        """`kernel_size:3`: YAML takes it for one word."""
        name, _, value = key.partition(":")
        return cls(
            "a space is missing after `:`",
            label="as it stands, this is one word",
            help=f"write `{shown(name)}: {shown(value)}`",
            start=start,
            end=start + len(key),
        )

    @classmethod
    def lone_question(cls, start: int) -> "NotYaml":
        """`[? ]`: a key that is empty, of a value that is missing."""
        return cls("`?` cannot stand here", label="YAML keeps `? ` for keys", help='put it in quotes: "?"', start=start)

    @classmethod
    def cut_expression(cls, expression: str, start: int, end: int) -> "NotYaml":
        """`{n: max($a, 8)}`: YAML ends the value at the comma."""
        return cls(
            "an expression with a comma needs quotes",
            label="YAML ends the value at the comma",
            help=f'write "{shown(expression)}"',
            start=start,
            end=end,
        )
