"""What is said about the thing under the cursor."""

from __future__ import annotations

from planner.outputs.plan.table import shapes_text
from planner.server.document import Document


def hover(document: Document, offset: int) -> str | None:
    """The text, in Markdown, on what stands at an offset; None where there is nothing to say."""
    path = document.path_at(offset)
    for step in document.report.plan.steps:
        if path[: len(step.path)] == step.path and step.outputs:
            return f"**{step.name}** `{step.type}` → {shapes_text(step.outputs)}"
    return None
