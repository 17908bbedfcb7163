"""The manual's pages as files, for the links of findings: where there is no page on the web, an editor opens a file."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from planner.manual import page
from planner.outputs._screen import Screen
from planner.writing import write

SCREEN = Screen(100)


class Pages:
    """Writes a page when its address is first asked for, into a folder that goes when the server ends.

    later  runs something that nobody waits for
    """

    def __init__(self, later: Callable[[Callable[[], object]], None]) -> None:
        self._later = later
        self._known: dict[str, str] = {}
        self._folder: Path | None = None

    def address(self, code: str) -> str:
        """The address of the page on a code, which is there a moment later."""
        if code not in self._known:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="planner-manual-"))
                atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
            file = self._folder / f"{code}.md"
            self._known[code] = file.as_uri()
            self._later(lambda: write(str(file), (page(code, SCREEN) or "").encode()))
        return self._known[code]
