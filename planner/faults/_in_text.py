"""The contract of the faults in a text: what is wrong in a file before a path leads anywhere in it."""

from planner.diagnostics import Fault, Path

LONGEST_PATH = 200
"""Characters of a file's path that a message shows."""


class InText(Fault):
    """A fault at the characters `start` to `end` of a text; whoever holds the text makes a place of them.

    Where such a fault is raised there is no parsed file, so it also carries the text, to show the line from.
    """

    def __init__(
        self,
        message: str,
        *,
        label: str = "",
        help: str = "",
        start: int | None = None,
        end: int | None = None,
        key: Path = (),
        at_key: bool = False,
    ) -> None:
        super().__init__(message, label=label, help=help, key=key, at_key=at_key)
        self.start = start
        self.end = start if end is None else end
        self.text = ""


def shown(text: str, limit: int = 60) -> str:
    """A text from a file as one printable line: long ones are cut, odd characters escaped."""
    line = text if len(text) <= limit else text[: limit - 1] + "…"
    return line if line.isprintable() else ascii(line)[1:-1]
