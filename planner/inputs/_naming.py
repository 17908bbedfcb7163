"""Finding a network by its name: a class or a function in a file or a package. This runs the code there."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from planner.diagnostics import did_you_mean
from planner.faults.not_imported import NotImported

FROM_FILE = "_imported_"
"""How a module of Python is called that is a file here, so that it takes no other module's name."""


def network_named(home: str, name: str, arguments: Mapping[str, Any]) -> Any:
    """What a class or a function in a file or a package gives when it is called, or an object that is there."""
    with _beside(home):
        module = _module(home)
        thing: Any = module
        for part in name.split("."):
            if not hasattr(thing, part):
                names = [each for each in vars(module) if each[0] != "_"]
                raise NotImported(
                    f"`{home}` has no `{part}`", help=did_you_mean(part, names) or "name a class or function in it"
                )
            thing = getattr(thing, part)
        if not callable(thing) or _is_module(thing):
            return thing
        try:
            with aside():
                return thing(**arguments)
        except (Exception, SystemExit) as error:
            raise NotImported(f"`{name}` fails when it is called", label=said(error), help=_help(error)) from error


def _is_module(thing: object) -> bool:
    """Whether a thing is a module of PyTorch already, which is called for its result alone."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(thing, torch.nn.Module)


@contextmanager
def _beside(home: str) -> Iterator[None]:
    """What stands beside a file, or in the folder where we are, can be imported meanwhile."""
    folder = str(Path(os.path.realpath(home)).parent) if home.endswith(".py") else str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


def _module(home: str) -> ModuleType:
    try:
        if not home.endswith(".py"):
            with aside():
                return importlib.import_module(home)
        if not Path(home).is_file():
            raise NotImported(f"there is no file `{home}`", help="check the path, and the folder you are in")
        name = f"{FROM_FILE}{Path(home).stem}"
        spec = importlib.util.spec_from_file_location(name, home)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        with aside():
            spec.loader.exec_module(module)
        return module
    except NotImported:
        raise
    except (Exception, SystemExit) as error:
        raise NotImported(f"`{home}` cannot be imported", label=said(error), help=_help(error)) from error


@contextmanager
def aside() -> Iterator[None]:
    """What the user's own code prints goes to standard error meanwhile, and not into the file that is written."""
    with redirect_stdout(sys.stderr):
        yield


def said(error: BaseException) -> str:
    """What an error of the user's own code says, on a line, and where that code raised it."""
    first = next(iter(str(error).splitlines()), "")[:200]
    place = "" if isinstance(error, SyntaxError) else _place(error)
    return (f"{type(error).__name__}: {first}" if first else type(error).__name__) + place


def _place(error: BaseException) -> str:
    """The last line of the user's own code that was running; nothing where none was."""
    torch = sys.modules.get("torch")
    others = [str(Path(__file__).parents[1]), str(Path(torch.__file__).parent) if torch and torch.__file__ else "<"]
    frames = [each for each in extract_tb(error.__traceback__) if not each.filename.startswith(("<", *others))]
    own = [each for each in frames if not each.filename.startswith(str(Path(contextlib.__file__).parent) + os.sep)]
    own = own or [each for each in frames if "site-packages" in each.filename]
    if not own:
        return ""
    file = Path(own[-1].filename)
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    return f" (line {own[-1].lineno} of {shown})"


def _help(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return "guard what ends the program: `if __name__ == '__main__':`"
    if isinstance(error, TypeError) and "argument" in str(error):
        return "give arguments by `--arg name=value`"
    if isinstance(error, ModuleNotFoundError):
        return f"install `{error.name}`, or name another file"
    return "correct the code: it must run in Python"
