"""Random numbers: one seeded, counter-based generator whose state is saved and restored with a run.

`Generator` stands on NumPy's Philox: a key and a counter, so that equal seeds give equal numbers everywhere. `arc4`
is the stream of the JavaScript package seedrandom, which saved links of TensorFlow Playground refer to.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.array import Device
from engine.errors import ArgumentError

Shape = tuple[int, ...]
SEED_LIMIT = 2**64
LISTENERS: list[Callable[[Any, str, Any], None]] = []
"""Who wants to know of every use of a generator: called with it, the name of the method (before it does anything,
except `draw`), and what it gave."""


def _heard(generator: Any, method: str, given: Any = None) -> None:
    for listener in LISTENERS:
        listener(generator, method, given)


class Generator:
    """A stream of random numbers: the same numbers for the same seed, `Generator(seed)` or `.manual_seed(seed)`.

    PyTorch's argument, a device, may stand in the seed's place: the numbers are the same on all of them.

    >>> g = engine.Generator().manual_seed(7)
    >>> engine.equal(engine.rand(2, generator=g), engine.rand(2, generator=engine.Generator(7)))
    True
    """

    def __init__(self, seed: Any = 0, device: Any = "cpu") -> None:
        if not isinstance(seed, int | np.integer):
            seed, device = 0, seed
        self.device = Device(device)
        self._philox = np.random.Philox(key=0)
        self._source = np.random.Generator(self._philox)
        self._seed, self._draws = 0, 0
        self.manual_seed(seed)

    def manual_seed(self, seed: int) -> Generator:
        """Start again from a seed (any integer; taken modulo 2**64)."""
        if not isinstance(seed, int | np.integer):
            raise ArgumentError("manual_seed", "a whole number", repr(seed))
        _heard(self, "manual_seed")
        self._seed, self._draws = int(seed) % SEED_LIMIT, 0
        self._philox.state = np.random.Philox(key=self._seed).state
        return self

    def initial_seed(self) -> int:
        """The seed that this stream started from."""
        return self._seed

    def seed(self) -> int:
        """Start again from a seed that nobody knows beforehand; returns it."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def poisson(self, mean: Any) -> NDArray[np.int64]:
        """Counts of rare events, int64, in the shape of the means."""
        _heard(self, "poisson")
        return np.asarray(self._source.poisson(mean))

    def binomial(self, count: Any, chance: Any) -> NDArray[np.int64]:
        """Numbers of successes, int64."""
        _heard(self, "binomial")
        return np.asarray(self._source.binomial(count, chance))

    def permutation(self, n: int) -> NDArray[np.int64]:
        """The numbers 0..n-1 in random order, int64 (n,)."""
        _heard(self, "permutation")
        return self._source.permutation(n).astype(np.int64, copy=False)

    def permuted(self, rows: Any) -> Any:
        """Every row of a matrix in an order of its own, as `permutation` would draw them one after the other."""
        _heard(self, "permuted")
        return self._source.permuted(rows, axis=1)

    def uniform(self, shape: Shape = (), low: float = 0.0, high: float = 1.0) -> NDArray[np.float64]:
        """Float64 numbers, evenly spread over [low, high)."""
        _heard(self, "uniform")
        return np.asarray(self._source.uniform(low, high, shape))

    def normal(self, shape: Shape = (), mean: float = 0.0, std: float = 1.0) -> NDArray[np.float64]:
        """Float64 numbers from the normal distribution."""
        _heard(self, "normal")
        return np.asarray(self._source.normal(mean, std, shape))

    def integers(self, low: int, high: int, shape: Shape = ()) -> NDArray[np.int64]:
        """Whole numbers from low to high - 1, int64."""
        _heard(self, "integers")
        return np.asarray(self._source.integers(low, high, shape))

    def draw(self) -> tuple[int, int]:
        """(seed, number of this draw): the key of a counter-based mask, see `hashed`."""
        self._draws += 1
        _heard(self, "draw", (self._seed, self._draws))
        return self._seed, self._draws

    def get_state(self) -> dict[str, Any]:
        """The whole state, made of numbers, strings and lists (fit for JSON)."""
        state: Any = self._philox.state
        inner = {name: [int(v) for v in values] for name, values in state["state"].items()}
        rest = {"buffer_pos": int(state["buffer_pos"]), "buffer": [int(v) for v in state["buffer"]]}
        half = {"has_uint32": int(state["has_uint32"]), "uinteger": int(state["uinteger"])}
        return {"kind": "philox", "seed": self._seed, "draws": self._draws, "state": inner, **rest, **half}

    def set_state(self, state: dict[str, Any]) -> Generator:
        """Continue exactly where `get_state` was taken."""
        if state.get("kind") != "philox":
            raise ArgumentError("set_state", "a state made by get_state()", repr(state.get("kind")))
        _heard(self, "set_state")
        inner = {name: np.array(values, np.uint64) for name, values in state["state"].items()}
        full: Any = {"bit_generator": "Philox", "state": inner, "buffer": np.array(state["buffer"], np.uint64)}
        full |= {name: int(state[name]) for name in ("buffer_pos", "has_uint32", "uinteger")}
        self._philox.state = full
        self._seed, self._draws = int(state["seed"]), int(state["draws"])
        return self


default_generator = Generator(0)


def manual_seed(seed: int) -> Generator:
    """Seed the generator that everything uses which is not given its own.

    >>> g = engine.manual_seed(0)
    """
    return default_generator.manual_seed(seed)


def hashed(xp: Any, seed: int, draw: int, count: int) -> Any:
    """`count` random uint32 numbers, a function of (seed, draw, element): the same on every device and in any order.

    The mixing function is the 32-bit finaliser with the lowest known bias (C. Wellons, "hash-prospector", 2018).
    """
    key = np.uint32(folded(seed, draw))
    h = xp.arange(count, dtype=xp.uint32)
    h ^= key
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        h ^= h >> np.uint32(shift)
        h *= np.uint32(factor)
    h ^= h >> np.uint32(16)
    return h


def folded(seed: int, draw: int) -> int:
    """Mix a 64-bit seed and a draw number into 32 bits (the finaliser of splitmix64)."""
    z = (seed + draw * 0x9E3779B97F4A7C15) % SEED_LIMIT
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % SEED_LIMIT
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % SEED_LIMIT
    return (z ^ (z >> 31)) & 0xFFFFFFFF


def arc4(seed: str) -> Iterator[float]:
    """Endless numbers in [0, 1) as seedrandom's `new Math.seedrandom(seed)` gives them.

    ARC4 with the key of the seed string; 256 bytes are dropped; a number is 6 bytes, big-endian, over 2**48, extended
    by further bytes until it has 52 significant bits.
    """
    stream = _arc4_bytes(_arc4_key(seed))
    for _ in range(256):
        next(stream)
    while True:
        yield _arc4_number(stream)


def _arc4_number(stream: Iterator[int]) -> float:
    numerator, denominator, extra = 0, 2**48, 0
    for _ in range(6):
        numerator = numerator * 256 + next(stream)
    while numerator < 2**52:
        numerator, denominator = (numerator + extra) * 256, denominator * 256
        extra = next(stream)
    while numerator >= 2**53:
        numerator, denominator, extra = numerator // 2, denominator // 2, extra >> 1
    return (numerator + extra) / denominator


def _arc4_key(seed: str) -> list[int]:
    key: list[int] = [0] * min(max(len(seed), 1), 256)
    smear = 0
    for position, letter in enumerate(seed):
        smear ^= key[position % 256] * 19
        key[position % 256] = (smear + ord(letter)) & 255
    return key


def _arc4_bytes(key: list[int]) -> Iterator[int]:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    i = j = 0
    while True:
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        yield box[(box[i] + box[j]) & 255]
