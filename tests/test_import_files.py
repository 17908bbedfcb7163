"""What all front ends that read files have in common, by the endings that they state: what is no network is refused
with the reason, and never an internal error.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from planner.cli import main
from planner.faults.not_imported import NotImported
from planner.inputs import FILES, FOREIGN, imported, is_source

NO_NETWORKS = {
    "nothing": b"",
    "bytes": bytes(range(256)) * 9,
    "words": b"no network at all\n",
    "a list": b"[1, 2]\n",
    "braces": b'{"config": {"layers": [3]}, "class_name": 7}',
    "a section": b"[net]\nheight=x\n[net]\nwidth=-1\n=\n",
    "an archive": b"PK\x05\x06" + bytes(18),
}
every_ending = pytest.mark.parametrize("ending", FILES)


def test_each_ending_has_one_meaning() -> None:
    assert not FILES.keys() & {each for some in FOREIGN for each in some}
    assert {".keras", ".json", ".onnx", ".pt2"} <= FILES.keys()


@every_ending
@pytest.mark.parametrize("what", NO_NETWORKS)
def test_what_is_no_network_is_refused(ending: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / f"net{ending}"
    file.write_bytes(NO_NETWORKS[what])
    assert is_source(str(file))
    with pytest.raises(NotImported) as refused:
        imported(str(file))
    assert refused.value.headline.isprintable()
    result = CliRunner().invoke(main, ["plan", str(file)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ")


@every_ending
def test_what_is_not_there_is_named(ending: str, tmp_path: Path) -> None:
    folder = tmp_path / f"folder{ending}"
    folder.mkdir()
    for path in (tmp_path / f"missing{ending}", folder):
        with pytest.raises(NotImported, match=path.stem):
            imported(str(path))
