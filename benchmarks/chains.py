"""Very long networks: ten times the layers may take little more than ten times the time, and memory stays bounded.

Run as a program (`python -m benchmarks.chains FILE`) it checks one file and prints its seconds and its peak memory; the
measurement starts that program afresh for every figure.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.measure import Measurement, seconds

SHORT, LONG = 10_000, 100_000
PERIOD = [
    "{type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1, bias: false}",
    "{type: BatchNorm2d}",
    "{type: ReLU}",
    "{type: Dropout, p: 0.1}",
]


def written_out(layers: int) -> str:
    """A model file with every layer on a line of its own."""
    lines = (f"  - {PERIOD[index % len(PERIOD)]}" for index in range(layers))
    return "\n".join(["name: chain", "input: [64, 64, 64]", "layers:", *lines, ""])


def repeated(layers: int) -> str:
    """The same network with its period written once."""
    times = layers // len(PERIOD)
    lines = (f"      - {line}" for line in PERIOD)
    head = ["name: chain", "input: [64, 64, 64]", "layers:", f"  - {{type: period, repeat: {times}}}"]
    return "\n".join([*head, "blocks:", "  period:", "    layers:", *lines, ""])


def alone(path: Path, layers: int) -> tuple[float, int]:
    """Seconds and peak bytes of a check, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.chains", str(path), str(layers)]
    took, peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(took), int(peak)


def measure() -> Iterator[Measurement]:
    for what, write in (("written out", written_out), ("by repeat", repeated)):
        with TemporaryDirectory() as folder:
            figures = {}
            for layers in (SHORT, LONG):
                path = Path(folder, f"chain{layers}.yaml")
                path.write_text(write(layers))
                took, peaks = zip(*(alone(path, layers) for _ in range(3)), strict=True)
                figures[layers] = median(took), max(peaks)
        (short, _), (long, peak) = figures[SHORT], figures[LONG]
        yield Measurement(f"check of {LONG:,} layers, {what}", long, f"{SHORT:,} layers", short, 12)
        yield Measurement(f"its peak memory, {what}", peak / 1e6, "1 GB", 1000, 1, "MB")


def peak_bytes() -> int:
    """The most memory this program has held. Linux has it exactly; `getrusage` would count its parent's there."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    from resource import RUSAGE_SELF, getrusage

    return getrusage(RUSAGE_SELF).ru_maxrss  # in bytes, on a Mac


def main(path: str, layers: int) -> None:
    import planner
    from planner.report import Report

    reports: list[Report] = []
    took = seconds(lambda: reports.append(planner.check(path)))
    planned = sum(step.facts is not None for step in reports[0].plan.layers)
    if planned != layers:
        sys.exit(f"{path}: {planned} steps were planned, not {layers}")
    print(took, peak_bytes())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
