"""Emitted code as a module of Python, made without a file."""

from __future__ import annotations

from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType


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
