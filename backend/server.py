"""uvicorn, set up for a page that streams: sockets that can be aborted, no compression, a shutdown that ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from fastapi import FastAPI

PORTS_TRIED = 50
CLOSE_SECONDS = 5.0
SEND_BUFFER = 1 << 18
TAKEN = {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}


class AbortableSocket(WebSocketsSansIOProtocol):
    """A websocket whose transport the application can abort.

    uvicorn closes a socket by flushing it first, which never ends when the peer reads nothing: its descriptor would
    stay open for ever. Here the application finds `abort` in its scope, and every close is followed by an abort.
    """

    def connection_made(self, transport: Any) -> None:
        """Bound what the system buffers for a page that reads slowly: it should skip pictures, not hoard them."""
        super().connection_made(transport)
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)

    def handle_connect(self, event: Any) -> None:
        """Put `abort` where the application finds it."""
        self.app_state = {**self.app_state, "abort": self.abort}
        super().handle_connect(event)

    def abort(self, code: int = 1006, reason: str = "") -> None:
        """Say the close code if the peer still reads, and cut the connection a moment later in any case."""
        if self.transport.is_closing():
            self._cut()
            return
        with contextlib.suppress(Exception):
            self.conn.send_close(code, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        if self.read_paused:  # unread bytes would turn the end into a reset, and the peer would never see the code
            self.read_paused = False
            self.transport.resume_reading()
        self.writable.set()
        self.close_timer = self.loop.call_later(1.0, self._cut)

    def _cut(self) -> None:
        """End the connection now, and drop what the system still holds for a peer that reads nothing."""
        if self.disconnected:
            return
        raw = self.transport.get_extra_info("socket")
        if raw is not None:
            with contextlib.suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The handler is done: whatever the peer does, the descriptor is freed."""
        super().on_task_complete(task)
        self.loop.call_later(CLOSE_SECONDS, self._cut)

    def shutdown(self) -> None:
        """The server stops: say 1012 and do not wait for a peer that reads nothing."""
        super().shutdown()
        self.loop.call_later(0.5, self._cut)


class Server(uvicorn.Server):
    """uvicorn's server without the second signal: who stops it gets a clean exit, not a stack trace."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """As uvicorn's, but a signal that was handled is not raised again."""
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


def configure(app: FastAPI, **changes: Any) -> uvicorn.Config:
    """The one configuration of uvicorn."""
    values: dict[str, Any] = {
        "loop": "auto",
        "ws": AbortableSocket,
        "ws_per_message_deflate": False,
        "ws_max_size": 64 * 1024,
        "ws_ping_interval": None,  # the stream's own heartbeat does this
        "timeout_graceful_shutdown": 1,
        "server_header": False,
        "date_header": True,
        "access_log": False,
        "log_level": "critical",
        "lifespan": "on",
        "limit_concurrency": 1000,
    }
    return uvicorn.Config(app, **{**values, **changes})


def listen(host: str, port: int) -> socket.socket:
    """A listening socket on this port, or on the next free one after it.

    Raises:
        OSError: when the address is not of this machine, or fifty ports in a row are taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    last: OSError | None = None
    for candidate in range(port, min(port + PORTS_TRIED, 65536)) if port else (0,):
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(512)
        except PermissionError as error:
            listener.close()
            raise error
        except OSError as error:
            listener.close()
            last = error
            if error.errno not in TAKEN:
                raise
        else:
            return listener
    raise last or OSError("no free port")
