"""The locked versions in `requirements`: what pyproject.toml asks for, in versions that it allows, for any machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FILES = {"planner.txt": ("build",), "develop.txt": ("dev",), "lowest.txt": ("build", "test")}
"""The groups that each file holds beside what the planner itself needs."""


def group(name: str) -> list[Requirement]:
    """What a group asks for, and the groups in it; torch is not locked with the rest."""
    found = []
    for each in PROJECT["dependency-groups"][name]:
        found += group(each["include-group"]) if isinstance(each, dict) else [Requirement(each)]
    return [each for each in found if each.name != "torch"]


def asked_for(file: str) -> list[Requirement]:
    own = [Requirement(each) for each in PROJECT["project"]["dependencies"]]
    return own + [each for name in FILES[file] for each in group(name)]


def locked(file: str) -> dict[str, list[str]]:
    """The versions of each package: more than one where the Python decides."""
    found: dict[str, list[str]] = {}
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    for name, version in re.findall(r"^([\w.-]+)==([\w.+]+)", text, re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


@pytest.mark.parametrize("file", FILES)
def test_holds_what_is_asked_for(file: str) -> None:
    versions = locked(file)
    wrong = [
        str(each)
        for each in asked_for(file)
        if not all(map(each.specifier.contains, versions.get(canonicalize_name(each.name), ["none"])))
    ]
    assert wrong == [], "make lock"


def test_the_lowest_are_the_lowest() -> None:
    versions = locked("lowest.txt")
    for each in asked_for("lowest.txt"):
        (low,) = (limit.version for limit in each.specifier if limit.operator == ">=")
        (version,) = versions[canonicalize_name(each.name)]
        assert re.fullmatch(rf"{re.escape(low)}(\.0)*", version), f"{each}, but {version}: make lock"


def test_the_planner_runs_in_the_versions_that_it_is_developed_with() -> None:
    assert locked("planner.txt").items() <= locked("develop.txt").items()


def test_torch_needs_the_same_versions() -> None:
    versions, all_versions = locked("torch.txt"), locked("develop.txt")
    assert PROJECT["dependency-groups"]["torch"] == [f"torch=={version}" for version in versions["torch"]]
    stated = [Requirement(each).name for each in PROJECT["tool"]["uv"]["dependency-metadata"][0]["requires-dist"]]
    for name in stated:
        assert versions[name] == all_versions[name], "make lock"


@pytest.mark.parametrize("file", FILES)
def test_every_package_has_a_hash(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    for each in re.split(r"\n(?=\w)", text)[1:]:
        assert "--hash=sha256:" in each


@pytest.mark.parametrize("file", [*FILES, "torch.txt"])
def test_no_file_has_an_address_or_an_option(file: str) -> None:
    text = (ROOT / "requirements" / file).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
