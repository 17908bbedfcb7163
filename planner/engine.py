"""Graphviz engines: finding one that runs, and running it.

Not part of `cli`, where programs are otherwise started, since running an engine is a subject of its own: `cli` and the
live page import this file, and no output does.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from shutil import which
from typing import Literal, NamedTuple

EngineChoice = Literal["auto", "system", "bundled"]

SECONDS = 25
"""What a layout may take before a plainer one is tried."""
SYSTEM, BUNDLED = "dot", "graphviz-pure"
INSTALL = "install Graphviz (https://graphviz.org/download), or: pip install graphviz-pure"
DPI = 144
LONGEST = 30_000
"""Pixels on a side of a PNG; engines fail, or shrink the picture by themselves, at 32,767."""
MOST_PIXELS = 60_000_000


class NoPicture(Exception):
    """No engine could draw; the text says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class TooLong(NoPicture):
    """An engine was not done in time."""


class Engine(NamedTuple):
    """A program that draws, by the name that the user knows it by."""

    name: Literal["system", "bundled"]
    program: str

    def draw(self, source: str, format: str, placed: bool = False) -> bytes:
        """A picture of DOT source: svg, png or, by the system's, pdf. A source that is `placed` needs no layout."""
        options = ["-Kneato", "-n2"] if placed else []
        if format == "png":
            options.append(f"-Gdpi={self._dpi(source, options):.4g}")
        made = self._run([f"-T{format}", *options], source)
        if not made:
            raise NoPicture(f"`{self.program}` gave an empty picture", "try the other one: --engine system or bundled")
        return made

    def _dpi(self, source: str, options: list[str]) -> float:
        """The finest resolution of a picture that viewers can still open."""
        size = re.match(r"graph \S+ (\S+) (\S+)", self._run(["-Tplain", *options], source).decode("utf-8", "replace"))
        width, height = (float(size[1]), float(size[2])) if size else (1.0, 1.0)
        return min(DPI, LONGEST / max(width, height), math.sqrt(MOST_PIXELS / (width * height)))

    def _run(self, options: list[str], source: str) -> bytes:
        try:
            done = subprocess.run(
                [self.program, *options], input=source.encode(), capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise TooLong(f"`{self.program}` did not finish in {SECONDS} seconds", "fold blocks: --depth 1") from None
        except OSError as error:
            raise NoPicture(f"`{self.program}` does not run: {error.strerror}", INSTALL) from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"exit code {done.returncode}"]
            other = "bundled" if self.name == "system" else "system"
            raise NoPicture(f"`{self.program}` failed: {said[-1][:200]}", f"try another one: --engine {other}")
        return done.stdout


def find(choice: EngineChoice = "auto") -> Engine:
    """The engine that was asked for or, where that is left open, the first that runs."""
    return next(engines(choice))


def engines(choice: EngineChoice = "auto") -> Iterator[Engine]:
    """The engines that run, among those asked for; at least one. The machine's own comes before the bundled one."""
    found = False
    if choice != "bundled" and (program := which(SYSTEM)) and _runs(program):
        found = True
        yield Engine("system", program)
    if choice == "system":
        if not found:
            raise NoPicture("there is no Graphviz on this machine: `dot` is not on the PATH, or does not run", INSTALL)
        return
    for program in _bundled():
        if _runs(program):
            yield Engine("bundled", program)
            return
    if not found:
        raise NoPicture("no Graphviz engine runs: neither `dot` nor `graphviz-pure`", INSTALL)


def first_drawn(
    sources: Iterable[str],
    draw: Callable[[str, Engine], bytes],
    choice: EngineChoice = "auto",
    note: Callable[[str], object] = str,
) -> bytes:
    """A picture of DOT source by the first engine that draws it; of the next source, a plainer one, where the layout
    takes too long. Raises NoPicture.

    note  told where a plainer one is taken
    """
    first: NoPicture | None = None
    for source in sources:
        for engine in engines(choice):
            try:
                return draw(source, engine)
            except TooLong as error:
                first = error
                note(f"{error}; a simpler layout is used")
                break
            except NoPicture as error:
                first = first or error
    raise first or NoPicture("there is nothing to draw", INSTALL)


def _bundled() -> Iterator[str]:
    """The path of the bundled program: with the scripts of this Python, beside Python itself, or on the PATH."""
    suffix = ".exe" if os.name == "nt" else ""
    for folder in dict.fromkeys([sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]):
        if (program := Path(folder, BUNDLED + suffix)).is_file():
            yield str(program)
    if found := which(BUNDLED):
        yield found


def _runs(program: str) -> bool:
    try:
        return subprocess.run([program, "-V"], capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
