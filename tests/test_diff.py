"""`planner diff`: what two models differ in, as text, JSON, Markdown and a picture."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path
from random import Random
from time import process_time
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from diff_edits import BASE, EDITS, SAME, edited
from keras_configs import archived, layer, sequential
from planner.cli import main
from planner.comparison import Comparison
from planner.outputs import formats, renderer
from planner.outputs._screen import Screen, columns
from planner.outputs.diff import _rows
from planner.outputs.diff.json import dictionary
from planner.workbench import Checked, Workbench, checked, checked_text
from random_mutants import mutant

ROOT = Path(__file__).parents[1]
SCREEN = Screen(80)
MODELS = {"base": BASE} | {name: edited(each.changes) for name, each in EDITS.items()}


@cache
def model(name: str) -> Checked:
    return checked_text(MODELS[name], f"{name.replace(' ', '_')}.yaml")


@cache
def config(name: str) -> Checked:
    return checked(ROOT / "configs" / f"{name}.yaml")


def told(both: Comparison, format: str = "text", screen: Screen = SCREEN) -> str:
    text: str | bytes = renderer("diff", format)(both, screen, "light", lambda sources, format, placed=False: b"")
    return text if isinstance(text, str) else text.decode("utf-8", "replace")


# The table


def test_there_are_thirty_edits() -> None:
    assert len(EDITS) == 30


@pytest.mark.parametrize("name", EDITS)
def test_an_edit(name: str) -> None:
    """Lines are compared without the blanks of their columns."""
    edit = EDITS[name]
    text = told(Comparison(model("base"), model(name)), screen=Screen(100))
    lines = [" ".join(line.split()) for line in text.splitlines()]
    for line in edit.lines:
        assert line in lines, text
    for never in edit.never:
        word = re.compile(f"^{re.escape(never)}" if never.endswith(" ") else rf"(?<![\w.]){re.escape(never)}(?!\w)")
        found = [line for line in lines[1:] if word.search(line)]
        assert not found, (never, found)


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("width", [80, 120])
def test_a_text_fits(name: str, width: int) -> None:
    text = renderer("diff", "text")(Comparison(model("base"), model(name)), Screen(width))
    assert max(map(columns, text.splitlines())) <= width
    assert not [each for each in text.splitlines() if each.endswith(" →")], "no shape is broken in two"


@pytest.mark.parametrize("name", SAME)
def test_nothing_differs(name: str) -> None:
    both = Comparison(model("base"), checked_text(edited(SAME[name]), "other.yaml"))
    assert not both.differs
    assert told(both) == told(both, "markdown") == ""
    assert dictionary(both)["differs"] is False
    assert dictionary(both)["steps"] == []


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "gpt2", "yolov8n", "densenet121", "siamese", "stylegan2"])
def test_a_network_does_not_differ_from_itself(name: str) -> None:
    assert not Comparison(config(name), checked(ROOT / "configs" / f"{name}.yaml")).differs


# Both ways round

RELATED = [
    ("resnet18", "resnet50"),
    ("resnet50", "resnet50_v1"),
    ("resnet50", "wide_resnet50_2"),
    ("resnet50", "resnext50_32x4d"),
    ("vgg16", "vgg16_bn"),
    ("vgg16_bn", "vgg19_bn"),
    ("squeezenet1_0", "squeezenet1_1"),
    ("unet", "unet_same"),
    ("yolov8n", "yolov8s"),
    ("mobilenet_v3_small", "mobilenet_v3_large"),
    ("densenet121", "densenet201"),
    ("regnet_x_800mf", "regnet_y_400mf"),
    ("vit_b_16", "vit_l_16"),
    ("lenet5", "resnet18"),
]


def _sets(both: Comparison, turned: bool) -> dict[str, Any]:
    """What a comparison says, without an order; with `turned`, as it would be the other way round."""
    side = slice(None, None, -1 if turned else 1)
    found = both.findings

    def steps() -> Iterator[Any]:
        for each in both.steps:
            names = [step.name if step else None for step in (each.before, each.after)]
            facts = {**each.facts, **each.arguments}
            yield names[side], sorted((name, repr(tuple(change)[side])) for name, change in facts.items())

    state = both.state
    lists: list[Any] = [[each.name for each in state.gone], [each.name for each in state.new]]
    said = [[(each.code, each.step, each.message) for each in some] for some in (found.mended, found.gained)]
    return {
        "totals": {name: tuple(change)[side] for name, change in both.totals.items()},
        "ports": sorted(
            (each.kind, repr(tuple(each.names)[side]), repr(tuple(each.shapes)[side]), each.differs)
            for each in both.ports
        ),
        "steps": sorted(steps(), key=repr),
        "findings": [sorted(each, key=repr) for each in said[side]],
        "changed": sorted([each.label for each in list(pair)[side]] for pair in found.changed),
        "entries": [sorted(each) for each in lists[side]],
        "resized": sorted([each.sizes for each in list(pair)[side]] for pair in state.resized),
        "renamed": sorted([each.name for each in list(pair)[side]] for pair in state.renamed),
        "fitting": state.fitting,
        "differs": both.differs,
    }


def _assert_mirrored(one: Checked, other: Checked) -> None:
    assert _sets(Comparison(one, other), turned=False) == _sets(Comparison(other, one), turned=True)


@pytest.mark.parametrize(("one", "other"), RELATED)
def test_related_networks_are_mirrored(one: str, other: str) -> None:
    _assert_mirrored(config(one), config(other))
    _assert_sums(Comparison(config(one), config(other)))


def test_all_pairs_of_edits_are_mirrored() -> None:
    for one, other in combinations(MODELS, 2):
        _assert_mirrored(model(one), model(other))


def _shaken(text: str, random: Random) -> str:
    """A model file with one to four of its lines taken out, doubled, exchanged, or with other numbers or types."""
    lines = text.splitlines(keepends=True)
    for _ in range(random.randint(1, 4)):
        at = [i for i, line in enumerate(lines) if "- {" in line]
        i, j = random.choice(at), random.choice(at)
        match random.randrange(5):
            case 0 if len(at) > 2:
                del lines[i]
            case 1:
                lines.insert(i, re.sub(r"name: (\w+)", r"name: \g<1>x", lines[j]))
            case 2:
                lines[i], lines[j] = lines[j], lines[i]
            case 3:
                lines[i] = re.sub(
                    r"\b[1-9]\d*\b", lambda found: str(random.choice([1, 2, 3, 8, int(found[0])])), lines[i]
                )
            case _:
                lines[i] = re.sub(r"name: (\w+)", r"name: \g<1>z", lines[i])
    return "".join(lines)


def _random_edits(count: int) -> Iterator[tuple[Checked, Checked]]:
    names = ["resnet18", "vgg16", "googlenet", "mobilenet_v2", "squeezenet1_1", "unet_same", "lenet5"]
    for seed in range(count):
        random = Random(seed)
        name = random.choice(names)
        text = BASE if seed % 2 else (ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8")
        yield (
            checked_text(text if seed % 3 else _shaken(text, random), "a.yaml"),
            checked_text(_shaken(text, random), "b.yaml"),
        )


def test_random_edits_are_mirrored_and_sum_up() -> None:
    for one, other in _random_edits(40):
        _assert_mirrored(one, other)
        _assert_sums(Comparison(one, other))


@pytest.mark.long
def test_many_random_edits_are_mirrored_and_sum_up() -> None:
    for one, other in _random_edits(2_000):
        _assert_mirrored(one, other)
        _assert_sums(Comparison(one, other))


# Numbers


def _assert_sums(both: Comparison) -> None:
    """What rows say adds up to what the totals differ in; each step stands in a pair once."""
    for side in (0, 1):
        numbers = [number for pair in both.pairs if (number := pair[side]) is not None]
        assert sorted(numbers) == [*range(len(both.sides[side].plan.steps))]
    if all(report.plan.complete for report in both.sides):
        rows = [*_rows.edited(both), *_rows.following(both)]
        for name, total in (("params", "params"), ("macs", "macs"), ("kept", "kept_bytes")):
            was, now = both.totals[total]
            if was is not None and now is not None:
                assert sum(getattr(row, name) for row in rows) == now - was


@pytest.mark.parametrize("name", EDITS)
def test_numbers_agree_with_the_plans(name: str) -> None:
    both = Comparison(model("base"), model(name))
    _assert_sums(both)
    said = dictionary(both)
    for side, report in (("before", model("base")), ("after", model(name))):
        plan = report.to_dict()
        if plan["complete"]:
            for total in ("params", "macs", "activation_bytes", "peak_bytes"):
                assert said["totals"][total][side] == plan["totals"][total]
            assert said["totals"]["kept_bytes"][side] == report.training().kept_bytes
        steps = {step["name"]: step for step in plan["steps"]}
        for step in said["steps"]:
            own = steps.get(step.get("was", step["name"]) if side == "before" else step["name"])
            for fact in ("params", "macs", "out"):
                if own is not None and step["change"] not in ("added", "removed") and fact in step:
                    assert step[fact][side] == own[fact]


CUSTOM = """\
input: [8, 8, 3]
layers:
  - {name: stem, type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}
  - {name: odd, type: Custom, class: my.Layer, output: [8, 8, 4], params: 10, macs: 3}
  - {name: act, type: ReLU}
"""


def test_what_is_kept_is_told_only_where_it_is_known() -> None:
    plain, custom = checked_text(CUSTOM.replace("  - {name: odd", "  # - {name: odd")), checked_text(CUSTOM)
    both = Comparison(plain, custom)
    assert both.totals["kept_bytes"] == (plain.training().kept_bytes, None)
    assert "kept for backward 1.8 KiB ?" in (text := " ".join(told(both).split()))
    assert "+ odd Custom 8×8×4 +10 +3 ?" in text
    faulty = checked_text(CUSTOM.replace("kernel_size: 3", "kernel_size: 30"))
    assert "class" not in told(Comparison(custom, faulty))
    later = checked_text(CUSTOM.replace("type: ReLU", "type: Linear"))
    assert [each.step.name for each in Comparison(custom, later).steps] == ["act"]
    assert Comparison(plain, faulty).totals["kept_bytes"].after is None
    assert "kept" not in re.findall(r"^  step .*", told(Comparison(plain, faulty)), re.MULTILINE)[0]
    in_int8 = Workbench.on(plain.source, dtype="int8").report, Workbench.on(custom.source, dtype="int8").report
    assert "kept" not in told(Comparison(*in_int8))


def test_limits_of_a_budget_are_compared_with_themselves() -> None:
    """Several are of one kind and at no step; what changes in one is not said of another."""
    old = BASE.replace("name: net\n", "name: net\nbudget: {params: 1k, macs: 1M, kept: 1.5MiB}\n")
    both = Comparison(
        checked_text(old), checked_text(old.replace("width: 16", "width: 32").replace("macs: 1M", "macs: 1G"))
    )
    found = both.findings
    assert [(was.message, now.message) for was, now in found.changed] == [("too many parameters for `params: 1k`",) * 2]
    assert [each.message for each in found.mended] == ["too many multiply-adds for `macs: 1M`"]
    assert [each.message for each in found.gained] == ["too many bytes kept for backward for `kept: 1.5MiB`"]


def test_weights_load_as_pytorch_says() -> None:
    torch = pytest.importorskip("torch")
    was = {each.name: torch.empty(each.sizes, device="meta") for each in _state("base").values()}
    for name in EDITS:
        both = Comparison(model("base"), model(name))
        if not both.after.plan.complete:
            continue
        now = {each.name: each.sizes for each in _state(name).values()}
        fits = {key for key, sizes in now.items() if key in was and tuple(was[key].shape) == sizes}
        mistaken = {now.name for _, now in both.state.mistaken}
        counters = {now.name for _, now in both.state.renamed if now.sizes == ()}
        assert len(fits - mistaken - counters) == both.state.fitting


def _state(name: str) -> Any:
    return Comparison(model(name), model(name)).state.after


# Names


def test_names_are_never_taken_for_markup(tmp_path: Path) -> None:
    hostile = "a`<img src=x>|*b*\n".strip()
    old = BASE.replace("name: act", "name: plain")
    new = BASE.replace("name: act", f"name: '{hostile}'").replace(
        "type: ReLU}\n  - {name: body", "type: SiLU}\n  - {name: body"
    )
    both = Comparison(checked_text(old, "old.yaml"), checked_text(new, "<b>`|.yaml"))
    text = told(both, "markdown")
    assert not re.search(r"(?<!\\)<(?!br>|sub>|/sub>|code>|/code>|details>|/details>|summary>|/summary>)", text)
    assert not re.search(r"(?<!\\)`", re.sub(r"`planner diff[^`]*`", "", text))
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 3
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}) == 1
    ElementTree.fromstring(told(both, "svg"))


def test_layers_that_shift_are_warned_of() -> None:
    """One convolution more, and weights of the same size would load into other layers."""
    old = "input: [8, 8, 4]\nlayers:\n" + "  - {type: Conv2d, out_channels: 4, kernel_size: 1}\n  - {type: ReLU}\n" * 3
    new = old.replace(
        "layers:\n", "layers:\n  - {type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}\n  - {type: Tanh}\n"
    )
    both = Comparison(checked_text(old), checked_text(new))
    assert both.state.renaming == {f"{i}.{own}": f"{i + 2}.{own}" for i in (0, 2, 4) for own in ("weight", "bias")}
    assert "! `0.bias`, `2.weight`, `2.bias` and 2 more would load weights of other steps" in told(both)


def test_copies_in_a_list_are_known_by_their_place() -> None:
    """Four equal layers, the second of which goes: the last position is gone, as far as weights can tell."""
    old = "input: [8]\nlayers:\n" + "  - {type: Linear, out_features: 8}\n" * 4
    both = Comparison(checked_text(old), checked_text(old[: -len("  - {type: Linear, out_features: 8}\n")]))
    assert [each.step.name for each in both.steps] == ["3"]


# What is wrong with a file

BROKEN = {
    "empty": "",
    "no YAML": "layers: [",
    "a list": "- 1\n",
    "no layers": "input: [3]\n",
    "cyclic blocks": "input: [3]\nlayers: [{type: a}]\nblocks: {a: {layers: [{type: b}]}, b: {layers: [{type: a}]}}\n",
    "cyclic anchors": "input: [3]\nlayers: &a [*a]\n",
    "a step that reads itself": "input: [3]\nlayers: [{name: a, type: ReLU, from: a}]\n",
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_is_no_model(name: str, first: bool, tmp_path: Path) -> None:
    for each, text in (("bad", BROKEN[name]), ("good", BASE)):
        (tmp_path / f"{each}.yaml").write_text(text, encoding="utf-8")
    done = diff(tmp_path, *(["bad.yaml", "good.yaml"] if first else ["good.yaml", "bad.yaml"]))
    assert done.exit_code in (1, 2)
    assert "internal error" not in done.stderr
    assert "NSP" in done.output + done.stderr
    assert diff(tmp_path, "bad.yaml", "bad.yaml").exit_code in (0, 2)


def test_mutants_are_answered_in_every_format() -> None:
    for one, other in pairwise(checked_text(mutant(number), "m.yaml") for number in range(15)):
        for both in (Comparison(one, other), Comparison(one, one)):
            for each in formats("diff"):
                told(both, each)
        assert not Comparison(one, one).differs
        _assert_mirrored(one, other)


def _long(count: int, name: str, of: str = "ReLU", every: int = 0) -> str:
    kinds = "Conv2d, out_channels: 8, kernel_size: 3, padding: 1", of
    numbers = [i for i in range(count) if not every or i % every]
    layers = [f"  - {{{name.replace('#', str(i))}type: {kinds[i % 2]}}}\n" for i in numbers]
    return "input: [16, 16, 8]\nlayers:\n" + "".join(layers)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("name: a#, ",), ("name: a#, ",)),
        (("",), ("", "ReLU", 100)),
        (("",), ("", "Tanh")),
        (("name: a#, ",), ("name: b#, ", "Tanh")),
        (("name: a#, ",), ("",)),
    ],
    ids=["same", "shifted", "other types", "all others", "names taken away"],
)
def test_a_long_model_is_compared_in_the_time_of_planning_it(old: tuple[Any, ...], new: tuple[Any, ...]) -> None:
    """What training keeps is a part of the plan's."""
    start = process_time()
    reports = [checked_text(_long(2_000, *each)) for each in (old, new)]
    assert all(report.trained and report.trained.steps for report in reports)
    planned = process_time() - start
    start = process_time()
    both = Comparison(reports[0], reports[1])
    for each in ("text", "markdown", "json", "svg"):
        told(both, each)
    assert process_time() - start < 2 * planned + 0.5


# The command


def diff(where: Path, *words: str, **more: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(where)
        for name, value in more.items():
            patch.setenv(name, value)
        return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["diff", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(BASE, encoding="utf-8")
    (tmp_path / "new.yaml").write_text(MODELS["more classes"], encoding="utf-8")
    return tmp_path


def test_exit_codes(folder: Path) -> None:
    assert (diff(folder, "old.yaml", "old.yaml").exit_code, diff(folder, "old.yaml", "old.yaml").output) == (0, "")
    assert diff(folder, "old.yaml", "new.yaml").exit_code == 1
    missing = diff(folder, "old.yaml", "missing.yaml")
    assert (missing.exit_code, missing.stdout) == (2, "")
    assert "there is no file `missing.yaml`" in missing.stderr
    assert diff(folder, "old.yaml").exit_code == 2
    assert diff(folder, "-", "-").exit_code == 2


@pytest.mark.parametrize("format", formats("diff"))
def test_a_file_is_written_in_each_format(format: str, folder: Path) -> None:
    ending = {"text": "txt", "markdown": "md"}.get(format, format)
    assert diff(folder, "old.yaml", "new.yaml", "-o", f"out.{ending}").exit_code == 1
    content = (folder / f"out.{ending}").read_bytes()
    starts = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<svg", "json": b"{", "text": b"old.yaml", "markdown": b"####"}
    assert content.startswith(starts[format])


def test_a_file_that_is_compared_is_not_written_over(folder: Path) -> None:
    assert diff(folder, "old.yaml", "new.yaml", "-o", "new.yaml", "--format", "text").exit_code == 2
    assert (folder / "new.yaml").read_text(encoding="utf-8") == MODELS["more classes"]


def test_options_hold_for_both(folder: Path) -> None:
    assert diff(folder, "old.yaml", "new.yaml", "--set", "classes=7").exit_code == 0
    said = json.loads(
        diff(folder, "old.yaml", "new.yaml", "--input", "64x64x3", "--batch", "2", "--format", "json").output
    )
    assert said["inputs"][0]["shape"] == {"before": [64, 64, 3], "after": [64, 64, 3]}


def test_networks_of_other_formats_are_compared(folder: Path) -> None:
    yolo = ROOT / "tests" / "ultralytics"
    files = sorted(yolo.rglob("yolov8*.yaml")) or sorted(yolo.rglob("*.yaml"))
    said = diff(folder, str(files[0]), str(files[0]), "--format", "json")
    assert (said.exit_code, json.loads(said.output)["differs"]) == (0, False)


# With git

LIBRARY = """\
blocks:
  double:
    params: {width: }
    layers:
      - {type: Conv2d, out_channels: $width, kernel_size: 3}
      - {type: ReLU}
"""
USER = "use: ./parts/blocks.yaml\ninput: [32, 32, 3]\nlayers:\n  - {name: a, type: double, width: 8}\n"


def git(where: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=where, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "models" / "parts").mkdir(parents=True)
    (tmp_path / "models" / "net.yaml").write_text(USER, encoding="utf-8")
    (tmp_path / "models" / "parts" / "blocks.yaml").write_text(LIBRARY, encoding="utf-8")
    (tmp_path / "models" / "link.yaml").symlink_to("net.yaml")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def test_a_file_is_compared_with_what_it_was(repository: Path) -> None:
    assert diff(repository, "--git", "HEAD", "models/net.yaml").exit_code == 0
    (repository / "models" / "parts" / "blocks.yaml").write_text(
        LIBRARY.replace("size: 3", "size: 5"), encoding="utf-8"
    )
    for where, file in (
        (repository, "models/net.yaml"),
        (repository / "models", "net.yaml"),
        (Path("/"), str(repository / "models" / "net.yaml")),
    ):
        done = diff(where, "--git", "main", file)
        assert done.exit_code == 1
        assert "kernel_size 3 → 5" in done.output
    assert (repository / "models" / "parts" / "blocks.yaml").read_text(encoding="utf-8") != LIBRARY


def test_networks_of_other_formats_as_they_were(repository: Path) -> None:
    yolo = (ROOT / "tests" / "ultralytics" / "two_maps.yaml").read_text(encoding="utf-8")
    for units, text in ((4, yolo), (5, "# a comment\n" + yolo)):
        dense = layer("Dense", "a", units=units, use_bias=True, activation="linear")
        archived(sequential((8,), dense), repository / "net.keras")
        (repository / "yolo.yaml").write_text(text, encoding="utf-8")
        if units == 4:
            git(repository, "add", "--all")
            git(repository, "commit", "--quiet", "--message", "second")
    done = diff(repository, "--git", "HEAD", "net.keras")
    assert done.exit_code == 1
    assert "out_features 4 → 5" in done.output
    assert diff(repository, "--git", "HEAD", "yolo.yaml").exit_code == 0
    refused = diff(repository, "--git", "HEAD", "net.py:Net")
    assert refused.exit_code == 2
    assert "code of a revision is not run" in refused.stderr


def test_libraries_need_not_be_there_any_more(repository: Path) -> None:
    git(repository, "mv", "models/net.yaml", "models/renamed.yaml")
    (repository / "models" / "renamed.yaml").write_text(USER.replace("./parts/", "./"), encoding="utf-8")
    git(repository, "mv", "models/parts/blocks.yaml", "models/blocks.yaml")
    (repository / "models" / "parts").rmdir()
    done = diff(repository, "--git", "HEAD", "models/net.yaml", "models/renamed.yaml")
    assert (done.exit_code, done.output) == (0, "")


def test_what_git_does_not_have(repository: Path) -> None:
    (repository / "models" / "later.yaml").write_text(USER, encoding="utf-8")
    for words, said in (
        (["--git", "nowhere", "models/net.yaml"], "there is no revision `nowhere`"),
        (["--git", "--upload-pack=x", "models/net.yaml"], "there is no revision `--upload-pack=x`"),
        (["--git", "HEAD:models", "models/net.yaml"], "there is no revision `HEAD:models`"),
        (["--git", "HEAD", "models/later.yaml"], "`models/later.yaml` is not in `HEAD`"),
        (["--git", "HEAD", "models/*.yaml"], "`models/*.yaml` is not in `HEAD`"),
        (["--git", "HEAD", "models/parts"], "`models/parts` is a folder in `HEAD`"),
        (["--git", "HEAD", "models/link.yaml"], "`models/link.yaml` is a link in `HEAD`, to `net.yaml`"),
        (["--git", "HEAD", "-"], "standard input has no earlier revision"),
    ):
        done = diff(repository, *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert said in done.stderr, done.stderr
        assert " = help: " in done.stderr


def test_a_library_that_git_does_not_have(repository: Path) -> None:
    (repository / "models" / "net.yaml").write_text(USER.replace("./parts/", "./other/"), encoding="utf-8")
    git(repository, "commit", "--quiet", "--all", "--message", "second")
    (repository / "models" / "other").mkdir()
    (repository / "models" / "other" / "blocks.yaml").write_text(LIBRARY, encoding="utf-8")
    done = diff(repository, "--git", "HEAD", "models/net.yaml")
    assert "- error[NSP119]" in done.output
    assert "is not in `HEAD`" in " ".join(done.output.split())


def test_without_git_and_outside_of_a_repository(folder: Path) -> None:
    assert (
        "in no repository of git"
        in diff(folder, "--git", "HEAD", "old.yaml", GIT_CEILING_DIRECTORIES=str(folder.parent)).stderr
    )
    assert "is not on the PATH" in diff(folder, "--git", "HEAD", "old.yaml", PATH="/nowhere").stderr


def test_another_order_with_another_peak_differs() -> None:
    was = (Path(__file__).parents[1] / "docs" / "models" / "budget.yaml").read_text().replace("budget:", "# budget:")
    moved = next(line for line in was.splitlines(keepends=True) if "name: detail" in line)
    now = was.replace(moved, "").replace("  - {name: join", f"{moved}  - {{name: join")
    both = Comparison(checked_text(was), checked_text(now))
    assert not both.steps
    assert both.differs
    assert re.search(r"peak memory .* 864\b.*-144\b", told(both))


def test_layers_are_made_once_for_both(folder: Path) -> None:
    bench = Workbench.on(folder / "old.yaml")
    both = bench.compared(Workbench.on(folder / "new.yaml").source)
    assert [each.step.name for each in both.steps] == ["head"]
