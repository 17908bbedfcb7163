"""The memory of training as JSON, one step a line."""

from __future__ import annotations

from typing import Any

from planner.outputs._json import laid_out
from planner.outputs._screen import Screen
from planner.report import Report
from planner.training.memory import Training


def render(report: Report, training: Training, screen: Screen, depth: int | None = None) -> str:
    """The memory of training in plain values: bytes, and null for what is not known."""
    return laid_out(values(report, training), 2, ascii=not screen.unicode)


def values(report: Report, training: Training) -> dict[str, Any]:
    """The memory of training in plain values."""
    pairs = zip(report.plan.steps, training.steps, strict=True)
    return {
        "model": report.plan.model.name,
        "steps": [
            {
                "name": step.name,
                "type": step.type,
                "kept_bytes": each.kept,
                "parameter_bytes": each.params,
                "gradient_bytes": each.gradients,
                "optimizer_bytes": each.optimizer,
            }
            for step, each in pairs
            if not step.is_input
        ],
        "totals": totals(training),
    }


def totals(training: Training) -> dict[str, Any]:
    peak = training.peak_bytes
    return {
        "kept_bytes": training.kept_bytes,
        "cast_bytes": training.cast_bytes,
        "input_bytes": training.input_bytes,
        "parameter_bytes": training.parameter_bytes,
        "buffer_bytes": training.buffer_bytes,
        "gradient_bytes": training.gradient_bytes,
        "optimizer_bytes": training.optimizer_bytes,
        "peak_bytes": peak,
        "peak_step": None if peak is None else training.peak_step,
        "peak_in": None if peak is None else "backward" if training.peak.backward else "forward",
        "batch": training.batch,
        "dtype": training.dtype,
        "autocast": training.autocast,
        "optimizer": training.optimizer,
        **({"unknown": list(training.unknown)} if training.unknown else {}),
    }
