"""What host and gateway say to each other, over a Unix socket (or loopback TCP where there is none).

Every message is a frame of `backend.frames` after its length in four bytes (little-endian); `kind` in the header says
what it is. The host dials. No pickle, no code: only JSON and bytes.

host -> gateway
    hello      {host, token, pid, proto, runs: [{run, attempt, step, seq}]}      first message
    ack        {run, id, step, problem, attempt}                                 a command was applied or refused
    facts      {run, attempt, first, count} + lines                              already written to the run's file
    pictures   {run, attempt, seq, step, blocks}                                 newest versions, only what changed
    reply      {run, id, problem} + bytes                                        answer to a query
    saved      {run, attempt, step, file}                                        a checkpoint is safe on disk
    closed     {run, attempt}                                                    the run left this host's memory
    heartbeat  {load, rss, runs: [[run, attempt, step, epoch]]}                  every second
gateway -> host
    welcome    {drop: [run]}                                                     these runs are not yours any more
    open       {run, attempt, spec, checkpoint, seq, state, play, folder, data_dir}
    cmd        {run, id, attempt, command}                                       attempt: the next, for reset, edit
    share      {hosts}                                                           among so many the cores are shared
    topics     {run, topics}                                                     what somebody watches now
    query      {run, id, what}                                                   weights | source | explain | snapshot
    close      {run}                                                             save, then forget
    shutdown   {}                                                                save all, then end
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backend import frames

PROTO = 1
LIMIT = 1 << 30
CHUNK = 1 << 18


class LinkError(ConnectionError):
    """The other side said something that is no message."""


def pack(kind: str, data: bytes = b"", **header: Any) -> bytes:
    """One message, ready to send; `data` travels as its only block."""
    blocks = [frames.Block("", "data", "u8", (len(data),), data)] if data else []
    return prefix(frames.encode({"kind": kind, **header}, blocks))


def prefix(frame: bytes) -> bytes:
    """A frame with its length before it."""
    return struct.pack("<I", len(frame)) + frame


def payload(frame: frames.Frame) -> bytes:
    """The bytes that `pack` was given."""
    return bytes(frame.blocks[0].data) if frame.blocks else b""


class Reader:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[frames.Frame]:
        """Every message that is complete now.

        Raises:
            LinkError: when the bytes are no message. The connection is of no use then.
        """
        self._buffer += data
        while len(self._buffer) >= 4:
            length = struct.unpack_from("<I", self._buffer)[0]
            if length > LIMIT:
                raise LinkError(f"a message of {length} bytes is over the limit of {LIMIT}")
            if len(self._buffer) < 4 + length:
                return
            body = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            yield _decode(body)


def _decode(body: bytes) -> frames.Frame:
    try:
        frame = frames.decode(body)
    except frames.FrameError as error:
        raise LinkError(str(error)) from error
    if not isinstance(frame.header.get("kind"), str):
        raise LinkError("a message without a kind")
    return frame


# -- addresses ---------------------------------------------------------------------------------------------------------


def can_unix() -> bool:
    """Whether this platform has Unix sockets."""
    return hasattr(socket, "AF_UNIX") and os.name == "posix"


def dial(address: str) -> socket.socket:
    """Connect to a gateway: "unix:/path", or "tcp:FILE", where FILE holds the loopback port."""
    kind, _, where = address.partition(":")
    if kind == "unix":
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        target: Any = where
    else:
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        target = ("127.0.0.1", int(Path(where).read_text()))
    try:
        client.settimeout(2.0)
        client.connect(target)
    except BaseException:
        client.close()
        raise
    client.setblocking(False)
    return client


async def serve(address: str, handler: Any) -> asyncio.AbstractServer:
    """Listen for hosts at this address."""
    kind, _, where = address.partition(":")
    if kind == "unix":
        private_folder(Path(where).parent)
        Path(where).unlink(missing_ok=True)
        server: asyncio.AbstractServer = await asyncio.start_unix_server(handler, where, limit=CHUNK)
        Path(where).chmod(0o600)
        return server
    tcp = await asyncio.start_server(handler, "127.0.0.1", 0, limit=CHUNK)
    Path(where).write_text(str(tcp.sockets[0].getsockname()[1]))
    return tcp


def private_folder(folder: Path) -> None:
    """A folder that is ours alone.

    Raises:
        OSError: when somebody else made it first.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if about.st_uid != os.getuid() or about.st_mode & 0o077:
        raise OSError(f"{folder} must belong to you alone; remove it, or set TMPDIR to a folder of your own")


# -- the host's end ----------------------------------------------------------------------------------------------------


class HostLink:
    """The host's end: never blocks, may be lost and dialled again. Two threads may send."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket: socket.socket | None = None
        self._out = bytearray()
        self._reader = Reader()
        self._lock = threading.Lock()

    @property
    def up(self) -> bool:
        """Whether there is a connection."""
        return self._socket is not None

    @property
    def waiting(self) -> int:
        """Bytes not yet taken by the gateway."""
        return len(self._out)

    def connect(self, hello: Mapping[str, Any]) -> bool:
        """Dial and say hello; False when nobody answers."""
        try:
            self._socket = dial(self.address)
        except (OSError, ValueError):
            return False
        self._reader, self._out = Reader(), bytearray()
        self.send(pack("hello", **hello))
        return self.up

    def fileno(self) -> int | None:
        """For `select`."""
        return self._socket.fileno() if self._socket else None

    def send(self, message: bytes) -> None:
        """Queue a message, and give the system as much as it takes. Dropped when there is no connection."""
        with self._lock:
            if self._socket is not None:
                self._out += message
                self._flush()

    def flush(self) -> None:
        """Give the system what still waits."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        try:
            while self._out and self._socket is not None:
                sent = self._socket.send(self._out[:CHUNK])
                del self._out[:sent]
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop()

    def receive(self) -> list[frames.Frame]:
        """Every message that has come."""
        found: list[frames.Frame] = []
        try:
            while self._socket is not None:
                data = self._socket.recv(CHUNK)
                if not data:
                    self.drop()
                    break
                found += self._reader.feed(data)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.drop()
        return found

    def drop(self) -> None:
        """The connection is of no use any more."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket, self._out = None, bytearray()
