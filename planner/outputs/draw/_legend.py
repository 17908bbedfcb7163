"""The head of a picture: the model's name, what it adds up to, and what the colours mean."""

from __future__ import annotations

from collections.abc import Iterator

from planner.diagnostics import Severity
from planner.outputs._screen import cut
from planner.outputs.draw._html import SMALL, escaped
from planner.outputs.draw._look import Look
from planner.outputs.draw._metrics import METRICS, most
from planner.outputs.draw._picture import Picture, family
from planner.outputs.draw._themes import FAMILIES, REST, Theme
from planner.outputs.plan.table import known, title

MOST_IN_LEGEND = 7
"""Entries in a row of the legend."""


def heading(picture: Picture, look: Look) -> Iterator[str]:
    """The model's name, its totals, and the legend of what the picture shows."""
    report, theme = picture.report, look.theme
    name, inputs = title(report)
    cost = report.cost
    said = [f"input {inputs}", f"{known(cost.known_params, cost.unknown_params)} params"]
    said.append(f"{known(cost.known_macs, cost.unknown_macs)} MACs")
    if picture.folded:
        said.append("blocks folded")
    if picture.plain:
        said.append("one arrow to each box, the others named in it")
    yield '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2"><TR><TD>'
    yield f'<FONT POINT-SIZE="16"><B>{escaped(cut(name, 60))}</B></FONT></TD></TR><TR><TD>'
    yield f'<FONT POINT-SIZE="{SMALL}" COLOR="{theme.faint}">{escaped(cut(", ".join(said), 120))}</FONT></TD></TR>'
    for line in _legend(picture, look):
        yield (
            '<TR><TD><TABLE BORDER="0" CELLBORDER="1" CELLSPACING="3" CELLPADDING="1" '
            f'COLOR="{theme.line}"><TR>{line}</TR></TABLE></TD></TR>'
        )
    yield "</TABLE>"


def _legend(picture: Picture, look: Look) -> Iterator[str]:
    theme = look.theme
    shown = list(_scale(picture, look.shade, theme) if look.shade else _families(picture, theme))
    found = {mark.severity for i in range(len(picture.plan.steps)) for mark in picture.marks.get(i, ())}
    names = {Severity.ERROR: "fault", Severity.WARNING: "loses or does not line up", Severity.INFO: "worth knowing"}
    shown += [(theme.marks[each][0], theme.marks[each][1], names[each]) for each in Severity if each in found]
    if any(arrow.skip for arrow in picture.arrows):
        shown.append((theme.page, theme.skip, "skip connection"))
    if any(arrow.lent for arrow in picture.arrows):
        shown.append((theme.page, theme.faint, "dotted: size alone"))
    rows = -(-len(shown) // MOST_IN_LEGEND)
    for row in range(rows):
        yield "".join(
            f'<TD BGCOLOR="{fill}"><FONT POINT-SIZE="{SMALL}" COLOR="{ink}">{escaped(name)}</FONT></TD>'
            for fill, ink, name in shown[row * len(shown) // rows : (row + 1) * len(shown) // rows]
        )


def _families(picture: Picture, theme: Theme) -> Iterator[tuple[str, str, str]]:
    """The families of the layers that are shown: fill, ink and name."""
    families = {
        family(picture.plan.steps[row.steps.start]) or REST
        for box in picture.boxes
        for row in box.rows
        if not row.is_block and row.planned
    }
    yield from ((theme.fill(each), theme.text, name) for each, name in FAMILIES.items() if each in families)
    if families - FAMILIES.keys():
        yield theme.fill(REST), theme.text, REST
    if picture.folded:
        yield theme.block, theme.text, "folded block"


def _scale(picture: Picture, shade: str, theme: Theme) -> Iterator[tuple[str, str, str]]:
    """The colours of a number from none to the most there is."""
    metric, largest = METRICS[shade], most(picture, shade)
    for quarters in range(0, 9, 2):
        number = largest * quarters**2 // 64
        yield theme.warmth(number, largest), theme.text, f"{metric.told(number)} {metric.noun}" if quarters else "none"
