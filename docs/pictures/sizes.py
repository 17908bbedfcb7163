"""For which sizes networks lose nothing: a cell for each size of the height and width."""

from __future__ import annotations

from planner.analyses.sizes import AxisSizes, sizes
from planner.workbench import checked

from ._nets import MODELS
from ._svg import FAINT, MARGIN, TEXT, box, svg, text

NETWORKS = {
    "unet": "U-Net",
    "unet_same": "U-Net, padded",
    "vgg16": "VGG-16",
    "squeezenet1_1": "SqueezeNet 1.1",
    "resnet50": "ResNet-50",
    "inception_v3": "Inception v3",
}
LOW, HIGH = 192, 256
SIDE, DROP, LEFT = 10, 34, 150
GOOD, FAIR, FAILS = "#3f8f5f", "#9fd0b0", "#ffffff"
BAD = ["#fbe3df", "#f5c1ba", "#e8958b", "#d9695c", "#c0392b"]
"""By how many layers lose cells; the last stands for all beyond."""


def draw() -> str:
    parts = [text("Which heights and widths lose nothing?", MARGIN, 34, 15)]
    marks = range(LOW, HIGH + 1, 16)
    parts += (text(str(size), LEFT + (size - LOW + 0.5) * SIDE, 60, 11, FAINT, "middle") for size in marks)
    y = 70
    for file, name in NETWORKS.items():
        found = sizes(checked(MODELS.parents[1] / "configs" / f"{file}.yaml").plan.model, "input", 0)
        parts.append(text(name, MARGIN, y + 13, 13))
        for size in range(LOW, HIGH + 1):
            x, fill = LEFT + (size - LOW) * SIDE, _fill(found, size)
            edge = "#c4ccd4" if fill == FAILS else fill
            parts.append(box(x, y, SIDE - 1.5, 18, fill, edge, 1.5))
        y += DROP
    x = LEFT
    for colours, meaning in (
        ([GOOD], "exact"),
        ([FAIR], "lossless"),
        (BAD, "1, 2, … layers lose cells"),
        ([FAILS], "does not work"),
    ):
        for fill in colours:
            parts.append(box(x, y + 4, 12, 12, fill, "#c4ccd4", 2))
            x += 14
        parts.append(text(meaning, x + 5, y + 14, 12, TEXT))
        x += 22 + round(6.2 * len(meaning))
    return svg("For which sizes networks lose nothing", LEFT + (HIGH - LOW + 1) * SIDE + MARGIN, y + 34, parts)


def _fill(found: AxisSizes, size: int) -> str:
    if size not in found.works:
        return FAILS
    if size in found.lossless:
        return GOOD if size in found.exact else FAIR
    lossy = sum(size not in condition.lossless for condition in found.conditions)
    return BAD[min(lossy, len(BAD)) - 1]
