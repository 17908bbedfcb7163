"""The outputs: a folder for each command, and in it a file for each format, found by looking.

The file's name is the format's name, and its one function is `render`, which gives text and neither prints nor writes:

    plan/    render(report, screen, depth) -> str
    check/   render(reports, screen) -> str
    sizes/   render(inputs, screen, low, high) -> str
    draw/    render(report, look) -> str; a Graphviz engine lays `dot` out
    map/     render(report, seen, theme, image) -> str
    report/  render(report, pictures, svgs) -> str
    code/    render(report) -> str
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path


def formats(command: str) -> list[str]:
    """The formats that a command knows, without importing any of them."""
    files = Path(__file__).with_name(command).glob("[!_]*.py")
    return sorted(file.stem for file in files)


def renderer(command: str, format: str) -> Callable[..., str]:
    """The function that renders for a command in one of its formats."""
    render: Callable[..., str] = import_module(f"{__name__}.{command}.{format}").render
    return render
