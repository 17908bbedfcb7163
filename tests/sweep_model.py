"""A small model with parameters, and questions about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from planner.cli import main
from planner.points import (
    Question,
)
from planner.source import read
from planner.sweeping import asked

MODEL = """\
name: small
input: [32, 32, 3]
params: {width: 8, kernel: 3, classes: 10, act: ReLU}
layers:
  - {type: Conv2d, out_channels: $width, kernel_size: $kernel, stride: 2}
  - {type: $act}
  - {type: MaxPool2d, kernel_size: 2}
  - {type: Conv2d, out_channels: 2 * $width, kernel_size: 3}
  - {type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {type: Linear, out_features: $classes}
"""


def placed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model as a file, in the folder in which one then is."""
    monkeypatch.chdir(folder)
    path = folder / "m.yaml"
    path.write_text(MODEL, encoding="utf-8")
    return path


def run(*words: str, **options: Any) -> Result:
    return CliRunner(env={"COLUMNS": "100"}).invoke(main, ["sweep", *words], **options)


def question(model: Path, **options: Any) -> Question:
    return asked(read(model), {"width": range(4, 20, 2), "kernel": [1, 3, 5]}, {"": range(12, 40, 3)}, **options)
