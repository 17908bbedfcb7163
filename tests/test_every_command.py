"""Every command on a file, in every format that it has: found as the command line finds them, so that a new command or
format is among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from every_command import CHECKS, PRINTED, Command, answer, workshop
from planner.outputs import formats, renderer, stated
from test_outputs import FAULTY

ROOT = Path(__file__).parents[1]
COMMANDS = pytest.mark.parametrize("command", [*CHECKS, *PRINTED], ids=" ".join)
QUICK = ("lenet5", "squeezenet1_1")
NETWORKS = [
    pytest.param(path, marks=[] if path.stem in QUICK else pytest.mark.long)
    for path in sorted((ROOT / "configs").glob("*.yaml"))
]
FOLDERS = [each.name for each in (ROOT / "planner" / "outputs").iterdir() if formats(each.name) and each.name != "code"]
COLOURS = re.compile(r"\x1b\[[\d;]*m")
HOSTILE = "\x1b[31mred\u202eevil\x85\u2028\x9b31m"
ODD = json.dumps(
    {
        "name": HOSTILE,
        "input": [8, 8, 3],
        "layers": [
            {"name": HOSTILE, "type": "Conv2d", "out_channels": 4, "kernel_size": 3},
            {"type": "ReLU", HOSTILE: 1},
        ],
    }
)


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    """Where model files are put; nothing is laid out."""
    with workshop() as folder:
        yield folder


@pytest.mark.parametrize("network", NETWORKS, ids=lambda each: each.stem)
@COMMANDS
def test_networks(command: Command, network: Path, path: Path) -> None:
    path.write_bytes(network.read_bytes())
    code, printed = answer(command, path)
    assert (code, bool(printed)) == (0, True) or command[0] in ("check", "code")  # nothing was found; no nn.Sequential
    must_be_readable(command, printed)


@COMMANDS
@pytest.mark.parametrize("text", [FAULTY, ODD], ids=["faulty", "odd names"])
def test_models_at_fault(command: Command, text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
    try:
        code, printed = answer(command, path)
    except click.ClickException as error:
        code, printed = 1, f"{error.message}\n".encode()
    assert code in (0, 1)
    must_be_readable(command, printed)


def must_be_readable(command: Command, printed: bytes) -> None:
    """What is printed is a picture in bytes, JSON, or lines of text without signs that a terminal obeys."""
    if printed.startswith((b"\x89PNG", b"%PDF")):
        return
    text = COLOURS.sub("", printed.decode()) if "--color=always" in command else printed.decode()
    assert text.endswith(("\n", "</svg>")) or not text
    if text.startswith("{"):
        json.loads(text)
        text = text.encode("ascii", "ignore").decode()  # what is escaped in JSON are the signs below 32
    assert [char for char in set(text) if not char.isprintable() and char not in "\n\t"] == []


@pytest.mark.parametrize(("folder", "format"), [(each, name) for each in FOLDERS for name in formats(each)])
def test_a_format_says_what_it_gives(folder: str, format: str) -> None:
    gives = renderer(folder, format).__annotations__["return"]
    assert gives in ("str", "bytes")
    assert not stated(folder, format).for_people or gives == "str"
