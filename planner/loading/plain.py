"""A match in plain values, as JSON and Python have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from planner.checkpoints import SavedTensor
from planner.comparison.state import StateEntry
from planner.diagnostics import Place
from planner.loading.entries import StateMatch
from planner.loading.sentences import Difference

if TYPE_CHECKING:
    from planner.loading import WeightsMatch


def plain(match: WeightsMatch) -> dict[str, Any]:
    """The match of a checkpoint in plain values, with every entry."""
    found, advice, source = match.entries, match.advice, match.report.source
    return {
        "agrees": match.agrees,
        "model": {"name": match.report.plan.model.name, "file": source.file, "complete": match.report.plan.complete},
        "checkpoint": {
            "file": match.checkpoint.file,
            "format": match.checkpoint.format,
            "key": match.chosen.section.title,
            "keys": [each.title for each in match.checkpoint.sections],
        },
        "entries": {
            "file": len(found.expected),
            "checkpoint": len(found.saved),
            "agreeing": len(found.agreeing),
            "resized": len(found.resized),
            "renamed": len(found.renamed),
            "joined": sum(len(each.file) for each in found.joints),
            "missing": len(found.missing),
            "unexpected": len(found.unexpected) + len(found.outside),
        },
        "differences": [_difference(each, source.file) for each in match.differences],
        "advice": advice
        and {
            "options": list(advice.options),
            "agreeing": {"before": advice.before, "after": advice.after, "of": advice.of},
            "fits": advice.fits,
        },
        "notes": match.notes,
        **_entries(found),
    }


def _difference(each: Difference, file: str | None) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "text": each.text,
        "place": _place(each.place, file),
        "module": each.at.module if each.at is not None else None,
        "file": list(each.file),
        "checkpoint": list(each.checkpoint),
    }


def _place(place: Place | None, file: str | None) -> dict[str, Any] | None:
    return None if place is None else {"file": place.file or file, "line": place.line, "column": place.column}


def _entries(found: StateMatch) -> dict[str, Any]:
    return {
        "resized": [_pair(*each) for each in found.resized],
        "renamed": [_pair(*each) for each in found.renamed],
        "joined": [
            {
                "file": [_entry(entry) for entry in each.file],
                "checkpoint": [_saved(tensor) for tensor in each.checkpoint],
                "fits": each.fits,
                "torch": each.torch,
            }
            for each in found.joints
        ],
        "missing": [_entry(each) for each in found.missing],
        "unexpected": [_saved(each) for each in (*found.unexpected.values(), *found.outside)],
        "ambiguous": [{"file": ours, "checkpoint": theirs} for ours, theirs in found.ambiguous],
        "renaming": {was: now for was, now in found.renaming.items() if was != now},
    }


def _pair(entry: StateEntry, tensor: SavedTensor) -> dict[str, Any]:
    return {"file": _entry(entry), "checkpoint": _saved(tensor)}


def _entry(entry: StateEntry) -> dict[str, Any]:
    return {"name": entry.name, "sizes": list(entry.sizes)}


def _saved(tensor: SavedTensor) -> dict[str, Any]:
    return {"name": tensor.name, "sizes": list(tensor.sizes), **({"dtype": tensor.dtype} if tensor.dtype else {})}
