"""The command in surroundings that are against it: closed and full streams, files that must not or cannot be written,
names and variables of every kind. Whatever they are, it says what is wrong, and never with a traceback.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from click.testing import CliRunner, Result

from planner import writing
from planner.cli import main

ROOT = Path(__file__).parents[1]
PROGRAM = [sys.executable, "-c", "from planner.cli import main; main()"]
MODEL = "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 4, kernel_size: 3}\n"
ERROR = "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 4, kernel_size: 9}\n"
WRITERS = ["code", "draw", "report", "map"]
"""The commands that write a file, which for this is called .svg."""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a model, in which commands run."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("PLANNER_DEBUG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.yaml").write_text(MODEL, encoding="utf-8")
    (tmp_path / "e.yaml").write_text(ERROR, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are not laid out: what is written does not matter here."""
    monkeypatch.setattr("planner.cli._pictures.drawn", lambda *_, **__: b"<svg></svg>")


def run(*arguments: str, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=input)


def shell(line: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a line in which `planner` is the command."""
    done = subprocess.run(
        ["bash", "-c", line.replace("planner", shlex.join(PROGRAM))],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


# --- standard streams -------------------------------------------------------------------------------------------------

CLOSED, FULL = (
    "error: standard output cannot be written: " + why for why in ("it is closed\n", "no space left on device\n")
)
STREAMS = [
    ("planner check m.yaml >&-", 2, "", CLOSED),
    ("planner map m.yaml --format png >/dev/full", 2, "", FULL),
    ("planner --version >/dev/full", 2, "", FULL),
    ("planner check - <&-", 2, "",
     "error: standard input cannot be read: it is closed\n = help: name a model file instead of -\n"),
    ("planner check --nonsense 2>&-", 2, "", ""),
    ("planner code m.yaml -o m.py >&- <&- 2>&-", 0, "", ""),
    ("planner --help | true; exit ${PIPESTATUS[0]}", 0, "", ""),
    ("planner map m.yaml --format png | true; exit ${PIPESTATUS[0]}", 0, "", ""),
]  # fmt: skip


@pytest.mark.parametrize(("line", "code", "out", "error"), STREAMS, ids=[line for line, *_ in STREAMS])
def test_standard_streams(line: str, code: int, out: str, error: str) -> None:
    assert shell(line) == (code, out, error)


def test_a_closed_stream_is_not_the_next_file() -> None:
    """Where a stream is closed, the system gives its number to the file that is opened next."""
    shell("planner draw m.yaml -o m.dot >&- 2>&-")
    assert Path("m.yaml").read_text() == MODEL
    assert Path("m.dot").read_text().startswith("digraph")


# --- files that are written -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", WRITERS)
@pytest.mark.parametrize("output", ["m.svg", "./m.svg", "link.svg", "hard.svg", "folder/../m.svg", "far.svg"])
def test_what_is_read_is_not_overwritten(command: str, output: str, folder: Path) -> None:
    (folder / "m.svg").write_text(MODEL, encoding="utf-8")  # a name that says what to draw
    (folder / "link.svg").symlink_to("m.svg")
    (folder / "far.svg").symlink_to("link.svg")
    (folder / "hard.svg").hardlink_to("m.svg")
    (folder / "folder").mkdir()
    result = run(command, "m.svg", "-o", output)
    assert result.exit_code == 2
    help = "name another file, so that this one is kept"
    assert result.stderr == f"error: `{output}` cannot be written: it is the file that is read\n = help: {help}\n"
    assert run(command, "link.svg", "-o", "m.svg").exit_code == 2
    assert (folder / "m.svg").read_text() == MODEL


def test_what_is_read_through_a_stream_is_not_overwritten_either(folder: Path) -> None:
    for line in ("planner code - -o m.yaml < m.yaml", "planner code m.yaml >> m.yaml"):
        assert shell(line)[0] == 2
    assert (folder / "m.yaml").read_text() == MODEL


def test_an_image_is_not_overwritten_by_the_map_over_it(folder: Path) -> None:
    (folder / "cat.svg").write_text("<svg/>")
    assert "it is the file that is read" in run("map", "m.yaml", "--image", "cat.svg", "-o", "cat.svg").stderr


REFUSED = [
    ("", "it is not the name of a file", "leave -o out"),
    ("folder.svg", "it is a folder", "name a file in it"),
    ("none/there/m.svg", "there is no folder `{folder}/none`", "make it, or name another"),
    ("m.yaml/m.svg", "`{folder}/m.yaml` is a file, not a folder", "name a folder"),
    ("loop.svg", "too many levels of symbolic links", ""),
    (f"{'x' * 300}.svg", "file name too long", ""),
    ("locked.svg", "it is not permitted", ""),
]


@pytest.mark.parametrize(("output", "why", "help"), REFUSED, ids=[why for _, why, _ in REFUSED])
@pytest.mark.parametrize("command", WRITERS)
def test_what_cannot_be_written(
    command: str, output: str, why: str, help: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "folder.svg").mkdir()
    (folder / "loop.svg").symlink_to("loop.svg")
    (folder / "locked.svg").write_text("old")
    if output == "locked.svg":  # who runs the tests may be permitted everything
        monkeypatch.setattr(writing, "_replace", _not_permitted)
    result = run(command, "m.yaml", "-o", output, *(["--format", "svg"] if command in ("draw", "map") else []))
    assert result.exit_code == 2
    assert f"cannot be written: {why.format(folder=folder.resolve())}\n" in result.stderr
    assert help in result.stderr
    assert max(map(len, result.stderr.splitlines())) < 400
    assert sorted(each.name for each in folder.iterdir()) == [
        "e.yaml",
        "folder.svg",
        "locked.svg",
        "loop.svg",
        "m.yaml",
    ]


def _not_permitted(*_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_full_disk_leaves_the_old_file(folder: Path) -> None:
    (folder / "m.html").write_text("old")
    assert shell("ulimit -f 1; planner report m.yaml -o m.html")[0] == 2
    assert (folder / "m.html").read_text() == "old"
    assert sorted(each.name for each in folder.iterdir()) == ["e.yaml", "m.html", "m.yaml"]


def test_an_interrupted_run_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "m.py").write_text("old")

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupted)
    assert run("code", "m.yaml", "-o", "m.py").exit_code == 130
    assert (folder / "m.py").read_text() == "old"
    assert sorted(each.name for each in folder.iterdir()) == ["e.yaml", "m.py", "m.yaml"]


def test_links_and_modes_stay(folder: Path) -> None:
    for name in ("plain.py", "hard.py"):
        (folder / name).write_text("old")
    (folder / "other.py").hardlink_to("hard.py")
    (folder / "plain.py").chmod(0o640)
    (folder / "link.py").symlink_to("plain.py")
    (folder / "dangling.py").symlink_to("new.py")
    for name in ("link.py", "hard.py", "dangling.py", "fresh.py"):
        assert run("code", "m.yaml", "-o", name).exit_code == 0
    written = {name: (folder / name).read_text() for name in ("plain.py", "other.py", "new.py", "fresh.py")}
    assert set(written.values()) == {run("code", "m.yaml").stdout}
    assert (folder / "link.py").is_symlink()
    assert (folder / "dangling.py").is_symlink()
    assert stat.S_IMODE((folder / "plain.py").stat().st_mode) == 0o640
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((folder / "fresh.py").stat().st_mode) == 0o666 & ~mask


def test_devices_and_pipes_are_written_in_place(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    assert shell("cat pipe.py & planner code m.yaml -o pipe.py; wait")[1] == run("code", "m.yaml").stdout
    assert stat.S_ISFIFO((folder / "pipe.py").stat().st_mode)
    assert run("code", "m.yaml", "-o", "/dev/null").exit_code == 0
    assert "no space left on device" in run("code", "m.yaml", "-o", "/dev/full").stderr
    assert not Path("/dev/null").is_file()


# --- what helps stands on a line of its own ---------------------------------------------------------------------------


def test_help_where_a_program_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("planner.engine._runs", lambda _: False)
    result = run("draw", str(ROOT / "configs" / "lenet5.yaml"))
    assert result.exit_code == 2
    error, help = result.stderr.splitlines()
    assert error.startswith("error: no Graphviz engine runs")
    assert help.startswith(" = help: install Graphviz")


# --- names of files ---------------------------------------------------------------------------------------------------

NAMES = [b"bad\xff.yaml", b"esc\x1b[31m.yaml", b"line\n::error::.yaml", "Ünï 中.yaml".encode(), b"a,b%0A:.yaml",
         b"-x.yaml", b"\xe2\x80\xae.yaml", b"$(x).yaml", b"<b>&.yaml"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=repr)
@pytest.mark.parametrize("format", ["full", "concise", "json", "sarif", "github"])
def test_names_of_files(name: bytes, format: str) -> None:
    Path(os.fsdecode(name)).write_text(ERROR)
    result = run("check", "--format", format, "--", os.fsdecode(name))
    assert result.exit_code == 1
    assert result.stderr == ""
    text = result.stdout_bytes.decode()
    assert not any(char < " " and char != "\n" for char in text)
    if format == "github":
        assert text.count("\n") == 1
    if format == "json":
        assert os.fsencode(json.loads(text)["files"][0]) == name
    if format == "sarif":
        (found,) = json.loads(text)["runs"][0]["results"]
        assert unquote_to_bytes(found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) == name


@pytest.mark.parametrize("command", ["plan", "sizes", "draw", "code", "map"])
@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names_of_files_as_names_of_models(name: bytes, command: str) -> None:
    Path(os.fsdecode(name)).write_text(MODEL)
    result = run(command, "--", os.fsdecode(name))
    assert (result.exit_code, result.stderr) == (0, "")
    assert not any(char < " " and char not in "\n\t" for char in result.stdout_bytes.decode())


def test_a_link_to_nothing_is_not_what_was_meant(folder: Path) -> None:
    (folder / "net.yaml").symlink_to("gone.yaml")
    (folder / "nets.yaml").mkdir()
    said = run("check", "net.yaml")
    assert said.exit_code == 2
    assert "it is a link to `gone.yaml`, which is not there" in said.stdout
    assert "did you mean" not in said.stdout
    assert "`nets.yaml`" not in run("check", "netts.yaml").stdout


# --- options ----------------------------------------------------------------------------------------------------------

HOSTILE = ["", " ", "=", "x", "x=", "=x", "x=1=2", "width=[", "width={", "width=&a [*a]", "width=*a", "width=1\ny: 2",
           "width=!!python/object:os.system x", "width=\x1b[31m", "width=\udcff", "\udcff=1", "\x1b=1", "width=.nan",
           "width=" + "9" * 500, "width=" + "[" * 5000, "width=$width", "width=$(", "width={<<: 1}", "width=|\n  x",
           "width=1 # x", "$width=1", "width.x=1", "width=\"\\ud800\"", "8x8", "0x0x0", "-1x2x3", "8x8x3x", "x8x8",
           "9" * 30 + "x8x3", "8 x 8 x 3", "a=8x8x3", "=8x8x3", "²x8x3", "٣x8x3", "8×8×3", "1e3x8x3", "8x8x3\n",
           "99999x99999x99999"]  # fmt: skip


@pytest.mark.parametrize("option", ["--set", "--input", "--axis", "--step", "--windows", "--cell", "--of", "--depth"])
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_hostile_values(option: str, value: str) -> None:
    command = {"--axis": "sizes", "--set": "check", "--input": "check", "--depth": "plan"}.get(option, "map")
    result = run(command, "m.yaml", option, value)
    assert result.exit_code in (0, 1, 2)
    assert "internal error" not in result.stderr
    assert not any(char < " " and char != "\n" for char in result.stdout + result.stderr)
    if result.exit_code == 2:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") <= 2


def test_a_parameter_is_set_once() -> None:
    assert "`width` is set twice" in run("check", "m.yaml", "--set", "width=1", "--set", " width=2").stderr


VARIABLES = [
    {"COLUMNS": "abc", "TERM": "dumb"},
    {"COLUMNS": "99999999999"},
    {"COLUMNS": "-3", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"COLUMNS": "1", "PYTHONIOENCODING": "utf-16"},
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
def test_variables(variables: dict[str, str], folder: Path) -> None:
    (folder / "ü.yaml").write_text(ERROR, encoding="utf-8")
    done = subprocess.run(
        [*PROGRAM, "check", "ü.yaml"], capture_output=True, env={**os.environ, **variables}, check=False
    )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "mark"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["unix", "windows", "mac"])
def test_line_ends_and_marks(mark: bytes, end: bytes, folder: Path) -> None:
    (folder / "w.yaml").write_bytes(mark + ERROR.encode().replace(b"\n", end))
    assert run("check", "w.yaml").stdout.replace("w.yaml", "e.yaml") == run("check", "e.yaml").stdout
    assert run("check", "-", input=mark + ERROR.encode().replace(b"\n", end)).exit_code == 1
