"""The language server: what an editor shows while a model file is written.

    text      a text with lines and columns as editors count them
    document  one version of an open file, with all that is known about it
    desk      the open files, each planned anew when its text has changed
    protocol  the server: messages, open files, findings as they are published
    requests/ the features bound to the Language Server Protocol; besides `protocol`, nothing else knows pygls

Each other file is a feature, a function from a Document to answers in our own terms: `hints`, `findings`, `hover`, …

A new request is a file of `requests/`, found by looking; a feature of some length has a file here beside it.

A transport is not part of it: `language_server()` gives a server of pygls, which reads standard input with `start_io`,
or takes and gives messages one by one with `connected`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.server.desk import Sheet
    from planner.server.protocol import Server

__all__ = ["connected", "language_server"]


def language_server(
    *, told: Callable[[Sheet], None] | None = None, manual: Callable[[str], str | None] | None = None
) -> Server:
    """A language server for one connection. It needs the extra `lsp`.

    told    called with an open file whenever the plan of its newest text is there: `sheet.document` has the report
    manual  the address of the manual's page on a code
    """
    from planner.server.protocol import Server

    return Server(told=told, manual=manual)


def connected(server: Server, send: Callable[[str], object]) -> Callable[[str | bytes], None]:
    """The function that takes the messages of a client one by one, as text of JSON; `send` is given the server's, and
    may return an awaitable. Both run in the thread of the event loop.
    """
    from planner.server.protocol import receiver

    return receiver(server, send)
