"""`planner match`: which entries of a checkpoint agree with a model, and what differs, in true sentences."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

import planner
from checkpoint_files import safetensors
from match_changes import BASE, CHANGED, VIT
from planner.checkpoints import Checkpoint, SavedTensor, Section, read
from planner.cli import main
from planner.diagnostics import Fault
from planner.inputs.matching import matched
from planner.loading import StateMatch, WeightsMatch
from planner.outputs import formats, renderer
from planner.outputs._screen import Screen, columns
from planner.source import parse
from planner.workbench import Checked, checked, checked_text

ROOT = Path(__file__).parents[1]
REFERENCE = Path(__file__).parent / "reference" / "torchvision"
NETWORKS = sorted(path.stem for path in REFERENCE.glob("*.json"))

Sizes = dict[str, tuple[int, ...]]


def sizes_of(report: Checked) -> Sizes:
    return StateMatch.sizes_in(report.plan)


def in_memory(found: Any, *, in_order: bool = True) -> Checkpoint:
    """A checkpoint of sizes by names, or of several such by keys."""

    def sections(found: Any, key: tuple[str, ...]) -> Any:
        tensors = [SavedTensor(name, each) for name, each in found.items() if isinstance(each, tuple)]
        if tensors:
            yield Section(key, tuple(tensors))
        for name, each in found.items():
            if isinstance(each, dict):
                yield from sections(each, (*key, name))

    return Checkpoint("net.pt", "torch.save", tuple(sections(found, ())), in_order=in_order)


def match(report: Checked, found: Any, **options: Any) -> WeightsMatch:
    return matched(report, in_memory(found, **options))


def told(found: WeightsMatch, width: int = 80) -> str:
    text: str = renderer("match", "text")(found, Screen(width))
    return text


def line(found: WeightsMatch) -> str:
    """What is told, without line breaks."""
    return " ".join(told(found).split())


@cache
def base() -> Checked:
    return checked_text(BASE, "net.yaml")


@cache
def changed(name: str) -> WeightsMatch:
    each = CHANGED[name]
    other = checked_text(each.text(BASE), "other.yaml", params=each.params)
    return match(base(), each.change(sizes_of(other)))


# The table


def test_there_are_more_than_thirty_changes() -> None:
    assert len(CHANGED) > 30


@pytest.mark.parametrize("name", CHANGED)
def test_a_change(name: str) -> None:
    each = CHANGED[name]
    text = line(changed(name))
    for said in each.lines:
        assert said in text, told(changed(name))
    for never in each.never:
        assert never not in text, told(changed(name))
    assert changed(name).agrees == (each.code == 0)


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("width", [60, 120])
def test_a_text_fits(name: str, width: int) -> None:
    lines = told(changed(name), width).splitlines()
    assert max(columns(line) for line in lines if "-->" not in line) <= width


@pytest.mark.parametrize("name", CHANGED)
def test_sentences_are_about_all_that_differs_and_nothing_else(name: str) -> None:
    assert_whole(changed(name))


def assert_whole(found: WeightsMatch) -> None:
    """Every entry is counted once, every difference has a sentence, and every number in brackets is right."""
    entries = found.entries
    pairs = [*entries.agreeing, *entries.resized, *entries.renamed]
    here = [each.name for joint in entries.joints for each in joint.file]
    there = [each.name for joint in entries.joints for each in joint.checkpoint]
    assert sorted([*here, *(now.name for now, _ in pairs), *(each.name for each in entries.missing)]) == sorted(
        entries.expected
    )
    foreign = [each.name for _, some in entries.foreign for each in some]
    rest = [each.name for each in (*entries.unexpected.values(), *entries.outside)]
    assert sorted([*there, *(was.name for _, was in pairs), *rest, *foreign]) == sorted(
        each.name for each in entries.saved
    )
    assert all((now.sizes == was.sizes) for now, was in entries.agreeing)
    own = [each for each in found.differences if each.kind not in ("prefix", "ambiguous")]
    ours = {name for each in own for name in each.file}
    theirs = {name for each in own for name in each.checkpoint}
    apart = [*entries.resized, *entries.renamed]
    assert ours == {now.name for now, _ in apart} | {each.name for each in entries.missing} | set(here)
    assert theirs == {was.name for _, was in apart} | set(rest) | set(foreign) | set(there)
    for each in found.differences:
        if each.kind in ("copies", "missing", "unexpected", "renamed") and (
            count := re.search(r"\(([\d,]+) entr", each.text)
        ):
            assert int(count[1].replace(",", "")) == max(len(each.file), len(each.checkpoint)), each.text
    assert found.agrees == (not found.differences)
    assert (entries.expected == {}) or len(found.renaming) == len(pairs)


@pytest.mark.parametrize("name", [name for name, each in CHANGED.items() if "help:" in each.never])
def test_there_is_advice_only_where_it_fits(name: str) -> None:
    assert changed(name).advice is None


@pytest.mark.parametrize("name", CHANGED)
def test_advice_has_been_tried(name: str) -> None:
    found = changed(name)
    if found.advice is None:
        return
    params, shape = {}, None
    for option in found.advice.options:
        kind, value = option.split(" ", 1)
        if kind == "--set":
            key, _, number = value.partition("=")
            params[key] = int(number)
        else:
            shape = tuple(map(int, value.split("x")))
    again = matched(checked_text(BASE, "net.yaml", params=params, input=shape), found.checkpoint)
    entries = again.entries
    pairs = [*entries.agreeing, *entries.renamed, *entries.resized]
    same = sum(now.sizes == was.sizes for now, was in pairs)
    assert same == found.advice.after
    assert found.advice.fits == (same == len(pairs) and not entries.missing and not entries.unexpected)


def test_places_are_those_of_the_layers() -> None:
    for name in CHANGED:
        for each in changed(name).differences:
            if each.place is not None:
                line = BASE.splitlines()[each.place.line - 1]
                assert line[: each.place.column - 1].strip() == "-", (name, each.text, line)
            else:
                assert each.kind in ("prefix", "unexpected", "shared"), (name, each.text)


# Networks that are known


@cache
def config(name: str) -> Checked:
    return checked(ROOT / "configs" / f"{name}.yaml")


@cache
def reference(name: str) -> Checkpoint:
    return read(REFERENCE / f"{name}.json")


def test_there_are_24_references() -> None:
    assert len(NETWORKS) == 24


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_agrees_with_its_own_weights(name: str) -> None:
    found = matched(config(name), reference(name))
    assert found.agrees
    assert not found.differences
    assert found.chosen.section.key == ("state_dict",)


def others(ours: str, count: int) -> list[str]:
    """The networks that follow, the first after the last."""
    at = NETWORKS.index(ours)
    return (NETWORKS * 2)[at + 1 : at + 1 + count]


@pytest.mark.parametrize("ours", NETWORKS)
def test_other_weights_differ_in_what_differs(ours: str) -> None:
    assert_differs(ours, others(ours, 4))


@pytest.mark.long
@pytest.mark.parametrize("ours", NETWORKS)
def test_all_other_weights_differ_in_what_differs(ours: str) -> None:
    assert_differs(ours, others(ours, len(NETWORKS) - 1))


def assert_differs(ours: str, others: list[str]) -> None:
    """Against what the two lists of sizes say: where names agree, and where sizes do."""
    for theirs in others:
        found = matched(config(ours), reference(theirs))
        assert_whole(found)
        assert not found.agrees
        mine = json.loads((REFERENCE / f"{ours}.json").read_text())["state_dict"]
        other = json.loads((REFERENCE / f"{theirs}.json").read_text())["state_dict"]
        if not found.entries.affix and not found.entries.renamed:
            both = mine.keys() & other.keys()
            assert len(found.entries.agreeing) == sum(mine[name] == other[name] for name in both)
            assert {now.name for now, _ in found.entries.resized} == {
                each for each in both if mine[each] != other[each]
            }
            assert {each.name for each in found.entries.missing} == mine.keys() - other.keys()
            assert {*found.entries.unexpected} == other.keys() - mine.keys()


SAID = [
    ("resnet50", "wide_resnet50_2", "are twice as wide: 64 → 128, 128 → 256, 256 → 512"),
    ("wide_resnet50_2", "resnet50", "are half as wide"),
    (
        "vgg16",
        "vgg16_bn",
        "`features.2` is `features.3`, `features.5` is `features.7`, `features.7` is `features.10` and 9",
    ),
    ("vgg16_bn", "vgg16", "24 with other names and 65 missing"),
    ("resnet50", "fcn_resnet50", "318 of 326 names of the checkpoint have the prefix `backbone.`"),
    ("mobilenet_v3_large", "lraspp_mobilenet_v3_large", "`features` is `backbone` in the checkpoint (308 entries)"),
    ("resnet18", "resnet50", "`layer4` has 2 copies, the checkpoint 3: `layer4.2` is in the checkpoint alone"),
    ("resnet50", "vgg16", "0 of 320 entries agree in name and sizes: 320 missing; 32 in the checkpoint alone"),
]


@pytest.mark.parametrize(("ours", "theirs", "said"), SAID)
def test_what_is_said_of_related_networks(ours: str, theirs: str, said: str) -> None:
    assert said in line(matched(config(ours), reference(theirs)))


SET = [
    ("resnet50", {"classes": 10}, "--set classes=10"),
    ("mobilenet_v2", {"classes": 5, "alpha": 0.5}, "--set"),
    ("unet", {"width": 32}, "--set width=32"),
    ("vit_b_16", {"width": 384, "heads": 6, "mlp_width": 1536}, "--set"),
    ("gpt2", {"depth": 6}, "--set depth=6"),
    ("densenet121", {"growth": 24}, "--set growth=24"),
]


@pytest.mark.parametrize(("name", "params", "option"), SET, ids=[each[0] for each in SET])
def test_parameters_are_found(name: str, params: dict[str, Any], option: str) -> None:
    other = checked(ROOT / "configs" / f"{name}.yaml", params=params)
    advice = match(config(name), sizes_of(other)).advice
    assert advice is not None
    assert advice.fits
    assert option in " ".join(advice.options)


def test_the_scale_of_an_ultralytics_file_is_found() -> None:
    file = ROOT / "tests" / "ultralytics" / "words.yaml"
    names = [*parse(file.read_text(encoding="utf-8")).data["scales"]]
    first, last = (planner.check(file, scale=scale) for scale in (names[0], names[-1]))
    advice = match(first, sizes_of(last)).advice
    assert advice is not None
    assert advice.options == (f"--scale {names[-1]}",)
    assert advice.fits


def test_places_of_a_transformer_follow_the_input() -> None:
    report = checked_text(VIT, "vit.yaml")
    assert report.ok
    found = match(report, sizes_of(checked_text(VIT, "vit.yaml", input=(64, 64, 3))))
    assert "`places` is 32×16, the checkpoint 32×64 (4×4 places, there 8×8)" in told(found)
    assert "with `--input 64x64x3` all 7 entries agree" in told(found)


@pytest.mark.parametrize("places", [0, 1, 2, 4, 15, 17])
def test_numbers_of_places_that_are_no_square(places: int) -> None:
    report = checked_text(VIT, "vit.yaml")
    found = match(report, {**sizes_of(report), "places": (32, places)})
    assert f"`places` is 32×16, the checkpoint 32×{places}" in told(found)
    assert ("places, there" in told(found)) == (places == 4)


# Weights that are stored once, twice, or not known

TIED = """\
name: tied
input: [7]
layers:
  - {name: a, type: Linear, out_features: 7}
  - {name: b, type: Linear, out_features: 7, tie: {weight: a.weight}}
"""


def test_tied_weights() -> None:
    report = checked_text(TIED, "tied.yaml")
    sizes = sizes_of(report)
    assert match(report, sizes).agrees
    once = match(report, {name: each for name, each in sizes.items() if name != "b.weight"})
    assert not once.agrees
    assert "`b.weight` is missing from the checkpoint; it is tied to `a.weight`, which is there" in line(once)


def test_tensors_that_are_stored_twice(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(7, 7)
    torch.save({"a.weight": layer.weight, "a.bias": layer.bias, "c.weight": layer.weight}, tmp_path / "net.pt")
    report = checked_text(TIED[: TIED.index("  - {name: b")], "net.yaml")
    found = matched(report, read(tmp_path / "net.pt"))
    assert not found.agrees
    assert "`c.weight` is in the checkpoint alone, and is the same tensor as `a.weight`" in line(found)


CUSTOM = """\
name: custom
input: [8]
layers:
  - {name: a, type: Linear, out_features: 8}
  - {name: own, type: Custom, class: my.Layer, output: [8]}
"""


def test_what_is_not_known_is_said() -> None:
    report = checked_text(CUSTOM, "custom.yaml")
    found = match(report, {**sizes_of(report), "own.weight": (8, 8)})
    assert not found.agrees
    assert "what `own` stores is not known: its class is `my.Layer`; 1 entry below it is not compared" in line(found)
    broken = checked_text(BASE.replace("out_features: $classes", "out_features: 0"), "broken.yaml")
    found = match(broken, sizes_of(base()))
    assert not found.agrees
    assert "`fc` could not be planned" in told(found)


def test_types_of_numbers() -> None:
    sizes = sizes_of(base())
    tensors = [SavedTensor(name, each, "bfloat16" if each else "int64") for name, each in sizes.items()]
    found = matched(base(), Checkpoint("net.pt", "torch.save", (Section((), tuple(tensors)),), in_order=True))
    assert found.agrees
    assert "weights are stored as bfloat16" in told(found)
    tensors[0] = SavedTensor(tensors[0].name, tensors[0].sizes, "int8")
    found = matched(base(), Checkpoint("net.pt", "torch.save", (Section((), tuple(tensors)),), in_order=True))
    assert "1 weight (`stem.weight`) is stored as whole numbers" in line(found)


def test_without_an_order_nothing_is_guessed() -> None:
    """Names alone do not tell which of the equal layers is which."""
    names = {name: name.replace("layer1.", "x").replace(".", "_", 1) for name in sizes_of(base())}
    shuffled = {f"{names[name]}": each for name, each in sizes_of(base()).items()}
    found = match(base(), shuffled, in_order=False)
    for was, now in found.renaming.items():
        assert names[now] == was


def test_whatever_is_renamed_is_renamed_rightly() -> None:
    """Each layer has a name of its own, in order, so that order alone tells."""
    sizes = sizes_of(base())
    modules = {name.rpartition(".")[0]: f"m{i:03}" for i, name in enumerate(sizes)}
    wanted = {f"{modules[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": name for name in sizes}
    found = match(base(), {was: sizes[now] for was, now in wanted.items()})
    assert found.renaming == wanted


def renamed_at_random(sizes: Sizes, random: Random) -> dict[str, str]:
    """Other names of all entries, or of some: each part of a name becomes another one, or stays."""
    parts = sorted({part for name in sizes for part in name.split(".")[:-1] if not part.isdecimal()})
    some = random.random()
    others = {part: f"{random.choice('xyz')}{i}" for i, part in enumerate(parts) if random.random() < some}
    found = {}
    for name in sizes:
        *around, own = name.split(".")
        found[".".join([*(others.get(part, part) for part in around), own])] = name
    return found


def assert_renamed(name: str, seed: int) -> None:
    """In order all is found; without an order, what is found is right."""
    sizes = sizes_of(config(name))
    wanted = renamed_at_random(sizes, Random(seed))
    for in_order in (True, False):
        listed = wanted.items() if in_order else sorted(wanted.items())
        found = match(config(name), {was: sizes[now] for was, now in listed}, in_order=in_order)
        assert {was: wanted[was] for was in found.renaming} == found.renaming
        assert not in_order or len(found.renaming) == len(sizes)
        assert_whole(found)


@pytest.mark.parametrize("name", ["resnet18", "vit_b_16", "yolov8n", "googlenet"])
def test_random_names_are_found_again(name: str) -> None:
    assert_renamed(name, 1)
    assert_renamed(name, 2)


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["resnet50", "densenet121", "gpt2", "unet", "swin_t", "hrnet_w18", "bert_base", "vgg16_bn"]
)
def test_many_random_names_are_found_again(name: str) -> None:
    for seed in range(12):
        assert_renamed(name, seed)


# As PyTorch has it


@pytest.mark.parametrize(
    "name", ["as it is", "other classes", "without counters", "with biases", "DistributedDataParallel"]
)
def test_agrees_where_load_state_dict_takes_it(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "net.yaml").write_text(BASE, encoding="utf-8")
    net = planner.build(tmp_path / "net.yaml")
    state = {each.name: torch.zeros(each.sizes) for each in changed(name).checkpoint.sections[0].tensors}
    torch.save(state, tmp_path / "net.pt")
    found = planner.match(tmp_path / "net.yaml", tmp_path / "net.pt")
    if found.agrees:
        net.load_state_dict(state)
    else:
        state = {found.renaming.get(key, key): each for key, each in state.items()}
        if found.entries.other_sizes:
            with pytest.raises(RuntimeError) as raised:
                net.load_state_dict(state, strict=False)
            assert str(raised.value).count("size mismatch") == len(found.entries.other_sizes)
            return
        keys = net.load_state_dict(state, strict=False)
        missing = {each.name for each in found.entries.missing}
        assert {each for each in missing if "num_batches" not in each} <= {*keys.missing_keys} <= missing
        assert {*keys.unexpected_keys} == {*found.entries.unexpected}


@pytest.mark.parametrize("name", ["resnet18", "yolov8n", "crnn"])
def test_what_code_emits_agrees(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        net = planner.build(ROOT / "configs" / f"{name}.yaml")
    torch.save(net.state_dict(), tmp_path / "net.pt")
    assert planner.match(ROOT / "configs" / f"{name}.yaml", tmp_path / "net.pt").agrees


# The command


def run(folder: Path, *words: str) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["match", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.yaml").write_text(BASE, encoding="utf-8")
    sizes = sizes_of(base())
    (tmp_path / "net.safetensors").write_bytes(safetensors(sizes))
    (tmp_path / "ten.json").write_text(json.dumps({**sizes, "fc.weight": [5, 64], "fc.bias": [5]}), encoding="utf-8")
    (tmp_path / "other.json").write_text(
        json.dumps({name.replace("layer3", "stage3"): each for name, each in sizes.items()}), encoding="utf-8"
    )
    (tmp_path / "bad.pt").write_bytes(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.")
    return tmp_path


def test_exit_codes(folder: Path) -> None:
    assert run(folder, "net.yaml", "net.safetensors").exit_code == 0
    assert run(folder, "net.yaml", "ten.json").exit_code == 1
    assert run(folder, "net.yaml", "ten.json", "--set", "classes=5").exit_code == 0
    for weights in ("missing.pt", "bad.pt", ".", "net.yaml"):
        done = run(folder, "net.yaml", weights)
        assert done.exit_code == 2, done.output
        assert done.stderr.startswith("error: `")
        assert "= help: " in done.stderr
    assert run(folder, "missing.yaml", "net.safetensors").exit_code == 2
    assert run(folder, "net.yaml", "net.safetensors", "--key", "ema").exit_code == 2
    assert run(folder, "net.yaml").exit_code == 2
    assert "would call `os.system`; nothing of it was run" in run(folder, "net.yaml", "bad.pt").stderr


def test_the_map_of_names(folder: Path) -> None:
    assert run(folder, "net.yaml", "other.json", "--rename-map", "map.json").exit_code == 1
    names = json.loads((folder / "map.json").read_text(encoding="utf-8"))
    assert names["stage3.down.weight"] == "layer3.down.weight"
    state = {
        names[name]: each for name, each in json.loads((folder / "other.json").read_text(encoding="utf-8")).items()
    }
    (folder / "other.json").write_text(json.dumps(state), encoding="utf-8")
    assert run(folder, "net.yaml", "other.json").exit_code == 0
    assert run(folder, "net.yaml", "other.json", "--rename-map", "net.yaml").exit_code == 2
    assert run(folder, "net.yaml", "other.json", "-o", "other.json").exit_code == 2
    twice = run(folder, "net.yaml", "other.json", "-o", "x.json", "--rename-map", "./x.json")
    assert twice.exit_code == 2
    assert "two options write to" in twice.stderr
    assert not (folder / "x.json").exists()


def test_json_has_every_entry(folder: Path) -> None:
    said = json.loads(run(folder, "net.yaml", "ten.json", "--format", "json").stdout)
    assert said["agrees"] is False
    assert said["entries"] | {"agreeing": 92, "resized": 2, "file": 94, "checkpoint": 94} == said["entries"]
    (head,) = said["differences"]
    assert head["place"] == {"file": "net.yaml", "line": 13, "column": 5}
    assert head["file"] == ["fc.weight", "fc.bias"]
    assert said["advice"] == {
        "options": ["--set classes=5"], "agreeing": {"before": 92, "after": 94, "of": 94}, "fits": True,
    }  # fmt: skip
    assert said["resized"][0]["checkpoint"] == {"name": "fc.weight", "sizes": [5, 64]}
    assert planner.match(folder / "net.yaml", folder / "ten.json").to_dict()["entries"] == said["entries"]


def test_any_model_can_be_matched(folder: Path) -> None:
    """A module of PyTorch, and a file of ONNX with its own initializers."""
    torch = pytest.importorskip("torch")
    (folder / "net.py").write_text("import torch\ndef net():\n    return torch.nn.Sequential(torch.nn.Linear(3, 4))\n")
    torch.save(torch.nn.Sequential(torch.nn.Linear(3, 4)).state_dict(), folder / "net.pt")
    assert run(folder, "net.py:net", "net.pt", "--input", "3").exit_code == 0


def test_names_do_not_act_on_the_screen(folder: Path) -> None:
    (folder / "odd.json").write_text(json.dumps({"\x1b[31mred\n.w": [1], **sizes_of(base())}), encoding="utf-8")
    for each in formats("match"):
        done = run(folder, "net.yaml", "odd.json", "--format", each)
        assert done.exit_code == 1
        assert "\x1b" not in done.stdout


def test_markdown_is_no_markup_of_names(folder: Path) -> None:
    (folder / "odd.json").write_text(json.dumps({"<b>*a*`x": [1], **sizes_of(base())}), encoding="utf-8")
    text = run(folder, "net.yaml", "odd.json", "--format", "markdown").stdout
    assert not re.search(r"(?<!\\)[<`]", text)
    assert "- \\+ " in text


def test_odd_tensors_are_refused_by_name() -> None:
    section = Section((), (SavedTensor("a", (1,)),), odd={"b.weight": "a sparse tensor"})
    found = matched(base(), Checkpoint("net.pt", "torch.save", (section,), in_order=True))
    with pytest.raises(Fault, match=r"holds a sparse tensor: `b\.weight`"):
        _ = found.agrees


def test_broken_models_are_answered(request: pytest.FixtureRequest) -> None:
    """Whatever is missing in a model file, and whatever of another one is in a checkpoint."""
    before: Any = sizes_of(base())
    random = Random(0)
    for _ in range(600 if request.config.getoption("long") else 30):
        lines = BASE.splitlines(keepends=True)
        for _ in range(random.randint(1, 3)):
            at = random.randrange(3, len(lines))
            lines[at] = random.choice(["", lines[at].replace("width", "depth"), re.sub(r"\d", "0", lines[at])])
        report = checked_text("".join(lines), "m.yaml")
        for found in (match(report, before or {"x": (1,)}), match(report, sizes_of(report) or {"x": (1,)})):
            for each in formats("match"):
                renderer("match", each)(found, Screen(80))
            assert_whole(found)
        before = sizes_of(report)


def test_places_of_a_network_that_is_imported_are_its_modules(folder: Path) -> None:
    """Nobody has the lines of the text that is made of it."""
    torch = pytest.importorskip("torch")
    net = "import torch\nclass Net(torch.nn.Sequential):\n    def __init__(self, n=4):\n"
    (folder / "net.py").write_text(f"{net}        super().__init__(torch.nn.Sequential(torch.nn.Linear(3, n)))\n")
    torch.save({"0.0.weight": torch.zeros(5, 3), "0.0.bias": torch.zeros(5)}, folder / "net.pt")
    for each in ("text", "markdown"):
        said = run(folder, "net.py:Net", "net.pt", "--input", "3", "--format", each).stdout
        assert re.search(r"net\.py\\?:Net, \\?`0\.0", said)
        assert not re.search(r"Net\\?:\d", said)
    said = json.loads(run(folder, "net.py:Net", "net.pt", "--input", "3", "--format", "json").stdout)
    assert [each["module"] for each in said["differences"]] == ["0.0"]
