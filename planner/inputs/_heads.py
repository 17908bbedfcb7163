"""What the head of an imported file says of the sizes that it holds for: the sentences, and whether it has any."""

from __future__ import annotations

from itertools import takewhile

IMPORTED = ", imported"
OF_THIS_INPUT = "Sizes that follow from the input's are those at this input."
FROM = "It takes inputs from"
AT_MOST_SIZES = "This is what it does at most sizes"
BOUNDED = "The program takes"


def holds_at_other_sizes(text: str) -> bool:
    """Whether an imported text has been compared with its network at other sizes, and its head says nothing against
    them. A configuration is read as it stands, and has no such head.
    """
    first, *head = [*takewhile(lambda line: line.startswith("# "), text.splitlines())] or [""]
    against = (OF_THIS_INPUT, FROM, AT_MOST_SIZES, BOUNDED)
    return first.endswith(IMPORTED) and not any(line[2:].startswith(against) for line in head)
