"""Prints every promised ratio, measured in this run: `python -m benchmarks [startup] [planning] [emission] …`."""

from __future__ import annotations

import sys

from benchmarks import chains, emission, importing, planning, printing, sizes, startup, sweeping, typing

# The chains come first: a process that holds torch makes its children look larger.
SECTIONS = {
    "startup": startup.measure,
    "chains": chains.measure,
    "planning": planning.measure,
    "sizes": sizes.measure,
    "sweep": sweeping.measure,
    "printing": printing.measure,
    "emission": emission.measure,
    "typing": typing.measure,
    "importing": importing.measure,
}


def figure(value: float, unit: str) -> str:
    return f"{value * 1000:.2f} ms" if unit == "s" and value < 1 else f"{value:.2f} {unit}"


def ratio(value: float) -> str:
    return f"1/{1 / value:.1f}" if value < 1 else f"{value:.2f}"


def main() -> None:
    if unknown := set(sys.argv[1:]) - set(SECTIONS):
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(SECTIONS)}")
    print(row("what", "planner", "against", "ratio", "target", ""))
    for section in sys.argv[1:] or SECTIONS:
        for each in SECTIONS[section]():
            against = f"{each.against}, {figure(each.yardstick, each.unit)}"
            ours = figure(each.ours, each.unit)
            print(row(each.what, ours, against, ratio(each.ratio), ratio(each.target), each.verdict), flush=True)


def row(what: str, ours: str, against: str, got: str, target: str, verdict: str) -> str:
    return f"{what:<46}  {ours:>10}  {against:<30}  {got:>6}  {target:>6}  {verdict}".rstrip()


if __name__ == "__main__":
    main()
