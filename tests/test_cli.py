"""The command line as a user meets it: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import planner
from planner.cli import main
from planner.outputs import able, formats
from planner.schema import schema_text

ROOT = Path(__file__).parents[1]
RESNET50 = str(ROOT / "configs" / "resnet50.yaml")
PROGRAM = [sys.executable, "-c", "from planner.cli import main; main()"]

CLEAN = """\
name: clean
input: [8, 8, 3]
params: {width: 4}
layers:
  - {type: Conv2d, out_channels: $width, kernel_size: 1}
"""
ERROR = "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 4, kernel_size: 9}\n"
WARNING = "input: [8, 8, 3]\nlayers:\n  - {type: MaxPool2d, kernel_size: 3}\n"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty folder, 80 columns, and none of the variables that change what is printed."""
    for name in ("NO_COLOR", "PLANNER_DEBUG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """`write(name, text)`: a file in the folder."""

    def written(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    return written


def run(*arguments: str, input: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, arguments, input=input)


# Exit codes


@pytest.mark.parametrize("command", ["plan", "check"])
@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        (CLEAN, [], 0),
        (CLEAN, ["--strict"], 0),
        (WARNING, [], 0),
        (WARNING, ["--strict"], 1),
        (ERROR, [], 1),
        ("layers: [", [], 1),
        ("", [], 1),
        (CLEAN, ["--set", "width=8"], 0),
        (CLEAN, ["--set", "depth=8"], 1),
        (CLEAN, ["--input", "0x8x3"], 2),
        (CLEAN, ["--nonsense"], 2),
    ],
)
def test_exit_codes(command: str, text: str, options: list[str], code: int, write: Callable[[str, str], str]) -> None:
    assert run(command, write("m.yaml", text), *options).exit_code == code


@pytest.mark.parametrize("command", ["plan", "check"])
@pytest.mark.parametrize("path", ["missing.yaml", ".", "folder/m.yaml", "/dev/null", "bytes.yaml"])
def test_what_cannot_be_read(command: str, path: str, tmp_path: Path) -> None:
    (tmp_path / "bytes.yaml").write_bytes(b"\x00\x01\x02")
    result = run(command, path)
    assert result.exit_code == 2
    assert "error[NSP101]" in result.stdout


def test_the_worst_file_decides(write: Callable[[str, str], str]) -> None:
    clean, error = write("clean.yaml", CLEAN), write("error.yaml", ERROR)
    assert run("check", clean, error, clean).exit_code == 1
    assert run("check", error, "missing.yaml", clean).exit_code == 2


@pytest.mark.parametrize("name", formats("plan"))
def test_plan_formats_have_the_same_exit_code(name: str, write: Callable[[str, str], str]) -> None:
    assert run("plan", write("m.yaml", ERROR), "--format", name).exit_code == 1


# Usage

COMMANDS = main.list_commands(click.Context(main))
USAGE = [
    ("plan", "FILE is missing"),
    ("check", "FILE... is missing"),
    ("plan m.yaml n.yaml", "unexpected extra argument (n.yaml)"),
    ("plam m.yaml", "there is no command `plam`; did you mean `plan`?"),
    ("frobnicate", f"there is no command `frobnicate`; there are: {', '.join(COMMANDS)}"),
    ("plan m.yaml --dept 2", "there is no option `--dept`; did you mean `--depth`?"),
    ("plan m.yaml --depth 0", "--depth: 0 is not in the range x>=1"),
    ("plan m.yaml --depth two", "--depth: 'two' is not"),
    ("plan m.yaml --depth 1 --format json", f"--depth folds {able('plan', 'folds')}; json has every step"),
    ("plan m.yaml --batch -1", "--batch: -1 is not in the range x>=1"),
    ("plan m.yaml --dtype float33", "--dtype: `float33` is not known; there are: float64, float32"),
    ("plan m.yaml --format xml", "--format: 'xml' is not one of 'table'"),
    ("check m.yaml --format table", "--format: 'table' is not one of 'full'"),
    ("plan m.yaml --input 3y4", "--input: `3y4` is no shape; write it as 320x320x3"),
    ("plan m.yaml --input 8x-8x3", "is no shape"),
    ("plan m.yaml --input 8xx3", "is no shape"),
    ("plan m.yaml --input 8x8x3 --input 9x9x3", "is given twice"),
    ("plan m.yaml --input 8x8x3 --input a=9x9x3", "several inputs need a name each"),
    ("plan m.yaml --set width", "--set: `width` sets nothing; write it as name=value"),
    ("plan m.yaml --set =3", "sets nothing"),
    ("plan m.yaml --set width=", "sets nothing"),
    ("plan m.yaml --set width=[", "--set: `width=[`: "),
    ("explain Conv2", "there is no page on `Conv2`; did you mean `Conv"),
    ("explain xyzzy", "there is no page on `xyzzy`; `planner explain` lists what there is"),
]


@pytest.mark.parametrize(("line", "said"), USAGE, ids=[line for line, _ in USAGE])
def test_wrong_usage_says_what_is_right(line: str, said: str, write: Callable[[str, str], str]) -> None:
    write("m.yaml", CLEAN)
    result = run(*line.split())
    assert result.exit_code == 2
    assert result.stdout == ""
    first, help = result.stderr.splitlines()
    assert first.startswith("error: ")
    assert said in first
    command = line.split(maxsplit=1)[0]
    assert help == f" = help: planner {f'{command} ' if command in COMMANDS else ''}--help"


def test_without_a_command_there_is_help() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], *([name, "--help"] for name in COMMANDS)])
def test_help(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: planner")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "..." not in result.stdout.partition("Commands:")[2]


def test_every_option_is_explained() -> None:
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert command.help
        for parameter in command.params:
            assert not isinstance(parameter, click.Option) or parameter.help


def test_version() -> None:
    assert run("--version").stdout == f"planner {planner.__version__}\n"


# What is read


@pytest.mark.parametrize("command", ["plan", "check"])
def test_standard_input(command: str) -> None:
    result = run(command, "-", input=ERROR)
    assert result.exit_code == 1
    assert "--> <stdin>:3:" in result.stdout


def test_standard_input_of_any_bytes() -> None:
    result = run("check", "-", input=b"\xff\xfe\x00")
    assert result.exit_code == 2
    assert "<stdin>" in result.stdout


@pytest.mark.parametrize("shape", ["10x12x3", "10×12×3", "10X12X3", "input=10x12x3"])
def test_input(shape: str, write: Callable[[str, str], str]) -> None:
    said = json.loads(run("plan", write("m.yaml", CLEAN), "--format", "json", "--input", shape).stdout)
    assert said["inputs"] == {"input": [10, 12, 3]}
    assert said["steps"][0]["out"] == [10, 12, 4]


def test_an_input_that_the_file_does_not_have_is_refused(write: Callable[[str, str], str]) -> None:
    result = run("plan", write("m.yaml", CLEAN), "--format", "json", "--input", "inptu=10x12x3")
    assert "`input` has no `inptu`" in result.stdout + result.stderr
    assert result.exit_code == 1


def test_named_inputs(write: Callable[[str, str], str]) -> None:
    text = "input: {a: [8, 8, 3], b=c: [8, 8, 2]}\nlayers:\n  - {type: Concat, from: [a, b=c]}\n"
    said = json.loads(
        run("plan", write("m.yaml", text), "--format", "json", "--input", "a=9x9x3", "--input", "b=c=9x9x4").stdout
    )
    assert said["inputs"] == {"a": [9, 9, 3], "b=c": [9, 9, 4]}
    assert said["outputs"] == {"0": [9, 9, 7]}


@pytest.mark.parametrize(
    ("value", "shape"), [("6", [8, 8, 6]), (" 6 ", [8, 8, 6]), ("0x10", [8, 8, 16]), ("6 # six", [8, 8, 6])]
)
def test_set(value: str, shape: list[int], write: Callable[[str, str], str]) -> None:
    said = json.loads(run("plan", write("m.yaml", CLEAN), "--format", "json", "--set", f"width={value}").stdout)
    assert said["outputs"] == {"0": shape}


def test_set_a_list(write: Callable[[str, str], str]) -> None:
    text = "input: [8, 8, 3]\nparams: {k: [1, 1]}\nlayers:\n  - {type: AvgPool2d, kernel_size: $k, stride: 1}\n"
    said = json.loads(run("plan", write("m.yaml", text), "--format", "json", "--set", "k=[1, 3]").stdout)
    assert said["outputs"] == {"0": [8, 6, 3]}


@pytest.mark.parametrize(
    ("batch", "dtype", "factor"), [(1, "float32", 1), (8, "float32", 8), (2, "float16", 1), (4, "int8", 1)]
)
def test_batch_and_dtype(batch: int, dtype: str, factor: int, write: Callable[[str, str], str]) -> None:
    file = write("m.yaml", CLEAN)
    plain = json.loads(run("plan", file, "--format", "json").stdout)["totals"]
    said = run("plan", file, "--format", "json", "--batch", str(batch), "--dtype", dtype)
    totals = json.loads(said.stdout)["totals"]
    assert totals["activation_bytes"] == factor * plain["activation_bytes"]
    assert totals["peak_bytes"] == factor * plain["peak_bytes"]
    assert f"(batch {batch}, {dtype})" in run("plan", file, "--batch", str(batch), "--dtype", dtype).stdout


# What is printed where


def test_a_plan_is_followed_by_what_is_wrong(write: Callable[[str, str], str]) -> None:
    result = run("plan", write("m.yaml", ERROR))
    table, _, findings = result.stdout.partition("\n\nerror[")
    assert re.search(r"^✗ 0 +Conv2d  NSP301 ", table, re.MULTILINE)
    assert findings.endswith("\n1 error in m.yaml\n")
    assert result.stderr == ""


def test_a_clean_plan_is_only_the_table(write: Callable[[str, str], str]) -> None:
    result = run("plan", write("m.yaml", CLEAN))
    assert result.stdout.splitlines()[0] == "clean  input 8×8×3"
    assert result.stdout.endswith("peak (batch 1, float32)\n")


@pytest.mark.parametrize("name", ["csv", "markdown"])
def test_formats_for_programs_keep_findings_apart(name: str, write: Callable[[str, str], str]) -> None:
    result = run("plan", write("m.yaml", ERROR), "--format", name, "--color", "always")
    assert "NSP" not in result.stdout
    assert result.stderr.startswith("error[")


def test_json_brings_its_findings(write: Callable[[str, str], str]) -> None:
    result = run("plan", write("m.yaml", ERROR), "--format", "json")
    assert json.loads(result.stdout)["diagnostics"][0]["line"] == 3
    assert result.stderr == ""


def test_depth_folds() -> None:
    tables = [run("plan", RESNET50, "--depth", str(depth)).stdout.partition("total")[0] for depth in (1, 2, 3)]
    assert "  layer1   stage " in tables[0]
    assert "bottleneck" not in tables[0]
    assert "bottleneck ×5" in tables[1]
    assert "Add" not in tables[1]
    assert "Add" in tables[2]


def test_several_files_one_summary(write: Callable[[str, str], str]) -> None:
    names = [write(f"{i}.yaml", text) for i, text in enumerate([CLEAN, ERROR, ERROR])]
    assert run("check", *names).stdout.splitlines()[-1] == "2 errors in 2 of 3 files"
    assert run("check", names[0], names[0]).stdout == "nothing wrong in 2 files\n"


def test_width_is_the_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert "  line\n" in run("plan", RESNET50).stdout
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, run("plan", RESNET50).stdout.splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "1")
    assert run("plan", RESNET50).exit_code == 0


def test_explain_lists_what_there_is() -> None:
    text = run("explain").stdout
    assert "NSP202" in text
    assert "Conv2d" in text


@pytest.mark.parametrize("name", ["NSP202", "groups-do-not-divide", "Conv2d"])
def test_explain(name: str) -> None:
    assert "groups" in run("explain", name).stdout


def test_schema() -> None:
    result = run("schema")
    assert result.exit_code == 0
    assert result.stdout == schema_text()


# Colour


@pytest.mark.parametrize("command", [["plan"], ["check"], ["check", "--format", "concise"]])
def test_colour_by_request(command: list[str], write: Callable[[str, str], str]) -> None:
    file = write("m.yaml", ERROR)
    assert "\x1b[" in run(*command, file, "--color", "always").stdout
    assert "\x1b[" not in run(*command, file, "--color", "never").stdout
    assert "\x1b[" not in run(*command, file).stdout


@pytest.mark.parametrize("name", ["json", "github", "sarif"])
def test_no_colour_for_programs(name: str, write: Callable[[str, str], str]) -> None:
    assert "\x1b[" not in run("check", write("m.yaml", ERROR), "--format", name, "--color", "always").stdout


@pytest.fixture
def terminal() -> Iterator[tuple[int, Callable[[], str]]]:
    """A terminal to give to a process, and what was written to it."""
    outer, inner = pty.openpty()

    def written() -> str:
        os.close(inner)
        parts = []
        try:
            while part := os.read(outer, 65536):
                parts.append(part)
        except OSError:  # the other end is closed
            pass
        return b"".join(parts).decode()

    yield inner, written
    os.close(outer)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_on_a_terminal(
    environment: dict[str, str],
    coloured: bool,
    terminal: tuple[int, Callable[[], str]],
    write: Callable[[str, str], str],
) -> None:
    inner, written = terminal
    command = [*PROGRAM, "check", write("m.yaml", ERROR)]
    run = subprocess.run(command, stdout=inner, stderr=subprocess.PIPE, env={**os.environ, **environment}, check=False)
    assert ("\x1b[" in written()) is coloured
    assert run.returncode == 1
    assert run.stderr == b""


@pytest.mark.parametrize(("count", "shown"), [(1, False), (3, True)])
def test_progress_on_a_terminal(
    count: int, shown: bool, terminal: tuple[int, Callable[[], str]], write: Callable[[str, str], str]
) -> None:
    inner, written = terminal
    files = [write(f"{i}.yaml", CLEAN) for i in range(count)]
    run = subprocess.run([*PROGRAM, "check", *files], stdout=subprocess.PIPE, stderr=inner, check=False)
    assert ("checking" in written()) is shown
    assert run.stdout.decode().splitlines() == [f"nothing wrong in {'3 files' if count == 3 else '0.yaml'}"]


# Pipes, encodings, interruptions


@pytest.mark.parametrize("arguments", [["plan", RESNET50], ["explain"], ["schema"]])
def test_a_reader_that_leaves_is_no_error(arguments: list[str]) -> None:
    command = [*PROGRAM, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stderr
        writer.stdout.close()
        assert writer.stderr.read() == b""
    assert writer.returncode == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
@pytest.mark.parametrize("arguments", [["plan"], ["plan", "--format", "json"], ["plan", "--format", "csv"], ["check"]])
def test_any_encoding_of_stdout(encoding: str, arguments: list[str], write: Callable[[str, str], str]) -> None:
    file = write("m.yaml", ERROR.replace("layers:", "name: netz-ß-中文\nlayers:"))
    result = CliRunner(charset=encoding).invoke(main, [*arguments, file])
    assert result.exit_code == 1
    text = result.stdout_bytes.decode(encoding)
    if "json" in arguments:
        assert json.loads(text)["model"] == "netz-ß-中文"
    if arguments == ["plan"] and encoding != "utf-8":
        assert r"\u4e2d\u6587" in text
        assert ("8x8x3" if encoding == "ascii" else "8×8×3") in text


def test_a_process_without_unicode(write: Callable[[str, str], str]) -> None:
    command = [*PROGRAM, "plan", write("m.yaml", CLEAN)]
    run = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert run.stdout.decode("ascii").startswith("clean  input 8x8x3\n")
    assert run.stderr == b""


def test_interruption_is_quiet() -> None:
    program = """
import signal, sys, time
import planner.cli._reading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
def slow(*arguments, **options):
    print("ready", flush=True)
    time.sleep(60)
planner.cli._reading.report_on = slow
planner.cli.main(["check", "-"])
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as interrupted:
        assert interrupted.stdout
        assert interrupted.stderr
        assert interrupted.stdout.readline() == b"ready\n"
        interrupted.send_signal(signal.SIGINT)
        assert interrupted.stderr.read().strip() == b""
    assert interrupted.returncode == 130


# An error of our own


def test_internal_errors_are_one_line(monkeypatch: pytest.MonkeyPatch, write: Callable[[str, str], str]) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError("the\nroof \x1b[31mis on fire")

    monkeypatch.setattr("planner.workbench.Workbench.on", broken)
    result = run("check", write("m.yaml", CLEAN))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert re.fullmatch(
        r"planner: internal error: RuntimeError: the\\nroof \\x1b\[31mis on fire \(please report it [^\n]*\)\n",
        result.stderr,
    )
    monkeypatch.setenv("PLANNER_DEBUG", "1")
    result = run("check", write("m.yaml", CLEAN))
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "in broken" in result.stderr


def test_called_from_python_it_returns_its_exit_code(write: Callable[[str, str], str]) -> None:
    assert main(["check", write("m.yaml", ERROR)], standalone_mode=False) == 1
    assert main(["check", write("m.yaml", CLEAN)], standalone_mode=False) == 0
    with pytest.raises(click.UsageError):
        main(["check"], standalone_mode=False)


@pytest.mark.parametrize("command", ["plan", "sizes", "draw", "map", "report", "code"])
def test_a_file_that_is_not_there_is_named_by_every_command(command: str) -> None:
    result = run(command, "no-such-file.yaml")
    assert (result.exit_code, result.stderr or result.stdout) == (2, run("check", "no-such-file.yaml").stdout)
