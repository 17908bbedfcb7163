"""The language server by the protocol: what a client is told, and when."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest
from lsprotocol import types as lsp

from lsp_client import Client
from lsp_edits import random_change
from planner.server.document import Document
from planner.server.rubbish import PAUSE
from planner.server.text import EditorText

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
FOLDER = Path(__file__).parent
OTHERS = sorted(each for name in ("stories", "libraries", "ultralytics") for each in (FOLDER / name).glob("*.yaml"))
BAD = sorted((FOLDER / "bad").glob("*.yaml"))
WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 10_000, "character": 0}}
URI = "file:///tmp/model.yaml"
DOCUMENT = {"uri": URI}
MODIFIED = -32801
DECLINED = -32803


@pytest.fixture(autouse=True)
def errors_within_plans_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the planner is told to a user as a finding; a test it fails."""
    monkeypatch.setattr("planner.server.document.TOLERATED", ())


def run(session: Coroutine[Any, Any, None]) -> None:
    asyncio.run(session)


def lines_of(text: str) -> list[str]:
    return re.split(r"\r\n|\n|\r", text)


def test_a_file_is_opened_changed_and_closed() -> None:
    async def session() -> None:
        client = Client()
        await client.start()
        client.open(URI, "input: [8, 8, 3]\nlayers:\n  - {type: Conv2d, out_channels: 4, kernel_size: 3, stride: 3}\n")
        hints = await client.ask("textDocument/inlayHint", textDocument=DOCUMENT, range=WHOLE)
        assert [each["label"] for each in hints["result"]] == ["→ 2×2×4 ⚠ loses 2 of 8"]
        (first,) = client.published
        assert first["params"]["version"] == 1
        assert "NSP320" in {each["code"] for each in first["params"]["diagnostics"]}
        at = {"start": {"line": 0, "character": 8}, "end": {"line": 0, "character": 12}}
        client.change(URI, 2, {"range": at, "text": "9, 9"})
        hints = await client.ask("textDocument/inlayHint", textDocument=DOCUMENT, range=WHOLE)
        assert [each["label"] for each in hints["result"]] == ["→ 3×3×4"]
        client.notify("textDocument/didClose", textDocument=DOCUMENT)
        assert [each["params"].get("version") for each in client.published] == [1, 2, None]
        assert client.published[-1]["params"]["diagnostics"] == []

    run(session())


@pytest.mark.parametrize("units", ["utf-8", "utf-16", "utf-32"])
def test_columns_are_counted_as_agreed(units: str) -> None:
    """`縺ー` and `🙂` take three and four bytes, one and two units of UTF-16, and one character each."""
    encoding, width = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[units]

    def columns(text: str) -> int:
        return len(text.encode(encoding)) // width

    async def session() -> None:
        client = Client()
        capabilities = await client.start(general={"positionEncodings": [units]})
        assert capabilities["positionEncoding"] == units
        line = '  - {name: "層🙂", x-note: "🙂🙂", type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2}  # 🙂層'
        text = f"input: [10, 10, 3]\nlayers:\n{line}\n  - {{type: Add, from: ['層🙂', \"層🙂\"]}}\n"
        client.open(URI, text)
        hints = await client.ask("textDocument/inlayHint", textDocument=DOCUMENT, range=WHOLE)
        assert hints["result"][0]["position"] == {"line": 2, "character": columns(line)}
        told = client.published[-1]["params"]["diagnostics"]
        (found,) = [each for each in told if each["range"]["start"]["line"] == 2]
        start, end = found["range"]["start"]["character"], found["range"]["end"]["character"]
        assert (start, end) == (columns(line[: line.index("2}")]), columns(line[: line.index("2}") + 1]))
        at = {"line": 3, "character": columns("  - {type: Add, from: ['層")}
        places = await client.ask(
            "textDocument/references", textDocument=DOCUMENT, position=at, context={"includeDeclaration": True}
        )
        assert len(places["result"]) == 3
        edit = await client.ask("textDocument/rename", textDocument=DOCUMENT, position=at, newName="b🙂")
        after = client.edited(text, edit["result"], columns)
        assert after == text.replace("層🙂", "b🙂", 1).replace("['層🙂', \"層🙂\"]", "['b🙂', \"b🙂\"]")
        end = {"line": 3, "character": at["character"] + columns("🙂")}
        client.change(URI, 2, {"range": {"start": at, "end": end}, "text": ""})
        hover = await client.ask("textDocument/hover", textDocument=DOCUMENT, position={"line": 2, "character": 8})
        assert "error" not in hover
        assert client.server.desk.sheets[URI].text.text == text.replace("['層🙂'", "['層'")

    run(session())


def test_a_library_that_changes_on_disk_is_read_anew(tmp_path: Path) -> None:
    library, model = tmp_path / "own.yaml", tmp_path / "model.yaml"
    block = "blocks:\n  own:\n    layers:\n      - {type: Conv2d, out_channels: 4, kernel_size: %d}\n"
    library.write_text(block % 3)

    async def session() -> None:
        client, document = Client(), {"uri": model.as_uri()}
        await client.start(workspace={"didChangeWatchedFiles": {"dynamicRegistration": True}})
        (asked,) = client.published
        assert asked["params"]["registrations"][0]["method"] == "workspace/didChangeWatchedFiles"
        client.open(model.as_uri(), "use: ./own.yaml\ninput: [9, 9, 3]\nlayers:\n  - {type: own}\n")
        for kernel in (3, 5, 9, 11):
            library.write_text(block % kernel)
            client.notify("workspace/didChangeWatchedFiles", changes=[{"uri": library.as_uri(), "type": 2}])
            hints = await client.ask("textDocument/inlayHint", textDocument=document, range=WHOLE)
            side = 10 - kernel
            shown = [each["label"] for each in hints["result"]]
            assert shown == ([f"→ {side}×{side}×4"] if side > 0 else ["(→ 1×1×4)"])
        (found,) = client.published[-1]["params"]["diagnostics"]
        assert found["range"]["start"]["line"] == 3
        assert found["relatedInformation"][0]["location"]["uri"] == library.as_uri()
        assert found["codeDescription"]["href"].endswith(f"{found['code']}.md")
        page = Path(found["codeDescription"]["href"].removeprefix("file://"))
        await asyncio.get_running_loop().run_in_executor(client.server.desk._beside, lambda: None)
        assert found["code"] in page.read_text(encoding="utf-8")
        definition = await client.ask(
            "textDocument/definition", textDocument=document, position={"line": 3, "character": 13}
        )
        assert definition["result"]["uri"] == library.as_uri()

    run(session())


def test_a_library_that_is_open_counts_as_it_stands_in_the_editor(tmp_path: Path) -> None:
    library, model = tmp_path / "own.yaml", tmp_path / "model.yaml"
    block = "blocks:\n  own:\n    layers:\n      - {type: Conv2d, out_channels: 4, kernel_size: %s}\n"
    document = {"uri": model.as_uri()}
    (tmp_path / "linked").symlink_to(tmp_path)

    async def session() -> None:
        client = Client()
        await client.start()

        async def shown() -> list[str]:
            while True:  # the file is planned anew when its library changes: what was asked meanwhile has passed
                answer = await client.ask("textDocument/inlayHint", textDocument=document, range=WHOLE)
                if "result" in answer:
                    return [each["label"] for each in answer["result"]]

        client.open(model.as_uri(), "use: [./own.yaml]\ninput: [9, 9, 3]\nlayers:\n  - {type: own}\n")
        assert await shown() == []  # there is no library
        unsaved = (tmp_path / "linked" / "own.yaml").as_uri()
        client.open(unsaved, block % 3)
        assert await shown() == ["→ 7×7×4"]
        client.change(unsaved, 2, {"text": block % 5})
        assert await shown() == ["→ 5×5×4"]
        client.change(unsaved, 3, {"text": block % "["})
        assert await shown() == ["(→ 5×5×4)"]
        client.change(unsaved, 4, {"text": block % 7})
        assert await shown() == ["→ 3×3×4"]
        library.write_text(block % 9)
        assert await shown() == ["→ 3×3×4"]
        client.notify("textDocument/didClose", textDocument={"uri": unsaved})
        assert await shown() == ["→ 1×1×4"]  # closed without saving: what the disk has counts

    run(session())


@pytest.mark.parametrize(
    "uri", ["file:///tmp/%00.yaml", "file:///a%2F..%2F..%2Fb", "untitled:1", "", "file:", "file://[::x"]
)
def test_a_file_may_have_any_address(uri: str) -> None:
    async def session() -> None:
        client = Client()
        await client.start()
        client.open(uri, "input: [9, 9, 3]\nlayers:\n  - {type: ReLU}\n")
        found = await client.ask("textDocument/inlayHint", textDocument={"uri": uri}, range=WHOLE)
        assert [each["label"] for each in found["result"]] == ["→ 9×9×3"]

    run(session())


def test_a_text_that_is_too_large_keeps_nobody_waiting() -> None:
    async def session() -> None:
        client = Client()
        await client.start()
        text = "input: [9, 9, 3]\nlayers:\n" + "  - {type: ReLU}\n" * 330_000
        began = time.monotonic()
        client.open(URI, text)
        await everything(client, URI, text, only={0, 2, 200_000})
        (found,) = client.published[-1]["params"]["diagnostics"]
        assert found["code"] == "NSP104"
        assert time.monotonic() - began < 20
        client.change(URI, 2, {"text": "input: [9, 9, 3]\nlayers:\n  - {type: ReLU}\n"})
        hints = await client.ask("textDocument/inlayHint", textDocument=DOCUMENT, range=WHOLE)
        assert [each["label"] for each in hints["result"]] == ["→ 9×9×3"]

    run(session())


def test_a_finding_names_the_layers_that_cause_it() -> None:
    async def session() -> None:
        client = Client()
        await client.start()
        a, b = (
            f"{{name: {name}, type: Conv2d, out_channels: {channels}, kernel_size: 1, from: input}}"
            for name, channels in (("a", 3), ("b", 4))
        )
        client.open(URI, f"input: [9, 9, 3]\nlayers:\n  - {a}\n  - {b}\n  - {{type: Add, from: [a, b]}}\n")
        await client.ask("textDocument/hover", textDocument=DOCUMENT, position={"line": 0, "character": 0})
        (found,) = client.published[-1]["params"]["diagnostics"]
        lines = {each["location"]["range"]["start"]["line"] for each in found["relatedInformation"]}
        assert lines == {2, 3}

    run(session())


def test_what_is_no_message_is_refused() -> None:
    async def session() -> None:
        client = Client()
        await client.start()
        for message in (
            "{",
            "[]",
            "3",
            '{"jsonrpc": "1.0"}',
            b"\xff",
            '{"jsonrpc": "2.0", "method": "textDocument/didOpen"}',
        ):
            client.receive(message)
        answer = await client.ask("textDocument/hover", position=3)
        assert answer["error"]["code"] == -32602
        answer = await client.ask("textDocument/hover", textDocument=DOCUMENT, position={"line": 0, "character": 0})
        assert answer["error"]["code"] == MODIFIED
        client.open(URI, "layers: [{type: ReLU}]\ninput: [3, 3, 3]\n")
        answer = await client.ask("textDocument/hover", textDocument=DOCUMENT, position={"line": 0, "character": 12})
        assert "ReLU" in answer["result"]["contents"]["value"]

    run(session())


def requests(client: Client) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every request about a file that the server has bound, with what is given beside the file; None is a place."""
    for method in client.server.protocol.fm.features:
        params: Any
        _, answer, params, _ = lsp.METHOD_TO_TYPES[method]
        names = attrs.fields_dict(params) if answer is not None and params is not None else {}
        if "text_document" in names:
            yield method, {camel(name): GIVEN[name] for name in names if name in GIVEN}


def camel(name: str) -> str:
    """A name as the protocol has it: `newName`."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


GIVEN: dict[str, Any] = {
    "position": None,
    "positions": [None],
    "range": WHOLE,
    "context": {"diagnostics": [], "includeDeclaration": False, "triggerKind": 1, "isRetrigger": False},
    "new_name": "zz",
}
"""What requests want beside the file, by its name."""


async def everything(client: Client, uri: str, text: str, only: set[int] | None = None) -> None:
    """Every request that the server has bound, at every line where it is about a place; none may end in an error but
    that something cannot be renamed.
    """
    everywhere: list[tuple[str, dict[str, Any]]] = []
    placed: list[tuple[str, dict[str, Any]]] = []
    for method, given in requests(client):
        (placed if {"position", "positions"} & given.keys() else everywhere).append((method, given))
    assert {"textDocument/inlayHint", "textDocument/codeAction"} <= {method for method, _ in everywhere}
    assert {"textDocument/hover", "textDocument/rename"} <= {method for method, _ in placed}
    for method, given in everywhere:
        answer = await client.ask(method, textDocument={"uri": uri}, **given)
        assert "error" not in answer, (method, answer)
        if method == "textDocument/documentSymbol":
            check_symbols(answer["result"])
    for number, line in enumerate(lines_of(text)):
        if only is not None and number not in only:
            continue
        middle = (len(line) + 2 * len(re.match(r"\W*", line)[0])) // 3  # type: ignore[index]
        at = {"line": number, "character": middle}
        for method, given in placed:
            if method == "textDocument/rename" and number % 7:
                continue  # each is planned
            there = {"position": at} if "position" in given else {"positions": [at]}
            answer = await client.ask(method, textDocument={"uri": uri}, **given | there)
            assert answer.get("error", {}).get("code") in (None, DECLINED), (method, number, answer)


def check_symbols(found: list[dict[str, Any]]) -> None:
    """As the protocol wants it: each has a name, and its chosen range lies within its whole."""

    def place(each: dict[str, int]) -> tuple[int, int]:
        return each["line"], each["character"]

    for each in found:
        whole, chosen = each["range"], each["selectionRange"]
        assert each["name"]
        assert place(whole["start"]) <= place(chosen["start"]) <= place(chosen["end"]) <= place(whole["end"]), each
        check_symbols(each.get("children", []))


def ask_everything(path: Path, share: int = 1) -> None:
    async def session() -> None:
        client, text = Client(), path.read_bytes().decode("utf-8", "replace")
        await client.start()
        client.open(path.as_uri(), text)
        only = None if share == 1 else {*range(len(path.name) % share, 10_000, share)}
        await everything(client, path.as_uri(), text, only)
        codes = {each["code"] for each in client.published[0]["params"]["diagnostics"]}
        assert "NSP900" not in codes

    run(session())


SAMPLE = {"resnet50.yaml", "gpt2.yaml", "yolov8n.yaml", "wavenet.yaml"}


@pytest.mark.parametrize("path", [each for each in CONFIGS if each.name in SAMPLE], ids=lambda path: path.stem)
def test_every_request_is_answered(path: Path) -> None:
    ask_everything(path, share=8)


@pytest.mark.long
@pytest.mark.parametrize("path", [*CONFIGS, *OTHERS, *BAD], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_request_is_answered_at_every_line(path: Path) -> None:
    ask_everything(path)


def test_every_request_is_answered_in_stories() -> None:
    for path in OTHERS[::9]:
        ask_everything(path, share=5)


# While it is typed

ASKED = ("inlayHint", "hover", "completion", "codeAction", "semanticTokens/full", "signatureHelp", "codeLens", "rename")


async def typed(client: Client, path: Path, seed: int, count: int) -> None:
    """Random edits of a file, with requests between that nobody waits for; now and then a pause, and the file anew."""
    random, text = Random(seed), path.read_text(encoding="utf-8")
    uri, original, version = f"{path.as_uri()}?{seed}", text, 1
    client.open(uri, text)
    client.latest[uri] = 1
    asked: list[asyncio.Task[Any]] = []
    for number in range(count):
        change, text = random_change(random, text)
        changes = [change]
        if random.random() < 0.1 or len(text) > 2 * len(original):
            changes, text = [*changes, {"text": original}], original
        version += 1
        client.latest[uri] = version
        client.change(uri, version, *changes)
        if random.random() < 0.5:
            place = {"line": random.randint(0, 60), "character": random.randint(0, 60)}
            method, more = random.choice(ASKED), {"position": place, "range": WHOLE, "newName": "q"}
            if method == "codeAction":
                more["context"] = {"diagnostics": [], "triggerKind": 2}
            request = client.ask(f"textDocument/{method}", textDocument={"uri": uri}, **more)
            asked.append(asyncio.create_task(request))
        if number % 20 == 0:
            await asyncio.sleep(random.choice((0, 0.001, 0.02)))
    for answer in await asyncio.gather(*asked):
        assert answer.get("error", {}).get("code") in (None, MODIFIED, DECLINED), answer
    assert "error" not in await client.ask("textDocument/inlayHint", textDocument={"uri": uri}, range=WHOLE)
    sheet = client.server.desk.sheets[uri]
    assert sheet.text.text == text
    assert sheet.document is not None
    alone = Document(EditorText(text), 1, sheet.file)
    assert sheet.document.report.to_dict() == alone.report.to_dict()
    client.notify("textDocument/didClose", textDocument={"uri": uri})


@pytest.mark.parametrize("name", ["lenet5", "unet", "yolov8n", "gpt2"])
def test_random_edits(name: str, request: pytest.FixtureRequest) -> None:
    """No crash, nothing about a version that has passed, and the same report as without what is handed on."""
    count = 2500 if request.config.getoption("long") else 100
    path = next(each for each in CONFIGS if each.stem == name)

    async def session() -> None:
        client = Client()
        await client.start()
        for seed in range(max(count // 100, 1)):
            await typed(client, path, seed, min(count, 100))
        assert sum(each["method"] == "textDocument/publishDiagnostics" for each in client.published) > 3
        assert not client.late

    run(session())


# As a process of its own


class Process:
    """`planner lsp` as an editor starts it."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", "from planner.cli import main; main()", "lsp", "--stdio"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def send(self, method: str, number: int | None = None, **params: Any) -> None:
        about = {} if number is None else {"id": number}
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, **about}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def take(self) -> dict[str, Any]:
        """The next message."""
        assert self.process.stdout is not None
        size = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length"):
                size = int(line.split(b":")[1])
        found: dict[str, Any] = json.loads(self.process.stdout.read(size))
        return found

    def until(self, number: int) -> dict[str, Any]:
        """The answer with this number; what is published before it is passed over."""
        while (found := self.take()).get("id") != number:
            pass
        return found

    def memory(self) -> int:
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])


def serve(name: str, count: int) -> list[int]:
    """The memory of the process while a number is changed again and again."""
    path = next(each for each in CONFIGS if each.stem == name)
    text, server, found = path.read_text(encoding="utf-8"), Process(), []
    server.send("initialize", 0, processId=None, rootUri=None, capabilities={})
    assert server.until(0)["result"]["serverInfo"]["name"] == "shape-planner"
    server.send("textDocument/hover", -1, textDocument={"uri": ""}, position={"line": -1, "character": 0})
    assert server.until(-1)["error"]["code"] == -32602
    document = {"uri": path.as_uri(), "version": 0}
    server.send("textDocument/didOpen", textDocument={**document, "languageId": "yaml", "text": text})
    line = next(i for i, each in enumerate(text.splitlines()) if "kernel_size: " in each)
    column = text.splitlines()[line].index("kernel_size: ") + len("kernel_size: ")
    place = {"start": {"line": line, "character": column}, "end": {"line": line, "character": column + 1}}
    for number in range(1, count + 1):
        change = {"range": place, "text": str(3 + number % 5)}
        server.send("textDocument/didChange", textDocument={**document, "version": number}, contentChanges=[change])
        server.send("textDocument/inlayHint", number, textDocument=document, range=WHOLE)
        assert server.until(number)["result"]
        if number % max(count // 10, 1) == 0 and Path("/proc/self/statm").exists():
            time.sleep(PAUSE + 0.2)
            found.append(server.memory())
    server.send("shutdown", count + 1)
    server.until(count + 1)
    server.send("exit")
    assert server.process.wait(20) == 0
    for stream in (server.process.stdin, server.process.stdout):
        assert stream is not None
        stream.close()
    return found


def test_the_command_serves_and_ends() -> None:
    serve("lenet5", 10)


@pytest.mark.long
def test_memory_stays_what_it_is() -> None:
    """Over ten thousand changes; when what is handed on from version to version has grown as far as it may, no more
    comes to it.
    """
    found = serve("lenet5", 10_000)
    assert found[-1] < 1.05 * found[3]


def test_without_its_extra_the_command_says_what_to_install() -> None:
    code = "import sys; sys.modules['lsprotocol'] = None; from planner.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", code, "lsp"], capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    said = "error: `planner lsp` needs the package lsprotocol, which is not installed"
    assert ended.stderr == f"{said}\n = help: pip install 'shape-planner[lsp]'\n"
