"""The web application: one page that shows the running store, fed over one WebSocket."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from walkout.analytics.live import LiveState

STATIC = Path(__file__).parent / "static"
UPDATE_PERIOD_S = 0.1


def create_app(live: LiveState) -> FastAPI:
    """Return the application that shows ``live``."""
    app = FastAPI(title="Walkout", docs_url="/api/docs", openapi_url="/api/openapi.json")

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @app.get("/api/carts")
    def carts() -> JSONResponse:
        """The carts on show."""
        return JSONResponse(live.newest("carts").get("all", []))

    @app.get("/api/receipts")
    def receipts() -> JSONResponse:
        """The newest receipts, latest first."""
        found = sorted(live.newest("receipt").values(), key=lambda receipt: -receipt["stamp_s"])
        return JSONResponse(found)

    @app.get("/api/status")
    def status() -> JSONResponse:
        """What every node says of itself."""
        return JSONResponse(live.newest("status"))

    @app.get("/api/cameras/{camera_id}.jpg")
    def camera(camera_id: str) -> Response:
        """The newest preview picture of a camera."""
        picture = live.newest("picture").get(camera_id)
        if picture is None:
            raise HTTPException(404, f"no picture of camera {camera_id!r}")
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @app.websocket("/live")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        live.viewers += 1
        try:
            await _send_changes(socket, live)
        except (WebSocketDisconnect, RuntimeError):
            pass  # the browser has gone
        finally:
            live.viewers -= 1

    # A development install links to the sources file by file.
    app.mount("/static", StaticFiles(directory=STATIC, follow_symlink=True), name="static")
    return app


async def _send_changes(socket: WebSocket, live: LiveState) -> None:
    await socket.send_text(json.dumps({"title": live.title}))
    version = 0
    while True:
        version, changes = live.changes(version)
        message: dict[str, dict[str, Any]] = {}
        for kind, key, value in changes:
            if kind == "picture":
                await socket.send_bytes(key.encode().ljust(32, b"\0") + value)
            else:
                message.setdefault(kind, {})[key] = value
        if message:
            await socket.send_text(json.dumps(message))
        await asyncio.sleep(UPDATE_PERIOD_S)


class WebServer:
    """Serves the application from a thread of its own."""

    def __init__(self, live: LiveState, host: str, port: int) -> None:
        """Bind the port and start.

        Raises:
            OSError: the port is in use; the text says what to do.
        """
        self._socket = _bind(host, port)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(
            create_app(live), log_level="warning", lifespan="off", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="web-server", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.should_exit = True
        self._thread.join(timeout=2.0)
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)  # so that a browser may come while the server still starts
    except OSError as error:
        listener.close()
        reason = "is in use" if error.errno == 98 else f"cannot be opened ({error.strerror})"
        raise OSError(f"web view: port {port} on {host} {reason}; choose another with port:=8081") from error
    return listener
