"""Pixels that somebody drew, as the network's input."""

from __future__ import annotations

import base64
import binascii

import numpy as np

from engine.data.image import normalised
from engine.data.source import Array
from engine.errors import ArgumentError
from engine.probes.scene import Scene

SIDE = 28


def drawn_digit(scene: Scene, text: str) -> Array:
    """28 x 28 bytes in base64url (without ``=``) with the padding and scaling of the data, (1, 1, h, w)."""
    wanted = scene.source.shape().input if scene.source.card.input == "image" else ()
    if len(wanted) != 3 or wanted[0] != 1 or wanted[1] < SIDE:
        raise ArgumentError(where="input", expected="a run on grey images", got=scene.source.kind)
    pixels = np.frombuffer(_bytes(text), np.uint8).reshape(1, 1, SIDE, SIDE)
    return normalised(pixels, scene.source.card, (wanted[1] - SIDE) // 2)


def _bytes(text: str) -> bytes:
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != SIDE * SIDE:
        raise ArgumentError(
            where="input", expected="784 bytes, 28 x 28 pixels, in base64url", got=f"{len(found)} bytes"
        )
    return found
