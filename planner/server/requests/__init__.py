"""What a client asks about a file, bound to the functions that answer in our own terms: a file for requests of a kind,
found by looking.

The function `bind(server)` of a file says which requests it answers. A new request is a new file, which may hold what
answers it too where that is short.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from planner.server.protocol import Server


def bind_all(server: Server) -> None:
    """Bind every request that there is a file for."""
    for each in iter_modules(__path__):
        import_module(f"{__name__}.{each.name}").bind(server)
