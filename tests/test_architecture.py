"""The promises of CONTRIBUTING.md about the house: facts stand on the layers, and nobody above asks for a type."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from planner.layers import all_layers

PACKAGE = Path(__file__).parents[1] / "planner"
ABOVE = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "layers"]
EXCEPT = {
    "faults/unknown_type.py": "the names that people write for types are its subject",
    "outputs/code/torch/verifying/tracing.py": "its Tensor and Parameter are PyTorch's",
}
CONTRACTS = {"planner.layers", "planner.layers._layer", "planner.layers._call", "planner.layers._fields"}


def _questions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Where code asks for the type of a layer, or for the call that one certain layer means."""
    families: set[str] = set()
    constants = {
        target.id: _texts(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("planner.layers"):
            if node.module not in CONTRACTS:
                yield node.lineno, f"imports from {node.module}"
            families |= {each.asname or each.name for each in node.names if each.name in all_layers()}
        if isinstance(node, ast.Compare | ast.Match | ast.Subscript):
            subject = node.subject if isinstance(node, ast.Match) else node
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            texts = _texts(node).union(*(constants[name] for name in names & constants.keys()))
            if _attributes(subject) & TYPE and texts & {*all_layers()}:
                yield node.lineno, f"compares with {', '.join(sorted(texts & {*all_layers()}))}"
            if isinstance(node, ast.Compare) and names & families:
                yield node.lineno, f"compares with {', '.join(names & families)}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("startswith", "endswith") and _attributes(node.func.value) & {"type", "type_name"}:
                yield node.lineno, f"looks at a type by `{node.func.attr}`"
            held = constants.get(node.func.value.id, set()) if isinstance(node.func.value, ast.Name) else set()
            if node.func.attr == "get" and _attributes(node) & TYPE and held & {*all_layers()}:
                yield node.lineno, "looks a type up"
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("isinstance", "issubclass")
        ):
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            if names & families:
                yield node.lineno, f"asks for {', '.join(names & families)}"


TYPE = {"type", "type_name", "__name__"}


def _texts(node: ast.AST) -> set[str]:
    return {each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def _attributes(node: ast.AST) -> set[str]:
    return {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


@pytest.mark.parametrize("path", ABOVE, ids=[str(path.relative_to(PACKAGE)) for path in ABOVE])
def test_nobody_above_the_layers_asks_for_a_type(path: Path) -> None:
    questions = list(_questions(ast.parse(path.read_text(encoding="utf-8"))))
    assert bool(questions) == (str(path.relative_to(PACKAGE)) in EXCEPT), questions


@pytest.mark.parametrize(
    "code",
    [
        'if step.type == "Interpolate": pass',
        'if step.type in ("Add", "Concat"): pass',
        'if type(layer).__name__ == "Conv2d": pass',
        'CONVS = {"Conv1d", "Conv2d"}\nif step.type in CONVS: pass',
        'COSTS = {"Conv2d": 3}\ncost = COSTS[step.type]',
        'COSTS = {"Conv2d": 3}\ncost = COSTS.get(step.type)',
        'match step.type:\n    case "Conv2d": pass',
        'if step.type.startswith("Conv"): pass',
        "from planner.layers import Conv2d\nif type(layer) is Conv2d: pass",
        "from planner.layers.conv.conv import Conv2d",
        "from planner.layers import Conv2d\nisinstance(layer, Conv2d)",
    ],
)
def test_the_question_would_be_found(code: str) -> None:
    assert list(_questions(ast.parse(code)))


# The map


def _contract() -> list[set[str]]:
    """The rooms that may import from those after them."""
    text = (PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    return [set(each.split(" | ")) for each in layers]


def test_every_room_is_on_the_map_in_the_order_of_imports() -> None:
    table = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8").split("## The rooms")[1]
    rows = re.findall(r"^\| (`[^|]*`) \|", table.split("\n## ")[0], re.MULTILINE)
    rooms = [re.sub(r"\.py$|/$", "", name) for row in rows for name in re.findall(r"`([^`]*)`", row)]
    rooms = [name for name in rooms if "/" not in name]
    places = {name: place for place, names in enumerate(_contract()) for name in names}
    there = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert set(rooms) == there - {"__init__"} == set(places)
    assert [places[name] for name in rooms] == sorted(places[name] for name in rooms)


def test_what_the_map_names_is_there() -> None:
    text = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text))
    missing = {name for name in named if not (PACKAGE / name).exists() and not (PACKAGE.parent / name).exists()}
    assert not missing


def test_files_and_functions_are_short() -> None:
    """A file fits on a few screens, a function on one."""
    long = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if text.count("\n") > 400:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        functions = (each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.FunctionDef))
        long += [f"{path.name}: {each.name}" for each in functions if (each.end_lineno or 0) - each.lineno >= 50]
    assert long == []


# The words


def test_a_class_name_means_one_thing() -> None:
    """Nor is a type that is made of others, as `Sizes = tuple[int, ...]`, called as a class is."""
    classes: dict[str, list[str]] = {}
    others: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name.lstrip("_"), []).append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
        for node in tree.body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            for name in (each.id.lstrip("_") for each in targets if isinstance(each, ast.Name)):
                if name[:1].isupper() and not name.isupper():
                    others.setdefault(name, []).append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    twice = {name: found for name, found in classes.items() if len(found) > 1}
    assert twice | {name: classes[name] + found for name, found in others.items() if name in classes} == {}
