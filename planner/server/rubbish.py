"""Rubbish collected while nobody types: to look for cycles takes longer than to plan, and a plan has many."""

from __future__ import annotations

import asyncio
import gc

PAUSE = 0.3
"""Seconds without a new plan after which there is a pause."""
MOST = 100
"""Plans after which it is collected without a pause."""


class Rubbish:
    """Collects in pauses in place of Python's own moments, from the first plan on. For a process that only serves."""

    def __init__(self) -> None:
        self.plans = 0
        self._pause: asyncio.TimerHandle | None = None

    def planned(self) -> None:
        """A plan has been made, and told."""
        if gc.isenabled():
            gc.disable()
            gc.collect()
            gc.freeze()  # what is there now stays: it need not be looked through again
        self.plans += 1
        if self._pause is not None:
            self._pause.cancel()
        if self.plans >= MOST:
            self.collect()
        else:
            self._pause = asyncio.get_running_loop().call_later(PAUSE, self.collect)

    def collect(self) -> None:
        self.plans, self._pause = 0, None
        gc.collect()
