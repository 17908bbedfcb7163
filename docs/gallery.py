"""The gallery: the pictures that the tool makes, and the page that shows them with their commands.

    python docs/gallery.py    make all pictures and the page anew

The bundled engine lays them out, so that they are the same everywhere. The report is photographed where `playwright`
and a browser are installed.
"""

from __future__ import annotations

import shlex
from contextlib import chdir
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import NamedTuple

from click.testing import CliRunner

from planner.cli import main

FOLDER = Path(__file__).parent
PICTURES = FOLDER / "gallery"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Shown(NamedTuple):
    """A picture: its file in `gallery/`, the command that makes it, and what is to be seen."""

    file: str
    command: str
    text: str


GRAPHS = (
    Shown(
        "lenet5.svg",
        "draw configs/lenet5.yaml",
        "LeNet-5, whole. A layer and what only works on its values share a box.",
    ),
    Shown(
        "resnet50.svg",
        "draw configs/resnet50.yaml",
        "ResNet-50 on a page: of every kind of block that there is room for, one is opened, here with its residual.",
    ),
    Shown(
        "resnet50-1.svg",
        "draw configs/resnet50.yaml --depth 1",
        "With every stage folded, which says what is in it.",
    ),
    Shown(
        "resnet50-2.svg",
        "draw configs/resnet50.yaml --depth 2 --copies all",
        "With all stages opened: equal blocks in a row are one box.",
    ),
    Shown(
        "resnet50-macs.svg",
        "draw configs/resnet50.yaml --depth 2 --copies all --shade macs --label macs --label bytes",
        "Where the multiply-adds are, with the bytes that each box gives.",
    ),
    Shown("unet.svg", "draw configs/unet.yaml", "U-Net: what goes past a longer way stands out."),
    Shown("vit.svg", "draw configs/vit_b_16.yaml", "ViT-B/16: twelve equal blocks are a frame around one."),
    Shown("googlenet.svg", "draw configs/googlenet.yaml", "GoogLeNet, with one inception block opened."),
    Shown("densenet121.svg", "draw configs/densenet121.yaml --theme dark", "DenseNet-121, for a dark page."),
    Shown(
        "squeezenet.svg",
        "draw configs/squeezenet1_1.yaml --label params --label macs",
        "SqueezeNet 1.1 loses a row and a column in its first layer, which is marked.",
    ),
    Shown(
        "faulty.svg",
        "draw docs/faulty.yaml",
        "A model with faults is drawn as far as it got; the guilty step is red, what depends on it is dashed.",
    ),
)
VOLUMES = (
    Shown("unet-volumes.svg", "draw configs/unet.yaml --style volumes", "U-Net as a U."),
    Shown(
        "resnet50-volumes.svg", "draw configs/resnet50.yaml --style volumes --theme print", "ResNet-50, for a paper."
    ),
)
MAPS = (
    Shown(
        "squeezenet-map.svg",
        "map configs/squeezenet1_1.yaml",
        "How many paths lead from each cell of the input to the outputs. Row 223 and column 223 are never read.",
    ),
    Shown(
        "resnet50-map.svg",
        "map configs/resnet50.yaml --step layer2.0.conv2",
        "What one cell of a step sees, and how little of that counts.",
    ),
    Shown(
        "resnet50-windows.svg",
        "map configs/resnet50.yaml --windows conv1",
        "The windows of one layer: the last cell of padding is not read.",
    ),
)
REPORT = Shown(
    "report.png",
    "report configs/squeezenet1_1.yaml",
    "All of it on one page, which needs no network: findings, diagram, steps, map, sizes.",
)


def page() -> str:
    """The text of the page."""
    parts = [
        "# Gallery",
        "",
        "Every picture is what the command above it makes. `python docs/gallery.py` makes them anew.",
        "",
    ]
    for heading, shown in (
        ("Graphs", GRAPHS),
        ("Volumes", VOLUMES),
        ("Maps of the input", MAPS),
        ("The report", (REPORT,)),
    ):
        parts += [f"## {heading}", ""]
        for each in shown:
            out = Path(each.file).with_suffix(".html").name if each is REPORT else each.file
            parts += [
                each.text,
                "",
                "```sh",
                f"planner {each.command} -o {out}",
                "```",
                "",
                f"![{each.text}](gallery/{each.file})",
                "",
            ]
    return "\n".join(parts)


def made(each: Shown, out: Path) -> None:
    """Run a command of the gallery."""
    engine = [] if each.command.startswith("map") else ["--engine", "bundled"]
    with chdir(FOLDER.parent):
        words = [*shlex.split(each.command), *engine, "-o", str(out)]
        result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert out.is_file(), result.output


def photographed(out: Path) -> bool:
    """Take the picture of the report in a browser; False where there is none."""
    browser = next(filter(None, map(which, BROWSERS)), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        browser = None
    if browser is None:
        return False
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "report.html")
        made(REPORT, file)
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        shot = chromium.new_page(viewport={"width": 1200, "height": 1000})
        shot.goto(file.as_uri())
        shot.wait_for_timeout(500)
        shot.screenshot(path=out)
        chromium.close()
    return True


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for each in (*GRAPHS, *VOLUMES, *MAPS):
        made(each, PICTURES / each.file)
    photographed(PICTURES / REPORT.file)
    (FOLDER / "gallery.md").write_text(page(), encoding="utf-8")
