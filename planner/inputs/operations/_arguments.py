"""Arguments as a person writes them."""

from __future__ import annotations

from typing import Any


def per_axis(value: Any) -> Any:
    """One number where all axes have the same, else a list, as of pairs that are never one number."""
    if isinstance(value, tuple | list):
        alike = value[:1] * len(value) == value and not isinstance(value[0], tuple | list)
        return value[0] if alike else list(value)
    return value


def chosen(arguments: dict[str, tuple[Any, Any]]) -> dict[str, Any]:
    """The arguments that are not at their defaults, which stand behind them."""
    return {name: value for name, (value, default) in arguments.items() if value != default}


def listed(given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments that stand one after the other, or in one list: `permute(0, 2, 1)` or `permute([0, 2, 1])`."""
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], tuple | list) else given
