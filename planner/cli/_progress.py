"""Progress on a terminal: one line on stderr, which goes when the work is done."""

from __future__ import annotations

import sys
from time import monotonic

from planner.cli._printing import print_text

SECONDS = 0.2


class Progress:
    """How far a run is; nothing is printed where stderr is no terminal.

    before  how much had been done before this run
    """

    def __init__(self, all: int, noun: str, before: int = 0) -> None:
        self._all, self._noun, self._before, self._done = all, noun, before, before
        self._shown = sys.stderr.isatty()
        self._start = self._said = monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            print_text("\r\x1b[K", sys.stderr)

    def step(self) -> None:
        """Note that one more is done."""
        self._done += 1
        if self._shown and (now := monotonic()) - self._said > SECONDS:
            self._said = now
            print_text(f"\r{self._text(now - self._start)}\x1b[K", sys.stderr)

    def _text(self, seconds: float) -> str:
        """`1,234 of 10,000 points, 153 a second, 57 s left`."""
        rate = (self._done - self._before) / max(seconds, 1e-9)
        left = round((self._all - self._done) / rate) if rate else 0
        hours, minutes = divmod(left // 60, 60)
        when = f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{left} s"
        return f"{self._done:,} of {self._all:,} {self._noun}, {rate:,.0f} a second, {when} left"
