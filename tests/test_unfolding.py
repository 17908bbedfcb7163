"""From a file to a Model: names, copies, wiring, parameters, and the graph."""

from __future__ import annotations

from typing import Any

import networkx
import pytest

from planner.faults.unknown_parameter import COPIES
from planner.source import of_mapping, parse
from planner.unfolding import load
from planner.workbench import checked

RELU = {"type": "ReLU"}
DOUBLE = {"double": {"params": {"width": None}, "layers": [RELU, {"type": "Sigmoid"}]}}


def names(layers: list[Any], blocks: dict[str, Any] | None = None, **more: Any) -> list[str]:
    mapping = {"input": [8, 8, 4], "layers": layers, **({"blocks": blocks} if blocks else {}), **more}
    model = load(of_mapping(mapping))
    assert not model.diagnostics, [each.message for each in model.diagnostics]
    return [each.name for each in model.instances[1:]]


NAMES: list[tuple[str, list[Any], list[str]]] = [
    ("positions in a nameless list", [RELU, {"type": "Sigmoid"}], ["0", "1"]),
    ("types in any other list", [RELU, {**RELU, "name": "a"}, RELU], ["relu", "a", "relu_1"]),
    ("a given name is not taken again", [RELU, {"type": "Sigmoid", "name": "relu"}], ["relu_1", "relu"]),
    ("copies in a nameless list", [{**RELU, "repeat": 2}, RELU], ["0", "1", "2"]),
    ("copies of a named layer", [{**RELU, "name": "a", "repeat": 2}], ["a.0", "a.1"]),
    ("copies of a layer without a name", [{**RELU, "repeat": 2}, {**RELU, "name": "z"}], ["relu.0", "relu.1", "z"]),
    ("one copy is numbered too", [{**RELU, "name": "a", "repeat": 1}], ["a.0"]),
    ("names with the number of the copy", [{**RELU, "name": "l${index + 1}", "repeat": 2}], ["l1", "l2"]),
    ("what `when` leaves out takes no position", [RELU, {**RELU, "when": False}, {"type": "Tanh"}], ["0", "1"]),
    ("no copies", [RELU, {**RELU, "repeat": 0}, {"type": "Tanh"}], ["0", "1"]),
    ("a list in place", [{"name": "f", "layers": [RELU, RELU]}, {"name": "g", **RELU}], ["f.0", "f.1", "g"]),
    ("numbers as names", [{"name": 3, **RELU}], ["3"]),
]


@pytest.mark.parametrize(("layers", "expected"), [case[1:] for case in NAMES], ids=[case[0] for case in NAMES])
def test_names(layers: list[Any], expected: list[str]) -> None:
    assert names(layers) == expected


def test_copies_of_a_block_are_fed_one_by_the_other() -> None:
    layers = [{"name": "stage", "type": "double", "width": 4, "repeat": 2}, {"type": "Tanh", "from": "stage.0"}]
    model = load(of_mapping({"input": [8, 8, 4], "layers": layers, "blocks": DOUBLE}))
    read = {each.name: [model.instances[ref.step].name for ref in each.sources] for each in model.instances}
    assert read["stage.1.0"] == ["stage.0.1"]
    assert read["tanh"] == ["stage.0.1"]


def test_copies_with_several_sources_feed_the_first_of_the_next() -> None:
    two = {"inputs": ["a", "b", "c"], "outputs": ["y", "z"]}
    layers = [{"name": "y", "type": "Add", "from": ["a", "c"]}, {"name": "z", "type": "Add", "from": ["b", "c"]}]
    calls = [
        {"name": "one", "type": "Add", "repeat": 3, "from": ["left", "right"]},
        {"name": "two", "type": "pair", "repeat": 2, "from": ["one", "left", "right"]},
    ]
    inputs = {"left": [8, 8, 4], "right": [8, 8, 4]}
    model = load(of_mapping({"input": inputs, "layers": calls, "blocks": {"pair": {**two, "layers": layers}}}))
    read = {each.name: [model.instances[ref.step].name for ref in each.sources] for each in model.instances}
    assert [read[f"one.{i}"] for i in range(3)] == [["left", "right"], ["one.0", "right"], ["one.1", "right"]]
    assert (read["two.0.y"], read["two.0.z"]) == (["one.2", "right"], ["left", "right"])
    assert (read["two.1.y"], read["two.1.z"]) == (["two.0.y", "right"], ["two.0.z", "right"])


@pytest.mark.parametrize("count", [1, 2, 4])
def test_blocks_with_any_number_of_inputs(count: int) -> None:
    blocks = {"all": {"inputs": ["x", "*rest"], "layers": [{"type": "Concat", "from": ["*rest", "x", "*rest"]}]}}
    inputs = {f"in{i}": [8, 8, 4] for i in range(count)}
    call = {"name": "call", "type": "all", "from": list(inputs)}
    model = load(of_mapping({"input": inputs, "layers": [call], "blocks": blocks}))
    assert not model.diagnostics
    *first, concat = model.instances
    rest = list(inputs)[1:]
    assert [first[ref.step].name for ref in concat.sources] == [*rest, "in0", *rest]


def test_all_copies_of_a_repeat_are_read_in_order() -> None:
    layers = [
        {"name": "a", **RELU, "repeat": "$n"},
        {"name": "c", "type": "Concat", "from": ["input", "a.*", "a.0"]},
        {"name": "b.*", **RELU},
        {"name": "d", "type": "Tanh", "from": "b.*"},
    ]
    model = load(of_mapping({"input": [8, 8, 4], "params": {"n": 3}, "layers": layers}))
    read = {each.name: [model.instances[ref.step].name for ref in each.sources] for each in model.instances}
    assert read["c"] == ["input", "a.0", "a.1", "a.2", "a.0"]
    assert read["d"] == ["b.*"]


def test_of_copies_with_several_outputs_one_is_read_of_all_and_the_first_feeds_the_next() -> None:
    pair = {"outputs": ["a", "b"], "layers": [{"name": "a", **RELU}, {"name": "b", "type": "Tanh", "from": "input"}]}
    layers = [{"name": "p", "type": "pair", "repeat": 3}, {"name": "c", "type": "Concat", "from": ["p.*.1", "p.2.0"]}]
    model = load(of_mapping({"input": [8, 8, 4], "layers": layers, "blocks": {"pair": pair}}))
    assert not model.diagnostics
    read = {each.name: [model.instances[ref.step].name for ref in each.sources] for each in model.instances}
    assert read["c"] == ["p.0.b", "p.1.b", "p.2.b", "p.2.a"]
    assert read["p.1.b"] == read["p.1.a"] == ["p.0.a"]


def test_what_is_left_out_hands_its_input_on() -> None:
    layers = [
        {"name": "a", **RELU},
        {"name": "shortcut", "type": "Sigmoid", "from": "input", "when": "$project"},
        {"name": "sum", "type": "Add", "from": ["a", "shortcut"]},
        {"name": "last", "type": "Tanh", "when": False},
        {"name": "end", **RELU},
    ]
    for project, source in ((False, "input"), (True, "shortcut")):
        model = load(of_mapping({"input": [8, 8, 4], "params": {"project": project}, "layers": layers}))
        read = {each.name: [model.instances[ref.step].name for ref in each.sources] for each in model.instances}
        assert read["sum"] == ["a", source]
        assert read["end"] == ["sum"]


def test_a_block_sees_the_models_parameters_and_its_own_but_not_its_callers() -> None:
    inner = {"layers": [{"type": "Conv2d", "out_channels": "$width", "kernel_size": 1}]}
    outer = {"params": {"width": None}, "layers": [{"type": "inner"}]}
    mapping = {
        "input": [8, 8, 4],
        "layers": [{"type": "outer", "width": 5}],
        "blocks": {"outer": outer, "inner": inner},
    }
    assert [each.code for each in load(of_mapping(mapping)).diagnostics] == ["NSP107"]
    assert not load(of_mapping({**mapping, "params": {"width": 3}})).diagnostics


def test_a_block_does_not_see_which_copy_it_is() -> None:
    inner = {"layers": [{"type": "Conv2d", "out_channels": "8 * ($index + 1)", "kernel_size": 1}]}
    mapping = {"input": [8, 8, 4], "params": {"ind": 3}, "layers": [{"type": "b", "repeat": 2}], "blocks": {"b": inner}}
    (found,) = load(of_mapping(mapping)).diagnostics
    assert found.help == COPIES
    told: dict[str, Any] = {"params": {"n": None}, "layers": [{**inner["layers"][0], "out_channels": "8 * ($n + 1)"}]}
    mapping["layers"] = [{"type": "b", "n": "$index", "repeat": 2}]
    assert not load(of_mapping({**mapping, "blocks": {"b": told}})).diagnostics


@pytest.mark.parametrize("first", [False, True])
def test_true_is_not_taken_for_a_one_that_was_there_before(first: bool) -> None:
    conv = {"type": "Conv2d", "out_channels": 4, "kernel_size": 1, "bias": "$bias"}
    calls = [{"type": "b", "bias": True}, {"type": "b", "bias": 1}]
    blocks = {"b": {"params": {"bias": None}, "layers": [conv]}}
    layers = list(reversed(calls)) if first else calls
    found = load(of_mapping({"input": [8, 8, 4], "layers": layers, "blocks": blocks})).diagnostics
    assert [each.label for each in found] == ["received 1"]


def test_several_inputs_and_outputs_of_a_block() -> None:
    swap = {"inputs": ["x", "y"], "outputs": ["b", "a"], "layers": [
        {"name": "a", **RELU, "from": "x"}, {"name": "b", "type": "Sigmoid", "from": "y"},
    ]}  # fmt: skip
    layers = [{"name": "s", "type": "swap", "from": ["left", "right"]}, {"name": "t", "type": "Tanh", "from": "s.1"}]
    mapping = {
        "input": {"left": [4], "right": [6]},
        "layers": layers,
        "blocks": {"swap": swap},
        "outputs": ["t", "s.0"],
    }
    report = checked(of_mapping(mapping))
    assert report.to_dict()["outputs"] == {"t": [4], "s.b": [6]}
    assert report.to_dict()["inputs"] == {"left": [4], "right": [6]}


def test_parameters_are_overridden_and_inputs_replaced() -> None:
    mapping = {
        "input": [8, 8, 3],
        "params": {"n": 4},
        "layers": [{"type": "Conv2d", "out_channels": "2 * $n", "kernel_size": 1}],
    }
    assert checked(of_mapping(mapping)).to_dict()["outputs"] == {"0": [8, 8, 8]}
    changed = checked(of_mapping(mapping), input=(5, 6, 3), params={"n": 5})
    assert changed.to_dict()["outputs"] == {"0": [5, 6, 10]}


def test_inputs_that_the_file_does_not_have_are_told_in_the_order_given() -> None:
    model = load(of_mapping({"input": [8], "layers": [{"type": "ReLU"}]}), input={name: [8] for name in "edcba"})
    assert [each.message for each in model.diagnostics] == [f"`input` has no `{name}`" for name in "edcba"]


@pytest.mark.parametrize("where", ["model", "layer", "block"])
def test_allow_silences_a_rule(where: str) -> None:
    pool: dict[str, Any] = {"type": "MaxPool2d", "kernel_size": 2}
    call: dict[str, Any] = {"type": "pool"}
    mapping: dict[str, Any] = {"input": [9, 8, 3], "layers": [call], "blocks": {"pool": {"layers": [pool]}}}
    found = [each.kind.name() for each in checked(of_mapping(mapping)).diagnostics]
    assert "lost-cells" in found
    target = {"model": mapping, "layer": pool, "block": call}[where]
    target["allow"] = ["lost-cells"]
    assert [each.kind.name() for each in checked(of_mapping(mapping)).diagnostics] == [
        name for name in found if name != "lost-cells"
    ]


def test_the_graph_has_the_names_and_the_edges() -> None:
    model = load(parse(
        "input: [8, 8, 4]\nlayers:\n  - {name: halves, type: Chunk, chunks: 2}\n"
        "  - {name: sum, type: Add, from: [halves.1, halves.0]}\n"
    ))  # fmt: skip
    graph = model.graph
    assert list(networkx.topological_sort(graph)) == ["input", "halves", "sum"]
    edges = {(place["place"], place["output"]) for *_, place in graph.edges("halves", data=True)}
    assert edges == {(0, 1), (1, 0)}
    assert graph.nodes["sum"]["instance"].type == "Add"


ALTERNATIVES: list[dict[str, Any]] = [
    {"name": "c1", "type": "Conv2d", "out_channels": 4, "kernel_size": 1},
    {"name": "act", **RELU, "from": "c1", "when": "$act == 1"},
    {"name": "act", "type": "GELU", "from": "c1", "when": "$act == 2"},
    {"name": "end", "type": "Tanh"},
    {"name": "sum", "type": "Add", "from": ["act", "end"]},
]


@pytest.mark.parametrize(("act", "there"), [(1, "ReLU"), (2, "GELU"), (3, None)])
def test_one_name_on_two_alternatives_means_the_one_that_is_there(act: int, there: str | None) -> None:
    report = checked(of_mapping({"input": [8, 8, 4], "params": {"act": act}, "layers": ALTERNATIVES}))
    assert report.ok
    steps = {step.name: step for step in report.plan.steps}
    assert (steps["act"].type if "act" in steps else None) == there
    read = {name: [report.plan.label(ref) for ref in step.sources] for name, step in steps.items()}
    assert read["end"] == ["act" if there else "c1"]
    assert read["sum"] == ["act" if there else "c1", "end"]


def test_two_alternatives_that_are_both_there_have_one_name_twice() -> None:
    layers = [{**each, "when": True} if "when" in each else each for each in ALTERNATIVES]
    report = checked(of_mapping({"input": [8, 8, 4], "layers": layers}))
    assert [each.code for each in report.diagnostics] == ["NSP114"]


def test_a_bad_name_is_told_where_there_is_no_copy() -> None:
    layers = [{"name": "a\nb", **RELU, "repeat": 0}, {"name": "input", **RELU, "when": False}, {"name": "c", **RELU}]
    found = checked(of_mapping({"input": [8, 8, 4], "layers": layers})).diagnostics
    assert [each.code for each in found if each.code != "NSP242"] == ["NSP115", "NSP115"]


def test_a_model_has_no_input_of_any_number() -> None:
    layers = [
        {"name": "all", "type": "Concat", "from": ["b", "a"]},
        {"type": "Conv2d", "out_channels": 4, "kernel_size": 1},
    ]
    found = checked(of_mapping({"input": {"b": [8, 8, 3], "*a": [8, 8, 3]}, "layers": layers})).diagnostics
    assert [each.code for each in found] == ["NSP115"]


@pytest.mark.parametrize("inputs", [["x", "x"], ["x", "*x"]])
def test_no_two_inputs_of_a_block_have_one_name(inputs: list[str]) -> None:
    blocks = {"meet": {"inputs": inputs, "layers": [{"type": "Concat", "from": inputs}]}}
    layers = [{"type": "meet", "from": ["input", "input"]}]
    found = load(of_mapping({"input": [8, 8, 4], "layers": layers, "blocks": blocks})).diagnostics
    assert [str(each.message) for each in found][:1] == ["`inputs` takes names of which no two are the same"]


CROSS = {"outputs": ["skip", "out"], "layers": [{"name": "skip", **RELU}, {"name": "out", **RELU}]}
JOIN = {"inputs": ["u", "v", "w"], "layers": [{"type": "Add", "from": ["u", "v", "w"]}]}
WIRED = [
    ({**RELU, "from": "cross.out"}, "`cross` has no output `out`", "write `from: cross.1`"),
    ({**RELU, "from": "many.1"}, "`many` has no copy 1", "write `from: many.0`"),
    ({"type": "MultiheadAttention", "num_heads": 2, "from": "q"}, "`q` has 3 outputs: say which one",
     "write `from: [q.0, q.1, q.2]`"),
    ({"type": "join", "from": "q.0"}, "the block `join` takes 3 sources", "name 3: `from: [u, v, w]`"),
    ({"type": "join", "from": ["q.0", "q.1"], "repeat": 2}, "the block `join` takes 3 sources",
     "name 3: `from: [u, v, w]`"),
    ({"type": "Conv2d", "out_channels": "width * 2", "kernel_size": 1}, "`out_channels` takes a whole number",
     "arithmetic has a `$` before each parameter: `out_channels: $width * 2`"),
    ({**RELU, "repeat": "width - 2"}, "`repeat` takes a whole number from 0",
     "arithmetic has a `$` before each parameter: `repeat: $width - 2`"),
]  # fmt: skip


@pytest.mark.parametrize(("entry", "message", "help"), WIRED, ids=[each[1] + each[2] for each in WIRED])
def test_what_is_wrong_is_said_in_the_words_of_the_file(entry: dict[str, Any], message: str, help: str) -> None:
    layers = [
        {"name": "cross", "type": "cross"},
        {"name": "many", **RELU, "repeat": 1, "from": "cross.0"},
        {"name": "q", "type": "Chunk", "chunks": 3, "from": "cross.1"},
        entry,
    ]
    blocks = {"cross": CROSS, "join": JOIN}
    mapping = {"input": [8, 8, 12], "params": {"width": 4}, "layers": layers, "blocks": blocks}
    errors = [each for each in checked(of_mapping(mapping)).diagnostics if each.severity == "error"]
    assert [(each.message, each.help) for each in errors] == [(message, help)]


def test_a_merge_that_a_condition_leaves_out_is_one_finding_with_its_name() -> None:
    def conv(name: str, size: int) -> dict[str, Any]:
        padding = size // 2
        return {"name": name, "type": "Conv2d", "out_channels": 4, "kernel_size": size, "padding": padding,
                "from": "input"}  # fmt: skip

    merge = {"name": "sum", "type": "Add", "from": ["a", "b", "c"], "when": "$fuse"}
    layers = [conv("a", 3), conv("b", 1), conv("c", 5), merge, RELU]
    report = checked(of_mapping({"input": [8, 8, 4], "params": {"fuse": False}, "layers": layers}))
    (found,) = report.diagnostics
    assert found.message == "nothing reads `b` and `c`, since `when` leaves `sum` out"
    assert found.path == ("layers", 3, "when")
    assert found.label.startswith("it hands on `a` alone, and would read `b` and `c` too")
    assert not checked(of_mapping({"input": [8, 8, 4], "params": {"fuse": True}, "layers": layers})).diagnostics


def test_lists_in_place_within_blocks_do_not_exhaust_the_stack() -> None:
    def within(entry: dict[str, Any], depth: int) -> dict[str, Any]:
        return {"layers": [within(entry, depth - 1)]} if depth else entry

    deep = "(" * 25 + "$depth - 1" + ")" * 25
    call = {"type": "a", "depth": deep, "when": "$depth > 0"}
    for depth, fits in ((1, True), (15, False)):
        blocks = {"a": {"params": {"depth": None}, "layers": [{"type": "ReLU"}, within(call, depth)]}}
        file = {"input": [8], "layers": [{"type": "a", "depth": 45}], "blocks": blocks}
        assert [each.code for each in load(of_mapping(file)).diagnostics] == ([] if fits else ["NSP116"])
