"""How lines of code are broken: what they compute stays the same."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.outputs.code.torch.building import module_of
from planner.outputs.code.torch.text import BODY, Bracketed, Brackets, Chain, Choice, lines

NAMES = ["x", "out", "then", "a_name_that_takes_nearly_half_of_a_line"]
CALLS = [*(f".then({each})" for each in [*NAMES, 1]), *(f".called_with({', '.join('9' * n)})" for n in (9, 15))]


@dataclass(frozen=True)
class Value:
    """A value that knows how it was worked out."""

    history: str

    def then(self, *given: object) -> Value:
        return Value(f"{self.history}.then{given}")

    called_with = then


def returned(body: list[str]) -> Value:
    """What a function of these lines returns."""
    made = module_of("\n".join([f"def forward({', '.join(NAMES)}):", *body]))
    found = made.forward(*map(Value, NAMES))
    assert isinstance(found, Value)
    return found


@given(st.sampled_from([*NAMES, None]), st.sampled_from(NAMES), st.lists(st.sampled_from(CALLS), min_size=3))
def test_a_row_of_calls_computes_the_same_however_long(name: str | None, first: str, calls: list[str]) -> None:
    chain = Chain("return " if name is None else f"{name} = ", calls=[f"{first}{calls[0]}", *calls[1:]])
    end = [] if name is None else [f"{BODY}return {name}"]
    written = list(lines(BODY, chain))
    assert returned([*written, *end]) == returned([f"{BODY}{chain}", *end])


@given(
    st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES), st.lists(st.sampled_from(CALLS), min_size=1)
)
@pytest.mark.parametrize("condition", [True, False])
def test_a_choice_computes_the_same_however_long(
    condition: bool, name: str, first: str, other: str, calls: list[str]
) -> None:
    chain = Chain("", calls=[f"{first}{calls[0]}", *calls[1:]])
    called = Brackets(f"{first}.then(", [Bracketed(each) for each in [*NAMES, *NAMES]])
    for made in (chain, called):
        choice = Choice(f"{name} = ", made=made, condition=str(condition), other=other)
        end = f"{BODY}return {name}"
        assert returned([*lines(BODY, choice), end]) == returned([f"{BODY}{choice}", end])
