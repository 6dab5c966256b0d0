"""Pictures as datasets hand them out, and the PNG format, with nothing but NumPy and zlib.

Where Pillow is installed its images are taken by every transform too; nothing here needs it.
"""

from __future__ import annotations

import importlib
import importlib.util
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.errors import ArgumentError, DataError, EngineError, ShapeError

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
COLOURS = {"L": 0, "RGB": 2, "RGBA": 6}  # PNG's colour types


class NeedsPillow(EngineError, ImportError):
    """Something that only the library Pillow can do."""


class Image:
    """A picture of bytes, (height, width) grey or (height, width, channels), with the names of Pillow that are common.

    >>> picture = engine.data.Image(np.zeros((2, 3), np.uint8))
    >>> picture.size, picture.mode
    ((3, 2), 'L')
    """

    def __init__(self, pixels: Any) -> None:
        pixels = np.asarray(pixels)
        channels = pixels.shape[2] if pixels.ndim == 3 else 1
        if pixels.ndim not in (2, 3) or channels not in MODES or pixels.dtype != np.uint8:
            raise ShapeError("Image", "bytes (height, width) or (height, width, 1, 3 or 4)", pixels.shape)
        self.pixels = pixels[:, :, 0] if pixels.ndim == 3 and channels == 1 else pixels

    @property
    def mode(self) -> str:
        """L (grey), RGB or RGBA."""
        return MODES[self.pixels.shape[2] if self.pixels.ndim == 3 else 1]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as Pillow has it."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return self.size[0]

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return self.size[1]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.pixels, dtype, copy=copy) if copy else np.asarray(self.pixels, dtype)

    def __repr__(self) -> str:
        return f"<Image mode={self.mode} size={self.width}x{self.height}>"

    def getpixel(self, place: tuple[int, int]) -> Any:
        """The value at (x, y): a number, or one for each channel."""
        value = self.pixels[place[1], place[0]]
        return int(value) if value.ndim == 0 else tuple(int(v) for v in value)

    def convert(self, mode: str) -> Image:
        """The same picture in grey (L) or colour (RGB)."""
        if mode == self.mode:
            return Image(self.pixels.copy())
        if mode == "RGB":
            grey = self.pixels if self.mode == "L" else None
            return Image(np.repeat(grey[:, :, None], 3, 2) if grey is not None else self.pixels[:, :, :3])
        if mode == "L":
            return Image(np.rint(self.pixels[:, :, :3] @ np.array([0.299, 0.587, 0.114])).astype(np.uint8))
        raise ArgumentError("Image.convert", "L or RGB", mode, field="mode")

    def save(self, file: str | Path | IO[bytes]) -> None:
        """Write it as PNG."""
        content = png_bytes(self.pixels)
        if isinstance(file, str | Path):
            Path(file).write_bytes(content)
        else:
            file.write(content)


def is_pillow(thing: Any) -> bool:
    """Whether something is an image of the library Pillow."""
    return type(thing).__module__.startswith("PIL.")


def pillow() -> Any:
    """Pillow's module Image. Raises: NeedsPillow."""
    if importlib.util.find_spec("PIL") is None:
        raise NeedsPillow("An image of Pillow", hint="Install it: pip install pillow.")
    return importlib.import_module("PIL.Image")


def png_bytes(pixels: Any) -> bytes:
    """Bytes (height, width) or (height, width, channels) as the content of a PNG file."""
    pixels = np.ascontiguousarray(pixels, np.uint8)
    height, width, *rest = pixels.shape
    kind = COLOURS[MODES[rest[0] if rest else 1]]
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1)  # 0: a row as it is
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def read_png(content: bytes) -> Any:
    """The bytes (height, width[, channels]) of a PNG of 8 bits a channel, without interlacing. Raises: DataError."""
    if content[:8] != b"\x89PNG\r\n\x1a\n":
        raise DataError("read_png", "a PNG file", f"bytes that begin with {content[:8]!r}")
    width, height, bits, kind, _, _, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    channels = {0: 1, 2: 3, 6: 4}.get(kind)
    if bits != 8 or channels is None or interlaced:
        raise DataError("read_png", "8 bits a channel in grey or colour, not interlaced", f"{bits} bits, kind {kind}")
    packed, place = b"", 8
    while place < len(content):
        size, name = struct.unpack(">I4s", content[place : place + 8])
        packed += content[place + 8 : place + 8 + size] if name == b"IDAT" else b""
        place += 12 + size
    rows = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, 1 + width * channels)
    pixels = _unfiltered(rows, channels).reshape(height, width, channels)
    return pixels[:, :, 0] if channels == 1 else pixels


def _unfiltered(rows: Any, step: int) -> Any:
    """Undo PNG's five ways of writing a row as differences (PNG specification, section 9)."""
    above: Any = np.zeros(rows.shape[1] - 1, np.uint8)
    result: list[Any] = []
    for way, *_ in rows[:, :1]:
        row = rows[len(result), 1:].copy()
        if way == 1:
            row = np.add.accumulate(row.reshape(-1, step), 0, np.uint8).reshape(-1)
        elif way == 2:
            row += above
        elif way in (3, 4):
            row = _predicted(row, above, step, _mean if way == 3 else _paeth)
        result.append(row)
        above = row
    return np.stack(result)


def _predicted(row: Any, above: Any, step: int, guess: Any) -> Any:
    out, up = [0] * step + row.tolist(), [0] * step + above.tolist()
    for i in range(step, len(out)):
        out[i] = (out[i] + guess(out[i - step], up[i], up[i - step])) % 256
    return np.array(out[step:], np.uint8)


def _mean(left: int, up: int, _: int) -> int:
    return (left + up) // 2


def _paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))
