"""Pictures of models: what is drawn, that every network can be, and what the engines make of it."""

from __future__ import annotations

import os
import re
import resource
import struct
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

from planner.cli import main
from planner.engine import NoPicture, engines, find
from planner.outputs import able, renderer
from planner.outputs._screen import Screen
from planner.outputs.draw import _volumes, dot, mmd
from planner.outputs.draw._drawing import COMFORTABLE, draw
from planner.outputs.draw._kinds import Kinds
from planner.outputs.draw._look import DIRECTIONS, Look
from planner.outputs.draw._marks import marks
from planner.outputs.draw._pdf import _SHAPES, pdf
from planner.outputs.draw._picture import Picture, TooManyBoxes, family
from planner.outputs.draw._raster import to_paint
from planner.outputs.draw._room import PAGE, height
from planner.outputs.draw._themes import FAMILIES, REST, THEMES
from planner.outputs.draw._ways import alone
from planner.outputs.map import _windows
from planner.report import Report
from planner.workbench import checked, checked_text

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
        _volumes.render(config(name), Look()).encode(),
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
    picture = ElementTree.fromstring(_volumes.render(config(name), Look()))
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
    picture = ElementTree.fromstring(_volumes.render(config("unet"), Look()))
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
    picture = draw(config("unet"), 2, every=True)
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


def test_every_family_has_a_colour() -> None:
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


# What is opened, and how large it gets

CASES = [
    each for folder in ("architectures", "pictures") for each in sorted((ROOT / "tests/cases" / folder).glob("*.yaml"))
]


def layout(picture: Picture) -> list[list[str]]:
    """What an engine makes of a picture, in the words of Graphviz's format `plain`; inches."""
    source = dot.source(picture, Look())
    return [line.split() for line in find("bundled")._run(["-Tplain"], source).decode().splitlines()]


HIGHER = {
    "efficientdet_d0": 1.15,
    "hrnet_w18": 1.12,
    "slowfast_r50": 1.08,
    "stable_diffusion_unet": 1.15,
    "t5_small": 1.07,
    "vq_vae": 1.06,
    "yolov8n": 1.2,
}
"""Networks whose picture is higher than a page, though all is said in one line, and by how much."""


@pytest.mark.parametrize(
    "file", [*CASES, *((ROOT / "configs" / f"{name}.yaml") for name in CONFIGS)], ids=lambda each: each.stem
)
def test_a_page_holds_the_picture(file: Path) -> None:
    picture = draw(checked(file))
    found = 72 * float(layout(picture)[0][3])
    assert found <= HIGHER.get(file.stem, 1.02) * PAGE
    assert abs(height(picture) - found) <= 0.2 * found


def test_a_picture_that_is_too_high_says_all_in_one_line() -> None:
    """Shapes stand in the boxes, and none is lost; in a row, where a line makes it longer, they are on the arrows."""
    report = config("googlenet")
    picture = draw(report)
    assert picture.terse
    assert not draw(config("resnet50")).terse
    assert not draw(report, depth=1).terse
    titles = {box.title for box in picture.boxes if box in picture.one_line}
    assert {"conv1", "inception4e", "fc"} <= titles
    assert "branch1" not in titles
    shown = texts(svg(report))
    for arrow in picture.arrows:
        assert arrow.target.is_output or arrow.source.shape or f"→ {arrow.text}" in shown
    assert re.search(r"output\s+1000", shown)
    assert "→" not in texts(svg(report, direction="right"))


ALL = [*CASES, *((ROOT / "configs" / f"{name}.yaml") for name in CONFIGS)]


TOO_HIGH = {
    "cbam_resnet18",
    "efficientdet_d0",
    "hrnet_w18",
    "inception_v3",
    "lraspp_mobilenet_v3_large",
    "maxvit_t",
    "mobilenet_v3_large",
    "mobilevit_s",
    "sd_unet_block",
    "slowfast_r50",
    "stable_diffusion_unet",
    "stylegan2",
    "swin_block",
    "swin_t",
    "t5_small",
    "yolo11n",
    "yolov5s",
    "yolov8m",
    "yolov8n",
    "yolov8s",
}
"""Networks that a page does not hold with the inmost of what there is most of; what is around it is opened."""


@pytest.mark.parametrize("file", ALL, ids=lambda each: each.stem)
def test_the_block_there_is_most_of_is_opened(file: Path) -> None:
    """ResNets show their residuals, whatever else there is to draw."""
    report = checked(file)
    picture = draw(report)
    main = Kinds(report.plan).main()
    assert picture.frames or not main
    if file.stem in TOO_HIGH:
        return
    opened = {row.type for frame in picture.frames for row in (frame.row, *frame.captions)}
    opened |= {row.type for box in picture.boxes for row in box.captions}
    assert {kind for kind, _ in main} <= opened


def test_boxes_with_others_beside_them_are_not_alone() -> None:
    convs = [f"  - {{name: a{i}, type: Conv2d, out_channels: 64, kernel_size: 1}}\n" for i in range(3)]
    more = "  - {name: b, type: Conv2d, out_channels: 64, kernel_size: 1, from: a0}\n"
    picture = draw(model("".join(convs) + more + "  - {name: c, type: Add, from: [a2, b]}\n"))
    found = alone(picture.boxes, picture.arrows)
    assert [box.title for box in picture.boxes if box in found] == ["a0", "c"]


def crossed(lines: list[list[str]]) -> list[tuple[str, str]]:
    """The titles of frames that an arrow runs through, with the arrow's target."""
    titles = [
        (name, float(x), float(y), float(wide), float(high))
        for kind, name, x, y, wide, high in (line[:6] for line in lines if line[0] == "node")
        if name.startswith("t")
    ]
    found = []
    for line in (line for line in lines if line[0] == "edge" and not line[1].startswith("t")):
        numbers = list(map(float, line[4 : 4 + 2 * int(line[3])]))
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        for start in range(0, len(points) - 1, 3):
            (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[start : start + 4]
            for part in (each / 20 for each in range(21)):
                a, b, c, d = (1 - part) ** 3, 3 * part * (1 - part) ** 2, 3 * part**2 * (1 - part), part**3
                x, y = a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3
                found += [
                    (name, line[2])
                    for name, left, top, wide, high in titles
                    if abs(x - left) < wide / 2 - 0.05 and abs(y - top) < high / 2 - 0.05
                ]
    return found


@pytest.mark.parametrize("name", ["resnet50", "unet", "densenet121", "vit_b_16", "googlenet", "shufflenet_v2_x1_0"])
@pytest.mark.parametrize("every", [False, True])
def test_no_arrow_crosses_the_title_of_a_frame(name: str, every: bool) -> None:
    picture = draw(config(name), 2 if every else None, every)
    assert picture.frames
    assert crossed(layout(picture)) == []


def test_a_resnet_shows_its_residual() -> None:
    picture = draw(config("resnet50"))
    (frame,) = (each for each in picture.frames if each.row.type == "bottleneck")
    assert (frame.row.name, frame.row.copies) == ("1…2", 2)
    inside = [box for box in picture.boxes if box.frame is frame]
    assert [box.title for box in inside] == ["conv1", "conv2", "conv3", "add"]
    assert [each.target for each in picture.arrows if each.skip] == [inside[-1]]
    folded = [(box.title, box.rows[0].type) for box in picture.boxes if box.is_block]
    assert folded == [("0", "bottleneck"), *((f"layer{i}", "stage") for i in (2, 3, 4))]


def test_of_copies_one_is_opened_or_all() -> None:
    frames = [each.row.name for each in draw(config("resnet50"), 2).frames]
    assert frames == ["layer1"]
    every = [each.row.name for each in draw(config("resnet50"), 2, every=True).frames]
    assert every == ["layer1", "layer2", "layer3", "layer4"]


def test_copies_that_differ_in_a_number_are_folded_with_it() -> None:
    blocks = (
        "blocks:\n  wave:\n    params: {n: }\n    layers:\n"
        "      - {name: c, type: Conv1d, out_channels: 64, kernel_size: 3, dilation: $n + 1, padding: $n + 1}\n"
        "      - {type: Add, from: [c, input]}\n"
    )
    report = model("  - {name: a, type: wave, n: $index, repeat: 8}\n", "[512, 64]", blocks)
    (box,) = (each for each in draw(report, 1).boxes if each.is_block)
    assert (box.rows[0].copies, box.rows[0].differ) == (8, "padding 1, 2, … 8; dilation 1, 2, … 8")
    assert "dilation 1, 2, … 8" in texts(svg(report, depth=1))


def test_the_layers_of_a_densenet_are_one_with_their_channels() -> None:
    picture = draw(config("densenet121"), 3)
    (box,) = (each for each in picture.boxes if each.head is not None and each.head.type == "dense_layer")
    assert (box.rows[0].copies, box.rows[0].differ) == (6, "channels 96, 128, … 256")
    assert [row.name for row in box.captions] == ["denseblock1"]


@pytest.mark.parametrize("kernels", [("[1, 5]", "[5, 1]"), ("3", "true")])
def test_copies_that_differ_in_more_are_not_folded(kernels: tuple[str, str]) -> None:
    """Lists of numbers are not told as a series, and a bias is no number."""
    key = "kernel_size" if "[" in kernels[0] else "bias"
    values = kernels if "[" in kernels[0] else ("true", "false")
    blocks = "blocks:\n  s:\n    params: {v: }\n    layers:\n"
    blocks += "      - {type: Conv2d, out_channels: 64, padding: same, kernel_size: 1, X: $v}\n".replace(
        "kernel_size: 1, X" if key == "kernel_size" else "X", key
    )
    layers = "".join(f"  - {{name: b{i}, type: s, v: {value}}}\n" for i, value in enumerate(values))
    report = model(layers, more=blocks)
    assert report.ok
    assert [box.title for box in draw(report, 1).boxes] == ["input", "b0", "b1", "output"]


def test_a_frame_of_one_frame_is_its_caption() -> None:
    (frame,) = (each for each in draw(config("vit_b_16")).frames if each.row.type == "encoder_layer")
    assert [row.name for row in frame.captions] == ["layers"]
    assert "layers" in texts(svg(config("vit_b_16")))


EXPERT = "blocks:\n  expert:\n    layers:\n      - {name: up, type: Linear, out_features: 256}\n"
EXPERT += "      - {type: GELU}\n      - {name: down, type: Linear, out_features: 64}\n"


@pytest.mark.parametrize("count", [2, 4, 6, 16])
def test_blocks_side_by_side_are_no_chain(count: int) -> None:
    layers = "".join(f"  - {{name: e{i}, type: expert, from: input}}\n" for i in range(count))
    names = ", ".join(f"e{i}" for i in range(count))
    report = model(f"{layers}  - {{type: Add, from: [{names}]}}\n", "[32, 64]", EXPERT)
    picture = draw(report)
    frames = [each.row for each in picture.frames]
    if count < 5:
        assert [each.name for each in frames] == [f"e{i}" for i in range(count)]
        places = {line[1]: float(line[2]) for line in layout(picture) if line[0] == "node"}
        starts = [places[f"b{box.number}"] for box in picture.boxes if box.title == "up"]
        assert starts == sorted(starts)
    else:
        (frame,) = frames
        assert (frame.times, frame.name) == (f" ×{count} side by side", f"e0…e{count - 1}")
        assert f"{count} of 32×64" in {each.text for each in picture.arrows}
    table = renderer("plan", "table")(report, Screen(80), 1)
    assert table.count("expert") == (count if count < 5 else 1)
    assert f"×{count} side by side" in table or count < 5


def test_what_reads_the_same_stands_in_order() -> None:
    picture = draw(checked(ROOT / "tests/cases/pictures/mixture_of_experts.yaml"))
    places = {line[1]: (float(line[2]), line[3]) for line in layout(picture) if line[0] == "node"}
    weighted = [places[f"b{box.number}"] for box in picture.boxes if re.fullmatch(r"w\d", box.title)]
    assert len(weighted) == 8
    assert weighted == sorted(weighted)
    assert len({height for _, height in weighted}) == 1


def test_outputs_have_their_names() -> None:
    report = model(
        "  - {name: head, type: expert}\n  - {name: cut, type: Split, split_size: 32, from: input}\n",
        "[32, 64]",
        EXPERT + "outputs: [head, cut.1]\n",
    )
    assert [box.title for box in draw(report).boxes if box.is_output] == ["output head", "output cut.1"]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("type: Permute, dims: [0, 2, 1, 3]", "dims 0,2,1,3"),
        ("type: Conv2d, out_channels: 8, kernel_size: [3, 5], stride: 2", "k3×5 s2"),
        ("type: Conv2d, out_channels: 8, kernel_size: 3, padding: [[2, 0], [1, 1]]", "k3 p2,0×1,1"),
        ("type: Dropout, p: 0.1", "p 0.1"),
    ],
)
def test_lists_are_no_shapes(layer: str, said: str) -> None:
    assert said in texts(svg(model(f"  - {{{layer}}}\n")))


def test_bytes_and_colours_by_a_number() -> None:
    report = config("lenet5")
    shown = texts(svg(report, labels=("bytes",), shade="macs"))
    assert "18.4 KiB out" in shown  # 28·28·6 numbers of four bytes
    theme = THEMES["light"]
    most = max(step.macs or 0 for step in report.plan.layers)
    fills = {each.get("fill") for each in svg(report, shade="macs").iter()}
    assert {theme.warmth(step.macs or 0, most) for step in report.plan.layers} <= fills
    assert theme.warmth(most, most) == theme.heat
    assert theme.warmth(0, most) == theme.page
    assert f"{most:,} MACs" in shown


# Large and hostile graphs


def dense(count: int) -> Report:
    """Layers that each read all before."""
    layers = "  - {name: c0, type: Conv2d, out_channels: 4, kernel_size: 1}\n"
    for i in range(1, count):
        names = ", ".join(["input", *(f"c{j}" for j in range(i))])
        layers += f"  - {{name: j{i}, type: Concat, from: [{names}]}}\n"
        layers += f"  - {{name: c{i}, type: Conv2d, out_channels: 4, kernel_size: 1}}\n"
    return model(layers, "[8, 8, 4]")


def test_of_too_many_arrows_one_leads_to_each_box_and_the_picture_says_so() -> None:
    report = dense(100)
    picture = draw(report)
    assert picture.plain
    assert len(picture.arrows) == len(picture.boxes) - 1
    last = picture.boxes[-3]
    assert (last.title, len(last.also)) == ("j99", 99)
    shown = texts(svg(report))
    assert "reads 99 more: input … c97" in shown
    assert "one arrow to each box" in shown
    assert "==>" not in mmd.render(report, Look())


@pytest.mark.parametrize("count", [17, 18, 40])
def test_a_tangle_is_laid_out_in_time(count: int) -> None:
    """As many arrows as are drawn at most, and more, which are not."""
    picture = draw(dense(count))
    assert picture.plain == (count > 17)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    assert b"<svg" in find("bundled").draw(dot.source(picture, Look()), "svg")
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 6


def test_a_few_arrows_past_others_all_stay() -> None:
    picture = draw(dense(12))
    assert not picture.plain
    assert len(picture.arrows) == 12 * 11 // 2 + 2 * 12


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
        (["-o", "missing/net.svg", "--format", "dot"], "`missing/net.svg` cannot be written: there is no folder"),
        (["-o", "net.mmd", "--style", "volumes"], f"volumes are drawn as {able('draw', 'has_volumes')}"),
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


def test_volumes_and_windows_as_png(tmp_path: Path) -> None:
    net = str(ROOT / "configs/unet.yaml")
    out = tmp_path / "v.png"
    result = CliRunner().invoke(main, ["draw", net, "--style", "volumes", "-o", str(out), "--engine", "bundled"])
    assert (result.exit_code, result.output) == (0, "")
    drawn = ElementTree.fromstring(_volumes.render(config("unet"), Look()))
    size = struct.unpack(">II", out.read_bytes()[16:24])
    assert size == pytest.approx((2 * float(drawn.get("width") or 0), 2 * float(drawn.get("height") or 0)), abs=4)
    result = CliRunner().invoke(main, ["map", net, "--windows", "down1.0", "-o", str(out)])
    assert (result.exit_code, result.output) == (0, "")
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("style", ["volumes", "windows"])
def test_a_painted_drawing_has_every_text_and_shape(style: str) -> None:
    made = (
        _volumes.render(config("squeezenet1_1"), Look())
        if style == "volumes"
        else _windows.render(config("squeezenet1_1"), "features.0", "light")
    )
    painted = ElementTree.fromstring(find("bundled").draw(to_paint(made.encode()), "svg", placed=True))
    drawn = ElementTree.fromstring(made)
    assert texts(painted).replace("\xa0", " ").split() == texts(drawn).replace("⋮", "…").split()
    assert sum(each.tag.endswith(("polygon", "rect")) for each in drawn.iter()) == sum(
        each.tag.endswith("polygon") for each in painted.iter()
    ) - (painted.find(".//{*}polygon") is not None)


def test_where_the_machines_own_engine_fails_the_bundled_one_draws(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "dot"
    broken.write_text('#!/bin/sh\n[ "$1" = -V ] && exit 0\necho "no layout plugin" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert [each.name for each in engines()] == ["system", "bundled"]
    result = run(str(ROOT / "configs/lenet5.yaml"))
    assert result.exit_code == 0
    assert "<svg" in result.output
    result = run(str(ROOT / "configs/lenet5.yaml"), "--engine", "system")
    assert result.exit_code == 2
    assert "no layout plugin" in result.output
    assert "\n = help: try another one: --engine bundled\n" in result.output


def test_what_takes_too_long_is_laid_out_plainer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow = tmp_path / "dot"
    slow.write_text(
        '#!/bin/sh\n[ "$1" = -V ] && exit 0\nsource=$(cat)\n'
        'case "$source" in *"one arrow to each box"*) echo plain;; *) exec sleep 9;; esac\n'
    )
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("planner.engine.SECONDS", 0.5)
    result = run(str(ROOT / "configs/resnet50.yaml"), "--engine", "system")
    assert (result.exit_code, result.stdout) == (0, "plain\n")
    assert "did not finish in 0.5 seconds; a simpler layout is used" in result.stderr


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
    with pytest.raises(NoPicture, match="did not finish in"):
        engine.draw("digraph {}", "svg")
