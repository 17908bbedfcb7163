from typing import ClassVar, Self

from planner.diagnostics import did_you_mean
from planner.faults._in_text import LONGEST_PATH, InText, shown


class UnreadableFile(InText):
    """A model file that cannot be read as text: it is not there, is a folder, may not be opened, or is not UTF-8 text.

    Why it matters: there is nothing to plan.

    When to ignore it: never.

    How to fix it: name a YAML file, and save it as UTF-8, as every editor can. UTF-16 with its byte order mark is read
    too.
    """

    code = "NSP101"
    shown_by: ClassVar[str] = "the path of a file that does not exist"

    @classmethod
    def missing(cls, file: str, beside: list[str]) -> Self:
        """No such file in its folder, whose model files are `beside`."""
        folder, slash, name = file.rpartition("/")
        there = ", ".join(f"`{shown(each)}`" for each in beside[:5]) + (", …" if len(beside) > 5 else "")
        return cls(
            f"there is no file `{shown(file, LONGEST_PATH)}`",
            label=f"the folder has {there}" if beside else "the folder has no YAML file",
            help=did_you_mean(name, beside).replace("`", f"`{folder}{slash}", 1) or "name a file that is there",
        )

    @classmethod
    def dangling(cls, file: str, target: str) -> Self:
        return cls(
            f"there is no file `{shown(file, LONGEST_PATH)}`",
            label=f"it is a link to `{shown(target, LONGEST_PATH)}`, which is not there",
            help="correct the link, or name a file that is there",
        )

    @classmethod
    def no_folder(cls, file: str, folder: str) -> Self:
        return cls(
            f"there is no file `{shown(file, LONGEST_PATH)}`",
            label=f"there is no folder `{shown(folder, LONGEST_PATH)}`",
            help="check the path, and the folder you are in",
        )

    @classmethod
    def folder(cls, file: str, inside: list[str]) -> Self:
        example = f", such as `{shown(file.rstrip('/'))}/{shown(inside[0])}`" if inside else ""
        return cls(f"`{shown(file, LONGEST_PATH)}` is a folder", help=f"name a YAML file in it{example}")

    @classmethod
    def not_a_file(cls, file: str, what: str) -> Self:
        return cls(f"`{shown(file, LONGEST_PATH)}` is {what}", help="name a YAML file")

    @classmethod
    def forbidden(cls, file: str, folder: str | None = None) -> Self:
        """No permission for the file or, where it is given, for a folder on the way to it."""
        shut = shown(folder or file, LONGEST_PATH)
        return cls(
            f"`{shown(file, LONGEST_PATH)}` may not be read",
            label=f"the folder `{shut}` may not be entered" if folder else "",
            help=f"ask its owner, or run: chmod {'+x' if folder else '+r'} {shut}",
        )

    @classmethod
    def refused(cls, file: str, reason: str) -> Self:
        return cls(f"`{shown(file, LONGEST_PATH)}` cannot be opened", label=reason, help="check the path")

    @classmethod
    def binary(cls, position: int) -> Self:
        return cls(
            "this is not a text file",
            label=f"there is a zero byte after {position:,} byte{'' if position == 1 else 's'}",
            help="name a YAML file; model files are text in UTF-8",
        )

    @classmethod
    def encoding(cls, encoding: str, byte: int, start: int) -> Self:
        return cls(
            f"this is not {encoding} text",
            label=f"byte 0x{byte:02X} means nothing here",
            help="save the file as UTF-8",
            start=start,
        )
