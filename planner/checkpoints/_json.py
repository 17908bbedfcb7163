"""JSON from anywhere: bounded in what it may become, and with every key once."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from planner.checkpoints._checkpoint import Refusing, cut

MOST_VALUES = 4_000_000
"""Values that a text may hold: more would fill the memory."""


def parsed(data: bytes, refusing: Refusing, what: str) -> dict[str, Any]:
    """The mapping that a text holds, `what` it is in a message. Raises UnreadableCheckpoint."""
    if sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise refusing.broken(f"is broken: {what} holds more than {MOST_VALUES:,} values")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            ((twice, _),) = Counter(name for name, _ in pairs).most_common(1)
            raise refusing.broken(f"is broken: {what} has `{cut(twice)}` twice")
        return found

    try:
        found = json.loads(data, object_pairs_hook=once)
    except RecursionError:
        raise refusing.broken(f"is broken: {what} is nested too deep") from None
    except ValueError:
        raise refusing.broken(f"is broken: {what} is not JSON") from None
    if not isinstance(found, dict):
        raise refusing.broken(f"is broken: {what} is no mapping")
    return found
