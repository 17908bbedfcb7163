"""`action.yml`, as GitHub runs it: the script of its last step, in a clone of a repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
SCRIPT: str = ACTION["runs"]["steps"][-1]["run"]
GOOD = "input: [32, 32, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3}\n"
BAD = GOOD.replace("kernel_size: 3", "kernel_size: 33")
WARNED = "input: [32, 32, 3]\nlayers:\n  - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}\n"
GIT = {f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(where: Path, *arguments: str) -> str:
    command = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", *arguments]
    environment = {**os.environ, **GIT, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(command, cwd=where, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(where: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text)
    git(where, "add", "--all")
    git(where, "commit", "--quiet", "--message", "change")
    return git(where, "rev-parse", "HEAD")


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    made = tmp_path / "origin"
    made.mkdir()
    git(made, "init", "--quiet")
    git(made, "config", "uploadpack.allowAnySHA1InWant", "true")
    return made


def run(where: Path, base: str, **inputs: str) -> tuple[int, str]:
    """What GitHub makes of the step: its variables, and the script in a file for bash."""
    given = {name: each.get("default", "") for name, each in ACTION["inputs"].items()} | inputs
    variables = {"FILES": given["files"], "ALL": given["all"], "OPTIONS": given["options"], "BASE": base}
    assert variables.keys() == ACTION["runs"]["steps"][-1]["env"].keys()
    script = where.parent / "step.sh"
    script.write_text(SCRIPT)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **variables, "PATH": path, "PYTHONPATH": str(ROOT)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == "", done.stderr
    return done.returncode, done.stdout


def cloned(origin: Path) -> Path:
    """A clone as `actions/checkout` makes it: the last commit alone."""
    clone = origin.parent / "clone"
    git(origin.parent, "clone", "--quiet", "--depth=1", f"file://{origin}", str(clone))
    return clone


def test_the_model_files_that_have_changed_are_annotated_and_no_others(origin: Path) -> None:
    old = {"old.yaml": BAD, "gone.yaml": GOOD, "changed.yaml": GOOD}
    base = commit(origin, old)
    (origin / "gone.yaml").unlink()
    hostile = "nets/$(touch owned) `x` a b.yml"
    commit(origin, {"changed.yaml": BAD, hostile: BAD, "ci.yaml": "jobs: {}\n", "layers.txt": BAD, "good.yaml": GOOD})
    clone = cloned(origin)
    code, out = run(clone, base)
    assert code == 1
    told = [line for line in out.splitlines() if line.startswith("::error")]
    assert [line.split(",")[1] for line in told] == ["file=changed.yaml", f"file={hostile}"]
    assert ",line=3," in told[0]
    assert not (clone / "owned").exists()


def test_without_a_change_nothing_is_checked(origin: Path) -> None:
    commit(origin, {"old.yaml": BAD})
    base = git(origin, "rev-parse", "HEAD")
    commit(origin, {"README.md": "…"})
    assert run(cloned(origin), base) == (0, "No model file has changed.\n")


def test_all_are_checked_where_it_is_asked_for_and_where_the_base_is_not_known(origin: Path) -> None:
    base = commit(origin, {"old.yaml": BAD})
    commit(origin, {"new.yaml": GOOD})
    clone = cloned(origin)
    assert run(clone, base)[0] == 0
    for code, out in (run(clone, base, all="true"), run(clone, "0" * 40), run(clone, "")):
        assert code == 1
        assert "file=old.yaml" in out


def test_options_reach_the_planner(origin: Path) -> None:
    base = commit(origin, {"README.md": "…"})
    commit(origin, {"lossy.yaml": WARNED})
    clone = cloned(origin)
    assert "::warning" in run(clone, base)[1]
    assert run(clone, base)[0] == 0
    assert run(clone, base, options="--strict")[0] == 1
    assert run(clone, base, files="other/*.yaml\n\n")[1] == "No model file has changed.\n"
