"""Which tensors are kept while a model runs, step by step, and when they are the most."""

from __future__ import annotations

from planner.analyses.cost import BYTES

from ._nets import planned
from ._svg import FAINT, LOOKS, MARGIN, TEXT, box, svg, text

WIDTH, DROP, LEFT, HIGH = 66, 24, 150, 90


def draw() -> str:
    report = planned("cost")
    steps, cost = report.plan.steps, report.cost
    last = {ref.step: len(steps) - 1 for ref in report.plan.outputs}
    for i, step in enumerate(steps):
        for ref in step.sources:
            last[ref.step] = max(last.get(ref.step, 0), i)
    size = [step.outputs[0].elements * BYTES[cost.dtype] for step in steps]
    alive = [sum(size[j] for j in range(i + 1) if last[j] >= i) for i in range(len(steps))]
    assert max(alive) == cost.peak_bytes
    parts = [text("What is in memory at each step", MARGIN, 34, 15)]
    fill, edge, _ = LOOKS["cell"]
    y = 58
    for i, step in enumerate(steps):
        wide = (last[i] - i + 1) * WIDTH
        parts.append(text(step.name, MARGIN, y + 12, 12))
        parts.append(box(LEFT + i * WIDTH + 1, y, wide - 2, 17, fill, edge))
        parts.append(text(_kib(size[i]), LEFT + i * WIDTH + 6, y + 12, 10, FAINT))
        y += DROP
    y += HIGH + 34
    parts.append(text("in memory", MARGIN, y - HIGH / 2, 12))
    for i, amount in enumerate(alive):
        fill, edge, _ = LOOKS["lost" if amount == cost.peak_bytes else "cell"]
        tall = max(amount * HIGH / cost.peak_bytes, 1)
        x = LEFT + i * WIDTH + 1
        parts.append(box(x, y - tall, WIDTH - 2, tall, fill, edge))
        parts.append(text(_kib(amount), x + WIDTH / 2 - 1, y - tall - 5, 10, TEXT, "middle"))
        parts.append(text(steps[i].name, x + WIDTH / 2 - 1, y + 14, 10, FAINT, "middle"))
    return svg("What is in memory at each step", LEFT + len(steps) * WIDTH + MARGIN, y + 30, parts)


def _kib(amount: int) -> str:
    return f"{amount / 1024:.0f} KiB" if amount >= 1024 else f"{amount} B"
