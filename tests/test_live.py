"""The live page: in a real browser what is typed, mended, saved and lost and found again; and who is refused.

The tests in a browser need Debian's `chromium` (or Google Chrome) and `playwright`; where one is missing they are
skipped, and the summary says so.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from planner.server.live.disk import ModelFile
from planner.server.live.site import HOST, server_of
from planner.workbench import checked_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parents[1]
BUNDLE = ROOT / "planner/server/live/page"
TOKEN = "token"
LOSSY = """\
name: small
input: [32, 32, 3]
layers:
  - {name: stem, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2}
  - {type: double, width: 16}
  - {type: double, width: 32}
blocks:
  double:
    params: {width: }
    layers:
      - {name: conv, type: Conv2d, out_channels: $width, kernel_size: 3, padding: 1}
      - {type: ReLU}
"""
SAFE = f"""\
input: [32, 32, 3]
layers:
{LOSSY.splitlines()[3]}
  - {{type: AdaptiveAvgPool2d, output_size: 1}}
"""
NASTY = [
    "</script><script>window.hit=1</script>",
    "<img src=x onerror='window.hit=1'>",
    "</template></title></style><svg onload=window.hit=1>",
    "**bold** [link](javascript:window.hit=1) <iframe srcdoc='<script>top.hit=1</script>'>",
    "卷积 ✓ 🧠",
]


class Served:
    """The page of a file, served by a thread of its own; at the same port again after it was stopped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = 0
        self.start()

    def start(self) -> None:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, self.port))
        self.port = listening.getsockname()[1]
        self.server = server_of(ModelFile(str(self.path)), self.port, TOKEN)
        self.thread = Thread(target=self.server.run, kwargs={"sockets": [listening]}, daemon=True)
        self.thread.start()
        until(lambda: self.server.started)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(20)
        assert not self.thread.is_alive()

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}/{TOKEN}/"


def until(true: Callable[[], Any], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.02)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    file = tmp_path / "m.yaml"
    file.write_text(LOSSY, encoding="utf-8")
    found = Served(file)
    yield found
    found.stop()


class Opened:
    """The page in a tab, with what its console said."""

    def __init__(self, browser: Browser | BrowserContext, served: Served, **options: Any) -> None:
        self.page: Page = browser.new_page(**options)
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self._only(request.url, served))
        self.page.goto(served.address)
        self.page.wait_for_selector("#figures dd")

    def _only(self, url: str, served: Served) -> None:
        if not url.startswith((served.address, "data:")):
            self.said.append(url)

    def close(self, *allowed: str) -> None:
        self.page.close(run_before_unload=False)
        assert [each for each in self.said if not any(part in each for part in allowed)] == []

    # What somebody does

    def open(self, pane: str) -> None:
        self.page.click(f"[role=tab][data-pane={pane}]")

    def type(self, text: str) -> None:
        """Put a text in place of all that is there, as one pastes it."""
        self.page.focus(".cm-content")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def add(self, line: str, after: str) -> None:
        """Type a line, key by key, after the one that holds a text."""
        self.page.click(f".cm-line:has-text('{after}')")
        self.page.keyboard.press("End")
        self.page.keyboard.press("Enter")
        self.page.keyboard.type(line)
        self.page.keyboard.press("Escape")

    # What somebody sees

    @property
    def text(self) -> str:
        return str(
            self.page.evaluate(
                """() => [...document.querySelectorAll(".cm-line")].map((line) => {
                    const copy = line.cloneNode(true);
                    copy.querySelectorAll(".cm-hint").forEach((hint) => hint.remove());
                    return copy.textContent;
                }).join("\\n")"""
            )
        )

    @property
    def figures(self) -> dict[str, str]:
        names, values = (self.page.locator(f"#figures {each}").all_text_contents() for each in ("dt", "dd"))
        return dict(zip(names, values, strict=True))

    @property
    def notice(self) -> str:
        return self.page.inner_text("#notice") if self.page.is_visible("#notice") else ""

    def waits_for_figure(self, name: str, value: str) -> None:
        self.page.wait_for_function(
            "([name, value]) => [...document.querySelectorAll('#figures div')]"
            ".some((each) => each.textContent === name + value)",
            arg=[name, value],
        )


def planned(text: str) -> dict[str, Any]:
    return checked_text(text, "m.yaml").to_dict()


# Typing, fixes, sizes


def test_typing_replans_and_all_panes_follow(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    page = opened.page
    before = planned(LOSSY)["totals"]
    assert opened.figures["parameters"] == f"{before['params']:,}"
    page.wait_for_selector("#view g.node:has-text('stem')")
    assert page.locator(".cm-line:has-text('stem') .cm-hint").inner_text().startswith("→ 15×15×8")
    assert page.locator(".cm-lens").count() > 0

    opened.add("- {name: pool, type: MaxPool2d, kernel_size: 3}", after="name: stem")
    page.wait_for_selector(".cm-line:has-text('pool') .cm-hint:has-text('→ 5×5×8')")
    text = opened.text
    assert "  - {name: pool, type: MaxPool2d, kernel_size: 3}" in text.splitlines()
    opened.waits_for_figure("MACs", f"{planned(text)['totals']['macs']:,}")
    page.wait_for_selector("#view g.node:has-text('pool')")
    opened.open("table")
    rows = page.locator("#steps tbody tr td:nth-child(2)").all_text_contents()
    assert rows == ["input", *(step["name"] for step in planned(text)["steps"])]
    opened.open("map")
    page.wait_for_selector("#maps svg")

    opened.type("layers: [")
    page.wait_for_selector("body.behind")
    assert page.locator("#count").inner_text() == "1"
    opened.open("table")
    assert page.locator("#steps tbody tr").count() == len(rows)
    opened.close()


def test_a_fix_is_applied_by_its_button(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    opened.open("findings")
    found = next(each for each in planned(LOSSY)["diagnostics"] if each["code"] == "NSP321")
    fix = found["fixes"][0]
    entry = opened.page.locator(".finding:has-text('NSP321')")
    assert entry.locator("a").get_attribute("href") == "explain/NSP321"
    entry.locator(".fix", has_text=f"{fix['text']} — {fix['effect']}").locator("button").click()
    opened.page.wait_for_function("() => !document.querySelector('#findings').textContent.includes('NSP321')")
    assert "stride: 2, padding: [[0, 1], [0, 1]]}" in opened.text
    assert not any(each["severity"] == "warning" for each in planned(opened.text)["diagnostics"])
    assert served.path.read_text(encoding="utf-8") == LOSSY
    opened.page.focus(".cm-content")
    opened.page.keyboard.press("Control+z")
    opened.page.wait_for_selector(".finding:has-text('NSP321')")
    assert opened.text == LOSSY
    opened.close()


def test_the_slider_plans_at_another_size_and_writes_it(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    page = opened.page
    opened.open("sizes")
    page.wait_for_selector("#sizes .charts svg")
    page.focus("#slider")
    page.keyboard.press("ArrowRight")
    tried = LOSSY.replace("[32, 32, 3]", "[33, 33, 3]")
    opened.waits_for_figure("MACs", f"{planned(tried)['totals']['macs']:,}")
    assert "planned with input at 33×33×3" in page.inner_text("#looking")
    assert "warnings" not in opened.figures
    compared = page.inner_text("#compared")
    assert f"{planned(LOSSY)['totals']['macs']:,}" in compared
    assert opened.text == LOSSY

    page.click("#asfile")
    opened.waits_for_figure("MACs", f"{planned(LOSSY)['totals']['macs']:,}")
    page.fill("#number", "35")
    page.keyboard.press("Enter")
    opened.waits_for_figure("input", "35×35×3")
    page.click("#write")
    until(lambda: opened.text == LOSSY.replace("[32, 32, 3]", "[35, 35, 3]"))
    page.wait_for_selector("#looking", state="hidden")
    opened.waits_for_figure("input", "35×35×3")
    opened.close()


def test_inputs_of_one_size_are_tried_together(browser: Browser, served: Served) -> None:
    pair = "input: {before: [32, 48, 3], after: [32, 48, 1]}\nlayers:\n  - {type: Concat, from: [before, after]}\n"
    served.path.write_text(pair, encoding="utf-8")
    opened = Opened(browser, served)
    page = opened.page
    opened.open("sizes")
    page.wait_for_selector("#which")
    assert page.locator("#which option").all_text_contents() == ["before and after", "before", "after"]
    page.fill("#number", "64")
    page.keyboard.press("Enter")
    opened.waits_for_figure("output", "32×64×4")
    assert "before at 32×64×3, after at 32×64×1" in page.inner_text("#looking")
    page.select_option("#which", label="after")
    page.fill("#number", "65")
    page.keyboard.press("Enter")
    opened.waits_for_figure("output", "not planned")
    page.select_option("#which", label="before and after")
    page.fill("#number", "64")
    page.keyboard.press("Enter")
    page.click("#write")
    until(lambda: opened.text == pair.replace("48", "64"))
    opened.close()


def test_what_is_chosen_in_one_place_is_chosen_in_the_others(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    page = opened.page
    page.click(".cm-line:has-text('name: conv')")
    page.wait_for_function("() => document.querySelector('#details h3')?.textContent === 'double.conv'")
    page.wait_for_selector("#view .chosen")
    page.click("#view g.node:has-text('stem')")
    assert page.inner_text("#details h3") == "stem"
    assert "name: stem" in page.inner_text(".cm-line.cm-chosen")
    opened.open("table")
    page.click("#steps tbody tr:has-text('double_1.conv')")
    assert "name: conv" in page.locator(".cm-line.cm-chosen").all_inner_texts()[-1]
    opened.close()


def test_the_editor_does_what_the_language_server_can(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    page = opened.page
    page.hover(".cm-line:has-text('name: stem') >> text=Conv2d")
    page.wait_for_selector(".cm-tooltip-hover:has-text('224'), .cm-tooltip-hover:has-text('15×15×8')")
    page.mouse.move(5, 5)
    page.wait_for_selector(".cm-tooltip-hover", state="detached")
    page.click(".cm-line:has-text('type: ReLU')")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.type("- {type: BatchN", delay=20)
    page.wait_for_selector(".cm-tooltip-autocomplete li:has-text('BatchNorm2d')")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    page.click(".cm-line:has-text('double, width: 16') >> text=double")
    page.keyboard.press("F2")
    page.fill(".cm-lsp-rename-panel input", "twice")
    page.keyboard.press("Enter")
    page.wait_for_selector(".cm-line:has-text('type: twice, width: 32')")
    assert "double" not in opened.text
    opened.close()


def test_rules_are_allowed_and_all_that_is_safe_is_fixed_by_the_menu(browser: Browser, served: Served) -> None:
    served.path.write_text(SAFE, encoding="utf-8")
    opened = Opened(browser, served)
    page = opened.page
    page.wait_for_selector(".cm-line:has-text('name: stem') .cm-hint")
    page.click(".cm-line:has-text('name: stem')")
    page.keyboard.press("Control+.")
    page.wait_for_selector(".cm-actions button")
    offered = page.locator(".cm-actions button").all_inner_texts()
    assert any(each.startswith("fix all that is safe: ") for each in offered)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == offered[0]
    page.click(".cm-actions button:has-text('allow `lost-cells` at `stem`')")
    allowed = SAFE.replace("stride: 2}", "stride: 2, allow: [lost-cells]}")
    until(lambda: opened.text == allowed)
    page.keyboard.press("Control+z")  # the text has the focus again, and it is one step
    until(lambda: opened.text == SAFE)

    opened.open("findings")
    page.click(".finding:has-text('NSP321') >> text=what can be done")
    page.click(".cm-actions button:has-text('fix all that is safe')")
    until(lambda: "padding: [[0, 1], [0, 1]]" in opened.text)
    page.keyboard.press("Control+Home")
    page.keyboard.press("Control+.")
    page.wait_for_selector(".cm-actions:has-text('Nothing is offered')")
    page.keyboard.press("Escape")
    page.wait_for_selector(".cm-actions", state="detached")
    assert "cm-content" in page.evaluate("document.activeElement.className")
    opened.close()


def test_typed_from_nothing_it_needs_no_blanks_and_no_escape(browser: Browser, served: Served) -> None:
    served.path.write_text("", encoding="utf-8")
    page = browser.new_page()
    page.goto(served.address)
    page.wait_for_selector(".cm-content")
    page.wait_for_selector("#count:text('1')")
    page.focus(".cm-content")
    for line in ("input:", "a: [8, 8, 3]", "", "layers:", "- type: ReLU"):
        if line == "":
            page.keyboard.press("Backspace")  # a level out again
            continue
        page.keyboard.type(line)
        if line == "- type: ReLU":
            page.wait_for_selector(".cm-tooltip-autocomplete li[aria-selected]:has-text('ReLU')")
            page.wait_for_timeout(150)  # an editor takes no Enter for a choice that just appeared
        page.keyboard.press("Enter")
    page.keyboard.type("name: last", delay=20)
    lines = page.locator(".cm-line").evaluate_all(
        "(all) => all.map((each) => [...each.childNodes].filter((one) => !one.classList?.contains('cm-hint'))"
        ".map((one) => one.textContent).join(''))"
    )
    assert lines == ["input:", "  a: [8, 8, 3]", "layers:", "  - type: ReLU", "    name: last"]
    # While it grows, the picture stays where it can be seen.
    page.wait_for_selector("#view g.node:has-text('last')")
    view, drawn = (page.locator(each).bounding_box() for each in ("#view", "#view svg"))
    assert view is not None
    assert drawn is not None
    assert view["x"] <= drawn["x"] + 1
    assert drawn["x"] + drawn["width"] <= view["x"] + view["width"] + 1
    assert abs(2 * drawn["x"] + drawn["width"] - 2 * view["x"] - view["width"]) < 4
    page.close(run_before_unload=False)


def test_what_stands_behind_a_long_line_is_shown_within_the_page(browser: Browser, served: Served) -> None:
    served.path.write_text(LOSSY.replace("[32, 32, 3]", "[3002, 20332, 3]"), encoding="utf-8")
    opened = Opened(browser, served, viewport={"width": 390, "height": 800})
    page = opened.page
    page.wait_for_selector(".cm-line:has-text('name: stem') .cm-hint")
    beyond = "({ scrollWidth, clientWidth }) => scrollWidth - clientWidth"
    assert page.locator(".cm-scroller").evaluate(beyond) == 0
    for hint in page.locator(".cm-hint").all():
        box = hint.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
        assert box["height"] < 25
    # The rows of a line begin where what it says begins, not where keys do.
    rows = page.locator(".cm-line:has-text('name: stem')").evaluate(
        """(line) => {
            const range = document.createRange();
            range.selectNodeContents(line);
            return [...range.getClientRects()].map(({ left, top }) => [Math.round(top / 6), left]);
        }"""
    )
    line = page.locator(".cm-line:has-text('name: stem')").bounding_box()
    assert line is not None
    below = [left for top, left in rows if top > rows[0][0] + 1]
    assert below
    assert min(below) > line["x"] + 4 * 7  # four columns of seven pixels or more
    opened.close()


# The file


def test_saving_writes_the_file_as_a_whole(browser: Browser, served: Served) -> None:
    served.path.write_bytes(b"\xef\xbb\xbf" + LOSSY.replace("\n", "\r\n").encode())
    opened = Opened(browser, served)
    page = opened.page
    until(lambda: page.is_disabled("#save"))
    number = served.path.stat().st_ino
    opened.type(LOSSY.replace("stride: 2", "stride: 1"))
    assert page.is_enabled("#save")
    assert page.title() == "● m.yaml"
    page.keyboard.press("Control+s")
    page.wait_for_function("() => document.querySelector('#save').disabled")
    wanted = LOSSY.replace("stride: 2", "stride: 1").replace("\n", "\r\n").encode()
    assert served.path.read_bytes() == b"\xef\xbb\xbf" + wanted
    assert served.path.stat().st_ino != number
    assert [each.name for each in served.path.parent.iterdir()] == ["m.yaml"]
    assert opened.notice == ""
    opened.close()


def test_a_change_on_disk_shows_up_and_takes_nothing_away(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    page = opened.page
    theirs, mine = LOSSY.replace("width: 16", "width: 24"), LOSSY.replace("width: 32", "width: 48")
    served.path.write_text(theirs, encoding="utf-8")
    page.wait_for_selector(".cm-line:has-text('width: 24')")
    assert opened.text == theirs
    assert page.is_disabled("#save")

    opened.type(mine)
    served.path.write_text(LOSSY, encoding="utf-8")
    page.wait_for_selector("#notice:has-text('Another program has changed the file')")
    assert opened.text == mine
    page.keyboard.press("Control+s")
    assert served.path.read_text(encoding="utf-8") == LOSSY
    page.click("#notice button:has-text('Compare')")
    page.wait_for_selector(".cm-deletedChunk:has-text('width: 32')")
    button = page.locator(".cm-chunkButtons button").first
    ink, ground = button.evaluate("(each) => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]")
    assert ink != ground
    page.dispatch_event(".cm-chunkButtons button:has-text('the file')", "mousedown")
    page.wait_for_selector(".cm-deletedChunk", state="detached")
    assert "width: 48" not in opened.text
    page.focus(".cm-content")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".cm-deletedChunk")
    page.click("#notice button:has-text('Done')")
    page.wait_for_selector(".cm-deletedChunk", state="detached")
    page.keyboard.press("Control+s")
    until(lambda: served.path.read_text(encoding="utf-8") == mine)

    opened.type(theirs)
    served.path.write_text(LOSSY, encoding="utf-8")
    page.click("#notice button:has-text('Take the file')")
    assert opened.text == LOSSY
    page.focus(".cm-content")
    page.keyboard.press("Control+z")
    until(lambda: opened.text == theirs)

    served.path.unlink()
    page.wait_for_selector("#notice:has-text('The file is gone')")
    page.keyboard.press("Control+s")
    until(served.path.exists)
    assert served.path.read_text(encoding="utf-8") == theirs
    opened.close()


def test_a_save_over_what_was_not_seen_yet_is_refused(served: Served) -> None:
    file = ModelFile(str(served.path))
    served.path.write_text(LOSSY + "# theirs\n", encoding="utf-8")
    with pytest.raises(Exception, match="has changed meanwhile"):
        file.save(LOSSY, LOSSY + "# mine\n")
    assert served.path.read_text(encoding="utf-8") == LOSSY + "# theirs\n"


def test_two_tabs(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    one, two = Opened(context, served), Opened(context, served)
    one.type(LOSSY.replace("width: 16", "width: 24"))
    one.page.wait_for_selector(".cm-line:has-text('width: 24') .cm-hint")
    assert two.text == LOSSY
    one.page.keyboard.press("Control+s")
    two.page.wait_for_selector(".cm-line:has-text('width: 24')")
    two.waits_for_figure("parameters", one.figures["parameters"])

    one.type(LOSSY.replace("width: 16", "width: 1"))
    two.type(LOSSY.replace("width: 16", "width: 2"))
    two.page.keyboard.press("Control+s")
    one.page.wait_for_selector("#notice:has-text('Another program has changed the file')")
    assert "width: 1}" in one.text
    assert "width: 2}" in served.path.read_text(encoding="utf-8")
    one.close()
    two.close()
    context.close()


def test_a_lost_connection_costs_nothing(browser: Browser, served: Served) -> None:
    opened = Opened(browser, served)
    page = opened.page
    served.stop()
    page.wait_for_selector("body.lost")
    assert "connection lost" in page.inner_text("#state")
    mine = LOSSY.replace("width: 16", "width: 24")
    opened.type(mine)
    page.keyboard.press("Control+s")
    assert served.path.read_text(encoding="utf-8") == LOSSY
    served.start()
    page.wait_for_selector("body:not(.lost)")
    opened.waits_for_figure("parameters", f"{planned(mine)['totals']['params']:,}")
    page.wait_for_selector(".cm-line:has-text('width: 24') .cm-hint:has-text('15×15×24')")
    assert opened.text == mine
    page.keyboard.press("Control+s")
    until(lambda: served.path.read_text(encoding="utf-8") == mine)
    opened.close("WebSocket connection to")


# Looks


def test_hostile_names_are_text(browser: Browser, served: Served) -> None:
    quoted = [json.dumps(each, ensure_ascii=False) for each in NASTY]
    layers = "".join(
        f"  - {{name: {each}, type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2}}\n" for each in quoted
    )
    served.path.write_text(f"name: {quoted[0]}\ninput: [207, 207, 3]\nlayers:\n{layers}", encoding="utf-8")
    opened = Opened(browser, served)
    page = opened.page
    page.wait_for_selector("#view g.node")
    for pane, ready in (("table", "#steps tbody tr"), ("findings", ".fix button"), ("map", "#maps svg")):
        opened.open(pane)
        page.wait_for_selector(ready)
    assert page.locator("#steps tbody tr td:nth-child(2)").all_text_contents() == ["input", *NASTY]
    for index in (0, 3):
        page.locator(".cm-line:has-text('type: Conv2d') >> text=Conv2d").nth(index).hover()
        page.wait_for_selector(".cm-tooltip-hover")
        page.mouse.move(5, 5)
        page.wait_for_selector(".cm-tooltip-hover", state="detached")
    assert page.locator("iframe, .cm-tooltip img, main script, a[href^=javascript]").count() == 0
    assert page.evaluate("window.hit") is None
    opened.open("findings")
    page.locator(".finding:has-text('NSP321') .fix:has-text('padding: 1 ') button").click()
    until(lambda: opened.text.count("padding") == 1)
    assert "stride: 2, padding: 1}" in next(line for line in opened.text.splitlines() if "🧠" in line)
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_and_narrow(browser: Browser, served: Served, scheme: str) -> None:
    narrow = {"width": 360, "height": 740}
    opened = Opened(browser, served, color_scheme=scheme, viewport=narrow, has_touch=True)
    page = opened.page
    ground = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    for each in ("document.body", "document.querySelector('.cm-editor')"):
        assert page.evaluate(f"getComputedStyle({each}).backgroundColor") == ground
    assert page.is_visible(".cm-content")
    for pane in ("picture", "table", "findings", "map", "sizes"):
        opened.open(pane)
        assert not page.is_visible(".cm-content")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("document.documentElement.scrollHeight") <= 740
    page.focus("[role=tab][data-pane=sizes]")
    page.keyboard.press("ArrowRight")
    assert page.is_visible(".cm-content")
    opened.close()


# Who is refused


def refused(served: Served, path: str = "", **headers: str) -> int:
    try:
        with urlopen(Request(served.address + path, headers=headers)) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def test_only_this_machines_own_page_is_answered(served: Served) -> None:
    host = f"{HOST}:{served.port}"
    assert refused(served) == 200
    assert refused(served, Host=f"localhost:{served.port}") == 200
    assert refused(served, Host="evil.example") == 403
    assert refused(served, Host=f"evil.example:{served.port}") == 403
    assert refused(served, Origin="http://evil.example") == 403
    assert refused(served, Origin="null") == 403
    assert refused(served, "../wrong/") == 404
    assert refused(served, "../") == 404
    assert refused(served, "explain/NSP321") == 200

    def connects(origin: str | None, path: str = "talk") -> bool:
        try:
            with connect(f"ws://{host}/{TOKEN}/{path}", origin=Origin(origin) if origin else None):
                return True
        except InvalidStatus:
            return False

    own = f"http://{host}"
    assert connects(own)
    assert not connects(own, "../wrong/talk")
    for origin in (None, "http://evil.example", "null", f"http://localhost:{served.port}", f"https://{host}"):
        assert not connects(origin)


@pytest.mark.parametrize(
    "message",
    [
        *("{", "[]", "3", '{"method": "planner/save"}', '{"id": 1, "method": {"a": 1}}', "[" * 100_000),
        '{"id": 1, "method": "planner/part", "params": [1]}',
        '{"id": 1, "method": "planner/save", "params": {"base": 1, "text": "x"}}',
        '{"id": 1, "method": "planner/save", "params": {"base": "", "text": "x", "path": "other.yaml"}}',
        '{"id": 1, "method": "planner/look", "params": {"input": {"input": [1e99, "x"]}}}',
        '{"id": 1, "method": "planner/look", "params": {"input": 5}}',
    ],
    ids=range(11),
)
def test_what_is_no_message_of_the_page_costs_nothing(served: Served, message: str) -> None:
    origin = Origin(f"http://{HOST}:{served.port}")
    with connect(f"ws://{HOST}:{served.port}/{TOKEN}/talk", origin=origin) as line:
        line.send(message)
        line.send(json.dumps({"jsonrpc": "2.0", "id": 7, "method": "planner/open"}))
        while json.loads(line.recv(timeout=10)).get("id") != 7:
            pass
    assert [each.name for each in served.path.parent.iterdir()] == ["m.yaml"]
    assert served.path.read_text(encoding="utf-8") == LOSSY


def test_the_page_runs_its_own_scripts_alone(served: Served) -> None:
    with urlopen(served.address) as answer:
        policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "default-src 'none'; script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script>" not in text
    assert " on" not in text.replace(" one", "").replace(" only", "")


def test_the_bundle_is_made_of_its_sources() -> None:
    sources = [*sorted((BUNDLE / "src").iterdir()), BUNDLE / "package-lock.json"]
    hashed = sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    bundle = (BUNDLE / "built/live.js").read_text(encoding="utf-8")
    assert hashed in bundle[:300], "make page"
    told = (BUNDLE / "built/LICENSES.txt").read_text(encoding="utf-8")
    locked = json.loads((BUNDLE / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    for name in json.loads((BUNDLE / "package.json").read_text(encoding="utf-8"))["dependencies"]:
        assert f"{name} {locked[f'node_modules/{name}']['version']} (MIT)" in told


# The command


def test_the_command_prints_the_address_and_ends_when_it_is_interrupted(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(LOSSY, encoding="utf-8")
    command = [sys.executable, "-c", "from planner.cli import main; main()", "live", "m.yaml", "--no-browser"]
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, **paths}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    address = process.stdout.readline().strip()
    token = address.rstrip("/").rpartition("/")[2]
    assert address.startswith(f"http://{HOST}:")
    assert len(token) >= 20
    with urlopen(address) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (0, "", "")


def test_what_cannot_be_edited_is_said(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from planner.cli import main

    missing = CliRunner().invoke(main, ["live", str(tmp_path / "no.yaml"), "--no-browser"])
    assert missing.exit_code == 2
    assert "there is no file" in missing.stderr
    (tmp_path / "m.yaml").write_text(LOSSY, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = CliRunner().invoke(main, ["live", str(tmp_path / "m.yaml"), "--no-browser", "--port", port])
    assert result.exit_code == 2
    assert "in use" in result.stderr
