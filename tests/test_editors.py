"""The language server in editors that people use, driven without a screen; asserted on the text in their buffers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SERVER = [sys.executable, "-c", "from planner.cli import main; main()", "lsp"]
MODEL = """\
# 層🙂
input: [32, 32, 3]
layers:
  - {name: conv, type: Conv2d, out_channels: 8, kernel_size: 3, stride: 2, paddding: 1}
  - {name: "🙂", type: stufe, width: 16}
blocks:
  stufe:
    params: {width: }
    layers:
      - {name: 層, type: Conv2d, out_channels: $width, kernel_size: 1}
"""


@pytest.mark.skipif(shutil.which("nvim") is None, reason="Neovim is not there")
def test_neovim(tmp_path: Path) -> None:
    file, result = tmp_path / "model.yaml", tmp_path / "seen.json"
    file.write_text(MODEL, encoding="utf-8")
    options = [f"let g:server = {json.dumps(SERVER)}", f"let g:result = {json.dumps(str(result))}"]
    script = Path(__file__).parent / "editors" / "neovim.lua"
    command = ["nvim", "--headless", "-n", "-u", "NONE", "-i", "NONE", str(file)]
    command += [word for each in (*options, f"luafile {script}") for word in ("-c", each)]
    subprocess.run(command, cwd=tmp_path, timeout=120, check=False, capture_output=True)
    seen = json.loads(result.read_text(encoding="utf-8"))
    assert "failure" not in seen, seen
    assert "NSP110" in seen["codes"]
    assert "32×32×3 → 16×16×8" in seen["hover"]
    mended = MODEL.replace("paddding", "padding")
    assert seen["actions"][0].startswith("`padding` for `paddding` → 16×16×8, nothing lost")
    assert seen["after_action"] == mended.rstrip("\n")
    renamed = mended.replace("stufe", "étage🙂")
    assert seen["after_rename"] == renamed.rstrip("\n")
    assert {"kernel_size", "stride", "when"} <= {*seen["labels"]}
    assert seen["after_completion"] == f"{renamed}      - {{name: 層, type: Conv2d, kernel_size: "


def emacs_can() -> bool:
    """Whether there is an Emacs with eglot and a mode for YAML."""
    if shutil.which("emacs") is None:
        return False
    there = '(and (locate-library "eglot") (locate-library "yaml-mode"))'
    wanted = f"(progn (require 'package) (package-initialize) (kill-emacs (if {there} 0 1)))"
    return subprocess.run(["emacs", "--batch", "--eval", wanted], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not emacs_can(), reason="Emacs with eglot and yaml-mode is not there")
def test_emacs(tmp_path: Path) -> None:
    file, result = tmp_path / "model.yaml", tmp_path / "seen.json"
    file.write_text(MODEL, encoding="utf-8")
    settings = Path(__file__).parents[1] / "editors" / "emacs.el"
    command = f"({' '.join(map(json.dumps, SERVER))})"
    own = {"SETTINGS": str(settings), "SERVER": command, "MODEL": str(file), "RESULT": str(result)}
    script = Path(__file__).parent / "editors" / "emacs.el"
    environment = {**os.environ, **own, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    subprocess.run(
        ["emacs", "--batch", "-l", str(script)],
        cwd=tmp_path,
        env=environment,
        timeout=120,
        check=False,
        capture_output=True,
    )
    seen = json.loads(result.read_text(encoding="utf-8"))
    assert "failure" not in seen, seen
    assert any("paddding" in each for each in seen["findings"])
    assert seen["action"].startswith("`padding` for `paddding` → 16×16×8, nothing lost")
    mended = MODEL.replace("paddding", "padding")
    assert seen["after_action"] == mended
    assert seen["after_rename"] == mended.replace("stufe", "étage🙂")
