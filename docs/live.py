"""The pictures of the live page: `python docs/live.py` takes them anew, in a browser."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any

DOCS = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MODEL = DOCS.parent / "configs/squeezenet1_1.yaml"
WIDE, NARROW = {"width": 1280, "height": 760}, {"width": 390, "height": 760}
FIRST = ".cm-line:has-text('out_channels: 64, kernel_size: 3, stride: 2')"


def photographed(folder: Path) -> None:
    """Take all pictures."""
    from playwright.sync_api import Browser, Page, sync_playwright

    def opened(chromium: Browser, address: str, scheme: str, size: dict[str, int] = WIDE) -> Page:
        page = chromium.new_page(viewport=size, color_scheme=scheme)
        page.goto(address)
        page.wait_for_selector(".cm-hint")
        return page

    def taken(page: Page, name: str, **part: Any) -> None:
        page.wait_for_timeout(700)
        page.screenshot(path=folder / f"{name}.png", **part)
        page.close()

    with TemporaryDirectory() as place, sync_playwright() as playwright:
        file = shutil.copy(MODEL, Path(place, MODEL.name))
        command = [sys.executable, "-c", "from planner.cli import main; main()", "live", "--no-browser", file]
        planner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert planner.stdout is not None
        address = planner.stdout.readline().strip()
        browser = next(filter(None, map(which, BROWSERS)))
        chromium = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = opened(chromium, address, scheme)
            page.wait_for_selector("#view svg")
            page.click(FIRST)
            page.mouse.move(5, 5)
            taken(page, scheme)

        page = opened(chromium, address, "light")
        page.click("[role=tab][data-pane=findings]")
        page.wait_for_selector(".fix button")
        taken(page, "findings")

        page = opened(chromium, address, "light")
        page.hover(f"{FIRST} >> text=Conv2d")
        page.wait_for_selector(".cm-tooltip-hover")
        taken(page, "hover", clip={"x": 0, "y": 38, "width": 740, "height": 580})

        page = opened(chromium, address, "light")
        page.click("[role=tab][data-pane=sizes]")
        page.wait_for_selector("#sizes .charts svg")
        page.fill("#number", "255")
        page.keyboard.press("Enter")
        page.wait_for_selector("#compared td")
        taken(page, "sizes")

        page = opened(chromium, address, "dark", NARROW)
        page.click("[role=tab][data-pane=picture]")
        page.wait_for_selector("#view svg")
        taken(page, "narrow")
        chromium.close()
        planner.terminate()
        planner.wait()


if __name__ == "__main__":
    photographed(DOCS / "live")
