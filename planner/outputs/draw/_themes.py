"""Colours of pictures: pale ones for families of layers, strong ones for what is wrong, which the eye finds first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from planner.diagnostics import Severity

FAMILIES: Mapping[str, str] = {
    "conv": "convolution",
    "linear": "linear",
    "attention": "attention",
    "recurrent": "recurrent",
    "pool": "pooling",
    "resample": "resampling",
    "norm": "normalisation",
    "activation": "activation",
    "dropout": "dropout",
    "merge": "merging",
}
"""The families with a colour of their own, and what a legend calls them."""

REST = "other"


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one kind of page.

    heat   the fill of the box that has most, where boxes are coloured by a number
    fills  the fill of each family; the last is for all others
    marks  for each severity: the strong colour, the text upon it, and a pale fill for the whole box
    """

    page: str
    text: str
    faint: str
    line: str
    frame: str
    frame_line: str
    block: str
    skip: str
    heat: str
    fills: Mapping[str, str]
    marks: Mapping[Severity, tuple[str, str, str]]

    def fill(self, family: str) -> str:
        return self.fills.get(family, self.fills[REST])

    def warmth(self, number: int, most: int) -> str:
        """The fill for a number: from the page's colour to that of heat, on a root scale so that small ones show."""
        part = sqrt(number / most) if most else 0.0
        ends = (bytes.fromhex(each.removeprefix("#")) for each in (self.page, self.heat))
        return "#" + "".join(f"{round(low + part * (high - low)):02x}" for low, high in zip(*ends, strict=True))


def _fills(colours: str) -> dict[str, str]:
    return dict(zip([*FAMILIES, REST], colours.split(), strict=True))


THEMES: Mapping[str, Theme] = {
    "light": Theme(
        page="#ffffff",
        text="#1f2937",
        faint="#64748b",
        line="#94a3b8",
        frame="#f8fafc",
        frame_line="#cbd5e1",
        block="#e2e8f0",
        skip="#7c3aed",
        heat="#f59e0b",
        fills=_fills("#dbeafe #e9e3fd #fbe5f7 #d5f3f6 #d9f3e0 #d8f0f0 #eef1f5 #f7f1dd #f3f4f6 #e4e2f3 #f1f1ef"),
        marks={
            Severity.ERROR: ("#c81e1e", "#ffffff", "#fde8e8"),
            Severity.WARNING: ("#d9560b", "#ffffff", "#feecdc"),
            Severity.INFO: ("#f8fafc", "#475569", ""),
        },
    ),
    "dark": Theme(
        page="#0d1117",
        text="#e6edf3",
        faint="#9aa7b4",
        line="#6b7785",
        frame="#131922",
        frame_line="#39424e",
        block="#303a47",
        skip="#b794f6",
        heat="#9a4a06",
        fills=_fills("#1c3a5e #3a2f63 #542d52 #17474d #1d4a33 #1b4848 #2a313b #473f24 #22272e #38365a #2b2e33"),
        marks={
            Severity.ERROR: ("#f85149", "#0d1117", "#4b1717"),
            Severity.WARNING: ("#ff9a3c", "#0d1117", "#4a2c10"),
            Severity.INFO: ("#1a212a", "#c3ced9", ""),
        },
    ),
    "print": Theme(
        page="#ffffff",
        text="#000000",
        faint="#333333",
        line="#333333",
        frame="#ffffff",
        frame_line="#777777",
        block="#d0d0d0",
        skip="#000000",
        heat="#a0a0a0",
        fills=_fills("#ffffff #ededed #e0e0e0 #e0e0e0 #f4f4f4 #f4f4f4 #fafafa #fafafa #fafafa #ededed #ffffff"),
        marks={
            Severity.ERROR: ("#000000", "#ffffff", "#ffffff"),
            Severity.WARNING: ("#4a4a4a", "#ffffff", "#ffffff"),
            Severity.INFO: ("#ffffff", "#000000", ""),
        },
    ),
}
