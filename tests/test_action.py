"""`action.yml`, as GitHub runs it: the scripts of its last two steps, in a clone of a repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
COMPARE, CHECK = ACTION["runs"]["steps"][-2:]
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
    return step(CHECK, where, variables)


def step(
    which: dict[str, Any], where: Path, variables: dict[str, str], complaints: str | None = None
) -> tuple[int, str]:
    """The script of a step; programs of a folder `bin` beside the repository come before others."""
    assert variables.keys() == which["env"].keys()
    script = where.parent / "step.sh"
    script.write_text(which["run"])
    path = os.pathsep.join([str(where.parent / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]])
    more = {"PATH": path, "PYTHONPATH": str(ROOT), "GITHUB_STEP_SUMMARY": str(where.parent / "summary.md")}
    environment = {**os.environ, **variables, **more}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert (complaints in done.stderr) if complaints else done.stderr == "", done.stderr
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


# What a pull request changes


GH = """\
#!/bin/sh
echo "$*" >> "$0.log"
case "$*" in
  *--paginate*) [ -z "$GH_REFUSES" ] && cat "$0.comments" ;;
  *) for each in "$@"; do case "$each" in body=@*) cat "${each#body=@}" > "$0.body" ;; esac; done ;;
esac
"""


def compared(
    where: Path, base: str, comment: bool = False, there: str = "", complaints: str | None = None
) -> tuple[str, str]:
    """What the step that compares prints, and what it writes to the page of the run; `gh` is a script that notes how it
    is called, and finds comments `there`.
    """
    folder = where.parent / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "gh").write_text(GH)
    (folder / "gh").chmod(0o755)
    (folder / "gh.comments").write_text(there)
    (folder / "gh.log").write_text("")
    (where.parent / "summary.md").write_text("")
    variables = {
        "FILES": ACTION["inputs"]["files"]["default"],
        "BASE": base,
        "COMMENT": str(comment).lower(),
        "COMMENTS": "repos/a/b/issues/7/comments",
        "GH_TOKEN": "none",
    }
    code, out = step(COMPARE, where, variables, complaints)
    assert code == 0
    return out, (where.parent / "summary.md").read_text()


def called(where: Path) -> list[str]:
    return (where.parent / "bin" / "gh.log").read_text().splitlines()


def test_what_a_pull_request_changes_is_on_the_page_of_the_run(origin: Path) -> None:
    library = "blocks:\n  b:\n    layers: [{type: ReLU}]\n"
    base = commit(
        origin, {"a.yaml": GOOD, "same.yaml": GOOD, "old name.yaml": GOOD + "# a\n" * 9, "use/b.yaml": library}
    )
    (origin / "old name.yaml").unlink()
    hostile = "nets/$(touch owned) `x` <b>.yml"
    commit(
        origin,
        {
            "a.yaml": GOOD.replace("8", "9"),
            "same.yaml": "# a comment\n" + GOOD,
            "new name.yaml": GOOD.replace("8", "7") + "# a\n" * 9,
            hostile: "layers: [{type: Linear, out_features: 5, bias: false}, {type: ReLU}]\ninput: [3]\n",
            "ci.yaml": "jobs: {}\n",
        },
    )
    clone = cloned(origin)
    out, said = compared(clone, base)
    assert out == ""
    assert sorted(re.findall("^#### .*", said, re.MULTILINE)) == [
        "#### a.yaml",
        r"#### nets/\$\(touch owned\) \`x\` \<b\>.yml is new",
        "#### old name.yaml → new name.yaml",
    ]
    assert "out\\_channels 8 → 9" in said
    assert "| **total** | | | **15** | **15** |" in said
    assert called(clone) == []
    assert not (clone / "owned").exists()


def test_without_a_model_that_differs_nothing_is_said(origin: Path) -> None:
    base = commit(origin, {"a.yaml": GOOD})
    commit(origin, {"a.yaml": "# a comment\n" + GOOD})
    clone = cloned(origin)
    assert compared(clone, base) == ("No model differs.\n", "")
    assert compared(clone, "0" * 40)[0].startswith("Nothing is compared")
    assert compared(clone, base, comment=True) == ("No model differs.\n", "")
    assert len(called(clone)) == 1


def test_a_file_that_cannot_be_compared_is_named(origin: Path) -> None:
    base = commit(origin, {"a.yaml": GOOD, "b.yaml": GOOD})
    commit(origin, {"a.yaml": "layers: [\n", "b.yaml": BAD})
    clone = cloned(origin)
    said = compared(clone, base, complaints="`[` is never closed")[1]
    assert "#### a.yaml cannot be compared\n" in said
    assert "new: **error NSP301**" in said


def test_the_comment_is_written_once_and_then_kept_up_to_date(origin: Path) -> None:
    base = commit(origin, {"a.yaml": GOOD})
    commit(origin, {"a.yaml": GOOD.replace("8", "9")})
    clone = cloned(origin)
    _, said = compared(clone, base, comment=True)
    assert called(clone)[1].startswith("api --silent --method POST repos/a/b/issues/7/comments --field body=@")
    assert (clone.parent / "bin" / "gh.body").read_text() == f"<!-- shape planner -->\n{said}"
    compared(clone, base, comment=True, there="https://api/comments/3\nhttps://api/comments/4\n")
    assert called(clone)[1].startswith("api --silent --method PATCH https://api/comments/3 --field body=@")


def test_a_comment_that_may_not_be_written_is_a_warning(origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = commit(origin, {"a.yaml": GOOD})
    commit(origin, {"a.yaml": GOOD.replace("8", "9")})
    monkeypatch.setenv("GH_REFUSES", "1")
    out, said = compared(cloned(origin), base, comment=True)
    assert out.startswith("::warning::The comments on the pull request cannot be read")
    assert said
