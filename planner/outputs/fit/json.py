"""The largest batch that fits, and what checkpointing each block would do, as JSON."""

from __future__ import annotations

from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.outputs.train.json import totals
from planner.training.fitting import LARGEST, Saving
from planner.training.memory import Training


def render(training: Training, batch: int, limit: int, savings: list[Saving], screen: Screen) -> str:
    """The batch that fits and what training takes then, in plain values; at batch 1 where none fits."""
    found = {
        "memory_bytes": limit,
        "batch": batch,
        "largest": batch < LARGEST,
        "totals": totals(training),
        "checkpoints": [
            {"block": each.group.name, "type": each.group.type, "saved_bytes": each.saved, "macs": each.macs}
            for each in savings
        ],
    }
    return laid_out(found, 2, ascii=not screen.unicode)
