"""Long axes: small files with axes of 10^12 cells are answered, or refused, in little time and memory."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

import planner
from planner.analyses.reach import Unread
from planner.workbench import Checked

SECONDS = 2
MEGABYTES = 500
"""What a command may take for a file, beside its start."""

CHILD = """
import json, os, resource, sys
from planner.cli import main
from planner import workbench, fixes, report
from planner.outputs.check import full

seconds, megabytes, *jobs = json.loads(sys.argv[1])
for name, arguments in jobs:
    sys.stdout.flush()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
        said = os.open(name, os.O_WRONLY | os.O_CREAT)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = ["planner", *arguments]
        main()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    print(json.dumps([name, os.waitstatus_to_exitcode(status)]))
"""


def layers(input: str, *entries: str) -> str:
    return f"input: {input}\nlayers:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries)


def conv(rest: str, rank: int = 1) -> str:
    return f"type: Conv{rank}d, out_channels: 4, {rest}"


N, PRIME = 10**12, 10**12 - 11

FILES = {
    "residual": layers(f"[{N}, 4]", "name: a, " + conv("kernel_size: 3, padding: 1"), "type: Add, from: [a, input]"),
    "attack": layers(
        "[1000000000, 32, 16]",
        "name: conv, " + conv("kernel_size: 2, stride: 2", 2),
        "name: shortcut, from: input, " + conv("kernel_size: 1, stride: 2", 2),
        "type: Add, from: [conv, shortcut]",
    ),
    "dilated": layers(f"[{N}, 4]", *(conv(f"kernel_size: 3, dilation: {2**i}") for i in range(12))),
    "dilated and strided": layers(
        f"[{PRIME}, 4]", *(conv(f"kernel_size: 3, dilation: {3**i}, stride: 2") for i in range(8))
    ),
    "1x1 with stride": layers(f"[{PRIME}, 4]", conv("kernel_size: 1, stride: 3, repeat: 10")),
    "strides mixed": layers(
        f"[{PRIME}, 4]",
        *(conv(f"kernel_size: 2, stride: {s}, dilation: {d}") for s, d in ((5, 3), (7, 2), (3, 11), (2, 5), (11, 3))),
    ),
    "windows far apart": layers(f"[{N}, 4]", conv("kernel_size: 5, stride: 1000000")),
    "wide windows": layers(
        f"[{N}, 4]",
        "type: MaxPool1d, kernel_size: 1000000",
        conv("kernel_size: 100001, stride: 7, padding: 50000"),
    ),
    "wide and dilated": layers(f"[{N}, 4]", conv("kernel_size: 10001, dilation: 100, stride: 7001")),
    "rolled and turned round": layers(
        f"[{N}, 4]",
        "type: Roll, shifts: 123456789, dims: 2",
        conv("kernel_size: 5, stride: 3"),
        "type: Flip, dims: 2",
        conv("kernel_size: 3, stride: 2, dilation: 7"),
        "type: Roll, shifts: -5, dims: 2",
    ),
    "picked and written over": layers(
        f"[{N}, 4]",
        f"name: picked, type: IndexSelect, dim: 2, index: [{N - 1}, 5, {N // 2}, 5]",
        f"type: SetSlice, dim: 2, start: 7, end: {7 + 4 * 10**5}, step: {10**5}, from: [input, picked]",
        conv("kernel_size: 3, stride: 2"),
    ),
    "tiled": layers(
        f"[{10**9}, 4]",
        "type: Tile, dims: [3]",
        "type: RepeatInterleave, repeats: 2, dim: 2",
        conv("kernel_size: 7, stride: 5"),
        "type: TopK, k: 3",
    ),
    "multiplied": layers(
        f"[{N}, 4]",
        "name: e, type: Einsum, equation: 'bcl,bdl->bcd', from: [input, input]",
        "name: f, type: Einsum, equation: 'bcl,bcl->bcl', from: [input, input]",
        "type: MatMul, from: [f, e]",
    ),
    "tf_same": layers(f"[{N}, 4]", conv("kernel_size: 5, stride: 3, padding: tf_same")),
    "pools with ceil": layers(
        f"[{PRIME}, 8]", "type: MaxPool1d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true, repeat: 12"
    ),
    "upsampled": layers(
        f"[{N // 1000}, 4]",
        "type: Upsample, scale_factor: 10, mode: nearest, repeat: 3",
        conv("kernel_size: 3, stride: 4"),
    ),
    "resized": layers(f"[{N}, 4]", f"type: Interpolate, size: {PRIME // 3}, mode: linear", conv("kernel_size: 3")),
    "resized by a factor": layers(
        f"[{10**9}, 64, 4]", "type: Interpolate, scale_factor: 1.37, mode: bilinear", conv("kernel_size: 3", 2)
    ),
    "sliced": layers(
        f"[{N}, 4]", "type: Slice, dim: 2, start: 5, stop: -7, step: 3", conv("kernel_size: 3, stride: 2")
    ),
    "flattened": layers(
        f"[{10**9}, 4]", conv("kernel_size: 3, stride: 2"), "type: Flatten", "type: Linear, out_features: 10"
    ),
    "concatenated": layers(
        f"[{N}, 4]",
        "name: a, " + conv("kernel_size: 3, stride: 2, padding: 1"),
        "name: b, type: MaxPool1d, kernel_size: 2, from: input",
        "type: Concat, from: [a, b]",
        "type: Concat, dim: 2, from: [a, b]",
        conv("kernel_size: 1, stride: 2"),
    ),
    "permuted": layers(f"[{10**9}, 16, 4]", "type: Permute, dims: [0, 3, 1, 2]", conv("kernel_size: 3, stride: 2", 2)),
    "attention": layers(
        f"[{10**9}, 16]", "type: MultiheadAttention, num_heads: 4", "type: LayerNorm", "type: Slice, dim: 1, stop: 1"
    ),
    "causal attention": layers(
        f"[{10**9}, 16]",
        "name: a, type: MultiheadAttention, num_heads: 4, is_causal: true",
        "name: b, type: Add, from: [a, input]",
        "type: ScaledDotProductAttention, from: [b, a, a], is_causal: true",
    ),
    "adaptive": layers(f"[{PRIME}, 4]", "type: AdaptiveAvgPool1d, output_size: 1000003", conv("kernel_size: 3")),
    "random pool": layers(f"[{10**6}, {10**6}, 4]", "type: FractionalMaxPool2d, kernel_size: 2, output_ratio: 0.7"),
    "transposed, 1-D": layers(
        "[8, 3]", "type: ConvTranspose1d, out_channels: 3, kernel_size: 2, stride: 2, repeat: 30"
    ),
    "transposed, 2-D": layers(
        "[8, 8, 3]", "type: ConvTranspose2d, out_channels: 3, kernel_size: 4, stride: 2, padding: 1, repeat: 22"
    ),
    "transposed, 3-D": layers(
        "[8, 8, 8, 3]", "type: ConvTranspose3d, out_channels: 3, kernel_size: 2, stride: 2, repeat: 30"
    ),
    "up and down": layers(
        "[8, 3]",
        "type: ConvTranspose1d, out_channels: 3, kernel_size: 2, stride: 2, repeat: 30",
        "type: Conv1d, out_channels: 3, kernel_size: 3, stride: 2, repeat: 25",
    ),
    "volume": layers(
        f"[{10**6 + 1}, 2000, 2001, 2]",
        conv("kernel_size: 3, stride: 2", 3),
        "type: MaxPool3d, kernel_size: 3, stride: 2, ceil_mode: true",
    ),
    "vector": layers(f"[{N}]", "name: s, type: Chunk, chunks: 4", "type: Add, from: [s.0, s.2]"),
    "channels": layers(f"[16, {10**9}]", "type: ChannelShuffle, groups: 2", "type: Slice, dim: 1, stop: 1000"),
    "groups": layers(
        f"[16, {2**24}]",
        f"type: Conv1d, out_channels: {2**24}, kernel_size: 3, groups: {2**22}",
        "type: Slice, dim: 1, stop: 1000000",
    ),
    "unfolded": layers(f"[{10**8}, 64, 3]", "type: Unfold, kernel_size: 2, stride: 2"),
    "folded": layers(f"[{10**9}, 12]", f"type: Fold, output_size: [{2 * 10**8}, 20], kernel_size: 2, stride: 2"),
    "mirrored": layers(f"[{N}, 4]", f"type: ReflectionPad1d, padding: {10**11}", conv("kernel_size: 1, stride: 2")),
    "round": layers(f"[{N}, 4]", f"type: CircularPad1d, padding: [{10**11}, 3]", conv("kernel_size: 2, stride: 5")),
    "padded": layers("[16, 4]", f"type: ZeroPad1d, padding: {N}", conv("kernel_size: 3, stride: 2")),
    "shuffled": layers(f"[{10**6}, {10**6}, 4]", "type: PixelShuffle, upscale_factor: 2", conv("kernel_size: 3", 2)),
    "pooled": layers(
        f"[{N}, 4]",
        "type: ConvTranspose1d, out_channels: 4, kernel_size: 3, stride: 2",
        "type: AdaptiveAvgPool1d, output_size: 1",
        "type: Flatten",
        "type: Linear, out_features: 3",
    ),
    "ragged": layers("[2000003, 1]", "type: Interpolate, size: 1000003, mode: nearest"),
}
FEW = ("residual", "dilated and strided", "transposed, 1-D", "ragged")
COMMANDS = {
    "plan": ["--format", "json"],
    "draw": ["-o", "{out}.svg"],
    "map": ["-o", "{out}.svg"],
    "code": [],
}


def limited(folder: Path, command: str, names: tuple[str, ...]) -> dict[str, tuple[int, str]]:
    """The exit code for each file, and what was said."""
    jobs = []
    for i, name in enumerate(names):
        file = folder / f"{i}.yaml"
        file.write_text(FILES[name])
        options = [each.format(out=folder / str(i)) for each in COMMANDS.get(command, [])]
        jobs.append([str(folder / f"{i}.txt"), [command, str(file), *options]])
    run = subprocess.run(
        [sys.executable, "-c", CHILD, json.dumps([SECONDS, MEGABYTES, *jobs])],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    codes = [code for _, code in map(json.loads, run.stdout.splitlines())]
    return {
        name: (code, (folder / f"{i}.txt").read_text()) for i, (name, code) in enumerate(zip(names, codes, strict=True))
    }


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("names", [FEW, pytest.param(tuple(FILES), marks=pytest.mark.long)], ids=["few", "all"])
def test_commands_answer_or_refuse(tmp_path: Path, command: str, names: tuple[str, ...]) -> None:
    for name, (code, said) in limited(tmp_path, command, names).items():
        assert code in (0, 1, 2), (name, code, said)
        assert "internal error" not in said, name


def test_check_answers_for_all(tmp_path: Path) -> None:
    for name, (code, said) in limited(tmp_path, "check", tuple(FILES)).items():
        assert code == (name == "transposed, 3-D"), (name, code, said)
        assert "internal error" not in said, name


ANSWERED = ("residual", "attack", "transposed, 1-D", "resized", "ragged", "vector")
"""Of which `sizes` knows an answer, or that there is none, in that time."""


def test_sizes_answers_or_refuses(tmp_path: Path) -> None:
    for name, (code, said) in limited(tmp_path, "sizes", ANSWERED).items():
        assert code in (0, 1, 2), (name, code, said)
        assert "internal error" not in said, (name, said)


# Values


@cache
def report(name: str) -> Checked:
    return planner.check(yaml.safe_load(FILES[name]))


def of_input(name: str) -> Unread:
    found = report(name).reach
    assert found is not None
    unread = found.unread[0]
    assert unread is not None
    return unread[0]


def test_unread_cells_are_counted() -> None:
    assert of_input("residual").cells == of_input("dilated").cells == of_input("transposed, 1-D").cells == 0
    read = -(-PRIME // 3**10)
    assert of_input("1x1 with stride").cells == PRIME - read
    assert of_input("windows far apart").cells == N - 5 * N // 10**6
    assert of_input("sliced").cells == N - len(range(5, N - 7, 3)[: (len(range(5, N - 7, 3)) - 3) // 2 * 2 + 3])
    assert of_input("vector").channels.bit_count() == N // 2


def test_what_is_too_ragged_is_told_and_unknown() -> None:
    found = report("ragged")
    assert found.reach is None
    assert [each.code for each in found.diagnostics] == ["NSP339"]
    assert found.to_dict()["reach"] is None
