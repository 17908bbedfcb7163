"""All tests that the package onnx has of single operators, and of those written out in others: what the model file of
one computes is what the test wants, or the operator is opaque or refused, by name. Nothing is wrong.
"""

from __future__ import annotations

import warnings
from collections import Counter
from itertools import permutations, product
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from onnx_files import all_cases, followed, rebuilt
from planner.faults.not_imported import NotImported
from planner.inputs._onnx import following
from planner.inputs._onnx.operators import all_operators

LEAST = {"equal": 290, "opaque": 100}
"""How many of the tests with all but the first input stored are said, and how many are opaque; the rest is refused,
mostly since it reads tensors of one dimension.
"""


@pytest.fixture(autouse=True)
def internal_errors_come_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "TOLERATED", ())


def numbers(array: Any) -> bool:
    kinds = getattr(array, "dtype", np.dtype("O"))
    return kinds.kind in "iubf" and kinds.name != "bfloat16" and not kinds.name.startswith("float8")


def layouts(array: Any) -> list[Tensor]:
    """A tensor with its channels second or last, as a model file may have it."""
    found = torch.from_numpy(np.array(array, dtype=np.float64 if array.dtype.kind == "f" else np.int64))
    return [found, found.movedim(-1, 1)] if found.dim() > 2 else [found]


def given(module: nn.Module, inputs: list[Any]) -> list[list[Any]]:
    """What a module gives for inputs, in each layout that they may have; whole numbers also as others."""
    found = []
    for read in product(*map(layouts, inputs)):
        for cast in (lambda each: each, lambda each: each.double()):
            try:
                with torch.no_grad():
                    result = module(*map(cast, read))
            except (RuntimeError, TypeError, IndexError, ValueError):
                continue
            found.append([each.numpy() for each in ((result,) if isinstance(result, Tensor) else result)])
    return found


def alike(got: Any, wanted: Any) -> bool:
    """Whether an array holds what is wanted, with its dimensions in any order, and those of the batch joined or not."""
    if got.size != wanted.size:
        return False
    orders = (got.transpose(order).reshape(wanted.shape) for order in permutations(range(got.ndim)))
    return any(np.allclose(each, wanted, rtol=1e-3, atol=1e-4, equal_nan=True) for each in orders)


def outcome(case: Any, *, stored: bool) -> str:
    """What becomes of a test; all inputs but the first are stored in the file, or none are."""
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    inputs, outputs = (list(each) for each in case.data_sets[0])
    if not all(map(numbers, (*inputs, *outputs))):
        return "other numbers"
    if stored:
        names = [each.name for each in model.graph.input]
        for name, array in zip(names[1:], inputs[1:], strict=False):
            model.graph.initializer.append(numpy_helper.from_array(np.asarray(array), name))
        inputs = inputs[:1]
    try:
        found, text = followed(model)
    except NotImported:
        return "refused"
    if any(found.gaps):
        assert all(step.reason for step in found.graph.opaque)
        return "opaque"
    ways = given(rebuilt(found, text), inputs)
    assert any(
        len(way) == len(outputs) and all(alike(a, np.asarray(b)) for a, b in zip(way, outputs, strict=True))
        for way in ways
    ), f"{case.name}\n{text}"
    return "equal"


def read_cases() -> list[Any]:
    """The tests of operators that have a meaning; not of the order of equal values, which PyTorch leaves open."""
    known = all_operators()
    cases = (each for each in all_cases() if all(node.op_type in known for node in each.model.graph.node))
    return [each for each in cases if "top_k_same_values" not in each.name]


def test_no_operator_is_said_falsely() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Counter(outcome(each, stored=True) for each in read_cases())
    assert found["equal"] >= LEAST["equal"], found
    assert found["opaque"] >= LEAST["opaque"], found


@pytest.mark.long
def test_no_operator_on_several_inputs_is_said_falsely() -> None:
    several = [each for each in read_cases() if len(each.model.graph.input) > 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Counter(outcome(each, stored=False) for each in several)
    assert found["equal"] >= 110, found
