"""What every test may use: the two modes of generated cases, and the expected outputs in `goldens/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import unified_diff
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

collect_ignore = [] if find_spec("mcp") else ["test_mcp.py"]  # it is not there with the lowest versions
GOLDENS = Path(__file__).parent / "goldens"
SHOWN = 60
BROWSER = next(filter(None, map(which, ("chromium", "chromium-browser", "google-chrome"))), None)

# The same cases in every run, on any machine; `--long` looks for new ones.
settings.register_profile(
    "ci",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("long", settings.get_profile("ci"), derandomize=False, max_examples=5_000, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("planner")
    group.addoption("--long", action="store_true", help="many more generated cases, and the tests marked `long`")
    group.addoption("--refresh-goldens", action="store_true", help="write tests/goldens anew, running only its tests")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("long" if config.getoption("long") else "ci")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def runs(item: pytest.Item) -> bool:
        if config.getoption("refresh_goldens"):
            return "golden" in getattr(item, "fixturenames", ())
        return bool(config.getoption("long")) or item.get_closest_marker("long") is None

    left_out = [item for item in items if not runs(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if runs(item)]


@pytest.fixture(autouse=True)
def errors_within_fixes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the planner while it tries a fix only costs a user that fix; a test it fails."""
    monkeypatch.setattr("planner.fixes.TOLERATED", ())


@pytest.fixture
def internal_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the planner while it looks for a layer only makes a step opaque; a test of importing it fails."""
    monkeypatch.setattr("planner.inputs._lowering.TOLERATED", ())


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: the text must be `tests/goldens/<name>`, byte for byte."""

    def compare(name: str, text: str) -> None:
        path = GOLDENS / name
        if request.config.getoption("refresh_goldens"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            return
        if not path.is_file():
            pytest.fail(f"tests/goldens/{name} does not exist; `make goldens` writes it", pytrace=False)
        expected = path.read_bytes().decode()
        if text != expected:
            lines = unified_diff(expected.splitlines(), text.splitlines(), f"goldens/{name}", "now", lineterm="")
            shown = "\n".join(islice(lines, SHOWN)) or "only the line endings differ"
            pytest.fail(f"{shown}\n\nIf the new text is right: make goldens, and review the change", pytrace=False)

    return compare


@pytest.fixture(scope="module")  # no longer: its event loop runs in this thread, where others may want theirs
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    if BROWSER is None:
        pytest.skip("no browser is installed: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield found
        found.close()
