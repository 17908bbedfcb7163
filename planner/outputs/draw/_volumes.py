"""Tensors as boxes to scale, as papers print networks: height and width from the sizes, thickness from the channels.

Only tensors that change the shape are drawn, one behind the other along the way through the network. What shrinks goes
down and what grows comes up again, so that an encoder with a decoder stands as a U with its skips across. Lengths are
on a root scale: a side of four times the cells is twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import prod, sqrt

from planner.diagnostics import Severity
from planner.geometry import Shape
from planner.outputs._screen import columns, cut, printable
from planner.outputs.draw._drawing import draw
from planner.outputs.draw._look import PLAIN, Look
from planner.outputs.draw._marks import worst
from planner.outputs.draw._picture import Box, Picture, family
from planner.outputs.draw._themes import Theme
from planner.report import Report

SIDE = 150.0
"""The height of the largest tensor."""
THICK = 70.0
"""The thickness of the tensor with the most channels."""
LEAST_SIDE, LEAST_THICK = 7.0, 4.0
SLANT = (0.42, 0.34)
"""How far the depth of a box (its width in cells) goes to the right and up."""
GAP = 40.0
DROP = 0.55
"""How far down the next level of a U is, of the height of its boxes."""
MARGIN = 40.0
MOST_VOLUMES = 60


@dataclass(frozen=True, slots=True)
class Volume:
    """A tensor that is drawn: the box of the picture that makes it, and its shape. `group` is what it is made by."""

    box: Box
    shape: Shape
    label: str
    family: str
    severity: Severity | None

    @property
    def size(self) -> int:
        """Positions in all: 1 for a vector."""
        return prod(self.shape.spatial)


@dataclass(frozen=True, slots=True)
class PlacedVolume:
    """A volume on the page: the left upper corner of its front, and its three lengths."""

    volume: Volume
    x: float
    y: float
    thick: float
    tall: float
    deep: float

    @property
    def right(self) -> float:
        return self.x + self.thick + self.deep * SLANT[0]

    @property
    def top(self) -> float:
        return self.y - self.deep * SLANT[1]

    @property
    def bottom(self) -> float:
        return self.y + self.tall


def render(report: Report, look: Look = PLAIN) -> str:
    """The SVG of a chain, or of a network folded until it is a chain apart from its skips."""
    picture = draw(report, look.depth or 1)
    if look.depth is None and len(picture.plan.model.groups) and len(picture.boxes) < 14:
        deeper = draw(report, 2)
        if len(deeper.boxes) <= MOST_VOLUMES and _is_chain(deeper):
            picture = deeper
    volumes = list(_volumes(picture))
    if len(volumes) > MOST_VOLUMES:
        picture = draw(report, 1)
        volumes = list(_volumes(picture))[:MOST_VOLUMES]
    placed = _placed(volumes)
    if placed:
        placed = _moved(placed)
    theme = look.theme
    skips = list(_skips(picture, placed))
    width = max((each.right for each in placed), default=200) + MARGIN
    labels = max((each.bottom for each in placed), default=100) + 58
    tall = labels + MARGIN / 2
    parts = [
        *(_skip(source, target, theme) for source, target in skips),
        *(_arrow(source, target, theme) for source, target in pairwise(placed)),
        *(part for each in placed for part in _volume(each, theme)),
    ]
    size = f'viewBox="0 0 {width:.0f} {tall:.0f}" width="{width:.0f}" height="{tall:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Helvetica, Arial, sans-serif" role="img">',
        f"<title>{escape(printable(report.plan.model.name))}</title>",
        f'<rect width="{width:.0f}" height="{tall:.0f}" fill="{theme.page}"/>',
        _text(printable(report.plan.model.name), MARGIN, 30, 16, theme.text, "start", bold=True),
        *parts,
        "</svg>",
    ]
    return "".join(f"{line}\n" for line in lines)


def _is_chain(picture: Picture) -> bool:
    """Whether every box has at most one reader, skips and what only lends its size aside."""
    readers: dict[int, int] = {}
    for arrow in picture.arrows:
        if not arrow.skip and not arrow.lent:
            readers[arrow.source.number] = readers.get(arrow.source.number, 0) + 1
    return all(count == 1 for count in readers.values())


def _volumes(picture: Picture) -> Iterator[Volume]:
    """The inputs, and every box that makes a tensor of another shape than the one before."""
    plan = picture.plan
    before: Shape | None = None
    for box in picture.boxes:
        if box.is_output:
            continue
        last = box.steps[-1][-1]
        outputs = plan.steps[last].outputs
        if not outputs:
            continue
        shape = outputs[0]
        found = worst(picture.marks_of(box))
        strong = found in (Severity.ERROR, Severity.WARNING)
        if shape == before and not strong and box.shape is None:
            continue
        before = shape
        kind = "" if box.head is None else "block" if box.is_block else family(plan.steps[box.head.steps.start])
        yield Volume(box, shape, _label(box), kind, found if strong else None)


def _label(box: Box) -> str:
    name = printable(box.title)
    if box.head is not None and name[:1].isdigit():
        block = box.captions[-1] if box.captions else box.frame.row if box.frame else None
        name = f"{printable(block.name)}.{name}" if block else f"{name} {printable(box.head.type)}"
    copies = box.head.times if box.head is not None else ""
    return cut(name, 16) + copies


# Where they stand


def _placed(volumes: Sequence[Volume]) -> list[PlacedVolume]:
    """The volumes placed from left to right; in a network that shrinks and grows again, smaller ones stand lower."""
    if not volumes:
        return []
    rows = max(max(each.shape.spatial[-2:], default=1) for each in volumes)
    channels = max(each.shape.channels for each in volumes)
    turns = _turns(volumes)
    placed: list[PlacedVolume] = []
    x = 0.0
    for each in volumes:
        thick, tall, deep = _lengths(each.shape, rows, channels)
        wide = thick + deep * SLANT[0]
        if placed:
            before = placed[-1]
            middle = (before.x + before.right) / 2 + (_words(before.volume) + _words(each)) / 2 + 10
            x = max(before.right + GAP, middle - wide / 2)
        placed.append(PlacedVolume(each, x, _depth(each, volumes) if turns else -tall / 2, thick, tall, deep))
    return placed


def _words(volume: Volume) -> float:
    """The estimated width of the words below a volume."""
    return max(6.6 * columns(volume.label), 5.8 * columns(str(volume.shape)))


def _turns(volumes: Sequence[Volume]) -> bool:
    """Whether the network grows again after it shrank, as an encoder with a decoder does."""
    sizes = [each.size for each in volumes]
    least = sizes.index(min(sizes))
    return 0 < least < len(sizes) - 1 and max(sizes[least:]) >= 16 * sizes[least]


def _depth(volume: Volume, volumes: Sequence[Volume]) -> float:
    """The distance of a volume from the top of a U: the sum of the drops of all larger levels."""
    most = max(each.size for each in volumes)
    levels = 0.0
    size = float(most)
    while size >= 2.5 * volume.size and size > 1:
        levels += 1
        size /= 4
    return levels * SIDE * DROP


def _lengths(shape: Shape, rows: int, channels: int) -> tuple[float, float, float]:
    """Thickness, height and depth of a tensor on the page, on root scales."""
    thick = max(THICK * sqrt(shape.channels / channels), LEAST_THICK)
    spatial = shape.spatial
    if not spatial:
        long = min(max(SIDE * 0.8 * sqrt(shape.channels / channels), 24), SIDE)
        return LEAST_THICK * 2, long, LEAST_SIDE
    tall = max(SIDE * sqrt(spatial[-2:][0] / rows), LEAST_SIDE)
    deep = max(SIDE * sqrt(spatial[-1] / rows), LEAST_SIDE) if len(spatial) > 1 else LEAST_SIDE
    return thick, tall, deep


def _moved(placed: Sequence[PlacedVolume]) -> list[PlacedVolume]:
    """The drawing with its left upper corner at that of the page."""
    left = MARGIN - min(each.x for each in placed)
    top = MARGIN + 40 - min(each.top for each in placed)
    return [PlacedVolume(each.volume, each.x + left, each.y + top, each.thick, each.tall, each.deep) for each in placed]


def _skips(picture: Picture, placed: Sequence[PlacedVolume]) -> Iterator[tuple[PlacedVolume, PlacedVolume]]:
    """The skips between volumes. A box that is not drawn hands its volume on as that of the box before."""
    by_box: dict[int, PlacedVolume] = {}
    shown = {each.volume.box.number: each for each in placed}
    last: PlacedVolume | None = None
    for box in picture.boxes:
        last = shown.get(box.number, last)
        if last is not None:
            by_box[box.number] = last
    for arrow in picture.arrows:
        if arrow.skip and not arrow.target.is_output:
            source, target = by_box.get(arrow.source.number), shown.get(arrow.target.number)
            if source is not None and target is not None and source is not target:
                yield source, target


# How they look


def _volume(each: PlacedVolume, theme: Theme) -> Iterator[str]:
    """The three visible faces of a tensor's box, and the words below."""
    severity = each.volume.severity
    fill = theme.block if each.volume.family == "block" else theme.fill(each.volume.family)
    line, thick = theme.faint, 1.0
    if severity is not None:
        line, thick = theme.marks[severity][0], 2.2
        fill = theme.marks[severity][2] or fill
    dx, dy = each.deep * SLANT[0], each.deep * SLANT[1]
    x, y, w, h = each.x, each.y, each.thick, each.tall
    faces = (
        (fill, ((x, y), (x + w, y), (x + w, y + h), (x, y + h))),
        (_shaded(fill, 0.06), ((x, y), (x + dx, y - dy), (x + w + dx, y - dy), (x + w, y))),
        (_shaded(fill, 0.14), ((x + w, y), (x + w + dx, y - dy), (x + w + dx, y + h - dy), (x + w, y + h))),
    )
    for colour, corners in faces:
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
        ink = f'fill="{colour}" stroke="{line}" stroke-width="{thick}"'
        yield f'<polygon points="{points}" {ink} stroke-linejoin="round"/>'
    middle = x + (w + dx) / 2
    ink = theme.marks[severity][0] if severity else theme.text
    yield _text(each.volume.label, middle, each.bottom + 18, 11, ink, "middle", bold=True)
    yield _text(str(each.volume.shape), middle, each.bottom + 32, 10, theme.faint, "middle")


def _arrow(source: PlacedVolume, target: PlacedVolume, theme: Theme) -> str:
    x = source.x + source.thick + source.deep * SLANT[0] / 2 + 3
    y = source.y + source.tall / 2 - source.deep * SLANT[1] / 2
    return _pointed(x, y, target.x - 4, target.y + target.tall / 2, theme.line)


def _skip(source: PlacedVolume, target: PlacedVolume, theme: Theme) -> str:
    """A line over the tops of the two volumes."""
    x1, x2 = source.right - source.deep * SLANT[0] / 2, target.x + target.thick / 2
    y = min(source.top, target.top) + (6 if abs(source.top - target.top) < 60 else 0)
    if abs(source.y - target.y) < 1:
        y1 = source.y + source.tall * 0.25
        return _pointed(source.right - source.deep * SLANT[0] * 0.5, y1, target.x - 4, y1, theme.skip)
    path = f"M{x1:.1f},{source.top:.1f} V{y - 18:.1f} H{x2:.1f} V{target.y - 4:.1f}"
    return f'<path d="{path}" fill="none" stroke="{theme.skip}" stroke-width="1.6"/>'


def _pointed(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    """A straight arrow."""
    long = max(sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2), 0.01)
    ux, uy = (x2 - x1) / long, (y2 - y1) / long
    a, b = x2 - 6 * ux, y2 - 6 * uy
    head = f"{x2:.1f},{y2:.1f} {a - 3 * uy:.1f},{b + 3 * ux:.1f} {a + 3 * uy:.1f},{b - 3 * ux:.1f}"
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{a:.1f}" y2="{b:.1f}" stroke="{colour}" stroke-width="1.4"/>'
        f'<polygon points="{head}" fill="{colour}"/>'
    )


def _shaded(colour: str, part: float) -> str:
    """A colour with a part of black in it."""
    return "#" + "".join(f"{round(each * (1 - part)):02x}" for each in bytes.fromhex(colour.removeprefix("#")))


def _text(text: str, x: float, y: float, size: int, colour: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )
