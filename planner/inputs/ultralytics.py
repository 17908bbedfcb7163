"""Model files of Ultralytics, read as model files of ours; findings have their places in the file as it stands.

Each row of `backbone` and `head` becomes an entry with a block of our library: `_ultralytics_rows` makes them, and
`_ultralytics_modules` knows what modules take.

Source: https://docs.ultralytics.com/guides/model-yaml-config/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner.faults.wrong_value import WrongValue
from planner.source import Translated, parse
from planner.workbench import Workbench


def is_ultralytics(data: object) -> bool:
    """Whether a file that has been read is a model file of Ultralytics."""
    if not isinstance(data, dict) or "layers" in data or "input" in data:
        return False
    return {"backbone", "head"} <= data.keys() or any(isinstance(data.get(part), list) for part in ("backbone", "head"))


def source_of(
    text: str, file: str | None = None, *, scale: str | None = None, input: Sequence[int] | None = None
) -> Translated:
    """A model file of Ultralytics as a Source that holds our model file, and has its places in theirs. Raises a Fault
    where the text is no YAML; what is wrong in its rows is in the Source's faults.

    scale  one of the file's `scales`; left out, the one that the file's name has, as in `yolov8n.yaml`, or the first
    input  the shape of the image, channels last
    """
    from planner.inputs._ultralytics_rows import Translation

    return Translation(parse(text, file), scale).source(input)


def model_text(
    text: str, file: str | None = None, *, scale: str | None = None, input: Sequence[int] | None = None
) -> str:
    """The text of the model file that a model file of Ultralytics means. Raises the first fault in it."""
    source = source_of(text, file, scale=scale, input=input)
    for fault in source.faults:
        raise fault
    return _text(source.data)


def taken(bench: Workbench, scale: str | None = None) -> Workbench:
    """The workbench with the model that a file means if it is one of Ultralytics; else as it is."""
    if bench.fault is not None:
        return bench
    if is_ultralytics(bench.source.data):
        from planner.inputs._ultralytics_rows import Translation

        return replace(bench, source=Translation(bench.source, scale).source())
    if scale is not None:
        help = "leave it out: a model file has `params`, and `--set` for them"
        return replace(
            bench,
            fault=WrongValue("scale", "a file with `scales`, an Ultralytics model file", scale, help=help, key=()),
        )
    return bench


def _text(data: Mapping[str, Any]) -> str:
    """A model file with a line for each row, every fifth of which has its number."""
    from planner.editing import written

    yolo = data["blocks"]["yolo"]
    lines = [f"{key}: {written(data[key])}" for key in ("name", "use", "input", "params", "outputs") if key in data]
    lines += ["layers:", *(f"  - {written(each)}" for each in data["layers"]), "", "blocks:", "  yolo:"]
    lines += [f"    {key}: {written(yolo[key])}" for key in ("inputs", "outputs") if key in yolo]
    lines += ["    layers:"]
    for number, entry in enumerate(yolo["layers"]):
        line = f"      - {written(entry)}"
        lines.append(f"{line:<84}# {number}" if number % 5 == 0 else line)
    lines += [f"  {name}: {written(block)}" for name, block in data["blocks"].items() if name != "yolo"]
    return "\n".join(lines) + "\n"
