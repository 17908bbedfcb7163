"""The HTML report: what the file holds, and how it behaves in a browser.

The tests in a browser need Debian's `chromium` (or Google Chrome) and `playwright`; where one is missing they are
skipped, and the summary says so.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from planner.cli import main
from planner.engine import find
from planner.outputs._dictionary import dictionary
from planner.outputs.report import html
from planner.report import Report
from planner.words import counted
from planner.workbench import checked, checked_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parents[1]
DEFAULT = {"lenet5", "resnet50", "unet", "dcgan_generator", "r3d_18", "vit_b_16"}
"""Networks of every kind: the others take seconds each, and are for `--long`."""
CONFIGS = [
    pytest.param(name, marks=() if name in DEFAULT else pytest.mark.long)
    for name in sorted(each.stem for each in (ROOT / "configs").glob("*.yaml"))
]
NASTY = [
    "</script><script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    "</template></title></style><svg onload=window.hit=1>",
    "{{script}}",
    "\\u003cscript>",
    "--><b>x</b>",
    "卷积 ✓",
]


def rendered(report: Report) -> str:
    pictures = html.drawings(report)
    sources = [next(html.to_lay_out(each)) for each in pictures]
    return html.render(report, pictures, [find("bundled").draw(each, "svg").decode() for each in sources])


@cache
def config(name: str) -> Report:
    return checked(ROOT / "configs" / f"{name}.yaml")


@cache
def page_of(name: str) -> str:
    return rendered(config(name))


@cache
def nasty() -> str:
    quoted = [json.dumps(each, ensure_ascii=False) for each in NASTY]
    layers = "".join(
        f"  - {{name: {each}, type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2}}\n" for each in quoted
    )
    name = json.dumps(NASTY[0] + NASTY[2])
    return rendered(
        checked_text(f"name: {name}\n# {NASTY[0]}\ninput: [599, 600, 3]\nlayers:\n{layers}", "<b>m</b>.yaml")
    )


LAPS = """() => {
    const timed = (act) => {
        const start = performance.now();
        for (let i = 0; i < 20; i++) { act(i); diagram.view.getBoundingClientRect(); }
        return (performance.now() - start) / 20;
    };
    return { zoom: timed((i) => diagram.zoom(i % 2 ? 1.1 : 0.9)), choose: timed((i) => choose(i * 7)) };
}"""
"""Milliseconds that a turn of the wheel and a choice take, layout included."""


class Parts(HTMLParser):
    """The tags of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts[-1] += data


# The file


@pytest.mark.parametrize("name", CONFIGS)
def test_every_network_has_a_report_that_needs_no_network(name: str) -> None:
    text = page_of(name)
    parts = Parts(text)
    told = json.loads(parts.scripts[0])
    assert told["model"] == name
    assert len(told["steps"]) == len(config(name).plan.steps)
    for tag, attributes in parts.tags:
        assert tag not in ("link", "iframe", "object", "embed")
        for key, value in attributes.items():
            assert not key.startswith("on")
            if key in ("src", "href", "xlink:href"):
                assert value
                assert value.startswith(("data:image/png;base64,", "#"))
    assert not re.search(r"url\(|@import", text)


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "vit_b_16", "lenet5"])
def test_levels_open_one_block_of_each_kind_and_the_last_all(name: str) -> None:
    *levels, last = html.drawings(config(name))
    assert not last.folded
    assert [len(each.boxes) for each in levels] == sorted({len(each.boxes) for each in levels})
    for picture in levels:
        assert not any(box.is_block for box in picture.boxes) or len(picture.boxes) < 40
        for box in picture.boxes:
            assert sum(len(steps) for steps in box.all_steps()) > 0 or box.is_output
        shown = sorted(i for box in picture.boxes for steps in box.all_steps() for i in steps)
        assert shown == list(range(len(picture.plan.steps)))


@pytest.mark.parametrize("name", ["resnet50", "dcgan_generator", "lenet5"])
def test_the_page_holds_the_report_as_its_json_does(name: str) -> None:
    told, report = json.loads(Parts(page_of(name)).scripts[0]), json.loads(json.dumps(dictionary(config(name))))
    assert report["totals"].pop("kept_bytes") > 0  # which no page shows
    assert {key for key in report if told[key] != report[key]} <= {"steps", "diagnostics", "reach"}
    layers = told["steps"][len(report["inputs"]) :]
    for shown, given in ((layers, report["steps"]), (told["diagnostics"], report["diagnostics"])):
        assert [{key: each[key] for key in plain} for each, plain in zip(shown, given, strict=True)] == given


def test_sizes_are_not_looked_at_where_it_would_take_long() -> None:
    names = [f"c{i}" for i in range(80)]
    layers = "".join(
        f"  - {{name: {name}, type: Concat, from: [{', '.join(['input', *names[:i]])}]}}\n"
        for i, name in enumerate(names)
    )
    few, many = (
        json.loads(Parts(rendered(checked_text(f"input: [8, 8, 4]\nlayers:\n{text}"))).scripts[0])
        for text in (layers[: layers.index("  - {name: c9,")], layers)
    )
    assert (len(few["sizes"]), few["unsized"]) == (1, False)
    assert (len(many["sizes"]), many["unsized"]) == (0, True)


def test_resnet50_is_small() -> None:
    assert len(page_of("resnet50").encode()) < 1_000_000


def test_the_policy_allows_the_pages_own_script_alone() -> None:
    parts = Parts(page_of("lenet5"))
    policy = next(each["content"] for tag, each in parts.tags if tag == "meta" and each.get("http-equiv"))
    own = b64encode(sha256(parts.scripts[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{own}'"
    assert "innerHTML" not in parts.scripts[1].replace("no innerHTML", "")


def test_nothing_of_the_model_file_becomes_markup() -> None:
    parts = Parts(nasty())
    assert len(parts.scripts) == 2
    told = json.loads(parts.scripts[0])
    assert [step["name"] for step in told["steps"][1:]] == [*NASTY]
    assert {tag for tag, _ in parts.tags}.isdisjoint({"img", "b"})


def test_findings_have_their_fixes() -> None:
    report = checked_text(
        "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 8, kernel_size: 3, strid: 2}\n", "m"
    )
    told = json.loads(Parts(rendered(report)).scripts[0])
    (found,) = told["diagnostics"]
    assert (found["code"], found["lines"]) == ("NSP110", [[3, 53, 5]])
    assert found["fixes"][0]["text"] == "`stride` for `strid`"


def test_the_command(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    result = CliRunner().invoke(
        main, ["report", str(ROOT / "configs/lenet5.yaml"), "-o", str(out), "--engine", "bundled"]
    )
    assert (result.exit_code, result.output) == (0, "")
    assert "lenet5" in out.read_text(encoding="utf-8")


# In a browser


class Opened:
    """A page in the browser, with what its console said."""

    def __init__(self, browser: Browser, file: Path, text: str, **options: Any) -> None:
        file.write_text(text, encoding="utf-8")
        self.page: Page = browser.new_page(**{"viewport": {"width": 1200, "height": 900}, **options})
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else self.said.append(request.url),
        )
        self.page.goto(file.as_uri())

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def close(self) -> None:
        self.page.close()
        assert self.said == []


def test_search_fold_click_sort(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", page_of("resnet50"))
    page = opened.page
    assert "resnet50" in opened.text("h1")
    assert "25,557,032" in opened.text("#figures")

    page.fill("#search", "layer3.2.conv2")
    assert opened.text("#matches") == "1 step"
    assert page.locator("#view g.hit").count() == 1
    assert page.locator("#steps tbody tr:visible").count() == 1
    page.press("#search", "Enter")
    assert opened.text("#details h3") == "layer3.2.conv2"
    page.press("#search", "Escape")
    assert page.locator("#view g.hit").count() == 0

    boxes = page.locator("#view g.node").count()
    page.click("#fold")
    assert page.locator("#view g.node").count() < boxes
    assert "level 2 of" in opened.text("#level")
    page.click("#unfold")
    assert page.locator("#view g.node").count() == boxes

    page.click("#fit")
    page.click("#view g.node:has-text('maxpool')")
    assert opened.text("#details h3") == "maxpool"
    details = opened.text("#details")
    for each in ("56×56×64", "k3 s2 p1", "1 cell of padding", "11 cells", "line 10"):
        assert each in details
    assert "{name: maxpool, type: MaxPool2d" in details
    assert page.locator("#view .chosen").count() == 1
    assert page.locator("#steps tr.chosen").count() == 1

    page.click("#steps th:has-text('params') button")
    assert page.inner_text("#steps tbody tr:first-child td:nth-child(2)") == "layer4.0.conv2"
    page.click("#steps th:has-text('params') button")
    assert page.get_attribute("#steps th:has-text('params')", "aria-sort") == "ascending"
    page.check("#marked")
    assert 0 < page.locator("#steps tbody tr:visible").count() < 20
    opened.close()


def test_a_block_is_unfolded_where_another_of_its_kind_is_open(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", page_of("resnet50"))
    page = opened.page
    page.evaluate("choose(told.steps.findIndex((step) => step.name === 'layer3.2.conv2'))")
    assert "in a folded block of" in opened.text("#details")
    page.click("#details button:has-text('unfold')")
    assert "level 4 of 4" in opened.text("#level")
    assert "in a folded block" not in opened.text("#details")
    assert page.locator("#view .chosen").count() == 1
    opened.close()


def test_shapes_and_fields_in_words(browser: Browser, tmp_path: Path) -> None:
    report = checked_text(
        "input: {image: [97, 1600, 3], vector: [7]}\nlayers:\n"
        "  - {name: up, type: ConvTranspose2d, from: image, out_channels: 4, kernel_size: 4, stride: [2, 3],\n"
        "     padding: 1}\n"
        "  - {name: wide, type: Conv2d, out_channels: 4, kernel_size: [3, 3001], stride: 7, padding: [1, 1500]}\n"
        "  - {name: parts, type: Split, split_size: 2}\n"
        "  - {type: Linear, from: vector, out_features: 2}\n"
    )
    opened = Opened(browser, tmp_path / "r.html", rendered(report))
    told = opened.page.evaluate("told.steps.map((step) => [outputs(step), seen(step).map(({ text }) => text)])")
    for i, (step, (shapes, said)) in enumerate(zip(report.plan.steps, told, strict=True)):
        assert shapes == ", ".join(map(str, step.outputs))
        fields = {} if step.is_input else report.fields[i][0]
        axes = [(source, axis, each) for source, of in fields.items() for axis, each in enumerate(of)]
        assert len(said) == len(axes)
        for text, (source, axis, each) in zip(said, axes, strict=True):
            more = f" (more than the {each.length} there are)" if each.outgrows else ""
            assert text == (
                f"{report.plan.steps[source].name} axis {axis}: {counted(each.size or 0, 'cell')}{more}, "
                f"one every {each.stride}, the first around {each.centre}"
            )
    assert told[3][1][1] == "image axis 1: 1,002 cells, one every 7/3, the first around -1/6"
    opened.page.click("#steps th:has-text('sees') button")
    assert opened.text("#steps tbody tr:first-child td:nth-child(2)") == "wide"
    opened.close()


def test_zoom_pan_and_keys(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", page_of("resnet50"))
    page = opened.page
    place = "document.querySelector('#view .sheet').style.transform"
    before = page.evaluate(place)
    page.click("#closer")
    assert page.evaluate(place) != before
    page.click("#fit")
    fitted = page.evaluate(place)
    box = page.locator("#view").bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 240, steps=4)
    page.mouse.up()
    assert page.evaluate(place) != fitted

    page.focus("#view")
    page.keyboard.press("Home")
    assert opened.text("#details h3") == "input"
    page.keyboard.press("ArrowDown")
    assert opened.text("#details h3") == "conv1"
    page.keyboard.press("]")
    assert "level 4 of" in opened.text("#level")
    page.keyboard.press("[")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.focus("#steps tr.chosen")
    page.keyboard.press("ArrowDown")
    assert opened.text("#details h3") == "bn1"

    chart = page.locator("#sizes svg").first
    chart.focus()
    said = opened.text("#sizes p:first-of-type")
    page.keyboard.press("ArrowRight")
    assert opened.text("#sizes p:first-of-type") != said
    opened.close()


def test_hostile_names_are_text(browser: Browser, tmp_path: Path) -> None:
    opened = Opened(browser, tmp_path / "r.html", nasty())
    page = opened.page
    assert page.evaluate("window.hit") is None
    assert page.title() == NASTY[0] + NASTY[2]
    names = page.locator("#steps tbody tr td:nth-child(2)").all_text_contents()
    assert names == ["input", *NASTY]
    shown = " ".join(page.locator("#view text").all_text_contents()).replace("\xa0", " ")
    assert NASTY[1][:20] in shown
    for index in range(len(NASTY)):
        page.locator("#steps tbody tr").nth(index + 1).click()
        assert page.locator("#details h3").text_content() == NASTY[index]
    assert page.evaluate("window.hit") is None
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(browser: Browser, tmp_path: Path, scheme: str) -> None:
    opened = Opened(browser, tmp_path / "r.html", page_of("lenet5"), color_scheme=scheme)
    page = opened.page
    ground = "getComputedStyle(document.body).backgroundColor"
    first = page.evaluate(ground)
    assert first == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    box = "getComputedStyle(document.querySelector('#view polygon')).fill"
    colour = page.evaluate(box)
    page.click("#theme")
    assert page.evaluate(ground) != first
    assert page.evaluate(box) != colour
    opened.close()


def test_on_a_phone_nothing_is_wider_than_the_page(browser: Browser, tmp_path: Path) -> None:
    for text in (page_of("resnet50"), nasty()):
        opened = Opened(browser, tmp_path / "r.html", text, viewport={"width": 360, "height": 740}, has_touch=True)
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
        opened.close()


def test_a_large_network_is_smooth(browser: Browser, tmp_path: Path) -> None:
    text = (ROOT / "configs/densenet121.yaml").read_text(encoding="utf-8")
    large = rendered(checked_text(text.replace("depth: 24", "depth: 48").replace("depth: 16", "depth: 32")))
    opened = Opened(browser, tmp_path / "r.html", large)
    page = opened.page
    while page.is_enabled("#unfold"):
        page.click("#unfold")
    steps = page.evaluate("told.steps.length")
    assert steps > 650
    spent = page.evaluate(LAPS)
    assert spent["zoom"] < 30, spent
    assert spent["choose"] < 100, spent
    opened.close()
