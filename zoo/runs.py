"""Measures networks, each in a process of its own with a limit of time and memory, and keeps what was found."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from zoo.networks import Network

RESULTS = Path(__file__).with_name("results.jsonl")
SECONDS = 600
"""How much time of a processor a network may take."""
BYTES = 12 << 30
"""How much memory it may use."""
TOGETHER = len(os.sched_getaffinity(0))
"""How many are measured at the same time."""


def kept() -> dict[str, dict[str, Any]]:
    """What is known of the networks, by their keys."""
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    return {each["network"]: each for each in map(json.loads, lines)}


def keep(results: dict[str, dict[str, Any]]) -> None:
    lines = (json.dumps(each, ensure_ascii=False) for _, each in sorted(results.items()))
    RESULTS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def measure(networks: Iterable[Network]) -> None:
    """Measure networks whose packages are installed, and keep what is found of each as soon as it is there."""
    results = kept()
    chosen = [each for each in networks if find_spec(each.package) is not None]
    context = get_context("forkserver")
    context.set_forkserver_preload(["zoo.preloaded", *dict.fromkeys(each.package for each in chosen)])
    with ThreadPoolExecutor(TOGETHER) as pool:
        for task in as_completed([pool.submit(_alone, each) for each in chosen]):
            found = task.result()
            results[found["network"]] = found
            keep(results)
            print(f"{found['network']}: {_said(found)}", flush=True)


def _said(found: dict[str, Any]) -> str:
    why = found.get("failed") or found["why_not"]
    return f"{why or 'exact'}; on a larger input: {found['larger']}" if "larger" in found else why


def _alone(network: Network) -> dict[str, Any]:
    """What is found of a network in a process of its own."""
    context = get_context("forkserver")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(network, theirs))
    process.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError:
        found = {"failed": f"takes more than {SECONDS} s, or its process ended"}
    process.join()
    about = {"network": network.key, "input": list(network.input)}
    return {**about, "version": version(network.package.replace("_", "-")), **found}


def _send(network: Network, to: Connection) -> None:
    """Measure a network within the limits, quietly, and send what is found."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    from zoo.measuring import measured

    try:
        with (
            Path(os.devnull).open("w", encoding="utf-8") as nowhere,
            redirect_stdout(nowhere),
            redirect_stderr(nowhere),
        ):
            found = measured(network)
        to.send(found)
    except MemoryError:
        to.send({"failed": f"needs more than {BYTES >> 30} GiB"})
    except Exception as error:  # noqa: BLE001 - a network that cannot be imported is a result too
        said = [f"{type(error).__name__}: {error}", getattr(error, "label", "")]
        to.send({"failed": ", ".join(filter(None, said))[:300]})
