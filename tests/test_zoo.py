"""The zoo: its page says what was measured, and its results are those of networks that it has."""

from __future__ import annotations

import tomllib
from pathlib import Path

from zoo.networks import ALL, networks
from zoo.page import PAGE, text
from zoo.runs import kept

ROOT = Path(__file__).parents[1]


def test_the_page_says_what_was_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == text(kept()), "`python -m zoo --page` writes it anew"


def test_every_network_stands_there_once() -> None:
    keys = [each.key for each in networks()]
    assert len(keys) == len(set(keys)) == 160
    assert kept().keys() <= set(keys)
    assert all(kept()[each.key]["input"] == list(each.input) for each in networks() if each.key in kept())


def test_the_versions_are_those_that_are_installed_for_it() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    asked = [each.replace("-", "_") for name in ("zoo", "zoo-agpl") for each in groups[name]]
    pinned = dict(each.split("==") for each in asked if "==" in each)
    assert pinned.keys() == ALL.keys()
    assert {(each["network"].partition(":")[0], each["version"]) for each in kept().values()} <= set(pinned.items())
