"""The section `budget:` of a model file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from planner.budget import BOUNDS, Budget, DType, Limit, LimitKind, LowerPrecision
from planner.layers._fields import Count

_SCHEMA = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": r"^\s*[0-9]"}]}


class _Counting(BaseModel):
    """What the model may cost, and what it has to see: more is an error. `5M` is 5,000,000, `KiB` 1,024."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    batch: Count | None = Field(None, description="Samples that bytes are counted for; left out, those of the command.")
    dtype: DType | None = Field(
        None, description="Type of number that bytes are counted for: `int8`; left out, that of the command."
    )
    autocast: LowerPrecision | None = Field(
        None, description="Type of number that autocast trains in, for `kept`: `bfloat16`; left out, there is none."
    )


def _reader(bound: LimitKind) -> Callable[[object], int]:
    def read(value: object) -> int:
        try:
            return bound.read(value)
        except ValueError as error:
            raise PydanticCustomError("planner", bound.takes, {"help": str(error)}) from None

    return read


def _field(bound: LimitKind) -> Any:
    return (
        Annotated[int | None, PlainValidator(_reader(bound)), WithJsonSchema(_SCHEMA)],
        Field(None, description=bound.says),
    )


BudgetFormat: type[BaseModel] = create_model(
    "BudgetFormat",
    __base__=_Counting,
    __doc__=_Counting.__doc__,
    **{name: _field(bound) for name, bound in BOUNDS.items()},
)


def budget_of(read: BaseModel, raw: Mapping[str, Any], given: Mapping[str, Any]) -> Budget:
    """The budget that a section says; `raw` has it as it is written, and `given` the keys that did not come from the
    file.
    """
    limits = []
    for name, bound in BOUNDS.items():
        if (amount := getattr(read, name)) is not None:
            count = amount if isinstance(amount, int) else bound.read(amount)
            written = raw.get(name)
            said = written.strip() if isinstance(written, str) else bound.written(count)
            limits.append(Limit(name, count, None if name in given else ("budget", name), said))
    about = (getattr(read, name, None) for name in ("batch", "dtype", "autocast"))
    return Budget(tuple(limits), *about)
