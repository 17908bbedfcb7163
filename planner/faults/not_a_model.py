from typing import Self

from planner.faults._in_text import InText


class NotAModel(InText):
    """A file that is YAML, but not a mapping with `input:` and `layers:`: it is empty, a list, a single value, or has
    blocks alone.

    Why it matters: there is no model in it.

    When to ignore it: never.

    How to fix it: a model file begins with its input and its layers; see `planner explain Conv2d` for a layer.
    """

    code = "NSP108"
    bad = """
        - {type: Conv2d, out_channels: 6, kernel_size: 5}  # NSP108
        - {type: ReLU}
        """
    good = """
        input: [28, 28, 1]
        layers:
          - {type: Conv2d, out_channels: 6, kernel_size: 5}
          - {type: ReLU}
        """

    def __init__(self, what: str, start: int | None = None, end: int | None = None) -> None:
        """`what` the file is, such as "a list"; "" where nothing is in it."""
        begin = "put `input:` and `layers:` above it" if what == "a list" else "begin with: input: [28, 28, 1]"
        super().__init__(
            f"the file is {what}, not a model" if what else "the file is empty",
            label="a model is a mapping with `input` and `layers`",
            help=begin,
            start=start,
            end=end,
        )
        self.what = what

    @classmethod
    def blocks_alone(cls) -> Self:
        """A library of blocks in place of a model file."""
        found = cls("a library of blocks")
        found.help = "plan a model file that uses it: `use: ./blocks.yaml`"
        found.key, found.at_key = ("blocks",), True
        return found

    @classmethod
    def library(cls, fault: Self) -> Self:
        """The fault of a file that is used as a library of blocks, and is none."""
        found = cls(fault.what)
        found.message = f"the file is {fault.what}, not a library of blocks" if fault.what else "the library is empty"
        found._label = "a library is a mapping with `blocks`"
        found.help = "begin with: blocks:"
        found.place = fault.place
        return found
