"""What pickles of weights name, and what of it is kept: names, sizes and types of numbers of tensors.

Source: https://github.com/pytorch/pytorch/blob/main/torch/_utils.py, and torch/_weights_only_unpickler.py for what is
known there
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from planner.checkpoints._checkpoint import BITS, LONGEST_NAME, Refusing, SavedTensor, Sizes
from planner.faults.unsafe_pickle import UnsafePickle

Unsafe = Callable[[str], UnsafePickle]


class PickledNames:
    """A mapping, of which the entries with texts for keys are kept."""

    def __init__(self) -> None:
        self.entries: dict[str, object] = {}

    def update(self, items: Iterable[tuple[object, object]]) -> None:
        for key, value in items:
            if isinstance(key, str) and len(key) <= LONGEST_NAME:
                self.entries[key] = value


class Inert(NamedTuple):
    """Something harmless of which nothing is kept; `what` it is in a message."""

    what: str


class PickledStorage(NamedTuple):
    """A row of numbers: their type, its key in the file, how many there are, and which part of the row is meant."""

    dtype: str
    key: str
    length: int
    part: tuple[int, int] | None = None


class PickledTensor(NamedTuple):
    """A tensor; `place` is where its numbers lie."""

    sizes: Sizes
    dtype: str
    place: Hashable

    def stored(self, name: str) -> SavedTensor:
        return SavedTensor(name, self.sizes, self.dtype, self.place)


class OddTensor(NamedTuple):
    """A tensor of a kind that no layer of a network has, as a sparse one."""

    what: str


class PickledArray:
    """An array of NumPy, of which the sizes are known once its state is set."""

    def __init__(self) -> None:
        self.sizes: Sizes | None = None
        self.dtype = ""

    def build(self, state: object) -> None:
        if isinstance(state, tuple) and len(state) == 5 and _are_sizes(state[1]):
            self.sizes = tuple(state[1])
            self.dtype = state[2].dtype if isinstance(state[2], NumpyType) else ""


class NumpyType(NamedTuple):
    """A type of numbers, as NumPy writes it, by PyTorch's name."""

    dtype: str


class PickledName(NamedTuple):
    """What a pickle names: something in a module."""

    module: str
    name: str

    @classmethod
    def of(cls, module: str, name: str) -> PickledName:
        """The name in a module, which is called as it is today."""
        module = {"__builtin__": "builtins", "copy_reg": "copyreg", "exceptions": "builtins"}.get(module, module)
        return cls(module.replace("numpy._core.", "numpy.core."), name)

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"

    @property
    def known(self) -> bool:
        return str(self) in KNOWN or self.storage is not None or self.dtype is not None

    @property
    def dtype(self) -> str | None:
        """The type of numbers that it is, as `torch.float32`."""
        return self.name if self.module == "torch" and self.name in BITS else None

    @property
    def storage(self) -> str | None:
        """The type of numbers of the storage that it is, as `torch.FloatStorage`; "" of one without a type."""
        if self.module in ("torch", "torch.cuda", "torch.storage"):
            return STORAGES.get(self.name)
        return None


STORAGES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool",
    "ComplexDoubleStorage": "complex128", "ComplexFloatStorage": "complex64",
    "QInt8Storage": "qint8", "QUInt8Storage": "quint8", "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "", "_UntypedStorage": "",
}  # fmt: skip
MAPPINGS = {
    "builtins.dict", "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
    "pytorch_lightning.utilities.parsing.AttributeDict", "lightning.pytorch.utilities.parsing.AttributeDict",
    "lightning.fabric.utilities.data.AttributeDict", "lightning_fabric.utilities.data.AttributeDict",
}  # fmt: skip
"""Classes of mappings, which are taken for mappings."""
INERT = {
    *(f"builtins.{each}" for each in ("set", "frozenset", "bytearray", "bytes", "complex", "slice", "range", "object")),
    *(f"builtins.{each}" for each in ("list", "tuple", "int", "float", "bool", "str")),
    "argparse.Namespace", "types.SimpleNamespace", "collections.deque",
    "datetime.datetime", "datetime.date", "datetime.time", "datetime.timedelta", "datetime.timezone",
    "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath",
    "pathlib.WindowsPath", "pathlib.PureWindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
    "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "_codecs.encode",
    "torch.device", "torch.Size", "torch.Generator", "torch.serialization._get_layout",
    "torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer",
    "torch.qint8", "torch.quint8", "torch.qint32", "torch.quint4x2", "torch.quint2x4", "torch.per_tensor_affine",
    "torch.per_channel_affine", "torch.per_channel_affine_float_qparams",
    "numpy.core.multiarray.scalar", "numpy.ndarray",
}  # fmt: skip
"""Classes and functions that are known to run nothing else; what they would make is not looked at."""
ODD = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor",
    "torch._utils._rebuild_qtensor": "a quantized tensor",
    "torch._utils._rebuild_nested_tensor": "a nested tensor",
}
"""Functions that make tensors of which a state_dict of a plan has none."""
PLAIN = {
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2",
    "numpy.core.multiarray._reconstruct", "numpy.core.numeric._frombuffer", "numpy.dtype",
}  # fmt: skip
KNOWN = {*MAPPINGS, *INERT, *ODD, *PLAIN}
_TYPES = {"torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"}


def called(function: PickledName, arguments: tuple[object, ...], refusing: Refusing, unsafe: Unsafe) -> object:
    """What stands for what a call would make; nothing is called."""
    text = str(function)
    if text in MAPPINGS:
        return PickledNames()
    if text == "torch.Size" and len(arguments) == 1 and _are_sizes(arguments[0]):
        return arguments[0]
    if text in INERT:
        return Inert(f"what `{text}` gives")
    if text in ODD:
        return OddTensor(ODD[text])
    if text == "numpy.core.multiarray._reconstruct":
        return PickledArray()
    if text == "numpy.core.numeric._frombuffer":
        found = PickledArray()
        found.build((1, *arguments[2:3], *arguments[1:2], False, b""))
        return found
    if text == "numpy.dtype":
        return NumpyType(_numpy_type(arguments))
    if text in PLAIN:
        return _tensor(function, arguments, refusing, unsafe)
    raise unsafe(f"would call `{text}`")


def _tensor(function: PickledName, arguments: tuple[object, ...], refusing: Refusing, unsafe: Unsafe) -> object:
    """The tensor that one of PyTorch's functions would make."""
    match function.name, arguments:
        case "_rebuild_parameter" | "_rebuild_parameter_with_state", (PickledTensor() | OddTensor() as tensor, *_):
            return tensor
        case "_rebuild_from_type_v2", (PickledName() as inner, PickledName() as kind, tuple() as given, _):
            if str(kind) not in _TYPES:
                raise unsafe(f"would call `{kind}`")
            return called(inner, given, refusing, unsafe)
        case "_rebuild_meta_tensor_no_storage", (PickledName() as dtype, sizes, *_) if dtype.dtype:
            return PickledTensor(refusing.sizes(sizes, "a tensor"), dtype.dtype, None)
        case "_rebuild_tensor_v3", (
            PickledStorage() as storage,
            offset,
            sizes,
            strides,
            _,
            _,
            PickledName() as dtype,
            *_,
        ) if dtype.dtype:
            return _view(storage, dtype.dtype, offset, sizes, strides, refusing)
        case "_rebuild_tensor" | "_rebuild_tensor_v2", (PickledStorage() as storage, offset, sizes, strides, *_):
            return _view(storage, storage.dtype, offset, sizes, strides, refusing)
    raise refusing.broken(f"is broken: it calls `{function}` with what no tensor is made of")


def _view(
    storage: PickledStorage, dtype: str, offset: object, sizes: object, strides: object, refusing: Refusing
) -> PickledTensor | OddTensor:
    """A tensor that lies in a storage, where it fits into that."""
    if dtype.startswith("q"):
        return OddTensor("a quantized tensor")
    found, steps = refusing.sizes(sizes, "a tensor"), refusing.sizes(strides, "a tensor's strides")
    if len(steps) != len(found) or not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise refusing.broken("is broken: a tensor has other numbers of sizes and strides")
    last = offset + sum((size - 1) * step for size, step in zip(found, steps, strict=True))
    room = storage.length
    if storage.dtype == "" and dtype in BITS:
        room = storage.length * 8 // BITS[dtype]
    if all(found) and last >= room:
        raise refusing.broken(f"is broken: a tensor of {'×'.join(map(str, found)) or 1} reaches beyond its storage")
    return PickledTensor(found, dtype, (storage.key, storage.part, offset, found, steps) if all(found) else None)


def _are_sizes(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, int) and 0 <= each < 1 << 63 for each in value)


def _numpy_type(arguments: tuple[object, ...]) -> str:
    text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
    kind = {"f": "float", "i": "int", "u": "uint", "c": "complex"}.get(text[:1], "")
    dtype = f"{kind}{int(text[1:]) * 8}" if kind and text[1:].isdecimal() and len(text) < 4 else text
    return dtype if dtype in BITS else "bool" if text == "b1" else ""
