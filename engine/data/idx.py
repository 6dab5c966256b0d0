"""The IDX file format of MNIST: reading with clear errors, writing."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from engine.data.source import Array
from engine.errors import DataError

UNSIGNED_BYTE = 0x08
AGAIN = "Delete the file and download it again."


def read_idx(path: Path) -> Array:
    """The bytes of an IDX file, gzipped or not, as a read-only uint8 array. Raises: DataError."""
    content = read_bytes(path)
    shape = _shape(path, content)
    start = 4 + 4 * len(shape)
    expected = int(np.prod(shape, dtype=np.int64))
    if len(content) - start != expected:
        raise _damaged(path, f"{expected} bytes of data for shape {shape}", f"{len(content) - start} bytes")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def idx_bytes(array: Array) -> bytes:
    """A uint8 array as the content of an IDX file."""
    header = struct.pack(">HBB", 0, UNSIGNED_BYTE, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + np.ascontiguousarray(array, np.uint8).tobytes()


def read_bytes(path: Path) -> bytes:
    """A whole file, unpacked when its name ends in .gz. Raises: DataError."""
    try:
        return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except FileNotFoundError:
        raise DataError(where=path.name, expected="a file", got="nothing at that place", hint="Download it.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(path, "a complete file", _reason(error)) from None


def find_file(folder: Path, name: str) -> Path | None:
    """`folder/name`, packed or not; None where neither is there."""
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _shape(path: Path, content: bytes) -> tuple[int, ...]:
    if len(content) < 4:
        raise _damaged(path, "an IDX header of at least 4 bytes", f"{len(content)} bytes")
    zeros, kind, axes = struct.unpack(">HBB", content[:4])
    if zeros != 0 or kind != UNSIGNED_BYTE:
        raise _damaged(path, "an IDX file of unsigned bytes (0x000008..)", f"0x{content[:4].hex()}")
    if len(content) < 4 + 4 * axes:
        raise _damaged(path, f"{axes} sizes in the header", f"a file of {len(content)} bytes")
    return struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])


def _damaged(path: Path, expected: str, got: str) -> DataError:
    return DataError(where=path.name, expected=expected, got=got, hint=AGAIN)


def _reason(error: Exception) -> str:
    return "a file that ends too early" if isinstance(error, EOFError) else f"a file that cannot be read ({error})"
