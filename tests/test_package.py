"""The package as it is shipped: what it needs, what it brings, and that starting it stays cheap."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points, requires, version
from pathlib import Path
from types import ModuleType

import pytest

import planner
import planner.geometry

ROOT = Path(__file__).parents[1]
HEAVY = {"torch", "numpy", "graphviz", "rich", "pygments", "networkx", "jinja2"}
CHECK = "from planner.cli import main; main(['check', 'configs/resnet50.yaml'], standalone_mode=False)"


def modules_of(program: str) -> set[str]:
    """The modules that are in memory after the program."""
    report = "import sys; print(file=sys.stderr); print(*sys.modules, file=sys.stderr)"
    run = subprocess.run(
        [sys.executable, "-c", f"{program}\n{report}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(run.stderr.splitlines()[-1].split())


def loaded_by(program: str) -> set[str]:
    """The top-level packages that are in memory after the program."""
    return {name.partition(".")[0] for name in modules_of(program)}


@pytest.mark.parametrize("program", ["import planner", CHECK], ids=["import planner", "planner check"])
def test_starting_loads_no_heavy_library(program: str) -> None:
    assert loaded_by(program) & HEAVY == set()


def test_a_command_loads_no_other() -> None:
    files = {name for name in modules_of(CHECK) if name.startswith(("planner.cli.", "planner.outputs."))}
    assert {name for name in files if "._" not in name} == {
        "planner.cli.check",
        "planner.outputs.check",
        "planner.outputs.check.full",
    }


def test_a_file_without_budget_and_target_loads_nothing_of_them() -> None:
    rooms = ("planner.autograd", "planner.targets", "planner.training")
    files = ("planner.analyses.ordering", "planner.rules._measures")
    assert [name for name in modules_of(CHECK) if name.startswith((*rooms, *files))] == []


def test_heavy_libraries_would_be_seen() -> None:
    assert loaded_by("import numpy, networkx") & HEAVY == {"numpy", "networkx"}


def test_runtime_dependencies() -> None:
    needed = [requirement for requirement in requires("shape-planner") or [] if "extra ==" not in requirement]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in needed}
    assert names == {"click", "graphviz", "graphviz-pure", "networkx", "numpy", "pydantic", "pyyaml"}


def test_the_command_is_the_package() -> None:
    (command,) = entry_points(group="console_scripts", name="planner")
    assert command.value == "planner.cli:main"
    assert callable(command.load())


def test_types_are_shipped() -> None:
    assert Path(planner.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize("package", [planner, planner.geometry])
def test_public_names_exist(package: ModuleType) -> None:
    """Those too that are loaded when they are asked for."""
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


def test_public_names_are_in_order() -> None:
    assert planner.__all__ == sorted(planner.__all__)


def test_changelog_has_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)", changelog, re.MULTILINE)[0] == version("shape-planner")
