"""The README and the pages in `docs/`: their examples are what the tool prints, their pictures what it works out."""

from __future__ import annotations

import doctest
import re
import runpy
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES: dict[str, Any] = runpy.run_path(str(DOCS / "examples.py"))
sys.path.append(str(DOCS))
PICTURES: dict[str, Any] = import_module("pictures").PICTURES
PAGES = [path.relative_to(ROOT).as_posix() for path in EXAMPLES["pages"]()]
SHOWN = [(name, each) for name in PAGES for each in EXAMPLES["examples"]((ROOT / name).read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("name", "example"), SHOWN, ids=[f"{name}: {each.command}" for name, each in SHOWN])
def test_example(name: str, example: Any) -> None:
    printed = EXAMPLES["output"](example.command)
    if not EXAMPLES["agrees"](example.shown, printed):
        assert example.shown == printed, f"{name}; `python docs/examples.py` writes whole outputs anew"


@pytest.mark.parametrize("name", PAGES)
def test_session(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    session = EXAMPLES["session"]((ROOT / name).read_text(encoding="utf-8"))
    test = doctest.DocTestParser().get_doctest(session, {}, name, None, None)
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("name", PAGES)
def test_models_and_tables_of_a_page(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert page == EXAMPLES["with_tables"](EXAMPLES["with_models"](page)), "`python docs/examples.py` writes them anew"


def test_every_model_of_the_folder_is_shown_on_a_page() -> None:
    pages = "".join((ROOT / name).read_text(encoding="utf-8") for name in PAGES)
    assert [path.name for path in (DOCS / "models").iterdir() if f"docs/models/{path.name}" not in pages] == []


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PICTURES[name](), "`python docs/examples.py` draws it anew"


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    path = ROOT / name
    for target in re.findall(r"(?:\]\(|src=\")([^)#\s\"]+)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_the_table_of_the_hand_rule() -> None:
    text = (DOCS / "hand-rule.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", text, re.MULTILINE)
    assert len(rows) == 6
    for cells, kernel, at_stride_1, size, lost in rows:
        printed = EXAMPLES["output"](f"planner calc {cells} -k {kernel} -s 2")
        verdict = f"{lost} cell lost" if lost != "0" else "nothing lost"
        assert f"{cells} → {size}  kernel {kernel}, stride 2: {verdict}\n" in printed
        assert f"{at_stride_1}   places for the window, at stride 1" in printed


@pytest.mark.parametrize(
    ("shown", "same"),
    [
        ("a\nb\nc\nd\n", True),
        ("a\n[…]\nd\n", True),
        ("[…]\nb\n[…]\n", True),
        ("a\n[…]\nc\nd\n", True),
        ("[…]\nd\n", True),
        ("a\nb\nc\nd\n[…]\n", False),
        ("a\nb\nc\n", False),
        ("a\n[…]\nc\n", False),
        ("b\n[…]\n", False),
        ("[…]\nc\n[…]\nb\n[…]\n", False),
        ("[…]\nb\nd\n[…]\n", False),
        ("a\n[…]\nx\n[…]\n", False),
    ],
)
def test_what_is_cut_is_compared_around_the_cut(shown: str, same: bool) -> None:
    assert EXAMPLES["agrees"](shown, "a\nb\nc\nd\n") == same
