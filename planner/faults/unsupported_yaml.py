from typing import Self

from planner.faults._in_text import InText, shown


class UnsupportedYaml(InText):
    """A part of YAML that model files do not use: tags (`!!int`), several documents in a file, a list or mapping as a
    key, an alias as a key or inside its own anchor.

    Why it matters: tags can stand for any Python object, which a model file has no business making; the others mean
    nothing in a model.

    When to ignore it: never.

    How to fix it: leave the tag out (numbers, texts, `true` and `null` are told apart by how they are written), keep
    one model to a file, and write keys as plain words. Anchors, aliases and merge keys (`<<`) work.
    """

    code = "NSP105"
    bad = """
        input: [28, 28, 1]
        layers:
          - {type: Conv2d, out_channels: !!int 6, kernel_size: 5}  # NSP105
        """
    good = """
        input: [28, 28, 1]
        layers:
          - {type: Conv2d, out_channels: 6, kernel_size: 5}
        """

    @classmethod
    def tag(cls, tag: str, start: int) -> Self:
        return cls(
            "model files have no tags",
            label=f"`{shown(tag)}`",
            help='leave it out; if it is text, put it in quotes: "!"' if tag == "!" else "leave it out",
            start=start,
            end=start + len(tag),
        )

    @classmethod
    def second_document(cls, start: int) -> Self:
        return cls(
            "a model file holds one document",
            label="a second one starts here",
            help="put it into a file of its own, or remove this line",
            start=start,
            end=start + 3,
        )

    @classmethod
    def as_key(cls, what: str, start: int) -> Self:
        return cls(
            f"{what} cannot be a key",
            label="a key is a plain word",
            help='if it is text, put it in quotes: "[a]": 1',
            start=start,
        )

    @classmethod
    def endless(cls, anchor: str, start: int) -> Self:
        return cls(
            f"`*{shown(anchor)}` stands inside its own anchor `&{shown(anchor)}`",
            label="this would never end",
            help="use a block that calls itself with a `when` that ends it, or leave the alias out",
            start=start,
            end=start + len(anchor) + 1,
        )

    @classmethod
    def merge(cls, what: str, start: int, end: int) -> Self:
        return cls(
            "`<<` takes a mapping, or a list of mappings",
            label=f"this is {what}",
            help="name an anchor of a mapping: <<: *defaults",
            start=start,
            end=end,
        )

    @classmethod
    def value(cls, kind: str, key: tuple[str | int, ...]) -> Self:
        """The fault of a value, in a mapping made in Python, that no model file could hold."""
        return cls(
            f"a model file cannot hold a value of type `{shown(kind)}`",
            help="use numbers, texts, true, null, lists and mappings",
            key=key,
        )
