"""All faults in one run: every line that is wrong is told, and no line that is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from planner import unfolding, workbench
from planner.cli import main
from planner.diagnostics import Severity
from planner.model import Model
from planner.source import Source, of_mapping, parse
from planner.workbench import checked
from random_mistakes import FILES, MORE_FILES, Planted, planted


def told(each: Planted) -> set[int]:
    """The first lines of the entries that errors are in."""
    report = checked(each.source)
    lines = set()
    for found in report.diagnostics:
        if found.severity is Severity.ERROR:
            entry = next((m.guilty for m in each.mistakes if found.path[: len(m.guilty)] == m.guilty), found.path)
            place = report.source.place(entry)
            lines.add(place.line if place is not None else 0)
    return lines


def test_every_guilty_line_is_told_in_one_run_and_no_other() -> None:
    files = list(planted(seed=1, count=50))
    assert len({each.name for each in files}) > 15
    assert {len(each.mistakes) for each in files} == {2, 3, 4, 5}
    for each in files:
        assert told(each) == each.lines, (each.name, [mistake.kind for mistake in each.mistakes])


@pytest.mark.long
@pytest.mark.parametrize("files", [FILES, MORE_FILES], ids=["networks", "cases and stories"])
@pytest.mark.parametrize("seed", range(2, 12))
def test_the_same_with_other_seeds_and_files(seed: int, files: list[Path]) -> None:
    for each in planted(seed, 100, files):
        assert told(each) == each.lines, (each.name, [mistake.kind for mistake in each.mistakes])


FIVE = """
input: [64, 64, 3]
layers:
  - {name: stem, type: Conv2d, out_channel: 64, kernel_size: 3, padding: 1}
  - {name: bn, type: BatchNorm}
  - {name: c1, type: Conv2d, out_channels: 64, kernel_size: 3, padding: 1, stride: 2}
  - {name: add, type: Add, from: [c1, bn]}
  - {name: wide, type: Conv2d, out_channels: 130, kernel_size: 1}
  - {name: g, type: Conv2d, out_channels: 130, kernel_size: 3, padding: 1, groups: 4}
  - {type: AdaptiveAvgPool2d, output_size: 1}
  - {type: Flatten}
  - {name: fc, type: Linear, in_features: 512, out_features: 10}
"""


def test_five_mistakes_are_told_in_one_run_and_what_is_taken_for_granted_is_said() -> None:
    report = checked(parse(FIVE))
    found = [(place.line if (place := report.place(each)) else 0, each.code) for each in report.diagnostics]
    assert found == [(4, "NSP110"), (5, "NSP113"), (7, "NSP204"), (9, "NSP202"), (12, "NSP205")]
    labels = {each.code: each.label for each in report.diagnostics}
    assert report.diagnostics[1].help == "did you mean `BatchNorm2d`?"
    assert labels["NSP204"].endswith(", assuming `BatchNorm2d` for `BatchNorm` and 1 more correction")
    assert labels["NSP205"] == "512 given, 130 from `flatten`, assuming `groups: 5` and 3 more corrections"
    assert not report.plan.complete
    assert [step.facts for step in report.plan.layers] == [None] * 9


def test_two_mistakes_in_one_entry_are_both_told() -> None:
    convolution = {"type": "Conv2d", "out_channels": 96, "kernel_size": 3, "pad": 1, "groups": 5}
    report = checked(of_mapping({"input": [80, 80, 192], "layers": [convolution]}))
    assert [(each.code, each.path[-1]) for each in report.diagnostics] == [("NSP110", "pad"), ("NSP202", "groups")]


def test_what_is_found_with_a_guess_has_no_fix_until_the_guess_is_made_true() -> None:
    report = checked(parse(FIVE))
    assert [bool(report.fixes(each)) for each in report.diagnostics] == [True, True, False, False, False]


CONV = {"type": "Conv2d", "kernel_size": 3, "out_channels": 8}

CONSEQUENCES: list[tuple[str, list[dict[str, Any]], list[str]]] = [
    (
        "what is given of a size that is open may be right",
        [{**CONV, "kernel_size": 99}, {"type": "Flatten"}, {"type": "Linear", "in_features": 72, "out_features": 4}],
        ["NSP301"],
    ),
    (
        "channels do not hang on it",
        [{**CONV, "kernel_size": 99}, {**CONV, "in_channels": 9}],
        ["NSP301", "NSP205"],
    ),
    (
        "nobody knows what an unknown type makes of it",
        [{"type": "Zyx"}, {"type": "Linear", "in_features": 9, "out_features": 4}],
        ["NSP113"],
    ),
    (
        "but what a layer behind it makes is known",
        [{"type": "Zyx"}, CONV, {"type": "BatchNorm2d", "num_features": 9}],
        ["NSP113", "NSP205"],
    ),
    (
        "a misspelt type still gives its layer its name",
        [{"type": "Rellu"}, {"name": "a", "type": "Tanh"}, {"type": "Add", "from": ["a", "relu"]}],
        ["NSP113"],
    ),
    (
        "a wrong expression leaves its argument open",
        [{**CONV, "out_channels": "$2 +"}, {"type": "BatchNorm2d", "num_features": 9}],
        ["NSP106"],
    ),
    (
        "a misspelt parameter does not",
        [{**CONV, "out_channels": "$widht"}, {"type": "BatchNorm2d", "num_features": 9}],
        ["NSP107", "NSP205"],
    ),
    (
        "what is true or false may be the other way round",
        [{"type": "MaxPool2d", "kernel_size": 3, "ceil_mode": "$2 +"}, {"type": "Flatten"},
         {"type": "Linear", "in_features": 108, "out_features": 4}],
        ["NSP106"],
    ),
    (
        "a misspelt type may have extras, which a bare name does not mean",
        [{"name": "p", "type": "MaxPol2d", "kernel_size": 2, "return_indices": True}, {"type": "ReLU", "from": "p"},
         {**CONV, "in_channels": 9}],
        ["NSP113", "NSP205"],
    ),
    (
        "where a dim is wrong, the number of axes may be another one",
        [{"type": "Flatten", "start_dim": "$2 +"}, {"type": "Linear", "out_features": 3},
         {"type": "Conv1d", "kernel_size": 3, "out_channels": 4}],
        ["NSP106"],
    ),
    (
        "where a dim is missing, a part may be there or not",
        [{"name": "s", "type": "Stack", "from": ["input"]}, {"name": "c", "type": "Chunk", "chunks": 2},
         {"type": "ReLU", "from": "c.1"}],
        ["NSP111"],
    ),
    (
        "a misspelt type may be one that reads nothing",
        [{"name": "p", "type": "Parmeter", "shape": [3]}, {"name": "q", "type": "Reshape", "shape": [1, 1, 3]},
         {"type": "Multiply", "from": ["input", "q"]}, {**CONV, "in_channels": 9}],
        ["NSP113", "NSP205"],
    ),
    (
        "one of two that meet is as likely as the other",
        [{"name": "a", **CONV, "from": "input"}, {"type": "Add", "from": ["a", "input"]}, {"type": "Flatten"},
         {"type": "Linear", "in_features": 9, "out_features": 4}],
        ["NSP204"],
    ),
    (
        "sizes in doubt may be alike by chance: of 2 rows none is left, of 4 rows 2",
        [{"name": "a", "type": "Slice", "dim": 2, "stop": 2}, {"type": "Slice", "dim": 2, "start": 2, "from": "zyx"},
         {"type": "Unflatten", "dim": 2, "unflattened_size": [5, 7]}],
        ["NSP201"],
    ),
    (
        "what is missing may repeat what the other has once",
        [{"name": "m", "type": "Mean", "dim": 1, "keepdim": True}, {"name": "b", "type": "Multiply", "from": "m"},
         {"type": "Add", "from": ["input", "b"]}],
        ["NSP207"],
    ),
    (
        "weights of a size that is open may be those that are tied",
        [{"name": "e", "type": "Embedding", "num_embeddings": "$2 +", "embedding_dim": 8},
         {"type": "Linear", "out_features": 50, "bias": False, "tie": {"weight": "e.weight"}}],
        ["NSP106"],
    ),
    (
        "what has one fault is not judged for another",
        [{"name": "a", "type": "Chunk", "chunks": 2, "dim": "x"}, {"type": "ReLU", "from": "a.1"}],
        ["NSP112"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layers", "codes"), [case[1:] for case in CONSEQUENCES], ids=[case[0] for case in CONSEQUENCES]
)
def test_consequences_of_a_fault_are_not_told_as_faults(layers: list[dict[str, Any]], codes: list[str]) -> None:
    report = checked(of_mapping({"input": [16, 16, 3], "params": {"width": 8}, "layers": layers}))
    assert [each.code for each in report.diagnostics if each.severity is Severity.ERROR] == codes


def test_faults_inside_of_a_block_that_is_called_wrongly_are_told() -> None:
    blocks = {
        "unit": {
            "params": {"width": None, "stride": 1},
            "layers": [{**CONV, "out_channels": "$width", "stride": "$stride", "paddin": 1}, {"type": "BachNorm2d"}],
        }
    }
    mapping = {"input": [16, 16, 3], "layers": [{"type": "unit", "widht": 8, "strid": 2}], "blocks": blocks}
    report = checked(of_mapping(mapping))
    assert sorted(each.code for each in report.diagnostics) == ["NSP110", "NSP110", "NSP110", "NSP113"]


@pytest.mark.parametrize(
    "wrong",
    [{"type": "BachNorm2d"}, {**CONV, "out_channel": 8}, {**CONV, "groups": 2}, {"type": "Add", "from": "first"}],
    ids=lambda wrong: ", ".join(f"{key}: {value}" for key, value in wrong.items()),
)
def test_sizes_in_arithmetic_are_those_behind_what_is_meant(wrong: dict[str, Any]) -> None:
    """Else a gate would come to another number of channels, and what follows would be judged at wrong sizes."""
    gate = [
        {"type": "AdaptiveAvgPool2d", "output_size": 1},
        {"name": "g", "type": "Conv2d", "out_channels": "$input.channels", "kernel_size": 1},
        {"type": "Multiply", "from": ["input", "g"]},
    ]
    wrong = {key: value for key, value in wrong.items() if "out_channel" not in wrong or key != "out_channels"}
    rows = {"type": "Unflatten", "dim": 2, "unflattened_size": [5, 3]}
    layers = [{"name": "first", "type": "ReLU"}, wrong, {"type": "gate"}, rows]
    report = checked(of_mapping({"input": [16, 16, 3], "layers": layers, "blocks": {"gate": {"layers": gate}}}))
    found = [each.path[:2] for each in report.diagnostics if each.severity is Severity.ERROR]
    assert found == [("layers", 1), ("layers", 3)]


def test_which_output_a_wrong_number_means_is_in_doubt_within_a_block_too() -> None:
    stages = [{"name": f"s{i}", "type": "Conv2d", "out_channels": 4 * i, "kernel_size": 2, "stride": 2} for i in (1, 2)]
    minus = {"inputs": ["a", "b"], "layers": [{"type": "Subtract", "from": ["a", "b"]}]}
    layers = [{"name": "enc", "type": "encoder"}, {"name": "d", "type": "minus", "from": ["enc.0", "enc.4"]}]
    blocks = {"encoder": {"outputs": ["s1", "s2"], "layers": stages}, "minus": minus}
    report = checked(of_mapping({"input": [16, 16, 3], "layers": layers, "blocks": blocks}))
    assert [each.code for each in report.diagnostics] == ["NSP208"]


def test_a_fault_of_a_call_that_shares_is_not_told_as_other_layers() -> None:
    tower = {"layers": [{"type": "Conv2d", "out_channels": 4, "kernel_size": 1}]}
    layers = [{"name": "a", "type": "tower"}, {"name": "b", "type": "tower", "from": "input", "w": 3, "share": "a"}]
    report = checked(
        of_mapping({"input": [8, 8, 3], "layers": layers, "blocks": {"tower": tower}, "outputs": list("ab")})
    )
    assert [each.code for each in report.diagnostics] == ["NSP110"]


def test_a_misspelt_section_does_not_hide_the_rest() -> None:
    report = checked(parse("inputs: [8, 8, 3]\nlayer:\n  - {type: Conv2d, out_channels: 8, kernel_sise: 3}\n"))
    assert [each.code for each in report.diagnostics] == ["NSP110", "NSP110", "NSP110"]
    assert not report.plan.complete


def test_a_failure_of_the_planner_on_one_file_does_not_cost_the_others_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = "input: [8, 8, 3]\nlayers:\n  - {type: ReLU}\n"
    for name in ("a", "broken", "c"):
        (tmp_path / f"{name}.yaml").write_text(good if name != "c" else FIVE)

    def load(source: Source, **given: Any) -> Model:
        if source.file and "broken" in source.file:
            raise ArithmeticError("of the planner's own")
        return unfolding.load(source, **given)

    monkeypatch.setattr(workbench, "load", load)
    files = [str(tmp_path / f"{name}.yaml") for name in ("a", "broken", "c")]
    result = CliRunner().invoke(main, ["check", "--format", "concise", *files])
    assert result.exit_code == 2
    assert "NSP118" in result.output
    assert result.output.count("NSP205") == 1


@pytest.mark.parametrize("shape", [[2000, 1000], [4000, 1000], [64, 64, 1000]])
def test_a_large_parameter_is_no_dense_layer(shape: list[int]) -> None:
    layers = [{"name": "p", "type": "Parameter", "shape": shape}]
    found = checked(of_mapping({"input": [8], "layers": layers})).diagnostics
    assert [each.code for each in found] == ["NSP242"]  # the input


@pytest.mark.parametrize("entry", [{"type": None}, {"name": "a", "type": None}, {}, None, [], "ReLU", {"typ": "ReLU"}])
def test_an_entry_without_a_type_is_told(entry: Any) -> None:
    report = checked(of_mapping({"input": [8], "layers": [entry, {"type": "Tanh"}]}))
    assert not report.ok
    assert not report.plan.complete


def test_arithmetic_without_its_dollar_is_told_at_the_call_of_a_block() -> None:
    text = (
        "input: [16, 16, 3]\nparams: {width: 8}\nlayers:\n"
        "  - {type: Conv2d, out_channels: $width, kernel_size: 3}\n"
        "  - {name: last, type: wide, width: 2 * width, act: hard-width}\n"
        "  - {type: Linear, in_features: 15, out_features: 4}\n"
        "blocks:\n  wide:\n    params: {width: , act: }\n    layers:\n"
        "      - {type: Conv2d, out_channels: 3 * $width, kernel_size: 3}\n"
    )
    report = checked(parse(text))
    told = [(each.code, each.path) for each in report.diagnostics]
    assert told == [("NSP112", ("layers", 1, "width")), ("NSP205", ("layers", 2, "in_features"))]
    assert report.diagnostics[0].help.endswith("`width: 2 * $width`")
    assert "48" in report.diagnostics[1].label, report.diagnostics[1].label
