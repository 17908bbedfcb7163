"""Budgets: exact to the last unit against what a plan says, refused where they say nothing, never passed unknown."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import planner
from planner.analyses.ordering import Work, better, ordering, peak_of
from planner.budget import BOUNDS
from planner.cli import main
from planner.diagnostics import Diagnostic
from planner.format.budget import BudgetFormat
from planner.report import Report
from planner.rules._measures import measures
from planner.server.completion import completion
from planner.server.document import Document
from planner.server.text import EditorText
from planner.workbench import Checked, Workbench, checked_text

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
BUDGET = ("NSP410", "NSP411")


def found(report: Report, *codes: str) -> list[Diagnostic]:
    return [each for each in report.diagnostics if each.code in (codes or BUDGET)]


def fields_of(report: Checked) -> int | None:
    """The smallest field of an output, as a plan's JSON has it; None where none sees an axis, or it is not known."""
    steps = {step["name"]: step for step in report.to_dict()["steps"]}
    sizes = [
        size
        for ref in report.plan.outputs
        for field in steps[report.plan.steps[ref.step].name]["receptive_field"].values()
        for size in field["size"]
    ]
    return min(sizes) if sizes and None not in sizes else None


ORACLES: dict[str, Callable[[dict[str, Any], Checked], int | None]] = {
    "params": lambda plan, _: plan["totals"]["params"],
    "macs": lambda plan, _: plan["totals"]["macs"],
    "flops": lambda plan, _: plan["totals"]["flops"],
    "activations": lambda plan, _: plan["totals"]["activation_bytes"],
    "peak": lambda plan, _: plan["totals"]["peak_bytes"],
    "kept": lambda _, report: report.training().kept_bytes,
    "unread": lambda plan, _: (
        None if plan["reach"] is None else sum(each["unread_cells"] for each in plan["reach"].values())
    ),
}


def test_every_bound_has_its_measure() -> None:
    assert measures().keys() == BOUNDS.keys()
    assert set(BOUNDS) < set(BudgetFormat.model_fields)


FEW = [
    path for path in CONFIGS if path.stem in ("lenet5", "resnet18", "unet", "squeezenet1_1", "googlenet", "vit_b_16")
]


def configs(request: pytest.FixtureRequest) -> list[Path]:
    return CONFIGS if request.config.getoption("--long") else FEW


def test_what_is_kept_is_counted_with_autocast(tmp_path: Path) -> None:
    network = next(path for path in CONFIGS if path.stem == "resnet18")
    kept = planner.check(network, batch=8).training(autocast="bfloat16").known_kept
    over = found(planner.check(network, batch=8, budget={"kept": kept - 1, "autocast": "bfloat16"}))
    assert over[0].label.startswith(f"{kept:,} bytes")
    assert "batch 8, float32, autocast to bfloat16: 1 over" in over[0].label
    file = tmp_path / "net.yaml"
    file.write_text(f"budget: {{kept: {kept}, batch: 8}}\n" + network.read_text())
    run = CliRunner().invoke
    for command in (["check"], ["plan", "--train"]):
        assert run(main, [*command, str(file)]).exit_code == 1
        assert run(main, [*command, str(file), "--autocast", "bfloat16"]).exit_code == 0


def test_a_limit_is_kept_to_the_last_unit(request: pytest.FixtureRequest) -> None:
    """The value itself passes; one less does not, in the file or by the option alike."""
    for path in configs(request):
        bench = Workbench.on(path)
        plan = bench.report.to_dict()
        shared = {"layers": bench.layers, "known": bench.known, "recall": bench.recall}
        values = {name: value for name, oracle in ORACLES.items() if (value := oracle(plan, bench.report)) is not None}
        assert len(values) == len(ORACLES), path.stem
        kept = Workbench.on(path, budget=values, **shared).report
        assert found(kept) == [], path.stem
        less = {name: value - 1 for name, value in values.items() if value}
        over = Workbench.on(path, budget=less, **shared).report
        said = {each.message.split("`")[1].split()[0]: each.label for each in found(over, "NSP410")}
        assert said.keys() == {BOUNDS[name].option(name) for name in less}, path.stem
        for name in less:
            label = said[BOUNDS[name].option(name)]
            assert ": 1 over" in label
            assert f"{values[name]:,}" in label or BOUNDS[name].of_bytes


def test_of_receptive_fields_the_limit_is_the_least(request: pytest.FixtureRequest) -> None:
    for path in configs(request):
        size = fields_of(planner.check(path))
        if size is None:
            assert [each.code for each in found(planner.check(path, budget={"receptive_field": 1}))] == ["NSP411"]
            continue
        assert found(Workbench.on(path, budget={"receptive_field": size}).report) == []
        (short,) = found(Workbench.on(path, budget={"receptive_field": size + 1}).report)
        assert f"sees {size:,} cells" in short.label or size == 1


MODEL = """
input: [8, 8, 4]
layers:
  - {name: a, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
  - {name: b, type: Conv2d, out_channels: 2, kernel_size: 1}
"""


@pytest.mark.parametrize("measure", BOUNDS)
def test_an_option_says_the_same_as_the_file(measure: str, tmp_path: Path) -> None:
    limit = "10000" if BOUNDS[measure].least else "0"
    own, bare = tmp_path / "own.yaml", tmp_path / "bare.yaml"
    own.write_text(f"budget: {{{measure}: {limit}}}{MODEL}")
    bare.write_text(MODEL)
    run = CliRunner(env={"COLUMNS": "200"})
    there = run.invoke(main, ["check", str(own), "--format", "concise"])
    given = run.invoke(main, ["check", str(bare), "--format", "concise", BOUNDS[measure].option(measure), limit])
    assert there.exit_code == given.exit_code == (0 if measure == "unread" else 1)
    said = [out.output.replace(str(file), "").split("NSP41")[1:] for out, file in ((there, own), (given, bare))]
    written, option = BOUNDS[measure].written(int(limit)), BOUNDS[measure].option(measure)
    assert len(said[0]) == len(said[1])
    for a, b in zip(*said, strict=True):
        same = a.replace(f"`{measure}: {written}`", f"`{option} {limit}`", 1)
        assert same.replace(f"`{measure}: ", f"`{option} ") == b


@pytest.mark.parametrize(
    ("budget", "says"),
    [
        ("{params: -1}", "`-1` is below 0"),
        ("{params: 5MB}", "is a number of bytes, and this is none"),
        ("{params: 5Q}", "has a unit that is not known"),
        ("{params: 1e400}", "is not a number that a network can use"),
        ("{params: 0.5}", "which is not whole"),
        ("{batch: '5'}", "`batch` takes a whole number"),
        ("{batch: true}", "`batch` takes a whole number"),
        ("{params: '1e39'}", None),
        ("{params: null}", "received nothing"),
        ("{params: true}", "`True` is no quantity"),
        ("{params: [5]}", "is no quantity"),
        ("{params: $width}", "`$width` is no quantity"),
        ("{peak: 256Kib}", "did you mean KiB?"),
        ("{kept: '2,1MiB'}", "has a comma before its decimals; write 2.1MiB"),
        ("{kept: 2.1}", "is 2.1 bytes, which is not whole; write 2 or 3"),
        ("{kept: 2.1MiB, peak: 0.1 GiB}", None),
        ("{param: 5M}", "did you mean `params`?"),
        ("{latency: 5}", "`budget` takes `activations`"),
        ("{dtype: int4}", "did you mean `int8`?"),
        ("{batch: 0}", "received 0"),
        ("[5M]", "takes a mapping"),
        ("{}", None),
        ("{params: 5 M, macs: 1_000_000, peak: 64 KiB}", None),
        ("{x-note: for the old board}", None),
    ],
)
def test_what_is_no_budget_is_told_at_its_place(budget: str, says: str | None) -> None:
    report = checked_text(f"budget: {budget}{MODEL}")
    said = [f"{each.message}: {each.label}; {each.help}" for each in report.diagnostics]
    if says is None:
        assert said == []
    else:
        assert any(says in each for each in said), said
        (place,) = {report.place(each) for each in report.diagnostics}
        assert place is not None
        assert place.line == 1


def test_a_limit_is_told_as_it_is_written() -> None:
    said = [
        each.message for each in checked_text(f"budget: {{macs: 0.5k, kept: 1 kB, peak: 1.1KiB}}{MODEL}").diagnostics
    ]
    assert [each.rpartition(" for ")[2] for each in said] == ["`macs: 0.5k`", "`kept: 1 kB`", "`peak: 1.1KiB`"]


def test_one_wrong_limit_does_not_hide_the_others() -> None:
    report = checked_text(f"budget: {{macs: many, params: 10}}{MODEL}")
    assert [each.code for each in report.diagnostics] == ["NSP112", "NSP410"]


CUSTOM = """
input: [8, 8, 4]
layers:
  - {name: a, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}
  - {name: c, type: Custom, class: mypkg.Gate, output: [8, 8, 16]}
"""


@pytest.mark.parametrize(
    ("budget", "code", "says"),
    [
        ("params: 1M", "NSP411", "the parameters of `c` are not known"),
        ("params: 100", "NSP410", "at least 592 parameters: 492 over"),
        ("macs: 1M", "NSP411", "the multiply-adds of `c` are not known"),
        ("flops: 10", "NSP410", "at least 73,728 FLOPs"),
        ("kept: 1TiB", "NSP411", "what `c` keeps is not known"),
        ("kept: 1000", "NSP410", "at least 1 KiB for batch 1, float32: 24 over"),
        ("dtype: int8, kept: 1TiB", "NSP411", "nothing is trained in int8"),
    ],
)
def test_what_is_not_known_never_passes(budget: str, code: str, says: str) -> None:
    report = checked_text(f"budget: {{{budget}}}{CUSTOM}")
    (each,) = found(report)
    assert (each.code, report.ok) == (code, False)
    assert says in each.label
    assert each.help


def test_bytes_are_counted_for_what_the_budget_says() -> None:
    for dtype, size in (("int8", 1), ("float16", 2), ("float64", 8)):
        for batch in (1, 3):
            peak = 8 * 8 * 20 * size * batch
            text = f"budget: {{peak: {peak - 1}, dtype: {dtype}, batch: {batch}}}{MODEL}"
            (each,) = found(checked_text(text))
            assert f"for batch {batch}, {dtype}: 1 over" in each.label
            assert found(checked_text(text.replace(str(peak - 1), str(peak)))) == []


def test_an_option_counts_bytes_in_place_of_the_budget(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(f"budget: {{peak: 2KiB, dtype: int8}}{MODEL}")
    run = CliRunner()
    assert run.invoke(main, ["check", str(file)]).exit_code == 0
    assert run.invoke(main, ["check", str(file), "--dtype", "float16"]).exit_code == 1
    assert run.invoke(main, ["check", str(file), "--dtype", "float16", "--max-peak", "4KiB"]).exit_code == 0
    assert run.invoke(main, ["plan", str(file)]).exit_code == 0


def test_the_part_that_has_most_is_named_and_placed() -> None:
    report = checked_text(f"budget: {{params: 10}}{MODEL}")
    (each,) = found(report)
    (other,) = each.beside
    assert other.text == "`a` has most: 592 parameters, 94.5 %"
    place = report.source.place(other.path)
    assert place is not None
    assert place.line == 4


def test_of_a_model_that_cannot_be_planned_what_is_known_counts_at_least() -> None:
    last = "  - {type: Linear, in_features: 5, out_features: 2}\n"
    text = f"budget: {{params: 10, macs: 1M, peak: 10, unread: 0}}{MODEL}{last}"
    report = checked_text(text)
    assert not report.plan.complete
    assert [each.label.startswith("at least ") for each in found(report)] == [True, True]


# The order of steps


def orders(work: Work) -> Iterator[list[int]]:
    """Every order in which the steps may run, inputs first."""
    steps = range(len(work.makes))

    def behind(order: list[int]) -> Iterator[list[int]]:
        if len(order) == len(steps):
            yield order
        for i in steps:
            if i not in order and all(source in order for source, _ in work.reads[i]):
                yield from behind([*order, i])

    yield from behind([*range(work.inputs)])


def peak_by_hand(work: Work, order: Sequence[int]) -> int:
    """What is alive at each step, counted anew for every step."""
    peak = 0
    for at in range(len(order)):
        alive = 0
        for i in order[: at + 1]:
            for output, size in enumerate(work.makes[i]):
                read = any((i, output) in work.reads[later] for later in order[at:])
                alive += size if read or (i, output) in work.kept or i == order[at] else 0
        peak = max(peak, alive)
    return peak


def random_work(seed: int) -> Work:
    chance = random.Random(seed)
    count = chance.randint(2, 8)
    inputs = min(chance.randint(1, 2), count - 1)
    makes = [[chance.randint(0, 9) for _ in range(chance.choice([1, 1, 1, 2]))] for _ in range(count)]
    reads: list[frozenset[tuple[int, int]]] = []
    for i in range(count):
        there = [(j, output) for j in range(i) for output in range(len(makes[j]))]
        most = 0 if i < inputs else chance.choice([0, 1, 1, 1, 1, 2, 2, 3])
        reads.append(frozenset(chance.sample(there, min(most, len(there)))))
    tensors = [(i, output) for i in range(count) for output in range(len(makes[i]))]
    return Work(makes, reads, frozenset(chance.sample(tensors, chance.randint(1, 2))), inputs)


def test_no_order_has_a_smaller_peak(request: pytest.FixtureRequest) -> None:
    count = 10_000 if request.config.getoption("--long") else 400
    exact = smaller = 0
    for seed in range(count):
        work = random_work(seed)
        given = range(len(work.makes))
        best = min(peak_by_hand(work, order) for order in orders(work))
        for most in (100_000, 3):
            known = ordering(work, most)
            assert sorted(known.steps) == [*given]
            assert known.peak == peak_by_hand(work, known.steps) == peak_of(work, known.steps)
            assert best <= known.peak <= peak_by_hand(work, given), seed
            assert known.peak == best or not known.exact, seed
        exact += ordering(work).exact
        smaller += best < peak_by_hand(work, given)
    assert exact > count * 0.7
    assert smaller > count * 0.1


BRANCHES = """
budget: {peak: 200KiB, dtype: int8}
input: [64, 64, 16]
layers:
  - {name: branch_a, from: input, layers: [
      {name: wide, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}]}
  - {name: branch_b, from: input, layers: [
      {name: wide, type: Conv2d, out_channels: 28, kernel_size: 1},
      {name: small, type: Conv2d, out_channels: 1, kernel_size: 2, stride: 2},
      {name: up, type: Upsample, scale_factor: 2}]}
  - {type: Concat, from: [branch_a, branch_b]}
"""


def test_the_better_order_is_told_and_is_better() -> None:
    report = checked_text(BRANCHES)
    (each,) = found(report)
    assert "run `branch_b` before `branch_a.wide`: 177 KiB in place of 240 KiB" in each.help
    entries = BRANCHES.split("  - ")
    moved = "  - ".join([entries[0], entries[2], entries[1], *entries[3:]])
    assert checked_text(moved).bench.report.to_dict()["totals"]["peak_bytes"] == 4 * 177 * 1024
    assert found(checked_text(moved)) == []


def test_no_order_is_told_where_steps_overwrite_what_others_read() -> None:
    text = BRANCHES.replace(
        "{name: wide, type: Conv2d, out_channels: 16, kernel_size: 3, padding: 1}", "{type: ReLU, inplace: true}"
    )
    assert better(checked_text(text).plan) is None
    assert "run" not in found(checked_text(text))[0].help


# What stands beside a budget


LOSING = """
input: [224, 224, 3]
layers:
  - {name: a, type: Conv2d, out_channels: 64, kernel_size: 3, stride: 2}
"""


def test_no_fix_is_offered_that_breaks_the_budget() -> None:
    for limit, offered in ((5_000, True), (1_800, False)):
        report = checked_text(f"budget: {{params: {limit}}}{LOSING}")
        (lost,) = (each for each in report.diagnostics if each.code == "NSP321")
        assert any("kernel_size: 4" in fix.text for fix in report.fixes(lost)) == offered


def test_a_model_over_its_budget_is_built_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(f"budget: {{params: 1}}\ntarget: edgetpu{MODEL}  - {{type: GELU}}\n")
    run = CliRunner()
    assert run.invoke(main, ["check", str(file)]).exit_code == 1
    code = run.invoke(main, ["code", str(file)])
    assert code.exit_code == 0
    assert "nn.Conv2d(4, 16" in code.output
    assert run.invoke(main, ["sizes", str(file)]).exit_code == 0


def test_a_limit_of_the_command_stands_where_most_is() -> None:
    report = Workbench.on_text(MODEL, budget={"params": 10}).report
    (each,) = found(report)
    assert "--max-params 10" in each.message
    place = report.place(each)
    assert place is not None
    assert place.line == 4


def test_places_beside_are_in_every_format(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(f"budget: {{params: 10}}{MODEL}")
    said = {
        name: CliRunner().invoke(main, ["check", str(file), "--format", name]).output
        for name in ("json", "sarif", "full")
    }
    (finding,) = json.loads(said["json"])["diagnostics"]
    assert finding["related"][0]["line"] == 4
    (result,) = json.loads(said["sarif"])["runs"][0]["results"]
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 4
    for text in said.values():
        assert "`a` has most: 592 parameters, 94.5 %" in text


@pytest.mark.parametrize(
    ("text", "has"),
    [
        ("budget:\n  |\n", {"params", "peak", "receptive_field", "dtype"}),
        ("budget:\n  params: 5M\n  ma|\n", {"macs", "kept"}),
        ("budget:\n  dtype: i|\n", {"int8", "float16"}),
        ("target: e|\n", {"edgetpu", "onnx-opset", "tensor-cores"}),
        ("target: [edgetpu, o|]\n", {"onnx-opset"}),
        ("bud|\n", {"budget", "target"}),
    ],
)
def test_an_editor_completes_limits_and_targets(text: str, has: set[str]) -> None:
    whole = f"{text}{MODEL.strip()}\n"
    at = whole.index("|")
    found = completion(Document(EditorText(whole.replace("|", "", 1)), 1), at)
    assert found is not None
    assert has <= {each.label for each in found.items}
