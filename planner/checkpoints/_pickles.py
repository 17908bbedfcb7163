"""Goes through a pickle and calls nothing: what it names becomes a name, what it would make a value of our own.

Only what files of weights are made of is known, by `_torch_objects`; a pickle that names anything else is refused where
it does so, with that name. Opcodes and their arguments are read by `pickletools`, which takes pickles apart and runs
nothing.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable
from typing import BinaryIO, cast
from warnings import catch_warnings

from planner.checkpoints._checkpoint import Refusing, cut
from planner.checkpoints._torch_objects import (
    Inert,
    NumpyType,
    OddTensor,
    PickledArray,
    PickledName,
    PickledNames,
    PickledTensor,
    called,
)
from planner.faults.unsafe_pickle import UnsafePickle

MOST_OPCODES = 4_000_000
"""Opcodes of a pickle; a tensor takes some thirty."""
MOST_BYTES = 128 << 20
"""Bytes of a pickle."""
LONGEST_NAME = 500

Persistent = Callable[[object], object]
"""What a persistent id stands for: a storage."""


class _Limited:
    """A file of which a pickle is read, as far as one may go."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.left = MOST_BYTES

    def read(self, size: int) -> bytes:
        return self._taken(self.file.read(min(max(size, 0), self.left)))

    def readline(self) -> bytes:
        return self._taken(self.file.readline(self.left))

    def tell(self) -> int:
        return MOST_BYTES - self.left

    def _taken(self, data: bytes) -> bytes:
        self.left -= len(data)
        return data


class _Broken(Exception):
    """A pickle that no one has written: an opcode finds something else on the stack than it needs."""


def unpickled(file: BinaryIO, refusing: Refusing, persistent: Persistent) -> object:
    """What a pickle makes that begins where a file stands; the file then stands behind it."""
    machine = _PickleMachine(refusing, persistent)
    source = file if isinstance(file, io.BytesIO) else cast(BinaryIO, _Limited(file))
    try:
        with catch_warnings(action="ignore"):  # of odd escapes in texts
            for count, (opcode, argument, _) in enumerate(pickletools.genops(source)):
                if count > MOST_OPCODES:
                    said = f"holds a pickle of more than {MOST_OPCODES:,} opcodes"
                    raise refusing.broken(said, "no checkpoint needs that")
                machine.step(opcode.name, argument)
        return machine.pop()
    except (_Broken, ValueError, IndexError, KeyError, EOFError, OverflowError, MemoryError) as error:
        said = str(error) if isinstance(error, _Broken) else "it ends too early, or was never one"
        raise refusing.broken(f"holds a broken pickle: {said}") from None


class _PickleMachine:
    """The stack of a pickle. `marks` are the stacks below a mark."""

    def __init__(self, refusing: Refusing, persistent: Persistent) -> None:
        self.refusing = refusing
        self.persistent = persistent
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.known = {name: do for name in _KNOWN if (do := getattr(self, f"_{name.lower()}", None)) is not None}

    def step(self, opcode: str, argument: object) -> None:
        """Do what an opcode says."""
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in self.known:
            self.known[opcode](argument)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode]())
        elif opcode not in ("PROTO", "FRAME", "STOP"):
            raise self.unsafe(f"has the opcode {opcode}, which no file of weights needs")

    def unsafe(self, does: str) -> UnsafePickle:
        return UnsafePickle(self.refusing.file, does)

    # The stack

    def pop(self) -> object:
        if not self.stack:
            raise _Broken("it takes more from the stack than is there")
        return self.stack.pop()

    def top(self) -> object:
        if not self.stack:
            raise _Broken("its stack is empty")
        return self.stack[-1]

    def above_mark(self) -> list[object]:
        if not self.marks:
            raise _Broken("it takes what is above a mark, and there is none")
        found, self.stack = self.stack, self.marks.pop()
        return found

    def _mark(self, _: object) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _pop(self, _: object) -> None:
        if self.stack or not self.marks:
            self.pop()
        else:
            self.above_mark()

    def _pop_mark(self, _: object) -> None:
        self.above_mark()

    def _dup(self, _: object) -> None:
        self.stack.append(self.top())

    def _memoize(self, _: object) -> None:
        self.memo[len(self.memo)] = self.top()

    def _put(self, argument: object) -> None:
        self.memo[_number(argument)] = self.top()

    def _get(self, argument: object) -> None:
        number = _number(argument)
        if number not in self.memo:
            raise _Broken(f"it takes number {number} from its memo, which is not there")
        self.stack.append(self.memo[number])

    _binput = _long_binput = _put
    _binget = _long_binget = _get

    # Containers

    def _tuple(self, _: object) -> None:
        found = tuple(self.above_mark())
        self.stack.append(found)

    def _tuple1(self, _: object) -> None:
        self._tuple_of(1)

    def _tuple2(self, _: object) -> None:
        self._tuple_of(2)

    def _tuple3(self, _: object) -> None:
        self._tuple_of(3)

    def _tuple_of(self, count: int) -> None:
        self.stack.append(tuple([self.pop() for _ in range(count)][::-1]))

    def _list(self, _: object) -> None:
        found = self.above_mark()
        self.stack.append(found)

    def _dict(self, _: object) -> None:
        items = self.above_mark()
        made = PickledNames()
        self._set(made, items)
        self.stack.append(made)

    def _frozenset(self, _: object) -> None:
        self.above_mark()
        self.stack.append(Inert("a set"))

    def _append(self, _: object) -> None:
        self._extend([self.pop()])

    def _appends(self, _: object) -> None:
        self._extend(self.above_mark())

    def _extend(self, items: list[object]) -> None:
        into = self.top()
        if isinstance(into, list):
            into += items
        elif not isinstance(into, Inert):
            raise _Broken(f"it appends to {_kind(into)}")

    def _additems(self, _: object) -> None:
        self.above_mark()
        if not isinstance(self.top(), Inert):
            raise _Broken(f"it adds to {_kind(self.top())} as to a set")

    def _setitem(self, _: object) -> None:
        value, key = self.pop(), self.pop()
        self._set(self.top(), [key, value])

    def _setitems(self, _: object) -> None:
        items = self.above_mark()
        self._set(self.top(), items)

    def _set(self, into: object, items: list[object]) -> None:
        if len(items) % 2:
            raise _Broken("a mapping in it has a key without a value")
        if isinstance(into, PickledNames):
            into.update(zip(items[::2], items[1::2], strict=True))
        elif not isinstance(into, Inert):
            raise _Broken(f"it sets items of {_kind(into)}")

    # What would be called

    def _global(self, argument: object) -> None:
        module, _, name = str(argument).partition(" ")
        self._named(module, name)

    def _stack_global(self, _: object) -> None:
        name, module = self.pop(), self.pop()
        if not isinstance(name, str) or not isinstance(module, str):
            raise _Broken("a name in it is no text")
        self._named(module, name)

    def _named(self, module: str, name: str) -> None:
        found = PickledName.of(module, name)
        if not found.known:
            raise self.unsafe(f"would call `{cut(str(found))}`")
        self.stack.append(found)

    def _call(self, function: object, arguments: object) -> None:
        if not isinstance(function, PickledName):
            raise self.unsafe(f"would call {_kind(function)}")
        if not isinstance(arguments, tuple):
            raise _Broken(f"it calls `{function}` with {_kind(arguments)} for its arguments")
        self.stack.append(called(function, arguments, self.refusing, self.unsafe))

    def _reduce(self, _: object) -> None:
        arguments, function = self.pop(), self.pop()
        self._call(function, arguments)

    _newobj = _reduce

    def _newobj_ex(self, _: object) -> None:
        self.pop()
        self._reduce(None)

    def _inst(self, argument: object) -> None:
        arguments = tuple(self.above_mark())
        self._global(argument)
        self._call(self.pop(), arguments)

    def _obj(self, _: object) -> None:
        function, *arguments = self.above_mark() or [None]
        self._call(function, tuple(arguments))

    def _build(self, _: object) -> None:
        state, into = self.pop(), self.top()
        if isinstance(into, PickledArray):
            into.build(state)
        elif not isinstance(into, PickledNames | PickledTensor | OddTensor | NumpyType | Inert):
            raise self.unsafe(f"would set what is in {_kind(into)}")

    def _binpersid(self, _: object) -> None:
        self.stack.append(self.persistent(self.pop()))


_KNOWN = [each.name for each in pickletools.opcodes]
_VALUES = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
    "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
}  # fmt: skip
"""Opcodes that push their argument."""
_CONSTANTS: dict[str, Callable[[], object]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": PickledNames,
    "EMPTY_SET": lambda: Inert("a set"),
}
"""Opcodes that push something empty."""


def _number(argument: object) -> int:
    if not isinstance(argument, int) or argument < 0:
        raise _Broken("a number in its memo is no whole number from 0")
    return argument


def _kind(value: object) -> str:
    """A value in a message."""
    if isinstance(value, PickledName):
        return f"`{cut(str(value))}`"
    plain = {str: "a text", int: "a number", bool: "a truth value", float: "a number", bytes: "bytes", tuple: "a tuple"}
    return "nothing" if value is None else plain.get(type(value), "what it has made")
