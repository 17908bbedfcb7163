from collections.abc import Mapping, Sequence
from typing import Self

from planner.diagnostics import Edit, Fault
from planner.faults.unreadable_file import UnreadableFile


class UnusableLibrary(Fault):
    """`use` names a library of blocks that is not there, or that may not be used.

    A library comes with the planner, and is named by a word, as `residual`; or it is a file beside the model file, or
    in a folder below it, and its name begins with `./`. Addresses, absolute paths and files outside of that folder are
    never read. A library has blocks, and no layers or input of its own. No library uses itself, whatever the way.

    Why it matters: the blocks are not known, so that layers of their type cannot be planned.

    When to ignore it: never.

    How to fix it: take the suggested name, or put the file beside the model file. `planner explain` lists the libraries
    that come with the planner.
    """

    code = "NSP119"
    slip = "word"
    bad = """
        use: residul  # NSP119
        input: [32, 32, 64]
        layers:
          - {type: basic, width: 64}
        """
    fixed = """
        use: residual
        input: [32, 32, 64]
        layers:
          - {type: basic, width: 64}
        """
    good = fixed

    @classmethod
    def unknown(cls, name: str, shipped: Sequence[str], near: Sequence[str]) -> Self:
        return cls(
            f"there is no library `{name}`",
            label="no library of this name comes with the planner",
            help=f"did you mean `{near[0]}`?"
            if near
            else f"there are: {', '.join(shipped)}; a file is written as `./{name}.yaml`",
            mends=[(Edit((), each),) for each in near],
        )

    @classmethod
    def without_dot(cls, name: str) -> Self:
        name = name.replace("\\", "/")
        return cls(
            f"there is no library `{name}`",
            label="the name of a file begins with `./`",
            help=f"write `./{name}`, which is looked for beside this file",
            mends=[(Edit((), f"./{name}"),)],
        )

    @classmethod
    def unreadable(
        cls, fault: UnreadableFile, said: Mapping[str, str], beside: Sequence[str], near: Sequence[str]
    ) -> Self:
        """A file that cannot be read.

        said    what the model file calls the paths that the fault names
        beside  the files of its folder, and `near` those of them that have nearly its name
        """
        message, label = fault.message, fault.label
        for path, name in said.items():
            message, label = message.replace(f"`{path}`", f"`{name}`"), label.replace(f"`{path}`", f"`{name}`")
        there = ", ".join(f"`{each}`" for each in beside[:5]) + (", …" if len(beside) > 5 else "")
        return cls(
            f"the library cannot be read: {message}",
            label=label,
            help=f"did you mean `{near[0]}`?"
            if near
            else f"there are: {there}"
            if there
            else "name a file with `blocks:`, by its path from this file's folder",
            mends=[(Edit((), each),) for each in near],
        )

    @classmethod
    def outside(cls, name: str) -> Self:
        return cls(
            f"the library `{name}` lies outside of the model file's folder",
            label="only files in this folder and below it are read",
            help="put a copy of it beside the model file, and name it as `./blocks.yaml`",
        )

    @classmethod
    def address(cls) -> Self:
        return cls(
            "a library is not read from an address",
            label="nothing is fetched: a model file means the same today and tomorrow",
            help="put a copy of it beside the model file, and name it as `./blocks.yaml`",
        )

    @classmethod
    def beside_nothing(cls, name: str) -> Self:
        return cls(
            f"the library `{name}` stands beside no file",
            label="this model is not read from a file, and so has no folder",
            help="write the model into a file, or the blocks under `blocks:`",
        )

    @classmethod
    def a_model(cls, name: str, key: str) -> Self:
        """A library with a key that only model files have."""
        return cls(
            f"the library `{name}` is a model file",
            label=f"a library has blocks, and no `{key}`",
            help="move its blocks to a file with `blocks:` alone, which both can use",
            key=key,
            at_key=True,
        )

    @classmethod
    def cyclic(cls, names: Sequence[str]) -> Self:
        """Libraries that use one another: the last name is the first once more."""
        return cls(
            "libraries use one another in a circle" if len(names) > 2 else "the library uses itself",
            label=" uses ".join(f"`{each}`" for each in names[:6]),
            help="leave this one out, or move what both need to a third file",
        )

    @classmethod
    def too_many(cls, most: int) -> Self:
        return cls(
            f"more than {most} libraries are used",
            label="those of libraries count too",
            help="put blocks that belong together into one file",
        )
