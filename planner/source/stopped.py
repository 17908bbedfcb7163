"""The place where reading stopped, and the text around that place, from which slips are explained."""

from __future__ import annotations

import re
from typing import NamedTuple

from planner.faults.not_yaml import NotYaml


class Stopped(NamedTuple):
    """Where reading stopped in the text, and where what was being read began."""

    text: str
    at: int
    opened: int

    def says(
        self, message: str, *, label: str = "", help: str = "", start: int | None = None, end: int | None = None
    ) -> NotYaml:
        """The fault, placed where reading stopped unless it says otherwise."""
        return NotYaml(message, label=label, help=help, start=self.at if start is None else start, end=end)

    @property
    def character(self) -> str:
        return self.text[self.at : self.at + 1]

    @property
    def at_end(self) -> bool:
        return not self.text[self.at :].strip()

    def line_start(self, index: int) -> int:
        before = self.text.rfind("\n", 0, index)
        return max(before, self.text.rfind("\r", before + 1, index)) + 1

    def rest(self, index: int) -> str:
        """The line from `index` on, without its comment; a very long line is cut."""
        line = re.compile(r"[^\r\n]{0,2000}").match(self.text, index)
        return re.sub(r"(^|\s)#.*", "", line[0]).rstrip() if line else ""

    def before(self, index: int) -> str:
        """The line up to `index`."""
        return self.text[self.line_start(index) : index]

    def indent(self, index: int) -> int:
        """The indentation of the line of `index`."""
        start = self.line_start(index)
        return len(self.rest(start)) - len(self.rest(start).lstrip(" "))

    def first_in_line(self) -> bool:
        return not self.before(self.at).strip()

    def line_above(self) -> int | None:
        """The start of the nearest line above that says something, after its dashes; only near lines are searched."""
        start = self.line_start(self.at)
        for _ in range(100):
            if start == 0:
                break
            start = self.line_start(start - (2 if self.text[start - 2 : start] == "\r\n" else 1))
            dashes = re.compile(r"[ ]*(?:- +)*").match(self.text, start)
            if dashes and self.rest(dashes.end()):
                return dashes.end()
        return None
