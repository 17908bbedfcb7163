"""`python tests/mutants.py COUNT [FIRST] [SECONDS]` tries every command on many model files in pieces.

It tells each kind of failure once, and writes the smallest file that fails so to `mutants/`. A command that takes more
than SECONDS of computing fails too.
"""

from __future__ import annotations

import copy
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import every_command
from every_command import Failure, failures, run, workshop
from planner.diagnostics import Fault
from planner.source import parse
from random_mutants import dumped, mutant

MEMORY = 3 << 30
"""Bytes that the process may have."""


def shrunken(text: str, failure: Failure, path: Path) -> str:
    """A smaller text of which a command comes to the same failure."""

    def fails(shorter: str) -> bool:
        path.write_text(shorter, encoding="utf-8", newline="")
        found = run(failure.command, path)
        return found is not None and (found.error.split(":")[0], found.where) == (
            failure.error.split(":")[0],
            failure.where,
        )

    try:
        data = parse(text).data
    except Fault:
        data = None
    if data is not None and fails(dumped(data)):
        while smaller := next((each for each in _smaller(data) if fails(dumped(each))), None):
            data = smaller
        return dumped(data)
    lines = text.splitlines(keepends=True)
    size = len(lines)
    while size:
        for i in range(0, len(lines), size):
            while i < len(lines) and fails("".join(lines[:i] + lines[i + size :])):
                del lines[i : i + size]
        size //= 2
    return "".join(lines)


def _smaller(data: Any) -> Iterator[Any]:
    """The values without each of their parts."""
    paths: list[tuple[Any, ...]] = [()]
    for path in paths:
        here = data
        for part in path:
            here = here[part]
        if isinstance(here, dict | list):
            paths += [(*path, key) for key in (here if isinstance(here, dict) else range(len(here)))]
    for path in paths[1:]:
        smaller = copy.deepcopy(data)
        here = smaller
        for part in path[:-1]:
            here = here[part]
        del here[path[-1]]
        yield smaller


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(count: int, first: int = 0, seconds: int = every_command.SECONDS) -> None:
    every_command.SECONDS = seconds
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    folder = Path("mutants")
    folder.mkdir(exist_ok=True)
    seen: dict[tuple[str, str], int] = {}
    with workshop() as path:
        for number in range(first, first + count):
            for found in failures(number, path):
                key = (found.error.split(":")[0], found.where or found.command[0])
                seen[key] = seen.get(key, 0) + 1
                if seen[key] == 1:
                    small = shrunken(mutant(number), found, path) if found.where else mutant(number)
                    (folder / f"{number}-{'-'.join(key).replace(':', '-')}.yaml").write_text(small, encoding="utf-8")
                    _tell(f"{number} {' '.join(found.command)}\n  {found.error}\n  {found.trace}\n{small}")
            if number % 1000 == 999:
                _tell(f"{number + 1 - first} mutants, {sum(seen.values())} failures of {len(seen)} kinds")
    for key, times in sorted(seen.items()):
        _tell(f"{times} {' '.join(key)}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
