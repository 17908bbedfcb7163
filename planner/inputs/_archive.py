"""Files from anywhere that are to be read."""

from __future__ import annotations

from pathlib import Path

from planner.faults._in_text import LONGEST_PATH, shown
from planner.faults.not_imported import NotImported


def refused(name: str, what: str, help: str) -> NotImported:
    """The fault of a file that cannot be brought in; `what` is said of it."""
    return NotImported(f"`{shown(name, 200)}` {what}", help=help)


def must_be_file(path: Path, help: str) -> None:
    """Refuse a path at which no ordinary file is."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no ordinary file" if path.exists() else "is not there"
        raise NotImported(f"`{shown(str(path), LONGEST_PATH)}` {what}", help=help)
