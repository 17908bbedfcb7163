"""Sources of which no model file can be made: each ends in a message that says what is wrong, where, and what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from functools import partial
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import planner
from planner.cli import main
from planner.faults.not_imported import NotImported

CODE = """
import sys
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
    def forward(self, image):
        return self.conv(image)

class Raises(Net):
    def forward(self, image):
        raise RuntimeError("no such luck\\nand more")

class Bare(Net):
    def forward(self, image):
        raise ValueError

class Needs(Net):
    def __init__(self, depth):
        super().__init__()

class Two(Net):
    def forward(self, image, depth):
        return self.conv(image) + depth

class Ranks(Net):
    def forward(self, image):
        n, c, h, w = image.shape
        return self.conv(image)

class Text(Net):
    def forward(self, image):
        return "text"

class Nothing(Net):
    def forward(self, image):
        self.conv(image)

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.LazyConv2d(4, 3)
    def forward(self, image):
        return self.conv(image)

class NoForward(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

class Endless(Net):
    def forward(self, image):
        return self.forward(image)

class Forever(Net):
    def forward(self, image):
        while True:
            image = image + 1

class Exits(Net):
    def forward(self, image):
        sys.exit("bye")

class Circle(Net):
    def __init__(self):
        super().__init__()
        self.part = nn.Sequential(nn.ReLU())
        self.part.add_module("whole", self)

class Ids(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
    def forward(self, ids):
        return self.table(ids), ids @ torch.ones(8, 8, device=ids.device)

class Empty(Net):
    def forward(self, image):
        return self.conv(image)[:, :0]

class Later(Net):
    def forward(self, image):
        yield self.conv(image)

class Full(Net):
    def forward(self, image):
        raise MemoryError("no more")

class NoSuper(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(3, 4, 3)

class Same(Net):
    def forward(self, image):
        return image

def scripted():
    return torch.jit.trace(Net(), torch.zeros(1, 3, 8, 8))

def exits():
    sys.exit(3)

def three():
    return 3

def state():
    return Net().state_dict()

def build():
    return Net
"""
FILES = {
    "raises.py": "x = 1\nraise ValueError('at import')\n",
    "exits.py": "import sys\nsys.exit(4)\n",
    "broken.py": "def f(:\n",
    "missing.py": "import nowhere_at_all\n",
    "prints.py": "print('hello')\nfrom nets import Net\n",
    "neither.yaml": "a: 1\n",
    "package/__init__.py": "from . import nothere\n",
    "here.py": "from there import X\n",
    "there.py": "from here import Y\n",
    "bytes.py": "x = '\udcff'\n",
    "list.json": "[1, 2]",
    "other.json": '{"a": 1}',
    "deep.json": "[" * 100_000,
    "huge.json": '{"a": [' + "1," * (9 << 20) + "1]}",
    "empty.pt2": "",
    "empty.json": "",
}
NO_FORWARD = (
    "`NoForward` fails on (11, 3, 8, 8): NotImplementedError: "
    'Module [NoForward] is missing the required "forward" function'
)
PLANNER = [sys.executable, "-c", "from planner.cli import main; main()"]
PICKLE = "which could run anything and is not read"
SAVE = "save the network anew: `torch.export.save(torch.export.export(net.eval(), (x,)), 'net.pt2')`"
KERAS = "save the network anew with Keras 3: `model.save('net.keras')`"
MEND = "correct the code: it must run in Python"
SHAPE = "give a shape that it reads, by `--input`"
PARTLY = "name a part of it, or write that part in another way"
NO_NAME = "names no network; write it as net.py:Net, package.module:build, net.pt2, net.keras, net.json or net.onnx"
GUARD = "guard what ends the program: `if __name__ == '__main__':`"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one of each bad source."""
    home = tmp_path_factory.mktemp("bad")
    (home / "nets.py").write_text(CODE)
    (home / "package").mkdir()
    for name, text in FILES.items():
        (home / name).write_text(text, encoding="utf-8", errors="surrogateescape")
    (home / "gone.py").symlink_to("nowhere.py")
    for ending in ("py", "json", "keras", "pt2"):
        (home / f"junk.{ending}").write_bytes(b"\x00\x01\x02junk\xff" * 100)
    for ending in ("pt2", "py", "keras"):
        (home / f"folder.{ending}").mkdir()
        os.mkfifo(home / f"fifo.{ending}")
    for here, there in ("round", "again"), ("again", "round"):
        (home / f"{here}.py").symlink_to(f"{there}.py")
    weights = {"w": torch.zeros(3)}
    torch.save(weights, home / "weights.pt")
    torch.save(weights, home / "weights.pt2")
    torch.save(weights, home / "old.pt2", _use_new_zipfile_serialization=False)
    with zipfile.ZipFile(home / "zip.pt2", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with zipfile.ZipFile(home / "aoti.pt2", "w") as archive:
        archive.writestr("net/data/aotinductor/model/x.so", "")
    with zipfile.ZipFile(home / "bomb.pt2", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/models/model.json", b" " * (65 << 20), compresslevel=1)
    whole = (home / "weights.pt2").read_bytes()
    (home / "cut.pt2").write_bytes(whole[: len(whole) // 2])
    return home


BAD: list[tuple[str, str, str]] = [
    ("nets.py:Raises", "`Raises` fails on (11, 3, 8, 8): RuntimeError: no such luck (line 15 of nets.py)", SHAPE),
    ("nets.py:Bare", "`Bare` fails on (11, 3, 8, 8): ValueError (line 19 of nets.py)", SHAPE),
    (
        "nets.py:Endless",
        "`Endless` fails on (11, 3, 8, 8): RecursionError: maximum recursion depth exceeded (line 56 of nets.py)",
        SHAPE,
    ),
    (
        "nets.py:Circle",
        "`nets.py:Circle` is a part of itself, as `part.whole`",
        "keep what is above a module out of its parts: in a list, or by a function",
    ),
    (
        "nets.py:Ids",
        (
            "`Ids` fails on (11, 3, 8, 8): RuntimeError: Expected tensor for argument #1 'indices' to have one of the "
            "following scalar types: Long, Int; but got torch.FloatTensor instead (while checking arguments for "
            "embedding) (line 78 of nets.py)"
        ),
        "give numbers of the type that it reads, in Python: example=torch.zeros(1, 128, dtype=torch.long)",
    ),
    ("nets.py:Empty", "`nets.py:Empty` cannot be said in a model file: an empty tensor", PARTLY),
    ("nets.py:Later", "`nets.py:Later` gives no tensor", "its forward must return one, or several"),
    ("nets.py:Full", "`Full` fails on (11, 3, 8, 8): MemoryError: no more (line 90 of nets.py)", SHAPE),
    ("nets.py:Same", "`nets.py:Same` has no layer", "what it reads is what it returns"),
    (
        "nets.py:NoSuper",
        (
            "`NoSuper` fails when it is called: AttributeError: cannot assign module before Module.__init__() call "
            "(line 94 of nets.py)"
        ),
        MEND,
    ),
    ("nets.py:state", "`nets.py:state` is no module of PyTorch, but an OrderedDict", "name a class of nn.Module"),
    ("nets.py:build", "`nets.py:build` is no module of PyTorch, but a type", "name a class of nn.Module"),
    ("nets.py:torch", "`nets.py:torch` is no module of PyTorch, but a module", "name a class of nn.Module"),
    ("nets.py:Net.conv", "`nets.py` has no `conv`", "name a class or function in it"),
    ("nets.py:Net:", f"`nets.py:Net:` {NO_NAME}", "planner import --help"),
    (":Net", f"`:Net` {NO_NAME}", "planner import --help"),
    (
        "os:system",
        "`system` fails when it is called: TypeError: system() missing required argument 'command' (pos 1)",
        "give arguments by `--arg name=value`",
    ),
    ("gone.py:Net", "there is no file `gone.py`", "check the path, and the folder you are in"),
    (
        "package:Net",
        (
            "`package` cannot be imported: ImportError: cannot import name 'nothere' from partially initialized module "
            "'package' (most likely due to a circular import) ({home}/package/__init__.py) (line 1 of "
            "package/__init__.py)"
        ),
        MEND,
    ),
    (
        "here.py:X",
        (
            "`here.py` cannot be imported: ImportError: cannot import name 'X' from partially initialized module "
            "'there' (most likely due to a circular import) ({home}/there.py) (line 1 of here.py)"
        ),
        MEND,
    ),
    (
        "bytes.py:Net",
        (
            "`bytes.py` cannot be imported: SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff in "
            "position 0: invalid start byte (bytes.py, line 1)"
        ),
        MEND,
    ),
    ("nets.py:Exits", "`Exits` fails on (11, 3, 8, 8): SystemExit: bye (line 65 of nets.py)", SHAPE),
    (
        "nets.py:NoForward",
        NO_FORWARD,
        MEND,
    ),
    (
        "nets.py:Needs",
        "`Needs` fails when it is called: TypeError: Needs.__init__() missing 1 required positional argument: 'depth'",
        "give arguments by `--arg name=value`",
    ),
    (
        "nets.py:Two",
        "`forward` reads `depth` too",
        "give all that it reads: `--input image=224x224x3 --input depth=224x224x3`",
    ),
    ("nets.py:Text", "`nets.py:Text` gives no tensor", "its forward must return one, or several"),
    ("nets.py:Nothing", "`nets.py:Nothing` gives no tensor", "its forward must return one, or several"),
    (
        "nets.py:Lazy",
        "`nets.py:Lazy` is lazy: `conv.weight` has no size yet",
        "run the module once before, or write the layer with its channels: nn.Conv2d for nn.LazyConv2d",
    ),
    (
        "nets.py:scripted",
        "`nets.py:scripted` is a scripted module, of which no calls can be seen",
        "name the class of which it was made, or save it by `torch.export.save`",
    ),
    ("nets.py:exits", "`exits` fails when it is called: SystemExit: 3 (line 104 of nets.py)", GUARD),
    ("nets.py:three", "`nets.py:three` is no module of PyTorch, but an int", "name a class of nn.Module"),
    ("nets.py:Nett", "`nets.py` has no `Nett`", "did you mean `Net`?"),
    ("nets.py:Näh", "`nets.py` has no `Näh`", "name a class or function in it"),
    ("nets.py", "`nets.py` names no class or function", "name one in it, as net.py:Net"),
    ("raises.py:Net", "`raises.py` cannot be imported: ValueError: at import (line 2 of raises.py)", MEND),
    ("exits.py:Net", "`exits.py` cannot be imported: SystemExit: 4 (line 2 of exits.py)", GUARD),
    ("broken.py:Net", "`broken.py` cannot be imported: SyntaxError: invalid syntax (broken.py, line 1)", MEND),
    (
        "missing.py:Net",
        "`missing.py` cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all' (line 1 of missing.py)",
        "install `nowhere_at_all`, or name another file",
    ),
    ("junk.py:Net", "`junk.py` cannot be imported: SyntaxError: source code string cannot contain null bytes", MEND),
    ("folder.py:Net", "there is no file `folder.py`", "check the path, and the folder you are in"),
    ("round.py:Net", "there is no file `round.py`", "check the path, and the folder you are in"),
    ("fifo.py:Net", "there is no file `fifo.py`", "check the path, and the folder you are in"),
    (
        "nowhere_at_all.sub:build",
        "`nowhere_at_all.sub` cannot be imported: ModuleNotFoundError: No module named 'nowhere_at_all'",
        "install `nowhere_at_all`, or name another file",
    ),
    ("junk.pt2", "`junk.pt2` is not a zip archive", SAVE),
    ("empty.pt2", "`empty.pt2` is not a zip archive, but empty", SAVE),
    ("cut.pt2", "`cut.pt2` is a broken zip archive: its end is missing", SAVE),
    ("zip.pt2", "`zip.pt2` holds no program of torch.export", SAVE),
    (
        "aoti.pt2",
        "`aoti.pt2` holds no program of torch.export, but code that was compiled for one machine",
        SAVE,
    ),
    ("weights.pt2", f"`weights.pt2` holds no program of torch.export, but a pickle of torch.save, {PICKLE}", SAVE),
    ("old.pt2", f"`old.pt2` is not a zip archive, but a pickle, {PICKLE}", SAVE),
    ("bomb.pt2", "`bomb.pt2: model.json` has more than 64 MB", "no program needs that"),
    ("folder.pt2", "`folder.pt2` is a folder", "name a `.pt2` file"),
    ("fifo.pt2", "`fifo.pt2` is no ordinary file", "name a `.pt2` file"),
    ("nowhere.pt2", "`nowhere.pt2` is not there", "name a `.pt2` file"),
    ('say "%s" {x}\n.pt2', '`say "%s" {x}\\n.pt2` is not there', "name a `.pt2` file"),
    (
        "weights.pt",
        f"`weights.pt` holds weights, or a pickle, {PICKLE}",
        "name the class, as net.py:Net, or save the network by `torch.export.save`",
    ),
    ("nowhere.h5", "there is no file `nowhere.h5`", "check the path"),
    ("junk.keras", "`junk.keras` is not a zip archive", KERAS),
    ("junk.json", "`junk.json` is not UTF-8 text", "name JSON, or a `.keras` file"),
    ("folder.keras", "`folder.keras` is a folder", "name a `.keras` file, or the JSON of a configuration"),
    ("fifo.keras", "`fifo.keras` is no ordinary file", "name a `.keras` file, or the JSON of a configuration"),
    ("empty.json", "`empty.json` is not JSON", "line 1, column 1: Expecting value"),
    ("list.json", "`list.json` holds no network", "a configuration is what `model.to_json()` gives"),
    (
        "other.json",
        "this is no configuration of Keras: it names no class",
        "a configuration is what `model.to_json()` gives",
    ),
    ("deep.json", "`deep.json` is nested too deep", "no network needs that"),
    ("huge.json", "`huge.json` has more than 16 MB", "a configuration has less"),
    (
        "neither.yaml",
        "`neither.yaml` is no network to import; every command takes a model file as it is",
        "planner import --help",
    ),
    (
        "net",
        f"`net` {NO_NAME}",
        "planner import --help",
    ),
]


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(("source", "message", "help"), BAD, ids=[source.encode().hex()[:24] for source, _, _ in BAD])
def test_a_bad_source_ends_in_a_message(
    folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str, help: str
) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["import", "--input", "8x8x3", "--", source])
    assert result.stderr == f"error: {message.replace('{home}', str(folder))}\n = help: {help}\n"
    assert (result.exit_code, result.stdout) == (2, "")


def test_wrong_ranks_are_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, ["check", "nets.py:Ranks", "--input", "8x3"])
    wanted = "ValueError: not enough values to unpack (expected 4, got 3) (line 31 of nets.py)"
    assert result.stderr == f"error: `Ranks` fails on (11, 3, 8): {wanted}\n = help: {SHAPE}\n"


def test_what_code_prints_is_not_in_the_model_file(folder: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from planner.cli import main; main()",
        "import",
        "prints.py:Net",
        "--input",
        "8x8x3",
    ]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("# Net of nets, imported\n")
    assert "hello" in result.stderr


def test_code_that_never_ends_can_be_stopped(folder: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from planner.cli import main; main()",
        "import",
        "nets.py:Forever",
        "--input",
        "8x8x3",
    ]
    interruptible = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # behind `nohup … &` it is not
    with subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,  # noqa: PLW1509
    ) as process:
        time.sleep(5)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert out == ""
    assert "Traceback" not in error


@pytest.mark.skipif(os.geteuid() == 0, reason="who may do everything may read everything")
@pytest.mark.parametrize("name", ["net.pt2", "net.keras", "net.json"])
def test_a_file_that_may_not_be_read_is_said(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("x")
    path.chmod(0)
    with pytest.raises(NotImported, match="cannot be read"):
        planner.import_model(str(path))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["import", "net.onnx", "--arg", "depth=1"], "`net.onnx` is not called, and takes no arguments (`depth`)"),
        (["plan", "net.pt2", "--arg", "depth=1"], "`net.pt2` is not called, and takes no arguments (`depth`)"),
        (["check", "net.keras", "--arg", "depth=1"], "`net.keras` is not called, and takes no arguments (`depth`)"),
        (["check", "net.onnx", "--scale", "n"], "`net.onnx` has no scale `n`"),
        (["check", "net.yaml", "--arg", "depth=1"], "a model file is not called, and takes no argument `depth`"),
    ],
)
def test_an_option_without_a_meaning_is_refused(command: list[str], message: str) -> None:
    """Before the file is looked for: none of these is there."""
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "leave " in result.stderr


def test_an_example_where_it_means_nothing_is_refused() -> None:
    example = torch.zeros(1, 3, 8, 8)
    for file in ("net.onnx", "net.pt2", "net.keras"):
        with pytest.raises(NotImported, match="is read and not run, and takes no example"):
            planner.import_model(file, example=example)
    module = torch.nn.Conv2d(3, 4, 3)
    with pytest.raises(NotImported, match="is not called"):
        planner.import_model(module, input=(8, 8, 3), arguments={"depth": 1})
    with pytest.raises(NotImported, match="an input and an example"):
        planner.import_model(module, input=(8, 8, 3), example=example)
    with pytest.raises(NotImported, match="`Conv2d` has no scale `n`"):
        planner.check(module, input=(8, 8, 3), scale="n")


@pytest.mark.filterwarnings("ignore")
def test_quantized_layers_are_opaque() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 4))
    quantized = torch.ao.quantization.quantize_dynamic(net, {torch.nn.Linear})  # type: ignore[no-untyped-call]
    text = planner.import_model(quantized, input=(8, 8, 3))
    assert "opaque" in text
