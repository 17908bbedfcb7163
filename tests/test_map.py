"""Maps: shares of paths against paths that are walked one by one, what is marked, and the command."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from planner.analyses.nearby import nearby
from planner.analyses.paths import LONGEST_AXIS, paths
from planner.analyses.reach import trace
from planner.cells import Runs, all_cells, counts
from planner.cells.combs import compressed
from planner.cli import main
from planner.geometry import Shape, bits
from planner.outputs.map import _windows, png, svg
from planner.outputs.map._pixels import read_colours
from planner.outputs.map._runs import MOST
from planner.outputs.map._seen import NoMap, seen
from planner.plan import Plan
from planner.propagation import propagate
from planner.report import Report
from planner.workbench import checked, checked_text

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(each.stem for each in (ROOT / "configs").glob("*.yaml"))


@cache
def config(name: str) -> Report:
    return checked(ROOT / "configs" / f"{name}.yaml")


def model(layers: str, input: str = "[8, 7, 2]") -> Report:
    return checked_text(f"input: {input}\nlayers:\n{layers}", "m.yaml")


def walked(plan: Plan) -> Counter[tuple[int, ...]]:
    """The paths from every output position to the input, walked one by one."""
    found: Counter[tuple[int, ...]] = Counter()

    def back(step: int, cell: tuple[int, ...]) -> None:
        here = plan.steps[step]
        if here.is_input:
            found[cell] += 1
            return
        for ref, link, x in zip(here.sources, here.links[0], here.inputs, strict=True):
            if link.empty:
                continue
            if link.pieces is not None:
                whole = (*(1 << i for i in cell), all_cells(here.outputs[0].channels))
                for source in {each for box in link.pieces.read(whole) for each in product(*map(bits, box[:-1]))}:
                    back(ref.step, source)
                continue
            read = [
                bits(axis.reads(1 if to is None else 1 << cell[to], n))
                for axis, to, n in zip(link.axes, link.landing, x.spatial, strict=True)
            ]
            for source in product(*read):
                back(ref.step, source)

    for step, _ in plan.outputs:
        for cell in product(*map(range, plan.steps[step].outputs[0].spatial)):
            back(step, cell)
    return found


@pytest.mark.parametrize(
    "layers",
    [
        "  - {type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2}\n",
        "  - {type: Conv2d, out_channels: 4, kernel_size: 3, dilation: 2}\n  - {type: MaxPool2d, kernel_size: 2}\n",
        "  - {type: Conv2d, out_channels: 2, kernel_size: 3, padding: 1}\n  - {type: Add, from: [0, input]}\n",
        "  - {type: MaxPool2d, kernel_size: 2}\n  - {type: Upsample, scale_factor: 2}\n",
        "  - {type: Conv2d, out_channels: 3, kernel_size: 3}\n  - {type: Flatten}\n  - {type: GELU}\n",
        "  - {type: Permute, dims: [0, 1, 3, 2]}\n  - {type: Conv2d, out_channels: 3, kernel_size: [3, 1]}\n",
        "  - {type: Rearrange, pattern: '(h i) w c -> (h w) i c', i: 2}\n  - {type: Mean, dim: 3}\n",
        "  - {type: Rearrange, pattern: '(h i) w c -> h w (i c)', i: 2}\n  - {type: MaxPool2d, kernel_size: 3}\n",
        "  - {type: Rearrange, pattern: 'h w c -> c (h w) 1'}\n  - {type: MaxPool2d, kernel_size: 2}\n",
        "  - {type: AdaptiveAvgPool2d, output_size: 3}\n  - {type: ConvTranspose2d, out_channels: 2, kernel_size: 3}\n",
    ],
)
def test_shares_are_those_of_paths_walked_one_by_one(layers: str) -> None:
    plan = model(layers).plan
    counts = walked(plan)
    found = paths(plan)
    assert found is not None
    most = max(counts.values())
    for cell in product(*map(range, plan.steps[0].outputs[0].spatial)):
        assert found["input"][cell] == pytest.approx(counts[cell] / most)


@pytest.mark.parametrize("name", CONFIGS)
def test_what_has_no_path_is_what_is_never_read(name: str) -> None:
    report = config(name)
    found = paths(report.plan)
    if found is None:
        assert max(n for step in report.plan.steps for shape in step.outputs for n in shape.spatial) > LONGEST_AXIS
        return
    assert report.reach is not None
    for i, step in enumerate(report.plan.inputs):
        unread = report.reach.unread[i]
        assert unread is not None
        assert int((found[step.name] == 0).sum()) == unread[0].cells
        assert found[step.name].max() == 1


def test_huge_numbers_of_paths_stay_numbers() -> None:
    plan = model("  - {type: Conv2d, out_channels: 2, kernel_size: 7, padding: 3, repeat: 300}\n").plan
    found = paths(plan)
    assert found is not None
    assert numpy.isfinite(found["input"]).all()
    assert 0 < found["input"].min() < found["input"].max() == 1


def test_one_cell_sees_its_receptive_field() -> None:
    report = config("resnet50")
    found = seen(report, step="layer1.0.conv2", cell=(20, 30))
    at = next(i for i, step in enumerate(report.plan.steps) if step.name == "layer1.0.conv2")
    ((rows, columns, _),) = trace(report.plan, at, 0, ((1 << 20, 1 << 30, 1),))["input"]
    assert found.stretch is not None
    assert found.stretch.ends == ((bits(rows)[0], bits(rows)[-1]), (bits(columns)[0], bits(columns)[-1]))
    assert found.shares is not None
    assert [tuple(map(int, ends)) for ends in numpy.nonzero(found.shares.sum(axis=1))] == [tuple(bits(rows))]


# Pictures


@pytest.mark.parametrize("name", CONFIGS)
def test_every_network_has_a_map(name: str) -> None:
    report = config(name)
    if not report.plan.inputs[0].outputs[0].spatial:
        with pytest.raises(NoMap, match="no spatial axes"):
            seen(report)
        return
    found = seen(report)
    picture = ElementTree.fromstring(svg.render(report, found))
    words = " ".join(each.text or "" for each in picture.iter())
    assert (f"{found.cells:,} of {found.total:,} cells never read" in words) == bool(found.cells)
    assert png.render(report, found).startswith(b"\x89PNG")


def test_unread_rows_and_columns_are_marked() -> None:
    report = config("squeezenet1_1")
    text = svg.render(report, seen(report))
    assert "447 of 50,176 cells never read: row 223 and column 223" in text
    assert text.count('<polygon fill="#e02424"') == 2


def test_a_png_holds_the_cells() -> None:
    report = model("  - {type: Conv2d, out_channels: 4, kernel_size: 3, stride: 3}\n", "[9, 11, 1]")
    made = png.render(report, seen(report))
    width, height = (int.from_bytes(made[i : i + 4], "big") for i in (16, 20))
    assert (width % 11, height % 9) == (0, 0)
    start = made.index(b"IDAT") + 4
    rows = zlib.decompress(made[start : made.index(b"IEND")])
    assert len(rows) == height * (1 + 4 * width)
    last_pixel = rows[width * 4 - 3 : width * 4 + 1]
    assert last_pixel == bytes([0xE0, 0x24, 0x24, 255])


# Long axes

LONG = 225_360


def lone(n: int, unread: int) -> Report:
    """A model that reads all cells of a sequence but one."""
    pieces = {"a": f"stop: {unread}", "b": f"start: {unread + 1}"}
    kept = {"a": unread, "b": n - 1 - unread}
    pieces = {name: text for name, text in pieces.items() if kept[name]}
    slices = [f"  - {{name: {name}, type: Slice, dim: 2, {text}, from: input}}\n" for name, text in pieces.items()]
    joined = f"  - {{type: Concat, dim: 2, from: [{', '.join(pieces)}]}}\n" if len(pieces) > 1 else ""
    return model("".join(slices) + joined, f"[{n}, 1]")


@pytest.mark.parametrize("unread", [0, 1, 77_777, LONG - 2, LONG - 1])
def test_one_unread_cell_of_a_long_axis_is_seen(unread: int) -> None:
    report = lone(LONG, unread)
    found = seen(report)
    (row,) = found.read
    run = found.runs[1]
    assert run == -(-LONG // MOST)
    length = min(run, LONG - unread // run * run)
    assert row == tuple(1 - Fraction(i == unread // run, length) for i in range(-(-LONG // run)))
    painted = read_colours(found.read)[0]
    assert [i for i, pixel in enumerate(painted.tolist()) if pixel != painted[(unread // run + 1) % 2].tolist()] == [
        unread // run
    ]
    text = svg.render(report, found)
    assert f"1 column = {run} cells; no paths counted: an axis has over 2,048 cells" in text
    assert f"1 of 225,360 cells never read: column {unread}<" in text
    assert text.count("<polygon") == 1


@pytest.mark.parametrize("stretched", [1, 7, 60])
@pytest.mark.parametrize(
    "layers",
    [
        "  - {type: Conv2d, out_channels: 1, kernel_size: 3, stride: 5}\n",
        "  - {type: MaxPool2d, kernel_size: 1, stride: [3, 2]}\n  - {type: Conv2d, out_channels: 1, kernel_size: 2}\n",
        (
            "  - {name: a, type: Slice, dim: 2, start: 7}\n  - {name: b, type: AdaptiveAvgPool2d, output_size: 1}\n"
            "  - {type: Slice, dim: 3, stop: 9, from: input}\n  - {name: c, type: AdaptiveAvgPool2d, output_size: 1}\n"
            "  - {type: Add, from: [b, c]}\n"
        ),
    ],
)
def test_shares_of_runs_are_those_of_their_cells(layers: str, stretched: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cell by cell, from the paths to each."""
    report = model(layers, f"[41, {30 * stretched}, 1]")
    cells = paths(report.plan)
    assert cells is not None
    monkeypatch.setattr("planner.outputs.map._runs.MOST", 8)
    monkeypatch.setattr("planner.outputs.map._seen.paths", lambda *_, **__: None)
    found = seen(report)
    tall, wide = found.runs
    assert (found.height, found.width) == (len(found.read), len(found.read[0]))
    for i, row in enumerate(found.read):
        for j, share in enumerate(row):
            run = cells["input"][i * tall : (i + 1) * tall, j * wide : (j + 1) * wide]
            assert share == Fraction(int((run > 0).sum()), run.size)


def test_a_volume_and_what_one_cell_sees_of_a_long_axis() -> None:
    report = model("  - {name: a, type: Conv3d, out_channels: 1, kernel_size: 2, stride: 3}\n", "[6, 5, 3000, 1]")
    found = seen(report)
    assert (found.slices, found.runs, found.size) == (6, (1, 6), (5, 3000))
    assert found.read[0] == (Fraction(2 * 2, 3 * 3),) * 500
    assert set(found.read[2]) == {0}
    one = seen(report, step="a", cell=(0, 1, 20))
    assert [(i, j, share) for i, row in enumerate(one.read) for j, share in enumerate(row) if share] == [
        (3, 10, Fraction(2 * 2, 6 * 6)),
        (4, 10, Fraction(2 * 2, 6 * 6)),
    ]
    assert one.stretch is not None
    assert one.stretch.drawn(one.runs) == ((3, 4), (10, 10))


@pytest.mark.parametrize("args", [[], ["--step", "a"], ["--windows", "a"]])
@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_map_of_a_million_rows_and_columns(args: list[str], ending: str, tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        "input: [1000000, 1000000, 3]\nlayers:\n  - {name: a, type: Conv2d, out_channels: 4, kernel_size: 70000}\n"
    )
    made = tmp_path / f"m.{ending}"
    result = CliRunner().invoke(main, ["map", str(file), "-o", str(made), *args])
    assert (result.exit_code, result.output) == (0, "")
    assert 300 < made.stat().st_size < 100_000


@given(st.sets(st.integers(0, 400)), st.integers(1, 90), st.integers(0, 300))
def test_cells_are_counted_run_by_run(cells: set[int], run: int, beyond: int) -> None:
    n = max(cells, default=0) + 1 + beyond
    expected = [sum(i in cells for i in range(start, start + run)) for start in range(0, n, run)]
    assert counts(sum(1 << i for i in cells), run, n) == expected
    far = Runs(compressed([(i, i + 1) for i in sorted(cells)])) if cells else 0
    assert counts(far, run, n) == expected


def test_names_cannot_become_markup() -> None:
    report = checked_text(
        'name: "<b>&x"\ninput: [8, 8, 1]\nlayers:\n  - {name: "<i>", type: Conv2d, out_channels: 1, kernel_size: 3}\n',
        "m.yaml",
    )
    for text in (svg.render(report, seen(report, step="<i>")), _windows.render(report, "<i>")):
        assert not {each.tag.rpartition("}")[2] for each in ElementTree.fromstring(text).iter()} & {"b", "i", "script"}


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("Conv2d, out_channels: 1, kernel_size: 3, stride: 2", ["lost: read by no window"]),
        ("Conv2d, out_channels: 1, kernel_size: 3, stride: 2, padding: 1", ["padding", "padding that is not read"]),
        ("MaxPool2d, kernel_size: 1, stride: 3", ["skipped, between windows"]),
        ("MaxPool2d, kernel_size: 3, stride: 2, ceil_mode: true", ["over the end"]),
    ],
)
def test_windows_show_what_is_dropped(layer: str, said: list[str]) -> None:
    text = _windows.render(model(f"  - {{name: a, type: {layer}}}\n", "[10, 10, 1]"), "a")
    for each in said:
        assert f">{each}</text>" in text
    assert "<animate" in text


def test_windows_of_a_long_axis_show_its_ends() -> None:
    text = _windows.render(config("resnet50"), "conv1")
    assert "height and width: 224 → 112" in text
    assert "output 111" in text
    assert "output 50" not in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"input": "x"}, "there is no input `x`"),
        ({"step": "nd"}, "there is no step `nd`"),
        ({"step": "a", "cell": (9, 0)}, "there is no cell 9, 0"),
    ],
)
def test_what_cannot_be_shown(args: dict[str, Any], said: str) -> None:
    with pytest.raises(NoMap, match=re.escape(said)):
        seen(model("  - {name: a, type: Conv2d, out_channels: 1, kernel_size: 3}\n"), **args)


# Sizes


@pytest.mark.parametrize("name", ["lenet5", "squeezenet1_1", "unet"])
def test_what_is_nearby_agrees_with_a_plan_of_each_size(name: str) -> None:
    report = config(name)
    channels = report.plan.inputs[0].outputs[0].channels
    found = list(nearby(report.plan, "input"))
    assert any(each.size == report.plan.inputs[0].outputs[0][0] for each in found)
    for each in found[::31]:
        plan = propagate(report.plan.model, inputs={"input": Shape((each.size, each.size, channels))})
        assert each.works == plan.complete
        again = checked(ROOT / "configs" / f"{name}.yaml", input=(each.size, each.size, channels))
        if each.works and again.reach is not None and again.reach.unread[0] is not None:
            lines = sum(len(again.reach.unread[0][0].lines(axis)) for axis in (0, 1))
            assert each.unread == lines


def test_what_is_nearby_an_input_is_about_the_steps_behind_it() -> None:
    report = checked_text(
        "input: {a: [8, 8, 1], b: [9, 9, 1]}\nlayers:\n"
        "  - {name: x, type: Conv2d, from: a, out_channels: 1, kernel_size: 3, stride: 2}\n"
        "  - {name: y, type: Conv2d, from: b, out_channels: 1, kernel_size: 3}\noutputs: [x, y]\n"
    )
    losing = {name: [each.losing for each in nearby(report.plan, name) if each.size == 8] for name in ("a", "b")}
    assert losing == {"a": [1], "b": [0]}


# The command


def run(*args: str) -> Any:
    return CliRunner().invoke(main, ["map", str(ROOT / "configs/squeezenet1_1.yaml"), *args])


@pytest.mark.parametrize(
    "args",
    [
        ["-o", "m.svg"],
        ["-o", "m.png"],
        ["--windows", "features.0", "-o", "m.svg"],
        ["--step", "features.0", "--cell", "3,4", "-o", "m.svg"],
    ],
)
def test_the_command(args: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*args)
    assert (result.exit_code, result.output) == (0, "")
    assert (tmp_path / args[-1]).stat().st_size > 1000


def test_over_an_image_of_ones_own(tmp_path: Path) -> None:
    report = model("  - {type: ReLU}\n")
    image = tmp_path / "cat.png"
    image.write_bytes(png.render(report, seen(report)))
    result = run("--image", str(image))
    assert result.exit_code == 0
    assert result.output.count("data:image/png;base64,") == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-o", "m.gif"], "`m.gif` does not say what to draw"),
        (["--step", "nowhere"], "there is no step `nowhere`"),
        (["--cell", "a"], "`a` is no cell; write it as 3,5"),
        (["--image", "no.png"], "`no.png` cannot be read: no such file"),
        (["--windows", "input"], "has no windows"),
        (["--windows", "features.0", "--cell", "3,5"], "--cell belongs to the map of an input"),
    ],
)
def test_the_command_says_what_it_cannot_do(args: list[str], said: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert said in result.output
