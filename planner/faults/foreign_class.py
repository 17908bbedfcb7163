from __future__ import annotations

from typing import ClassVar

from planner.diagnostics import Fault, Path


class ForeignClass(Fault):
    """A model with a class of your own was to be run: `planner code --verify` and `planner.build` run the code that is
    written for a model, and that would import the class.

    Why it matters: the planner does not run what a model file names. It cannot tell, either, whether the class does
    what the file says of it.

    When to ignore it: always; the plan and the code stand, as far as what is declared is right.

    How to fix it: write the code to a file, and run that yourself: `planner code model.yaml -o model.py`. Written with
    `--asserts`, it checks the shapes that you have declared.
    """

    code = "NSP507"
    shown_by: ClassVar[str] = "planner.build, on a model with a `Custom` layer"

    def __init__(self, step: str, foreign: str, path: Path) -> None:
        super().__init__(
            f"`{step}` is a class of your own, and is not run",
            label=f"the code would import `{foreign}`",
            help="write the code with `planner code`, and run it yourself",
            key=path,
        )
