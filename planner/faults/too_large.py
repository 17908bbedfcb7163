from typing import Self

from planner.faults._in_text import InText, shown

MEGABYTE = 1 << 20


class TooLarge(InText):
    """A file larger than any model needs: more than 16 MB, mappings and lists more than 100 deep, or more than
    2,000,000 values when every alias is written out.

    Why it matters: aliases of aliases can make a page of text stand for more than any memory holds, and a file as deep
    or as long as this is most often not a model file.

    When to ignore it: never. A network of a million layers is a few lines with blocks and `repeat`.

    How to fix it: write repeated parts as a block, and call it.
    """

    code = "NSP104"
    bad = """
        input: [28, 28, 1]
        layers: [{type: ReLU}]
        x-a: &a [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
        x-b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
        x-c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
        x-d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
        x-e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]
        x-f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]
        x-g: [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]  # NSP104
        """
    good = """
        input: [28, 28, 1]
        layers:
          - {type: pair, repeat: 1000}
        blocks:
          pair:
            layers:
              - {type: ReLU}
              - {type: Dropout}
        """

    @classmethod
    def file(cls, name: str | None, size: int, most: int) -> Self:
        return cls(
            f"`{shown(name)}` is too large" if name else "the text is too large",
            label=f"{size / MEGABYTE:,.1f} MB; a model file has at most {most / MEGABYTE:.0f} MB",
            help="write repeated parts as a block, and call it with `repeat`",
        )

    @classmethod
    def typed(cls, size: int, most: int) -> Self:
        return cls(
            "the text is too large to be planned while it is typed",
            label=f"{size / MEGABYTE:,.1f} MB; up to {most / MEGABYTE:.0f} MB is planned in an editor",
            help="write repeated parts as a block, and call it with `repeat`; `planner check` plans larger files",
        )

    @classmethod
    def nesting(cls, deepest: int, start: int | None = None) -> Self:
        return cls(
            f"mappings and lists are nested more than {deepest} deep",
            label="this one is too deep",
            help="a model file nests a few levels; write deeper parts as blocks",
            start=start,
        )

    @classmethod
    def expansion(cls, most: int, start: int | None = None) -> Self:
        return cls(
            f"the file stands for more than {most:,} values",
            label=f"the values up to here are more than {most:,}, with aliases written out",
            help="write repeated parts as a block, and call it with `repeat`",
            start=start,
        )
