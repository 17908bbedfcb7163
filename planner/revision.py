"""Files as they were at a revision of git, read from its store: the files that stand there now are not touched.

Only the command line calls this. Of git it uses what runs nothing that a repository configures.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from shutil import which

from planner.faults._in_text import shown
from planner.faults.too_large import TooLarge
from planner.faults.unreadable_file import UnreadableFile
from planner.source import MOST_BYTES, Source, parse

SECONDS = 60
"""What git may take for an answer; it may have to fetch what a clone has left out."""


class NotThere(Exception):
    """A revision, or a file in it, that cannot be read; the text says why, `help` what to do."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


class Commit:
    """A commit, by a name that git knows, in the repository that a file stands in."""

    def __init__(self, name: str, file: str) -> None:
        """Raises NotThere where there is no git, no repository, or no such commit."""
        self.name = name
        self.program = which("git")
        if self.program is None:
            raise NotThere("git, which knows what files were like, is not on the PATH", f"install git, or {TWO_FILES}")
        folder = _standing(Path(file).parent)
        if self._git(folder, "rev-parse", "--git-dir") is None:
            where = shown(str(folder.resolve()))
            raise NotThere(f"`{where}` is in no repository of git that may be read: {self.said}", TWO_FILES)
        commit = None if name.startswith("-") else self._git(folder, "rev-parse", "--verify", f"{name}^{{commit}}")
        if commit is None:
            help = (
                "`git log --oneline` and `git branch --all` list what there is; a shallow clone has to fetch it first"
            )
            raise NotThere(f"there is no revision `{shown(name)}` in the repository", help)
        self.commit = commit.decode().strip()

    def source(self, file: str) -> Source:
        """A model file as it was, with the libraries beside it as they were. Raises NotThere, or the fault in it."""
        content = self.content(file)
        source = parse(content, file)
        source.shelf.content = self._library
        return source

    def content(self, file: str) -> bytes:
        """The bytes of a file as it was."""
        folder = _standing(Path(file).parent)
        path = os.path.relpath(file, folder)
        listed = self._git(folder, "ls-tree", "-z", "-l", self.commit, "--", path)
        if not listed:
            help = f"had it another name then? `planner diff --git {shown(self.name)} OLD NEW` takes both"
            raise NotThere(f"`{shown(file)}` is not in `{shown(self.name)}`", help)
        mode, kind, blob, size = listed.split(b"\t")[0].decode().split()
        if kind != "blob":
            raise NotThere(f"`{shown(file)}` is a folder in `{shown(self.name)}`", "name a file in it")
        if int(size) > MOST_BYTES:
            raise TooLarge.file(file, int(size), MOST_BYTES)
        found = self._git(folder, "cat-file", "blob", blob)
        if found is None:
            raise NotThere(
                f"git cannot read `{shown(file)}` in `{shown(self.name)}`: {self.said}", "`git fsck` says why"
            )
        if mode == "120000":
            target = shown(found.decode("utf-8", "replace"))
            raise NotThere(f"`{shown(file)}` is a link in `{shown(self.name)}`, to `{target}`", "name the file itself")
        return found

    def _library(self, file: str) -> bytes:
        try:
            return self.content(file)
        except NotThere as error:
            raise UnreadableFile(str(error), help=error.help) from None

    def _git(self, folder: Path, *arguments: str) -> bytes | None:
        """What git answers; None where it refuses, and `said` is why."""
        assert self.program is not None
        environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
        command = [self.program, "--no-pager", "--literal-pathspecs", "-C", str(folder), *arguments]
        self.said = "git does not answer"
        try:
            done = subprocess.run(command, capture_output=True, env=environment, timeout=SECONDS, check=False)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            self.said = shown(said[0].removeprefix("fatal: ")) if said else self.said
            return None
        return done.stdout


TWO_FILES = "compare two files: `planner diff OLD NEW`"


def _standing(folder: Path) -> Path:
    """The innermost folder on a path that stands there now."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder
