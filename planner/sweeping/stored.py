"""The rows of a sweep in a file: a line says the question, and each line after it is the row of the next point.

So the number of lines says where a sweep goes on that was stopped, however it was stopped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import planner
from planner.points import Question, SweepRow
from planner.sweeping.rows import SweepStopped
from planner.words import named
from planner.writing import Appended

ASKED = {
    "content": "the model",
    "scale": "`--scale`",
    "set": "`--set`",
    "input": "`--input`",
    "batch": "`--batch`",
    "dtype": "`--dtype`",
    "kept": "`--kept`, which its rows lack",
    "planner": "the planner's version",
}
"""What a question is about, and what it is called."""
NOT_ROWS = "it holds something other than the rows of a sweep"
ANOTHER = "name another file for the rows, or delete this one"


class StoredRows:
    """The rows that a file keeps; without a name, of a file that nobody else sees, and that ends with the sweep.

    question  what they answer: the question asked or, where the file's rows say more, what these were asked
    count    how many rows there are
    lasting  whether the file stays
    """

    def __init__(self, question: Question, path: str | None = None) -> None:
        self.question = question
        self.lasting = path is not None
        if path is None:
            number, path = mkstemp(prefix="planner-sweep-", suffix=".jsonl")
            os.close(number)
        self.path = path
        self._file = Appended(path)
        try:
            self.count = self._there()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> StoredRows:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()
        if not self.lasting:
            Path(self.path).unlink(missing_ok=True)

    def add(self, row: SweepRow) -> None:
        """Keep the row of the next point."""
        if row.point != self.count:
            raise ValueError(f"the row of point {row.point} comes where that of {self.count} is due")
        self._file.add(_line(row.to_dict(self.question.kept)))
        self.count += 1

    def rows(self) -> Iterator[SweepRow]:
        """The rows, read from the file."""
        with Path(self.path).open("rb") as lines:
            next(lines, None)
            for number, line in enumerate(lines):
                if number == self.count:
                    return
                try:
                    row = SweepRow.of_dict(json.loads(line))
                except (ValueError, KeyError, TypeError, AttributeError):
                    row = None
                if row is None or row.point != number:
                    raise self._stopped(f"line {number + 2:,} is not the row of point {number:,}")
                yield row

    def _there(self) -> int:
        """How many rows there are in the file, which gets its first line where it is empty."""
        lines = self._file.lines()
        first, own = next(lines, None), _line({"sweep": self._told()})
        if first is None:
            if not own.startswith(self._file.torn):
                raise self._stopped(NOT_ROWS)
            self._file.add(own)
            return 0
        self._must_be_ours(first)
        last, count = None, 0
        for line in lines:
            last, count = line, count + 1
        if last is not None and _point(last) != count - 1:
            raise self._stopped(f"its last line is not the row of point {count - 1:,}")
        if count > self.question.count:
            raise self._stopped(f"it has {count:,} rows, and there are {self.question.count:,} points")
        return count

    def _told(self) -> dict[str, Any]:
        return {**self.question.told, "planner": planner.__version__}

    def _must_be_ours(self, first: bytes) -> None:
        """Refuse a file that is no results file, or one of another question."""
        try:
            told = json.loads(first)["sweep"]
            known = {key: told.get(key) for key in ASKED}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise self._stopped(NOT_ROWS) from None
        if known["kept"] is True:
            self.question = replace(self.question, kept=True)
        own = json.loads(_line(self._told()))
        others = [name for key, name in ASKED.items() if known[key] != own.get(key)]
        if not others:
            return
        for key in ("set", "input"):
            if known[key] != own[key] and isinstance(known[key], dict):
                asked = [f"{name}={text}" for name, text in known[key].items()]
                others[others.index(ASKED[key])] = f"{ASKED[key]}, which was {named(asked)}" if asked else ASKED[key]
        raise self._stopped(f"it is the sweep of another question, which differs in {' and '.join(others)}")

    def _stopped(self, why: str) -> SweepStopped:
        return SweepStopped(f"the sweep in `{self.path}` cannot be continued: {why}", ANOTHER)


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace") + b"\n"


def _point(line: bytes) -> Any:
    try:
        return json.loads(line)["point"]
    except (ValueError, KeyError, TypeError):
        return None
