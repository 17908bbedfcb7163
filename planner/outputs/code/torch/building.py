"""Emitted code as a module of Python, made without a file."""

from __future__ import annotations

from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType

from planner.faults.foreign_class import ForeignClass
from planner.plan import Plan


class _Text(InspectLoader):
    """The loader of one program's text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def get_source(self, fullname: str) -> str:
        return self.text


def module_of(text: str, name: str = "emitted") -> ModuleType:
    """A fresh module that runs the text; it stands in `sys.modules` under no name."""
    spec = ModuleSpec(name, loader := _Text(text))
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def must_be_known(plan: Plan) -> None:
    """Raise the fault of code that is not to be run, since it imports a class that the model file names."""
    for step in plan.layers:
        if step.facts is not None and step.facts.foreign:
            raise ForeignClass(step.name, step.facts.foreign, step.path)
