"""A plan as Graphviz DOT: boxes as HTML-like tables, blocks as nested clusters, a legend."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from planner.diagnostics import Severity
from planner.outputs._fold import Row
from planner.outputs._screen import columns, cut, printable, wrapped
from planner.outputs.draw._drawing import draw
from planner.outputs.draw._engine import DrawDot
from planner.outputs.draw._html import SIZE, SMALL, WIDEST, escaped, html, quoted, room_for
from planner.outputs.draw._legend import heading
from planner.outputs.draw._look import DIRECTIONS, PLAIN, Look
from planner.outputs.draw._marks import Mark, worst
from planner.outputs.draw._metrics import METRICS, most
from planner.outputs.draw._picture import Arrow, Box, Frame, Picture, arguments, family, is_named, reads_too
from planner.outputs.draw._themes import Theme
from planner.outputs.plan.table import line_text
from planner.report import Report

if TYPE_CHECKING:
    import graphviz

FONT = "Helvetica"
"""One family that every engine has the metrics of; with a list of families text overruns its box."""
MOST_LINES = 4
"""Lines that the numbers of one mark take."""
MOST_MARKS = 3
FAN = 3
"""From this many arrows on, from one box or to one box, their common shape is written once."""
SPINE = 100
"""How much straighter the main path is kept than the arrows that skip boxes."""


def render(report: Report, look: Look = PLAIN, engine: DrawDot | None = None) -> str:
    """The DOT source."""
    return source(draw(report, look.depth, look.every, look.plain), look)


def source(picture: Picture, look: Look) -> str:
    """The DOT source of a picture that is already drawn."""
    import graphviz

    if DIRECTIONS[look.direction] in ("LR", "RL"):
        picture = replace(picture, terse=False)  # boxes of one line make it longer
    theme = look.theme
    told = set(_labelled(picture))
    graph = graphviz.Digraph(
        graph_attr={
            "rankdir": DIRECTIONS[look.direction],
            "bgcolor": theme.page,
            "fontname": FONT,
            "fontsize": str(SIZE),
            "fontcolor": theme.text,
            "nodesep": "0.25",
            "ranksep": ("0.03" if told else "0.1") if picture.terse else "0.07",  # twice where arrows have a label
            "pad": "0.2",
            "labelloc": "t",
            "label": html(heading(picture, look)),
        },
        node_attr={"shape": "plain", "fontname": FONT, "fontsize": str(SIZE), "fontcolor": theme.text},
        edge_attr={
            "fontname": FONT,
            "fontsize": str(SMALL),
            "fontcolor": theme.faint,
            "color": theme.line,
            "arrowsize": "0.6",
        },
    )
    if picture.fans:
        graph.attr(remincross="false")  # the last pass of Graphviz forgets the order within frames
    _fill(graph, picture, look, None)
    for number, line in _straight(picture.arrows).items():
        graph.node(f"b{number}", group=f"g{line}")
    for arrow in picture.arrows:
        attributes = {"label": f" {quoted(arrow.text)} " if arrow in told else ""}
        if arrow.skip:
            attributes |= {"color": theme.skip, "fontcolor": theme.skip, "penwidth": "1.8", "class": "skip"}
            if theme.skip == theme.text:
                attributes["style"] = "dashed"
        elif arrow.lent:
            attributes |= {"style": "dotted", "arrowhead": "open"}
        else:
            attributes["weight"] = str(SPINE)
        graph.edge(f"b{arrow.source.number}", f"b{arrow.target.number}", **attributes)
    return str(graph.source)


def _straight(arrows: Iterable[Arrow]) -> dict[int, int]:
    """For boxes of a chain, skips aside, the number of its first box: they stand on a straight line."""
    plain = [arrow for arrow in arrows if not arrow.skip and not arrow.lent]
    readers = Counter(arrow.source.number for arrow in plain)
    sources = Counter(arrow.target.number for arrow in plain)
    lines: dict[int, int] = {}
    for arrow in sorted(plain, key=lambda each: each.target.number):
        source, target = arrow.source.number, arrow.target.number
        if sources[target] == readers[source] == 1:
            lines[target] = lines.setdefault(source, source)
    return lines


def _labelled(picture: Picture) -> Iterator[Arrow]:
    """The arrows whose shapes are written; of a fan of arrows with the same shapes, the first."""
    fans: defaultdict[tuple[str, int, str], list[Arrow]] = defaultdict(list)
    arrows = [arrow for arrow in picture.arrows if arrow.text and not arrow.lent]
    if picture.terse:
        arrows = [arrow for arrow in arrows if not arrow.target.is_output and arrow.source not in picture.told]
    for arrow in arrows:
        fans["from", arrow.source.number, arrow.text].append(arrow)
        fans["to", arrow.target.number, arrow.text].append(arrow)
    left_out = {arrow for fan in fans.values() if len(fan) >= FAN for arrow in fan[1:]}
    return (arrow for arrow in arrows if arrow not in left_out)


def _fill(graph: graphviz.Digraph, picture: Picture, look: Look, frame: Frame | None) -> None:
    """Put the boxes and frames of one frame, or of the whole picture, into a graph or a cluster."""
    theme = look.theme
    for box in picture.boxes:
        if box.frame is frame:
            graph.node(f"b{box.number}", label=html(_box(picture, box, look)), **_attributes(picture, box))
    for fan in picture.fans:
        if fan[0].frame is frame:
            _in_order(graph, fan)
    for each in picture.frames:
        if each.parent is frame:
            with graph.subgraph(name=f"cluster_{each.number}") as inner:
                inner.attr(
                    label="",
                    style="rounded,filled",
                    fillcolor=theme.frame,
                    color=theme.frame_line,
                    margin="10",
                    **{"class": "frame"},
                )
                _title(inner, picture, look, each)
                _fill(inner, picture, look, each)


def _in_order(graph: graphviz.Digraph, fan: list[Box]) -> None:
    """Put boxes side by side in their order."""
    with graph.subgraph() as rank:
        rank.attr(rank="same")
        for one, other in pairwise(fan):
            rank.edge(f"b{one.number}", f"b{other.number}", style="invis")


def _title(graph: graphviz.Digraph, picture: Picture, look: Look, frame: Frame) -> None:
    """A frame's title, beside the box that is entered first: as a label of the frame, arrows would cross it.

    Where that box stands in a frame of its own, it has that frame's title beside it, and this one stands above.
    """
    first = picture.first_in(frame)
    name, entered = f"t{frame.number}", f"b{first.number}"
    rows = (*frame.captions, frame.row)
    label = html(part for row in rows for part in _caption(row, look.theme, '<BR ALIGN="LEFT"/>'))
    if first.frame is frame:
        with graph.subgraph() as rank:
            rank.attr(rank="same")
            rank.node(name, label=label)
            rank.node(entered)
    else:
        graph.node(name, label=label)
    graph.edge(name, entered, style="invis")


def _attributes(picture: Picture, box: Box) -> dict[str, str]:
    """What a page of the picture needs to find a box."""
    head = box.head
    kind = "end" if head is None else "block" if head.is_block else family(picture.plan.steps[head.steps.start])
    return {"id": f"box{box.number}"} | ({"class": kind} if kind else {})


# What stands in a box


def _box(picture: Picture, box: Box, look: Look) -> Iterator[str]:
    theme = look.theme
    found = picture.marks_of(box)
    severity = worst(found)
    strong = severity in (Severity.ERROR, Severity.WARNING)
    colour = theme.marks[severity][0] if severity and strong else theme.line
    planned = all(row.planned for row in box.rows)
    style = ' STYLE="DASHED"' if not planned and severity is not Severity.ERROR else ""
    yield (
        f'<TABLE BORDER="{2 if strong else 1}" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="{colour}"{style}>'
    )
    if not box.rows:
        yield from _end(picture, box, theme)
    for caption in box.captions:
        yield f'<TR><TD BGCOLOR="{theme.block}">{"".join(_caption(caption, theme, "  "))}</TD></TR>'
    yield from _rows(picture, box, look)
    if box.also:
        said = escaped(cut(reads_too(box), WIDEST))
        yield f'<TR><TD><FONT POINT-SIZE="{SMALL}" COLOR="{theme.skip}">{said}</FONT></TD></TR>'
    if not box.rows and found:
        yield from _badges(found, theme, False)
    yield "</TABLE>"


def _rows(picture: Picture, box: Box, look: Look) -> Iterator[str]:
    """The layers of a box with what is marked in them, and the shape that it says."""
    faint = f'<FONT POINT-SIZE="{SMALL}" COLOR="{look.theme.faint}">'
    shape = f"<TD>{faint}→ {escaped(picture.told[box])} </FONT></TD>" if box.rows and box in picture.told else ""
    one_line = box in picture.one_line
    for together in [box.rows] if one_line else _lines(picture, box, look):
        cells = [_layer(picture, box, row, look) for row in together] + ([shape] if one_line and shape else [])
        if len(cells) > 1:
            line = f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"><TR>{"".join(cells)}</TR></TABLE>'
            cells = [f'<TD CELLPADDING="0">{line}</TD>']
        yield f"<TR>{cells[0]}</TR>"
        for row in together:
            yield from _badges(picture.marks_of(box, row.steps), look.theme, row.is_block)
    if shape and not one_line:
        yield f"<TR>{shape}</TR>"


def _end(picture: Picture, box: Box, theme: Theme) -> Iterator[str]:
    shape = f"  {box.shape}" if box.shape is not None else f"  {picture.told[box]}" if box in picture.told else ""
    name = cut(printable(box.title), WIDEST)
    yield f'<TR><TD BGCOLOR="{theme.page}"{room_for(name)}><I>{escaped(name)}{escaped(shape)}</I></TD></TR>'


def _lines(picture: Picture, box: Box, look: Look) -> Iterator[list[Row]]:
    """The rows of a box; below the first, those of which there is little to say stand side by side."""
    line: list[Row] = []
    room = 0
    for row in box.rows:
        short = row is not box.head and not list(_details(picture, row, look)) and not picture.marks_of(box, row.steps)
        wide = columns(_shown(row)) + 2 if short else WIDEST
        if line and (not short or wide > room):
            yield line
            line = []
        room = (room if line else WIDEST) - wide
        line.append(row)
    if line:
        yield line


def _shown(row: Row) -> str:
    """A layer's name and type; the type alone where the name says no more."""
    name, kind = cut(printable(row.name), WIDEST), cut(printable(row.type), WIDEST)
    return f"{name}  {kind}" if is_named(row) else kind


def _layer(picture: Picture, box: Box, row: Row, look: Look) -> str:
    """A layer's name and type, or a block's with what is in it; below, what the labels ask for."""
    theme = look.theme
    found = worst(picture.marks_of(box, row.steps))
    tint = theme.marks[found][2] if found else ""
    fill = tint or _fill_of(picture, row, look)
    if not row.planned and not tint:
        fill = theme.page
    name, kind = cut(printable(row.name), WIDEST), cut(printable(row.type), WIDEST)
    ink = theme.text if row.planned or found is Severity.ERROR else theme.faint
    faint = theme.text if look.shade else theme.faint  # what is faint does not show on a strong colour
    if row is box.head and is_named(row):
        # An engine that cannot measure the name would print the type over it, so the type goes below.
        between = "<BR/>" if room_for(name) else "  "
        text = f'<B>{escaped(name)}</B>{between}<FONT COLOR="{faint}">{escaped(kind)}</FONT>'
    else:
        text = f'<FONT COLOR="{ink}">{escaped(_shown(row))}</FONT>'
    if row.times:
        text += f"<B>{escaped(row.times)}</B>"
    small = row is not box.head
    if small:
        text = f'<FONT POINT-SIZE="{SMALL}">{text}</FONT>'
    room = room_for(f"{name}  {kind}{row.times}", SMALL if small else SIZE)
    between = "  " if box in picture.one_line else "<BR/>"
    details = (
        f'{between}<FONT POINT-SIZE="{SMALL}" COLOR="{faint}">{escaped(line)}</FONT>'
        for line in _details(picture, row, look)
    )
    return f'<TD BGCOLOR="{fill}"{room}>{text}{"".join(details)}</TD>'


def _fill_of(picture: Picture, row: Row, look: Look) -> str:
    if look.shade is not None:
        of = METRICS[look.shade].of
        return look.theme.warmth(of(picture.report, row) or 0, most(picture, look.shade))
    return look.theme.block if row.is_block else look.theme.fill(family(picture.plan.steps[row.steps.start]))


def _details(picture: Picture, row: Row, look: Look) -> Iterator[str]:
    if row.is_block:
        yield cut(picture.contents(row), WIDEST + 8)
        if row.differ:
            yield cut(row.differ, WIDEST + 8)
    if row.weights:
        yield cut(row.weights, WIDEST + 8)
    step = picture.plan.steps[row.steps.start]
    if not row.is_block and "args" in look.labels and (said := arguments(step)):
        yield from wrapped(said, WIDEST)[:3]
    counts = [each.text(picture.report, row) for name, each in METRICS.items() if name in look.labels]
    counts = [each for each in counts if each]
    if counts:
        yield from wrapped(", ".join(counts), WIDEST)
    if "field" in look.labels and (said := sees(picture.report, row.steps[-1])):
        yield from wrapped(said, WIDEST)
    if "line" in look.labels and (place := picture.report.source.place(row.path)):
        yield f"line {line_text(place)}"


def sees(report: Report, i: int) -> str:
    """The stretch of the input that one cell of a step's first output sees, along each axis."""
    fields = report.fields[i]
    if not fields or not fields[0]:
        return ""
    axes = next(iter(fields[0].values()))
    sizes = ["?" if each.size is None else "all" if each.outgrows else str(each.size) for each in axes]
    return f"sees {'×'.join(sizes)}" if sizes else ""


def _badges(found: Sequence[Mark], theme: Theme, brief: bool) -> Iterator[str]:
    """The marks below a layer; of a folded block the names and numbers of its marks."""
    shown = list(_summed_up(found)) if brief else [(mark.severity, _said(mark)) for mark in found]
    for severity, said in shown[:MOST_MARKS]:
        colour, ink, _ = theme.marks[severity]
        lines = [cut(line, WIDEST + 6) for line in wrapped(said, WIDEST)]
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 1], cut(f"{lines[MOST_LINES - 1]} …", WIDEST)]
        text = "<BR/>".join(map(escaped, lines))
        bold = ("<B>", "</B>") if severity is not Severity.INFO else ("", "")
        size = SMALL if severity is Severity.INFO else SMALL + 1
        yield (
            f'<TR><TD BGCOLOR="{colour}"{room_for(max(lines, key=columns), size)}>'
            f'<FONT COLOR="{ink}" POINT-SIZE="{size}">{bold[0]}{text}{bold[1]}</FONT></TD></TR>'
        )
    if len(shown) > MOST_MARKS:
        more = f"{len(shown) - MOST_MARKS} more"
        yield f'<TR><TD><FONT POINT-SIZE="{SMALL}">{more}</FONT></TD></TR>'


def _summed_up(found: Sequence[Mark]) -> Iterator[tuple[Severity, str]]:
    """The marks of many steps, one line for each severity; what is only worth knowing is told where they are opened."""
    for severity in (Severity.ERROR, Severity.WARNING):
        counts = Counter(mark.name for mark in found if mark.severity is severity)
        if counts:
            yield severity, ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts.items())


def _said(mark: Mark) -> str:
    if mark.severity is Severity.INFO:
        return mark.text if columns(mark.text) <= WIDEST else mark.name
    return mark.text if mark.text.startswith(("loses", "skips")) else f"{mark.name}: {mark.text}"


# Frames


def _caption(row: Row, theme: Theme, between: str) -> Iterator[str]:
    """A block's name and type. Of a frame they stand one below the other, beside the arrow that comes in."""
    name, kind = cut(printable(row.name), WIDEST), cut(printable(row.type), WIDEST)
    if room_for(name):
        between = "<BR/>"
    yield f"<B>{escaped(name)}</B>"
    for line in (kind + row.times, *(cut(each, WIDEST) for each in (row.differ, row.weights) if each)):
        yield f'{between}<FONT POINT-SIZE="{SMALL}" COLOR="{theme.faint}">{escaped(line)}</FONT>'
    yield between if between.startswith("<BR A") else ""
