"""The binary frame that carries pictures to browsers, and, length-prefixed, everything between host and gateway.

    u32 header length (little-endian) | UTF-8 JSON header, space-padded | blocks

The header length counts the padding, which makes the first block start at a multiple of 8 from the frame's first
byte. Every block starts at a multiple of 8 from the end of the header; its `offset` counts from there. Numbers are
little-endian; u8 maps carry the range they stand for in `lo` and `hi`.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = 1
SIZES = {"u8": 1, "i32": 4, "u32": 4, "f32": 4, "f64": 8}
HEADER_LIMIT = 1 << 20


class FrameError(ValueError):
    """These bytes are not a frame; the message says what is wrong with them."""


@dataclass(frozen=True, slots=True)
class Block:
    """One array of a picture.

    Attributes:
        topic: the picture it belongs to.
        name: its name within the picture ("map", "points", ...).
        dtype: one of u8, i32, u32, f32, f64.
        shape: its axes; () is a single number.
        data: its bytes, row by row, little-endian.
        lo, hi: the numbers that 0 and 255 stand for, for quantised u8 blocks.
    """

    topic: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes | memoryview
    lo: float | None = None
    hi: float | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame: what its header says, and its blocks."""

    header: Mapping[str, Any]
    blocks: Sequence[Block] = field(default_factory=tuple)


def encode(header: Mapping[str, Any], blocks: Sequence[Block] = ()) -> bytes:
    """A frame of these blocks; `v` and `blocks` of the header are filled in here."""
    entries, pieces, offset = [], [], 0
    for block in blocks:
        entries.append(_entry(block, offset))
        size = len(block.data)
        pieces += [block.data, bytes(-size % 8)]
        offset += size + -size % 8
    text = json.dumps({"v": VERSION, **header, "blocks": entries}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(len(text) + 4) % 8)
    return b"".join([struct.pack("<I", len(text)), text, *pieces])


def _entry(block: Block, offset: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "topic": block.topic,
        "name": block.name,
        "dtype": block.dtype,
        "shape": list(block.shape),
        "offset": offset,
    }
    if block.lo is not None and block.hi is not None:
        entry |= {"lo": block.lo, "hi": block.hi}
    return entry


def decode(data: bytes | memoryview) -> Frame:
    """Read a frame back; its blocks are views into `data`.

    Raises:
        FrameError: when the bytes are not a frame. Nothing else is ever raised, whatever the bytes.
    """
    view = memoryview(data)
    header, start = _header(view)
    entries = header.pop("blocks", [])
    if not isinstance(entries, list):
        raise FrameError("blocks: expected a list")
    return Frame(header, [_block(entry, view[start:]) for entry in entries])


def _header(view: memoryview) -> tuple[dict[str, Any], int]:
    if len(view) < 4:
        raise FrameError(f"a frame has at least 4 bytes, got {len(view)}")
    length = struct.unpack_from("<I", view)[0]
    if length > min(HEADER_LIMIT, len(view) - 4):
        raise FrameError(f"the header is said to have {length} bytes, but {len(view) - 4} follow")
    try:
        header = json.loads(bytes(view[4 : 4 + length]))
    except (ValueError, RecursionError) as error:
        raise FrameError("the header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameError("the header is not an object")
    if header.get("v") != VERSION:
        raise FrameError(f"expected version {VERSION}, got {str(header.get('v'))[:20]}")
    return header, 4 + length


def _block(entry: Any, body: memoryview) -> Block:
    try:
        shape = tuple(entry["shape"])
        dtype, offset = entry["dtype"], entry["offset"]
        size = SIZES[dtype] * math.prod(shape)
        whole = all(type(n) is int and n >= 0 for n in (*shape, offset))
        block = Block(str(entry["topic"]), str(entry["name"]), dtype, shape, b"", entry.get("lo"), entry.get("hi"))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise FrameError("a block lacks topic, name, dtype, shape or offset") from error
    if not whole or len(shape) > 8 or offset + size > len(body):
        raise FrameError(f"block '{block.topic[:40]}' reaches over the end of the frame")
    return Block(block.topic, block.name, dtype, shape, body[offset : offset + size], block.lo, block.hi)
