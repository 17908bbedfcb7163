"""The planner as tools for agents, asked by the client of the protocol's own SDK: what tools answer is what the
commands answer, in few words.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner
from mcp import Client, StdioServerParameters, stdio_client

import planner
from planner.cli import main
from planner.server.mcp import server
from planner.workbench import checked

ROOT = Path(__file__).parents[1]
CONFIGS = ROOT / "configs"
SMALL = 4_000
"""Characters of an answer that nothing more was asked of."""
MISSPELT = "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channel: 8, kernel_size: 3, padding: 1}\n"
MENDED = MISSPELT.replace("out_channel", "out_channels")
LOSSY = "input: [8, 8, 3]\nlayers:\n  - {name: conv, type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2}\n"

Ask = Callable[..., Awaitable[str]]


def asked(tool: str, *, fails: bool = False, **arguments: Any) -> str:
    """What a tool answers."""

    async def ask() -> str:
        async with Client(server()) as client:
            return await answer(client, tool, fails=fails, **arguments)

    return anyio.run(ask)


async def answer(client: Client, tool: str, *, fails: bool = False, **arguments: Any) -> str:
    found = await client.call_tool(tool, arguments)
    (content,) = found.content
    assert content.type == "text"
    assert found.is_error == fails, content.text
    return content.text


def path(name: str) -> str:
    return str(CONFIGS / f"{name}.yaml")


def test_the_tools_say_what_they_are() -> None:
    async def look() -> None:
        async with Client(server()) as client:
            assert client.instructions
            tools = {each.name: each for each in (await client.list_tools()).tools}
            assert set(tools) == {"check", "plan", "sizes", "fix", "code", "import", "explain"}
            for each in tools.values():
                assert each.description
                assert each.annotations
                assert each.annotations.read_only_hint == (each.name not in ("fix", "import"))
                for about in each.input_schema["properties"].values():
                    assert about.get("description"), (each.name, about)

    anyio.run(look)


def test_the_example_in_the_instructions_is_right() -> None:
    from planner.server.mcp import INSTRUCTIONS

    example = INSTRUCTIONS.partition("A model file:")[2].rpartition("\n\n")[0]
    assert asked("check", model=example).startswith("nothing wrong in model: output 10, ")


@pytest.mark.parametrize("name", ["resnet50", "squeezenet1_1", "unet", "densenet201"])
def test_answers_are_small_and_agree_with_the_report(name: str) -> None:
    report = checked(path(name))
    told = report.to_dict()
    shape = "×".join(map(str, next(iter(told["outputs"].values()))))
    totals = f"output {shape}, {told['totals']['params']:,} parameters, {told['totals']['macs']:,} MACs"
    for tool in ("check", "plan"):
        text = asked(tool, model=path(name))
        assert totals in text
        assert len(text) < SMALL


def test_check_numbers_what_it_finds() -> None:
    text = asked("check", model=path("squeezenet1_1"))
    assert "1. warning NSP320 unread-input (line 4, `input`): 447 of 50,176 cells" in text
    assert "2. warning NSP321 lost-cells (line 9, `features.0`)" in text
    assert "fix 2 (unsafe): padding: 1 → 112×112×64, nothing lost" in text
    few = asked("check", model=path("squeezenet1_1"), most=1)
    assert "NSP321" not in few
    assert "… 1 more findings" in few


def test_remarks_are_told_in_full_where_they_are_asked_for() -> None:
    brief = asked("check", model=path("resnet50"))
    assert "5 uneven-padding, 3 skipped-on-one-branch" in brief
    assert "`conv1`" not in brief
    full = asked("check", model=path("resnet50"), infos=True)
    assert "info NSP324 uneven-padding (line 7, `conv1`)" in full


def test_what_cannot_be_read_is_a_finding_or_an_error() -> None:
    assert "NSP101 unreadable-file (the model): there is no file" in asked("check", model="missing.yaml")
    assert "error NSP" in asked("check", model="layers: [\n")
    assert "`missing.onnx` is not there" in asked("check", model="missing.onnx", fails=True)


def test_other_inputs_and_parameters() -> None:
    assert "output 5, " in asked("check", model=path("lenet5"), params={"classes": 5})
    assert "input 64×64×3" in asked("plan", model=path("resnet50"), input=[64, 64, 3])
    assert "left 64×64×1" in asked("plan", model=path("siamese"), input={"left": [64, 64, 1], "right": [64, 64, 1]})


def test_a_plan_is_opened_level_by_level_and_step_by_step() -> None:
    assert "layer1.0" not in asked("plan", model=path("resnet50"))
    assert "bottleneck" in asked("plan", model=path("resnet50"), depth=2)
    assert "more lines; ask for a smaller `depth`" in asked("plan", model=path("densenet201"), depth=0)
    step = json.loads(asked("plan", model=path("resnet50"), step="layer1.0.conv1"))
    assert step in json.loads(json.dumps(checked(path("resnet50")).to_dict()["steps"]))
    assert "there are layer1.0, " not in asked("plan", model=path("resnet50"), step="layer1.0.conv9", fails=True)
    assert "there are layer1.0.conv1, " in asked("plan", model=path("resnet50"), step="layer1.0", fails=True)


def test_sizes_are_those_of_the_command_without_the_chart() -> None:
    said = CliRunner().invoke(main, ["sizes", path("unet")], terminal_width=110).stdout
    text = asked("sizes", model=path("unet"))
    assert text.startswith("height and width of `input`, now 572×572×1")
    assert len(text) < SMALL
    assert "works     n ≡ 12 mod 16, from 188; 572 does" in text
    assert [line for line in text.splitlines() if line not in said.splitlines()] == []
    assert "works" not in asked("sizes", model=MISSPELT)


def test_fixes_are_shown_and_written_where_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(MISSPELT)
    shown = asked("fix", model=str(file))
    assert "+  - {type: Conv2d, out_channels: 8" in shown
    assert "afterwards: nothing wrong" in shown
    assert file.read_text() == MISSPELT
    assert "1 fix written to" in asked("fix", model=str(file), write=True)
    assert file.read_text() == MENDED
    assert asked("fix", model=str(file)) == "no safe fix; `unsafe`, or the number of a finding, takes others"


def test_one_fix_of_one_finding(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY)
    offered = asked("check", model=str(file)).partition("NSP321")[2]
    assert "fix 2 (unsafe): padding: 1 →" in offered
    asked("fix", model=str(file), finding=2, number=2, write=True)
    assert file.read_text() == LOSSY.replace("stride: 2", "stride: 2, padding: 1")
    assert "there is no finding 9" in asked("fix", model=LOSSY, finding=9, fails=True)
    assert "has only 5 fixes" in asked("fix", model=LOSSY, finding=2, number=9, fails=True)


def test_what_is_no_model_file_is_not_written() -> None:
    assert "only a model file can be written" in asked("fix", model=LOSSY, write=True, fails=True)
    yolo = str(ROOT / "tests/ultralytics/two_maps.yaml")
    assert "made in model files alone" in asked("fix", model=yolo, fails=True)


def test_code_is_that_of_the_library() -> None:
    assert asked("code", model=path("lenet5")) == planner.torch_code(planner.check(path("lenet5")))
    assert "did you mean `out_channels`?" in asked("code", model=MISSPELT, fails=True)


def test_explain_has_the_manual() -> None:
    assert asked("explain", name="lost-cells") == asked("explain", name="NSP321")
    assert "Conv2d(kernel_size" in asked("explain", name="Conv2d")
    assert "did you mean `Conv2d`?" in asked("explain", name="Conv2", fails=True)
    assert "NSP321" in asked("explain")


def test_only_import_runs_code(tmp_path: Path) -> None:
    module, ran = _net(tmp_path)
    for tool in ("check", "plan", "sizes", "fix", "code"):
        assert "would be run" in asked(tool, model=f"{module}:Net", fails=True)
    assert not ran.exists()
    assert "names no network" in asked("import", network="m.yaml", fails=True)


@pytest.mark.long
def test_what_the_code_of_a_network_prints_does_not_get_between_messages(tmp_path: Path) -> None:
    module, ran = _net(tmp_path)
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    program = "from planner.cli import main; main()"
    started = StdioServerParameters(command=sys.executable, args=["-c", program, "mcp"], env=paths)

    async def over_a_pipe() -> None:
        with Path(os.devnull).open("w") as nowhere:
            async with Client(stdio_client(started, errlog=nowhere)) as client:
                arguments = {"n": 5}
                text = await answer(client, "import", network=f"{module}:Net", input=[8, 8, 3], arguments=arguments)
                assert "out_channels: 5" in text
                assert "nothing wrong in Net: output 6×6×5" in await answer(client, "check", model=text + "\n")

    anyio.run(over_a_pipe)
    assert ran.exists()


def _net(folder: Path) -> tuple[Path, Path]:
    """A file with a module of PyTorch, and what is there after it was run."""
    module, ran = folder / "net.py", folder / "ran"
    module.write_text(
        f"import pathlib\nfrom torch import nn\npathlib.Path({str(ran)!r}).touch()\nprint('hello')\n"
        "class Net(nn.Sequential):\n    def __init__(self, n=4):\n        super().__init__(nn.Conv2d(3, n, 3))\n"
    )
    return module, ran


def test_a_failure_of_the_planner_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("planner.workbench.Workbench.on_text", broken)
    assert "internal error: ZeroDivisionError: division by zero" in asked("check", model=LOSSY, fails=True)


def test_without_the_package_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "planner.server.mcp")
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    result = CliRunner().invoke(main, ["mcp"])
    assert result.exit_code == 2
    assert "pip install 'shape-planner[mcp]'" in result.stderr
