"""Recall: what analyses have worked out, to be taken again wherever the same is asked of the same objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Answer = TypeVar("Answer")
AnyDict = TypeVar("AnyDict", bound=dict[Any, Any])


class Recall:
    """The answers of analyses by the objects that they are about: equal copies of a block, and models that differ by an
    edit, have most of these objects in common.
    """

    def __init__(self) -> None:
        self._answers: dict[tuple[object, ...], tuple[object, object]] = {}
        self._alike: dict[object, object] = {}

    def __len__(self) -> int:
        """How many answers it keeps."""
        return len(self._answers)

    def __bool__(self) -> bool:
        """An empty one is one, too."""
        return True

    def answer(self, question: str, about: tuple[object, ...], work: Callable[[], Answer]) -> Answer:
        """What `work` answers, which must follow from the question and the objects alone; asked once of each."""
        key = (question, *map(id, about))
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = about, work()  # which keeps the objects, so that their ids stay theirs
        return found[1]  # type: ignore[return-value]

    def alike(self, each: AnyDict) -> AnyDict:
        """The first of the dictionaries that equal this one, so that equal ones are one object."""
        return self._alike.setdefault((*each.items(),), each)  # type: ignore[return-value]
