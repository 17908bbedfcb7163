"""The addresses of the page, and who may ask for them.

Only the machine itself is listened to. A random token stands in the path, so that other users and pages cannot guess
it. A page elsewhere that makes its own name mean this machine fails at the Host, and one that connects from elsewhere
at the Origin.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from planner.outputs.report import html
from planner.server.live.disk import ModelFile
from planner.server.live.tab import Tab
from planner.server.live.worker import Worker

HOST = "127.0.0.1"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
SCREEN_WIDTH = 100


def serve(file: ModelFile, port: int, ready: Callable[[str], None]) -> None:
    """Serve the page of a file until the run is interrupted; `ready` is told its address. Raises OSError where the port
    is taken.
    """
    logging.getLogger("pygls").setLevel(logging.CRITICAL)  # that a text has passed is an error to it
    token = secrets.token_urlsafe(16)
    with socket.socket() as listening, suppress(KeyboardInterrupt):
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen()  # whoever reads the address may ask at once
        port = listening.getsockname()[1]
        ready(f"http://{HOST}:{port}/{token}/")
        server_of(file, port, token).run(sockets=[listening])


def server_of(file: ModelFile, port: int, token: str) -> uvicorn.Server:
    """The server of a file's page, for a socket that is bound to the port."""
    config = uvicorn.Config(
        _Guard(_site(file, port, token), port),
        log_level="error",
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _site(file: ModelFile, port: int, token: str) -> Starlette:
    worker = Worker()

    @asynccontextmanager
    async def life(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.get_running_loop().create_task(file.watch())
        yield
        watching.cancel()
        await worker.stop()

    async def page(request: Request) -> Response:
        return _response(html.page(_own("page.html"), {}), "text/html", request)

    async def script(request: Request) -> Response:
        return _response(html.part("parts.js"), "text/javascript", request)

    async def bundle(request: Request) -> Response:
        return _response(_own("built", "live.js"), "text/javascript", request)

    async def style(request: Request) -> Response:
        return _response(html.part("page.css") + html.colours() + _own("page.css"), "text/css", request)

    async def manual(request: Request) -> Response:
        from planner.manual import page
        from planner.outputs._screen import Screen

        text = page(request.path_params["name"], Screen(SCREEN_WIDTH))
        return PlainTextResponse(text or "there is no such page", 200 if text else 404, HEADERS)

    async def connected(websocket: WebSocket) -> None:
        await websocket.accept()
        tab = Tab(file, worker, lambda code: f"http://{HOST}:{port}/{token}/explain/{code}")
        sending = asyncio.get_running_loop().create_task(_send(websocket, tab))
        try:
            while (message := await _text(websocket)) is not None:
                tab.receive(message)
        finally:
            sending.cancel()
            tab.close()

    routes = [
        Route(f"/{token}/", page),
        Route(f"/{token}/parts.js", script),
        Route(f"/{token}/live.js", bundle),
        Route(f"/{token}/page.css", style),
        Route(f"/{token}/explain/{{name}}", manual),
        WebSocketRoute(f"/{token}/talk", connected),
    ]
    return Starlette(routes=routes, lifespan=life)


async def _text(websocket: WebSocket) -> str | None:
    """The next message of a page; None where it has gone away, or sends bytes as no page does."""
    with suppress(WebSocketDisconnect, KeyError):
        return await websocket.receive_text()
    return None


async def _send(websocket: WebSocket, tab: Tab) -> None:
    with suppress(WebSocketDisconnect, RuntimeError):  # the page has gone away
        while True:
            await websocket.send_text(await tab.out.get())


def _own(*names: str) -> str:
    return files(__package__).joinpath("page", *names).read_text(encoding="utf-8")


def _response(text: str, kind: str, request: Request) -> Response:
    policy = {"Content-Security-Policy": POLICY.format(host=request.headers["host"])}
    return Response(text, media_type=kind, headers={**HEADERS, **policy})


class _Guard:
    """Refuses whoever does not ask by this machine's own name, or from a page of another origin."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not self._known(scope):
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await PlainTextResponse("forbidden\n", 403, HEADERS)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _known(self, scope: Scope) -> bool:
        asked = HTTPConnection(scope)
        host, origin = asked.headers.get("host", ""), asked.headers.get("origin")
        if host not in self.hosts:
            return False
        if origin is None:
            return bool(scope["type"] == "http")
        return bool(origin == f"http://{host}")
