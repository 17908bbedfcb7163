"""Detectors of the YOLO family in Ultralytics' format, made of what is published about their parts.

A backbone halves the image five times, and refines what it has after each but the first. A neck leads what is coarse up
to what is fine, and down again, and joins each map with the last one of its size (PANet, arXiv:1803.01534). A head
reads the three maps on the way down.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = list[Any]
"""[from, repeats, module, arguments]."""


@dataclass(frozen=True)
class Family:
    """A network in several sizes.

    scales   depth, width, and most channels by the letter of the size
    stem     the arguments of the first convolution
    stages   what refines the map after each other convolution
    top      what follows the last stage
    neck     what refines a joined map of a width
    lateral  whether a convolution stands before a map is made finer; the way down reads that one
    """

    scales: dict[str, list[float]]
    stem: list[int]
    stages: Sequence[Row]
    top: Sequence[Row]
    neck: Callable[[int], Row]
    lateral: bool = False

    @property
    def text(self) -> str:
        """A model file of Ultralytics."""
        backbone = [behind("Conv", *self.stem)]
        ends = []
        for width, stage in zip(WIDTHS, self.stages, strict=True):
            backbone += [behind("Conv", width, 3, 2), stage]
            ends.append(len(backbone) - 1)
        backbone += self.top
        head = self.head(len(backbone), ends)
        return json.dumps({"nc": 80, "scales": self.scales, "backbone": backbone, "head": head})

    def head(self, first: int, ends: list[int]) -> list[Row]:
        """The rows of the neck and of the head, from number `first` on, for stages that end in the rows `ends`."""
        rows: list[Row] = []
        coarse = []
        for width, end in zip(WIDTHS[2:0:-1], ends[2:0:-1], strict=True):
            rows += [behind("Conv", width, 1, 1)] if self.lateral else []
            coarse.append(first + len(rows) - 1)
            rows += [behind("nn.Upsample", "None", 2, "nearest"), [[-1, end], 1, "Concat", [1]], self.neck(width)]
        maps = [first + len(rows) - 1]
        for width, end in zip(WIDTHS[2:], reversed(coarse), strict=True):
            rows += [behind("Conv", width // 2, 3, 2), [[-1, end], 1, "Concat", [1]], self.neck(width)]
            maps.append(first + len(rows) - 1)
        return [*rows, [maps, 1, "Detect", ["nc"]]]


def behind(module: str, *args: Any, repeats: int = 1) -> Row:
    """A row that reads the one above."""
    return [-1, repeats, module, list(args)]


WIDTHS = (128, 256, 512, 1024)
"""The channels of the stages, before they are scaled."""

FAMILIES = {
    # https://docs.ultralytics.com/models/yolov5/, with the head of YOLOv8
    "yolov5": Family(
        {
            "n": [0.33, 0.25, 1024],
            "s": [0.33, 0.5, 1024],
            "m": [0.67, 0.75, 1024],
            "l": [1, 1, 1024],
            "x": [1.33, 1.25, 1024],
        },
        stem=[64, 6, 2, 2],
        stages=[behind("C3", width, repeats=n) for width, n in zip(WIDTHS, (3, 6, 9, 3), strict=True)],
        top=[behind("SPPF", 1024, 5)],
        neck=lambda width: behind("C3", width, False, repeats=3),
        lateral=True,
    ),
    # https://docs.ultralytics.com/models/yolov8/
    "yolov8": Family(
        {
            "n": [0.33, 0.25, 1024],
            "s": [0.33, 0.5, 1024],
            "m": [0.67, 0.75, 768],
            "l": [1, 1, 512],
            "x": [1, 1.25, 512],
        },
        stem=[64, 3, 2],
        stages=[behind("C2f", width, True, repeats=n) for width, n in zip(WIDTHS, (3, 6, 6, 3), strict=True)],
        top=[behind("SPPF", 1024, 5)],
        neck=lambda width: behind("C2f", width, repeats=3),
    ),
    # https://docs.ultralytics.com/models/yolo11/
    "yolo11": Family(
        {"n": [0.5, 0.25, 1024], "s": [0.5, 0.5, 1024], "m": [0.5, 1, 512], "l": [1, 1, 512], "x": [1, 1.5, 512]},
        stem=[64, 3, 2],
        stages=[
            *(behind("C3k2", width, False, 0.25, repeats=2) for width in (256, 512)),
            *(behind("C3k2", width, True, repeats=2) for width in (512, 1024)),
        ],
        top=[behind("SPPF", 1024, 5), behind("C2PSA", 1024, repeats=2)],
        neck=lambda width: behind("C3k2", width, width == 1024, repeats=2),
    ),
}
"""By the names of their files."""
