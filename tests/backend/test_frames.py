"""The bytes of pictures, and of everything between host and gateway."""

from __future__ import annotations

import contextlib
import json
import struct
from pathlib import Path

import make_golden_frames
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import frames
from backend.runs import link

NAMES = sorted(make_golden_frames.golden())
DTYPES = make_golden_frames.DTYPES


def golden_bytes(name: str) -> bytes:
    return (make_golden_frames.FOLDER / f"{name}.bin").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_bytes_are_what_the_encoder_writes_today(name: str) -> None:
    header, entries = make_golden_frames.golden()[name]
    assert frames.encode(header, [make_golden_frames.block(*entry) for entry in entries]) == golden_bytes(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_golden_frame_holds_the_numbers_its_json_says(name: str) -> None:
    wanted = json.loads((make_golden_frames.FOLDER / f"{name}.json").read_text())
    frame = frames.decode(golden_bytes(name))
    assert {key: frame.header[key] for key in wanted["header"]} == wanted["header"]
    assert len(frame.blocks) == len(wanted["blocks"])
    for block, entry in zip(frame.blocks, wanted["blocks"], strict=True):
        values = np.frombuffer(block.data, DTYPES[block.dtype]).reshape(block.shape)
        assert (block.topic, block.name, block.dtype) == (entry["topic"], entry["name"], entry["dtype"])
        assert (block.lo, block.hi) == (entry["lo"], entry["hi"])
        assert values.tolist() == entry["values"]


def test_every_block_starts_at_a_multiple_of_eight_of_the_frame() -> None:
    data = golden_bytes("plane")
    length = struct.unpack_from("<I", data)[0]
    header = json.loads(data[4 : 4 + length])
    assert (4 + length) % 8 == 0
    assert all(block["offset"] % 8 == 0 for block in header["blocks"])
    assert len(data) % 8 == 0


shapes = st.lists(st.integers(0, 5), max_size=4).map(tuple)
blocks = st.builds(
    lambda topic, name, dtype, shape, lo: make_golden_frames.block(
        topic, name, dtype, np.arange(int(np.prod(shape))).reshape(shape) % 200, lo, None if lo is None else lo + 1
    ),
    st.text(max_size=20),
    st.text(max_size=8),
    st.sampled_from(sorted(DTYPES)),
    shapes,
    st.none() | st.floats(-1e6, 1e6),
)


@given(st.lists(blocks, max_size=5), st.integers(0, 2**53))
def test_what_is_encoded_is_decoded_the_same(given_blocks: list[frames.Block], seq: int) -> None:
    frame = frames.decode(frames.encode({"kind": "pictures", "seq": seq}, given_blocks))
    assert frame.header["seq"] == seq
    assert [frames.Block(b.topic, b.name, b.dtype, b.shape, bytes(b.data), b.lo, b.hi) for b in frame.blocks] == list(
        given_blocks
    )


@given(st.binary(max_size=400))
def test_any_bytes_are_a_frame_or_a_frame_error(data: bytes) -> None:
    with contextlib.suppress(frames.FrameError):
        frames.decode(data)


@given(st.sampled_from(NAMES), st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_damaged_frame_is_decoded_or_refused_but_never_breaks_the_decoder(name: str, at: int, noise: bytes) -> None:
    data = bytearray(golden_bytes(name))
    at %= len(data)
    data[at : at + len(noise)] = noise
    try:
        frame = frames.decode(bytes(data))
    except frames.FrameError:
        return
    for block in frame.blocks:
        assert len(block.data) == frames.SIZES[block.dtype] * int(np.prod(block.shape))


json_values = st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.sampled_from(["topic", "name", "dtype", "shape", "offset", "lo"]), json_values))
def test_a_header_that_lies_about_its_blocks_is_refused(entry: dict[str, object]) -> None:
    text = json.dumps({"v": 1, "kind": "pictures", "blocks": [entry]}).encode()
    with pytest.raises(frames.FrameError):
        frames.decode(struct.pack("<I", len(text)) + text)


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 17))
def test_messages_survive_being_cut_into_any_pieces(payloads: list[bytes], size: int) -> None:
    stream = b"".join(link.pack("facts", data, run="r", first=n) for n, data in enumerate(payloads))
    reader, found = link.Reader(), []
    for start in range(0, len(stream), size):
        found += list(reader.feed(stream[start : start + size]))
    assert [link.payload(frame) for frame in found] == payloads
    assert [frame.header["first"] for frame in found] == list(range(len(payloads)))


@given(st.binary(min_size=4, max_size=200))
def test_a_stranger_on_the_link_gets_a_link_error_at_worst(data: bytes) -> None:
    with contextlib.suppress(link.LinkError):
        list(link.Reader().feed(data))


def test_a_message_that_claims_to_be_huge_is_refused_before_it_is_read() -> None:
    with pytest.raises(link.LinkError, match="over the limit"):
        list(link.Reader().feed(struct.pack("<I", link.LIMIT + 1)))


def test_the_golden_folder_holds_nothing_else() -> None:
    found = {path.name for path in Path(make_golden_frames.FOLDER).iterdir()}
    assert found == {f"{name}.{suffix}" for name in NAMES for suffix in ("bin", "json")}
