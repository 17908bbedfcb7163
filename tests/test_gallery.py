"""The gallery shows what the tool draws today."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
GALLERY: dict[str, Any] = runpy.run_path(str(DOCS / "gallery.py"))
AGAIN = "`python docs/gallery.py` makes it anew"


def test_page() -> None:
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == GALLERY["page"](), AGAIN
    shown = re.findall(r"\]\(gallery/([^)]+)\)", GALLERY["page"]())
    assert sorted(shown) == sorted(each.name for each in (DOCS / "gallery").iterdir())


@pytest.mark.parametrize(
    "shown", [*GALLERY["GRAPHS"], *GALLERY["VOLUMES"], *GALLERY["MAPS"]], ids=lambda shown: str(shown.file)
)
def test_picture(shown: Any, tmp_path: Path) -> None:
    GALLERY["made"](shown, tmp_path / shown.file)
    now, then = (_comparable(folder / shown.file) for folder in (tmp_path, DOCS / "gallery"))
    assert now == then, AGAIN


def _comparable(file: Path) -> str:
    """The picture without the pixels of a map, whose shades differ in the last place from one machine to another."""
    return re.sub(r"data:image/png;base64,[^\"]*", "", file.read_text(encoding="utf-8"))
