"""What the language server says of a file, in our own terms: no protocol, no threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from planner.diagnostics import Severity
from planner.editing import spliced
from planner.hand_rule import Request, work_out
from planner.outputs._fold import rows
from planner.outputs._screen import Screen
from planner.outputs.calc.text import brief
from planner.plan import Step
from planner.server.actions import actions, fix_all
from planner.server.completion import Offer, completion
from planner.server.document import Document
from planner.server.findings import findings
from planner.server.hints import Hint, hints
from planner.server.hover import hover
from planner.server.lenses import lenses, sizes
from planner.server.names import definition, name_at
from planner.server.renaming import CannotRename, renamed, renamed_at
from planner.server.signature import signature
from planner.server.structure import folds, symbols
from planner.server.text import EditorText, Passage, Point
from planner.server.tokens import tokens
from planner.workbench import checked_text

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
ULTRALYTICS = sorted((Path(__file__).parent / "ultralytics").glob("*.yaml"))
BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.fixture(autouse=True)
def errors_within_plans_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("planner.server.document.TOLERATED", ())


def document(text: str, before: Document | None = None) -> Document:
    return Document(EditorText(text), 1, None, before)


@cache
def opened(path: Path) -> Document:
    return Document(EditorText(path.read_text(encoding="utf-8")), 1, str(path))


def by_line(found: list[Hint]) -> dict[int, str]:
    return {each.line: each.text for each in found}


# Agreement with the commands


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_hints_say_what_plan_says(path: Path) -> None:
    """Behind the line of every step its shapes in the JSON; behind that of a call, what its row of the table has."""
    file = opened(path)
    wanted: dict[int, list[str]] = {}
    called: dict[int, list[str]] = {}
    report = file.report.to_dict()
    for step in report["steps"]:
        outs = step["out"] if isinstance(step["out"][0], list) else [step["out"]]
        if "file" not in step:
            wanted.setdefault(step["line"] - 1, []).append(_text(outs))
    for row in rows(file.plan, 1):
        place = file.source.place(row.path)
        if row.is_block and row.copies == 1 and place is not None and place.file is None:
            called[place.line - 1] = [*map(str, row.outputs)]
    shown = by_line(hints(file))
    found = {line: re.match(r"→ (.*?)(?: \+(\d+))?(?: ⚠ .*)?$", text) for line, text in shown.items()}
    for line, shapes in called.items():
        assert {*shapes} <= {*re.split(", | of ", shown[line].removeprefix("→ ").split(" ⚠")[0])}
    for line, shapes in wanted.items():
        if line in called:
            continue
        match = found[line]
        assert match is not None
        assert (match[1], int(match[2] or 0)) == (shapes[0], len({*shapes}) - 1), (line, shown[line])


def _text(shapes: list[list[int]]) -> str:
    texts = ["×".join(map(str, shape)) for shape in shapes]
    return ", ".join(f"{n} of {each}" if (n := texts.count(each)) > 1 else each for each in dict.fromkeys(texts))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_hovers_work_out_what_calc_works_out(path: Path) -> None:
    """The first copy of every layer with a kernel or bins, with its arguments as one would type them for `calc`."""
    file, tried = opened(path), set()
    for entry, copies in file.copies.items():
        step, passage = copies[0], file.passage_of(entry)
        request = _request(step) if isinstance(step, Step) else None
        if request is None or passage is None or request in tried:
            continue
        tried.add(request)
        said = hover(file, file.text.text.index("type", passage.start) + 6)
        assert said is not None
        assert brief(work_out(request), Screen(72)) in said
        assert f"**`{step.name}`**" in said
        totals = next(each for each in file.report.to_dict()["steps"] if each["name"] == step.name)
        assert (
            f"{totals['params']:,} parameters".replace("0 parameters", "no parameters", totals["params"] == 0) in said
        )


def _request(step: Step) -> Request | None:
    """The request of `calc` for a convolution or a pool; None for one that it does not know."""
    layer = step.layer
    if layer is None or len(step.inputs) != 1 or not step.inputs[0].spatial:
        return None
    rank, size = len(step.inputs[0].spatial), "x".join(map(str, step.inputs[0].spatial))
    fields = {name: getattr(layer, name) for name in type(layer).model_fields}

    def axes(value: object) -> str:
        each = list(value) if isinstance(value, tuple) else [value] * rank
        return "x".join(",".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in each)

    if step.type.startswith("Adaptive"):
        return Request(size=size, adaptive=axes(fields["output_size"])) if None not in _flat(fields) else None
    if not re.fullmatch(r"(Conv|ConvTranspose|MaxPool|AvgPool)[123]d", step.type) or fields.get("batch_axes"):
        return None
    if fields.get("padding_mode", "zeros") != "zeros":
        return None
    stride = fields["stride"] if fields["stride"] is not None else fields["kernel_size"]
    padding = fields["padding"]
    if isinstance(padding, str):  # at stride 1 a layer has numbers in place of the word
        if padding != "tf_same" or stride == 1:
            return None
        return Request(size=size, kernel=axes(fields["kernel_size"]), stride=axes(stride), tf_same=True)
    return Request(
        size=size,
        kernel=axes(fields["kernel_size"]),
        stride=axes(stride),
        padding=None if padding is None else axes(padding),
        dilation=axes(fields.get("dilation", 1)),
        ceil=bool(fields.get("ceil_mode")),
        transposed="Transpose" in step.type,
        output_padding=axes(fields["output_padding"]) if fields.get("output_padding") else None,
    )


def _flat(fields: dict[str, object]) -> list[object]:
    value = fields["output_size"]
    return list(value) if isinstance(value, tuple) else [value]


@pytest.mark.parametrize("path", [*CONFIGS[::4], *BAD[::6], *ULTRALYTICS], ids=lambda path: path.stem)
def test_findings_are_those_of_check(path: Path) -> None:
    """Each on the line that `check` gives, or that of the call where it is in a library."""
    file = opened(path) if path not in BAD else document(path.read_bytes().decode("utf-8", "replace"))
    if not file.is_model:
        assert findings(file) == []
        return
    for each in findings(file):
        place = file.report.place(each.diagnostic)
        if place is not None and place.file is None:
            assert file.text.line_at(each.passage.start) == place.line - 1
    told = [one for each in findings(file) for one in each.copies]
    assert sorted(map(id, told)) == sorted(map(id, file.report.diagnostics))


@pytest.mark.parametrize("path", CONFIGS[::9], ids=lambda path: path.stem)
def test_lenses_have_the_totals_of_plan(path: Path) -> None:
    file = opened(path)
    first, *others = lenses(file)
    totals = file.report.to_dict()["totals"]
    assert first.text is not None
    assert first.text.startswith(f"{totals['params']:,} parameters, {totals['macs']:,} MACs, ")
    assert first.line == next(i for i, line in enumerate(file.text.splitlines()) if line[:1] not in "# \n")
    names = [name for name in file.source.data.get("blocks", {}) if not name.startswith("x-")]
    used = [each.text for each in others if each.text is not None]
    assert len(used) == len(names)
    for name, text in zip(names, used, strict=True):
        count = sum(each.type == name for each in file.plan.model.groups)
        assert text == "not used" or text.startswith(f"used {count} time"), (name, text)


# Half-typed files

CHAIN = """\
input: [32, 32, 3]
params: {width: 8}
layers:
  - {name: a, type: Conv2d, out_channels: $width, kernel_size: 3}
  - {name: b, type: Conv2d, out_channels: 16, kernel_size: 3, stride: 2}
  - {name: c, type: Conv2d, out_channels: 32, kernel_size: 3}
"""


@pytest.mark.parametrize(
    ("half", "is_read"),
    [
        ("kernel_size: 3, stride: 2}", False),
        ("Conv2d, out_channels: 16, kernel_size: 3", True),
        ("type: Conv2d, out_channels: 16, kernel_size: 3, ", True),
    ],
)
def test_what_was_planned_stays_while_a_line_is_typed(half: str, is_read: bool) -> None:
    """In brackets, since it was planned before; what can be planned is, where the text can be read."""
    good = document(CHAIN)
    half_typed = document(CHAIN.replace(half, "", 1), good)
    shown = by_line(hints(half_typed))
    assert half_typed.good is good
    assert shown[3] == ("→ 30×30×8" if is_read else "(→ 30×30×8)")
    assert 4 not in shown
    assert shown[5] == "(→ 12×12×32)"


def test_hints_that_stay_move_with_their_lines() -> None:
    good = document(CHAIN)
    longer = CHAIN.replace("  - {name: b, type: Conv2d, out_channels: 16", "# one\n# two\n  - {name: b, type: Conv2", 1)
    assert by_line(hints(document(longer, good))) == {3: "→ 30×30×8", 7: "(→ 12×12×32)"}


def test_a_file_that_is_opened_broken_is_planned_without_the_line() -> None:
    broken = document(CHAIN.replace("kernel_size: 3, stride: 2}", "kernel_size: "))
    assert by_line(hints(broken)) == {3: "→ 30×30×8", 5: "→ 28×28×32"}
    assert [each.diagnostic.severity for each in findings(broken)] == [Severity.ERROR]
    assert "`c`" in (hover(broken, broken.text.text.index("name: c") + 6) or "")


# Completion and signatures

MODEL = """\
input: [8, 8, 3]
params: {classes: 10}
layers:
  - {name: first, type: Conv2d, out_channels: 4, kernel_size: 3}
%s
  - {type: ReLU}
blocks:
  res:
    params: {width: , stride: 1}
    inputs: [x, skip]
    layers:
      - {name: inner, type: Conv2d, out_channels: $width, kernel_size: 1}
%s
"""


def typed(outer: str = "", inner: str = "") -> tuple[Document, int]:
    """A model with a line that is being typed; `|` is the cursor."""
    text = MODEL % (outer, inner)
    at = text.index("|")
    return document(text[:at] + text[at + 1 :]), at


def test_a_line_is_completed_whatever_else_has_changed_since_the_last_plan() -> None:
    """A block was renamed above, and the new line is no YAML yet: all lines from the one to the other are new."""
    text = "input: [8, 8, 3]\nlayers:\n  - {type: ReLU}\n  - {type: stage}\n"
    text += "blocks:\n  stage:\n    layers:\n      - {type: ReLU}\n"
    line = "      - {name: 層, type: Conv2d, kern"
    after = Document(EditorText(text.replace("stage", "étage") + line), 2, None, document(text))
    found = completion(after, len(after.text.text))
    assert found is not None
    assert "kernel_size" in {each.label for each in found.items}


def offers(outer: str = "", inner: str = "") -> dict[str, Offer]:
    found = completion(*typed(outer, inner))
    assert found is not None
    return {each.label: each for each in found.items}


@pytest.mark.parametrize(
    ("outer", "inner", "has", "lacks"),
    [
        ("  - {type: Con|", "", {"Conv2d", "Concat", "res"}, {"stride", "from"}),
        ("  - {name: a, type: Conv2d, |}", "", {"kernel_size", "stride", "from", "allow"}, {"name", "type", "layers:"}),
        ("  - {type: Conv2d, kernel_size: 3, |", "", {"stride", "groups"}, {"kernel_size", "type"}),
        ("  - {type: Conv2d, ker|, stride: 2}", "", {"kernel_size", "bias"}, {"stride"}),
        ("  - type: Conv2d\n    ker|", "", {"kernel_size", "when"}, {"type"}),
        ("  - {type: res, |}", "", {"width", "stride", "from"}, {"kernel_size"}),
        ("  - {type: Conv2d, padding_mode: |}", "", {"zeros", "reflect"}, {"true"}),
        ("  - {type: Conv2d, bias: |}", "", {"true", "false", "$classes"}, {"zeros"}),
        ("  - {type: Add, from: [fi|", "", {"first", "input"}, {"relu", "inner"}),
        ("  - {type: Add, from: |}", "", {"first", "input"}, {"relu"}),
        ("", "      - {type: Add, from: [inner, s|]}", {"inner", "x", "skip"}, {"first", "input"}),
        ("", "      - {type: Linear, out_features: 2 * $w|}", {"$width", "$stride", "$classes"}, {"res"}),
        ("  - {type: Linear, out_features: $|}", "", {"$classes"}, {"$width", "$index"}),
        ("  - {type: Linear, out_features: $cl, repeat: 3, name: a${|}}", "", {"${index", "${classes"}, {"$width"}),
        ("  - {type: ReLU, allow: [lost|]}", "", {"lost-cells", "unread-input"}, {"wrong-value"}),
        ("  - |", "", {"res", "Conv2d", "type", "name"}, {"input"}),
        ("", "  |", {"a new block"}, {"layers"}),
        ("", "  new:\n    |", {"params", "layers", "inputs"}, {"name"}),
    ],
)
def test_what_is_offered(outer: str, inner: str, has: set[str], lacks: set[str]) -> None:
    found = offers(outer, inner).keys()
    assert has <= found, has - found
    assert not lacks & found


def test_what_is_offered_is_written_so_that_it_can_be_read() -> None:
    assert offers("  - {type: Conv2d, ker|ne: 3}")["kernel_size"].text == "kernel_size"  # there is a colon already
    assert offers("  - {type: Conv2d, ker|}")["kernel_size"].text == "kernel_size: "
    assert offers("  - |")["res"].text == "{type: res, width: ${1}}"
    assert offers("  - {type: Add, from: [|]}")["first"].detail == "6×6×4"
    found = completion(*typed("  - {type: Conv2d, ker|ne}"))
    assert found is not None
    assert [*found.word] == [MODEL.index("%s") + 19, MODEL.index("%s") + 24]


def test_what_is_offered_first_is_what_is_meant_most_often() -> None:
    names = [*offers("  - {name: b, type: ReLU}\n  - {type: Add, from: [|]}")]
    assert names.index("b") < names.index("first") < names.index("input")  # the nearest first
    arguments = [label for label, each in offers("  - {type: Conv2d, |}").items() if each.rank in (2, 4)]
    assert arguments[:4] == ["kernel_size", "out_channels", "stride", "padding"]  # torch's order
    assert arguments[-1] == "batch_axes"  # torch has no such thing
    found = completion(document("blocks:\n  "), len("blocks:\n  "))
    assert found is not None
    assert [each.label for each in found.items] == ["a new block"]


@pytest.mark.parametrize("text", ["|", "na|", "input: [3]\nlay|", "input: [3]\n|\nlayers:\n  - {type: ReLU}\n"])
def test_sections_are_offered(text: str) -> None:
    at = text.index("|")
    found = completion(document(text.replace("|", "")), at)
    assert found is not None
    labels = {each.label for each in found.items}
    assert {"params", "blocks", "outputs"} <= labels
    assert ("input" in labels) == ("input" not in text)


def test_nothing_is_offered_in_a_comment() -> None:
    assert completion(*typed("  - {type: ReLU}  # ty|")) is None


def test_the_arguments_that_are_left() -> None:
    found = signature(*typed("  - {type: Conv2d, kernel_size: 3, out|}"))
    assert found is not None
    assert found.text.startswith("Conv2d(")
    assert "kernel_size" not in found.text
    shown = [found.text[each.start : each.end] for each in found.parameters]
    assert "stride=1" in shown
    assert "bias=true" in shown
    found = signature(*typed("  - {type: res, stride: |}"))
    assert found is not None
    assert (found.text, found.active) == ("res(width, stride=1)", 1)


# Names


SOME = [pytest.param(path, marks=[pytest.mark.long] if i % 4 else []) for i, path in enumerate(CONFIGS)]


@pytest.mark.parametrize("path", SOME, ids=lambda path: path.stem)
def test_names_can_be_renamed(path: Path, request: pytest.FixtureRequest) -> None:
    """The plan stays what it is but for the name, and the name is gone from where it stood."""
    file, done = opened(path), set()
    if not file.names:
        assert file.source.format
        return
    some = [file.names[len(path.name) * 7 % len(file.names)]]
    for each in file.names if request.config.getoption("long") else some:
        if each.name in done or not isinstance(definition(file, each.name), Passage):
            continue
        done.add(each.name)
        new = "renamed_層" if each.name.kind != "parameter" else "renamed"
        try:
            found = renamed(file, each.passage.start, new)
        except CannotRename:
            assert not any(one.defines for one in file.names if one.name == each.name)
            continue
        after = Document(EditorText(spliced(file.text.text, found)), 2, str(path))
        assert [step.outputs for step in after.plan.steps] == [step.outputs for step in file.plan.steps]
        assert len(after.report.diagnostics) == len(file.report.diagnostics)
        assert not any(one.name.text == each.name.text and one.name == each.name for one in after.names)


@pytest.mark.parametrize(
    ("config", "text", "places"),
    [
        ("gpt2", "wte", [3]),  # in the path of a weight, too
        ("stylegan2", "gain", [5, 4, 4]),  # a default that is the model's parameter of the same name
        ("efficientnet_v2_s", "mbconv", [9, 4]),  # the type that a block is given, and the parameter that takes it
    ],
)
def test_names_are_renamed_wherever_they_stand(config: str, text: str, places: list[int]) -> None:
    file = opened(CONFIGS[0].parent / f"{config}.yaml")
    counts = []
    for name in dict.fromkeys(each.name for each in file.names if each.name.text == text):
        given = next(each.passage for each in file.names if each.name == name and each.defines)
        found = renamed(file, given.start, "renamed")
        after = Document(EditorText(spliced(file.text.text, found)), 2, file.file)
        assert [step.outputs for step in after.plan.steps] == [step.outputs for step in file.plan.steps]
        counts.append(len(found))
    assert counts == places


def at(file: Document, words: str, inside: int = 0) -> int:
    return file.text.text.index(words) + inside


def test_names_lead_to_where_they_are_given() -> None:
    file, _ = typed(
        "  - {type: res, width: 2 * $classes, from: [first, input]}|", "      - {type: Add, from: [inner, skip]}"
    )

    def leads(words: str, inside: int) -> str:
        found = name_at(file, at(file, words, inside))
        assert found is not None
        place = definition(file, found.name)
        assert isinstance(place, Passage)
        return file.text.splitlines()[file.text.line_at(place.start)].strip()

    assert leads("[first", 2) == "- {name: first, type: Conv2d, out_channels: 4, kernel_size: 3}"
    assert leads("$classes", 2) == "params: {classes: 10}"
    assert leads("type: res", 7) == "res:"
    assert leads("width: 2", 1) == "params: {width: , stride: 1}"
    assert leads("skip]}", 1) == "inputs: [x, skip]"


def test_a_library_is_where_its_blocks_are_given() -> None:
    file = document("use: [residual]\ninput: [32, 32, 64]\nlayers:\n  - {type: bottleneck, width: 16}\n")
    found = name_at(file, at(file, "bottleneck", 2))
    assert found is not None
    place = definition(file, found.name)
    assert not isinstance(place, Passage)
    assert place is not None
    assert place.file is not None
    assert place.file.endswith("residual.yaml")
    with pytest.raises(CannotRename, match=r"residual\.yaml"):
        renamed_at(file, at(file, "bottleneck", 2))


@pytest.mark.parametrize(
    ("words", "new", "why"),
    [
        ("name: a,", "b", "two layers are named"),
        ("name: a,", "input", "cannot be a name"),
        ("name: a,", " ", "blanks"),
        ("width: 8", "type", "cannot be a parameter"),
        ("width: 8", "a b", "cannot be a parameter"),
        ("32, 32", "x", "there is no name"),
    ],
)
def test_a_new_name_that_cannot_be_is_refused(words: str, new: str, why: str) -> None:
    file = document(CHAIN)
    with pytest.raises(CannotRename, match=why):
        renamed(file, at(file, words, 6 if words.startswith("name") else 1), new)


def test_a_new_name_that_would_catch_another_is_refused() -> None:
    text = CHAIN + "  - {type: own, w: 4}\nblocks:\n  own:\n    params: {w: }\n    layers:\n"
    file = document(text + "      - {type: Conv2d, out_channels: $width * $w, kernel_size: 1}\n")
    with pytest.raises(CannotRename, match="something else"):
        renamed(file, at(file, "w: }"), "width")


# What may be done


def applied(file: Document, found: tuple[tuple[int, int, str], ...]) -> Document:
    text = file.text.text
    for start, end, new in reversed(found):
        text = text[:start] + new + text[end:]
    return document(text)


LOSSY = """\
input: [32, 32, 3]
layers:
  - {name: a, type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2, paddding: 0}  # 🙂
"""


@pytest.mark.parametrize("text", [LOSSY, LOSSY.replace("paddding: 0", "padding: 0"), "\ufeff" + LOSSY])
def test_what_is_done_mends_the_finding(text: str) -> None:
    file = document(text)
    found = [*actions(file, Passage(0, len(text)))]
    assert found
    for each in found:
        after = applied(file, each.splices)
        assert each.mends is not None
        kinds = [one.kind for one in after.report.diagnostics]
        assert each.mends.diagnostic.kind not in kinds or each.title.startswith("allow"), each.title
        if each.title.startswith("allow"):
            assert kinds.count(each.mends.diagnostic.kind) < [one.kind for one in file.report.diagnostics].count(
                each.mends.diagnostic.kind
            )
    assert any("→" in each.title and "×" in each.title for each in found)


def test_all_that_is_safe_is_what_fix_writes() -> None:
    file = document(LOSSY)
    found = fix_all(file)
    assert found is not None
    assert applied(file, found.splices).text.text == checked_text(LOSSY).bench.mended().report.source.text
    assert fix_all(applied(file, found.splices)) is None


# Structure


@pytest.mark.parametrize("path", CONFIGS[::6], ids=lambda path: path.stem)
def test_structure(path: Path) -> None:
    file = opened(path)
    lines = file.text.splitlines()
    sections = {each.name: each for each in symbols(file)}
    assert [*sections] == [re.match(r"\w+", line)[0] for line in lines if re.match(r"[a-z]", line)]  # type: ignore[index]
    assert len(sections["layers"].inner) == len(file.source.data["layers"])
    for first, last, told in folds(file):
        assert 0 <= first < last < len(lines)
        assert told == lines[first].lstrip().startswith("#")
    words = tokens(file)
    assert all(a.passage.end <= b.passage.start for a, b in pairwise(words))
    types = {file.text.text[each.passage.start : each.passage.end] for each in words if each.name == "class"}
    assert types == {step.type for step in file.plan.layers if file.home(step) == step.path} | types


def test_sizes_over_the_input() -> None:
    file = opened(next(path for path in CONFIGS if path.stem == "vgg16"))
    assert "lossless n ≡ 0 mod 32" in sizes(file)


def test_sizes_over_inputs_that_meet_name_one_another() -> None:
    text = """\
input: {a: [32, 3], b: [16, 3]}
layers:
  - {name: half, type: Conv1d, out_channels: 3, kernel_size: 2, stride: 2, from: a}
  - {name: join, type: Add, from: [half, b]}
  - {name: pool, type: MaxPool1d, kernel_size: 2}
"""
    said = sizes(document(text)).split("; ")
    assert said[0] == "length of a: works every n from 4, lossless n ≡ 0 mod 4, from 4 (with a fitting length of b)"
    assert said[1].endswith("(with a fitting length of a)")


# Files of Ultralytics, and others


@pytest.mark.parametrize("path", ULTRALYTICS, ids=lambda path: path.stem)
def test_rows_of_ultralytics_have_their_shapes(path: Path) -> None:
    file = opened(path)
    rows_of_file = [i for i, line in enumerate(file.text.splitlines()) if re.match(r"\s*(- )?\[\[?-?\d", line)]
    shown = by_line(hints(file))
    assert {*rows_of_file} <= shown.keys()
    assert "→" in (hover(file, file.text.starts[rows_of_file[0]] + 12) or "")
    named = [each for section in symbols(file) for each in section.inner]
    assert [file.text.line_at(each.whole.start) for each in named] == rows_of_file
    assert all("→" in each.detail for each in named)


@pytest.mark.parametrize("text", ["", "services:\n  web: {image: x}\n", "a: [", "- 1\n- 2\n", "# layers:\n"])
def test_other_files_are_left_alone(text: str) -> None:
    file = document(text)
    assert not [*findings(file), *hints(file), *symbols(file), *lenses(file), *tokens(file)]


# Text


def test_lines_end_where_an_editor_ends_them() -> None:
    text = EditorText("a\u2028b\r\nc\rd\x85\ne")
    assert text.splitlines() == ["a\u2028b\r\n", "c\r", "d\x85\n", "e"]
    assert [text.offset(Point(line, 99), "utf-16") for line in range(5)] == [3, 6, 9, 11, 11]


def positions() -> Iterator[tuple[str, int]]:
    for text in ("a🙂層é\n🙂", "\r\n🙂\r", "層\n\n"):
        yield from (
            (text, offset) for offset in range(len(text) + 1) if text[max(offset - 1, 0) : offset + 1] != "\r\n"
        )


@pytest.mark.parametrize("units", ["utf-8", "utf-16", "utf-32"])
def test_a_place_is_found_again(units: str) -> None:
    for each, offset in positions():
        text = EditorText(each)
        point = text.point(offset, units)  # type: ignore[arg-type]
        assert text.offset(point, units) == offset  # type: ignore[arg-type]
