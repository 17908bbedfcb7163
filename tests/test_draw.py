"""Pictures of models: what is drawn, that every network can be, and what the engines make of it."""

from __future__ import annotations

import re
import subprocess
import zlib
from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from planner.checking import checked, checked_text
from planner.cli import main
from planner.engine import NoPicture, find
from planner.outputs import renderer
from planner.outputs.draw import mmd
from planner.outputs.draw._look import DIRECTIONS, Look
from planner.outputs.draw._marks import marks
from planner.outputs.draw._pdf import _SHAPES, pdf
from planner.outputs.draw._picture import COMFORTABLE, TooManyBoxes, draw, family
from planner.outputs.draw._themes import FAMILIES, REST, THEMES
from planner.report import Report

ROOT = Path(__file__).parents[1]
CONFIGS = sorted(each.stem for each in (ROOT / "configs").glob("*.yaml"))
HOSTILE = ["<script>alert(1)</script>", "a\\N\\G", '"]; x [label="', "&lt;b&gt;", "卷积", "`x`", "#quot;", "|", "{a|b}"]


@cache
def config(name: str) -> Report:
    report = checked(ROOT / "configs" / f"{name}.yaml")
    report.source.file = f"configs/{name}.yaml"
    return report


def model(layers: str, input: str = "[56, 56, 64]", more: str = "") -> Report:
    return checked_text(f"input: {input}\nlayers:\n{layers}{more}", "m.yaml")


def svg(report: Report, **look: Any) -> ElementTree.Element:
    source = renderer("draw", "dot")(report, Look(**look))
    return ElementTree.fromstring(find("bundled").draw(source, "svg"))


def texts(picture: ElementTree.Element) -> str:
    return "\n".join(each.text or "" for each in picture.iter() if each.tag.endswith("text"))


def content(made: bytes) -> str:
    """The operators of a PDF's page."""
    packed = made[made.index(b"stream\n") + 7 : made.index(b"\nendstream")]
    return zlib.decompress(packed).decode("latin-1")


def pdf_texts(made: bytes) -> list[str | None]:
    """The lines of text in a PDF."""
    found: list[str | None] = []
    for line in re.findall(r"^BT.*?^ET$", content(made), re.MULTILINE | re.DOTALL):
        runs = re.findall(r"/(F\d) \S+ Tf <(\w+)> Tj", line)
        codecs = ((font == "F4", bytes.fromhex(letters)) for font, letters in runs)
        found.append("".join(letters.decode("utf-16-be" if wide else "cp1252") for wide, letters in codecs))
    return found


# Every network in every format


@pytest.mark.parametrize("name", CONFIGS)
def test_every_network_is_drawn(name: str) -> None:
    source = renderer("draw", "dot")(config(name), Look())
    assert find("bundled").draw(source, "png").startswith(b"\x89PNG")
    made = find("bundled").draw(source, "svg")
    shown, printed = texts(ElementTree.fromstring(made)), pdf_texts(pdf(made))
    assert name in shown
    for shape in [*config(name).plan.inputs[0].outputs, *config(name).plan.steps[-1].outputs]:
        assert str(shape) in shown
    assert printed == [line.replace("\xa0", " ") for line in shown.splitlines()]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_pdf_holds_every_shape(name: str) -> None:
    for svg in (
        renderer("draw", "volumes")(config(name), Look()).encode(),
        b'<svg viewBox="0 0 9 9"><ellipse cx="3" cy="4" rx="2" ry="1"/></svg>',
    ):
        shapes = [each for each in ElementTree.fromstring(svg).iter() if each.tag.rpartition("}")[2] in _SHAPES]
        painted = re.findall(r" [fSB] Q$", content(pdf(svg)), re.MULTILINE)
        assert len(painted) == len(shapes)


@pytest.mark.parametrize("name", ["net", "卷积 x", "é×…", "😀"])
def test_texts_of_a_pdf(name: str) -> None:
    made = pdf(f'<svg viewBox="0 0 9 9"><text x="1" y="2">{name}</text></svg>'.encode())
    assert pdf_texts(made) == [name]
    start = int(re.findall(rb"startxref\n(\d+)", made)[0])
    assert made[start:].startswith(b"xref")
    for number, place in enumerate(re.findall(rb"^(\d{10}) 00000 n", made, re.MULTILINE), 1):
        assert made[int(place) :].startswith(f"{number} 0 obj".encode())


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("depth", [1, 2, None])
def test_boxes_account_for_every_step_once(name: str, depth: int | None) -> None:
    picture = draw(config(name), depth)
    steps = sorted(i for box in picture.boxes for each in box.all_steps() for i in each)
    assert steps == list(range(len(config(name).plan.steps)))
    if depth is None:
        assert len([box for box in picture.boxes if not box.is_output]) <= COMFORTABLE


@pytest.mark.parametrize("name", CONFIGS)
def test_mermaid_is_within_what_github_shows(name: str) -> None:
    for look in (Look(), Look(depth=99)):
        text = mmd.render(config(name), look)
        assert len(text) < 50_000
        assert len(re.findall(r"-->|==>|-\.->", text)) < 500
        assert text.count("subgraph ") == len(re.findall(r"^\s+end$", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["lenet5", "unet", "resnet50"])
@pytest.mark.parametrize("format", ["dot", "mmd", "svg"])
def test_goldens(name: str, format: str, golden: Callable[[str, str], None]) -> None:
    if format == "svg":
        source = renderer("draw", "dot")(config(name), Look(depth=2))
        golden(f"draw/{name}.svg", find("bundled").draw(source, "svg").decode())
    else:
        golden(f"draw/{name}.{format}", renderer("draw", format)(config(name), Look(depth=2)))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_looks(theme: str, direction: str) -> None:
    labels = ("args", "params", "macs", "field", "line")
    shown = texts(svg(config("lenet5"), theme_name=theme, direction=direction, labels=labels))
    c1 = config("lenet5").plan.steps[1]
    assert f"{c1.params:,} params, {c1.macs:,} MACs" in shown
    assert "sees 5×5" in shown
    assert "line 8" in shown


@pytest.mark.parametrize("name", CONFIGS)
def test_volumes_of_every_network(name: str) -> None:
    picture = ElementTree.fromstring(renderer("draw", "volumes")(config(name), Look()))
    assert str(config(name).plan.inputs[0].outputs[0]) in texts(picture)
    width = float(picture.get("width") or 0)
    spaces = [
        (float(each.get("x") or 0), float(each.get("y") or 0), 5 * len(each.text or ""))
        for each in picture.iter()
        if each.get("text-anchor") == "middle"
    ]
    for x, _, wide in spaces:
        assert 0 <= x - wide / 2 <= x + wide / 2 <= width
    for (x, y, wide), (other, beside, narrow) in combinations(spaces, 2):
        assert abs(x - other) >= (wide + narrow) / 2 or abs(y - beside) >= 9


def test_u_net_stands_as_a_u() -> None:
    picture = ElementTree.fromstring(renderer("draw", "volumes")(config("unet"), Look()))
    places = {each.text: float(each.get("y") or 0) for each in picture.iter() if each.get("font-size") == "11"}
    down = [places[name] for name in ("down1", "down2", "down3", "down4", "bottom")]
    up = [places[name] for name in ("bottom", "up4", "up3", "up2", "up1")]
    assert down == sorted(down)
    assert up == sorted(up, reverse=True)
    skips = [each for each in picture.iter() if each.get("stroke") == THEMES["light"].skip]
    assert len(skips) == 4


# What is drawn


def test_marks_of_what_is_lost() -> None:
    report = model("  - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}\n")
    (mark,) = marks(report)[1]
    assert (mark.severity, mark.text) == ("warning", "loses 1 of 56 in H and W")
    picture = svg(report)
    strong = THEMES["light"].marks[mark.severity][0]
    assert mark.text in texts(picture)
    assert any(each.get("fill") == strong for each in picture.iter())


def test_a_fault_is_red_and_what_depends_on_it_dashed() -> None:
    report = model(
        "  - {name: a, type: Conv2d, out_channels: 8, kernel_size: 3, groups: 3}\n  - {name: late, type: ReLU}\n"
    )
    picture = svg(report)
    shown = texts(picture)
    assert "NSP202" in shown
    assert "late" in shown
    assert "loses" not in shown
    assert any(each.get("fill") == "#c81e1e" for each in picture.iter())
    dot = renderer("draw", "dot")(report, Look())
    assert dot.count('STYLE="DASHED"') == 1


def test_skips_go_past_a_longer_way() -> None:
    picture = draw(config("unet"), 1)
    skips = {(each.source.title, each.target.title) for each in picture.arrows if each.skip}
    assert skips == {("down1", "up1"), ("down2", "up2"), ("down3", "up3"), ("drop4", "up4")}


def test_what_only_lends_its_size_is_no_skip() -> None:
    picture = draw(
        model(
            "  - {name: down, type: Conv2d, out_channels: 8, kernel_size: 4, stride: 2}\n"
            "  - {name: up, type: ConvTranspose2d, out_channels: 8, kernel_size: 2, stride: 2}\n"
            "  - {name: crop, type: CropLike, from: [input, up]}\n"
            "  - {type: Concat, from: [crop, up]}\n"
        )
    )
    lent = [(each.source.title, each.target.title) for each in picture.arrows if each.lent]
    assert lent == [("up", "crop")]
    skips = {(each.source.title, each.target.title) for each in picture.arrows if each.skip}
    assert skips == {("input", "crop"), ("crop", "concat")}


def test_a_skip_goes_on_behind_a_crop() -> None:
    picture = draw(config("unet"), 2)
    skips = [(each.source.title, each.target.title) for each in picture.arrows if each.skip]
    assert skips.count(("crop", "concat")) == 4
    assert len(skips) == 8


@pytest.mark.parametrize(
    ("name", "count"), [("resnet50", 12), ("densenet121", 58), ("inception_v3", 0), ("vgg16", 0), ("vit_b_16", 24)]
)
def test_how_many_skips_networks_have(name: str, count: int) -> None:
    """ResNet-50 has 16 shortcuts, 4 of which are convolutions and so branches; ViT-B has two in each of 12 blocks."""
    assert sum(each.skip for each in draw(config(name), 99, every=True).arrows) == count


def test_equal_blocks_one_behind_the_other_are_one_box_and_side_by_side_several() -> None:
    blocks = "blocks:\n  s:\n    layers:\n      - {type: Conv2d, out_channels: 64, kernel_size: 1}\n"
    behind = draw(model("  - {name: a, type: s}\n  - {name: b, type: s}\n", more=blocks), 1)
    assert [box.title for box in behind.boxes] == ["input", "a…b", "output"]
    beside = draw(
        model(
            "  - {name: a, type: s}\n  - {name: b, type: s, from: input}\n  - {type: Add, from: [a, b]}\n", more=blocks
        ),
        1,
    )
    assert [box.title for box in beside.boxes] == ["input", "a", "b", "add", "output"]


def test_what_only_works_on_values_is_stacked() -> None:
    picture = draw(config("resnet50"), 1)
    assert [row.type for row in picture.boxes[1].rows] == ["Conv2d", "BatchNorm2d", "ReLU"]
    layer1 = picture.boxes[3].rows[0]
    assert picture.contents(layer1) == "3 bottleneck"


def test_a_block_of_one_box_is_its_caption() -> None:
    picture = draw(config("googlenet"), 2)
    captions = [[row.name for row in box.captions] for box in picture.boxes if box.captions]
    assert captions == [["conv1"], ["conv2"], ["conv3"]]
    assert all(sum(box.frame is frame for box in picture.boxes) > 1 for frame in picture.frames)


def test_a_layer_with_two_readers_is_not_stacked_upon() -> None:
    conv = "  - {name: a, type: Conv2d, out_channels: 64, kernel_size: 1}\n"
    picture = draw(model(f"{conv}  - {{type: ReLU}}\n  - {{type: Add, from: [a, relu]}}\n"))
    assert [len(box.rows) for box in picture.boxes] == [0, 1, 1, 1, 0]


def test_every_family_is_told_by_its_file() -> None:
    found = {family(step) for name in CONFIGS for step in config(name).plan.layers}
    assert found >= {"conv", "pool", "linear", "norm", "activation", "merge", "attention"}
    assert all(theme.fills.keys() == {*FAMILIES, REST} for theme in THEMES.values())


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_as_they_are(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    report = model(f'  - {{name: "{quoted}", type: Conv2d, out_channels: 8, kernel_size: 1}}\n')
    picture = svg(report)
    assert name in texts(picture)
    assert not [each for each in picture.iter() if each.tag.endswith(("script", "foreignObject"))]
    text = mmd.render(report, Look())
    inside = re.search(r'b1\["(.*?): Conv2d', text)
    assert inside
    assert re.sub(r"#(\d+);", lambda found: chr(int(found[1])), inside[1]) == name
    assert not set(inside[1]) & set('<>"`\\|{}[]')


# Large and hostile graphs


def test_a_large_graph_is_folded_by_default() -> None:
    blocks = (
        "blocks:\n  s:\n    layers:\n"
        "      - {type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1}\n"
        "      - {type: ReLU}\n"
    )
    report = model("  - {type: s, repeat: 5000}\n", more=blocks)
    picture = draw(report)
    assert len(report.plan.steps) > 10_000
    assert [box.rows[0].copies for box in picture.boxes if box.is_block] == [5000]
    assert b"<svg" in find("bundled").draw(renderer("draw", "dot")(report, Look()), "svg")


def test_a_graph_that_cannot_be_folded_says_so() -> None:
    with pytest.raises(TooManyBoxes, match="put its layers into blocks"):
        draw(model("  - {type: Conv2d, out_channels: 4, kernel_size: 1, repeat: 5000}\n"))


# The command and its engines


def run(*args: str) -> Any:
    return CliRunner().invoke(main, ["draw", *args])


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "dot", "mmd"])
def test_the_command(ending: str, tmp_path: Path) -> None:
    out = tmp_path / f"net.{ending}"
    result = run(str(ROOT / "configs/lenet5.yaml"), "-o", str(out), "--engine", "bundled")
    assert (result.exit_code, result.output) == (0, "")
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph", "mmd": b"flowchart"}[ending]
    assert out.read_bytes().startswith(start)


def test_letters_that_the_bundled_engine_lacks_are_said(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("input: [8, 8, 3]\nlayers:\n  - {name: 卷积, type: ReLU}\n", encoding="utf-8")
    drawn = [run(str(file), "-o", str(tmp_path / f"n.{each}"), "--engine", "bundled").output for each in ("png", "svg")]
    assert ["no letters" in each for each in drawn] == [True, False]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["-o", "net.jpeg"], "`net.jpeg` does not say what to draw"),
        (["-o", "missing/net.svg", "--format", "dot"], "`missing/net.svg` cannot be written: no such file"),
        (["-o", "net.png", "--style", "volumes"], "volumes are drawn as svg or pdf"),
    ],
)
def test_what_cannot_be_drawn(args: list[str], said: str) -> None:
    result = run(str(ROOT / "configs/lenet5.yaml"), *args)
    assert result.exit_code == 2
    assert said in result.output


def test_a_faulty_model_is_drawn_and_its_faults_are_said(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text("input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 9}\n")
    result = run(str(file), "--format", "dot")
    assert result.exit_code == 1
    assert "digraph" in result.output
    assert "error[NSP" in result.output


def test_without_an_engine_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("planner.engine.BUNDLED", "no-such-engine")
    with pytest.raises(NoPicture) as raised:
        find()
    assert "pip install graphviz-pure" in raised.value.help
    with pytest.raises(NoPicture, match="`dot` is not on the PATH"):
        find("system")


def test_an_engine_that_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = find("bundled")
    with pytest.raises(NoPicture, match="failed"):
        engine.draw("digraph {", "svg")

    def stuck(*args: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("dot", 300)

    monkeypatch.setattr(subprocess, "run", stuck)
    with pytest.raises(NoPicture, match="not done after"):
        engine.draw("digraph {}", "svg")
