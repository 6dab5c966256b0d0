"""Loop nests: every structure means on every processor what it means in NumPy, whatever its sizes and strides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import held, meaning, numbers, run, run_special, seen

from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.work import Buffer, Operand, Store

F = np.dtype("f4")
Lines = list[tuple[Any, ...]]
SOFTMAX: Lines = [("load", 0), ("reduce", "max", 0), ("sub", 0, 1), ("exp", 2), ("reduce", "sum", 3), ("div", 3, 4)]
SUM: Lines = [("load", 0), ("reduce", "sum", 0)]
SIZES = [1, 2, 7, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 250, 300]


class Desk:
    """Makes operands over loops of some sizes, with seeded numbers."""

    def __init__(self, sizes: tuple[int, ...], seed: int = 0) -> None:
        self.sizes, self.random = sizes, np.random.default_rng(seed)

    def operand(self, order: str | None = None, dtype: Any = F, step: int = 1, high: int = 10) -> Operand:
        """order: the loops that it moves along, outermost first; step: of the innermost, negative runs backwards."""
        loops = [int(c) for c in (order if order is not None else "".join(map(str, range(len(self.sizes)))))]
        strides, far = [0] * len(self.sizes), abs(step)
        for loop in reversed(loops):
            strides[loop], far = far, far * self.sizes[loop]
        count, offset = far + 3, 2
        if step < 0 and loops:
            last = loops[-1]
            offset, strides[last] = 2 + (self.sizes[last] - 1) * strides[last], -strides[last]
        array = self.random.standard_normal(count) if dtype == F else self.random.integers(0, high, count)
        return Operand(held(np.asarray(array, dtype)), offset, tuple(strides))

    def nest(self, parallel: int, lanes: int, body: Lines, operands: list[Operand], *stores: tuple[int, int]) -> Nest:
        """A nest over the loops."""
        return Nest(self.sizes, parallel, lanes, tuple(body), tuple(operands), tuple(Store(*s) for s in stores))


def written(nest: Nest) -> list[Any]:
    """What lies in the operands that a nest stores to."""
    found = []
    for store in nest.stores:
        sizes = nest.sizes if nest.lines.inner(store.line) else nest.sizes[: nest.parallel]
        operand = nest.operands[store.operand]
        found.append(seen(Operand(operand.buffer, operand.offset, operand.strides[: len(sizes)]), sizes))
    return found


def check(nest: Nest, tolerance: float = 1e-5) -> None:
    """A nest writes what it means, with run-time numbers and with constants, and nothing beside that."""
    wanted = [np.array(w) for w in meaning(nest)]
    before = {s.operand: nest.operands[s.operand].buffer.array.copy() for s in nest.stores}
    for cpu in HOSTS:
        for go in (run, run_special):
            for operand, array in before.items():
                nest.operands[operand].buffer.array[:] = array
            go(nest, cpu)
            for found, want in zip(written(nest), wanted, strict=True):
                np.testing.assert_allclose(found, want, tolerance, tolerance, err_msg=f"{nest.key} {nest.sizes}")
                found[...] = np.nan if found.dtype == F else 0
            for operand, array in before.items():
                now = nest.operands[operand].buffer.array
                touched = (now != array) & ~np.isnan(now) if array.dtype == F else now != array
                assert array.dtype != F or not touched.any(), "memory beside the operand is written"


@pytest.mark.parametrize("n", SIZES)
def test_a_map_of_strided_and_repeated_operands_means_what_numpy_means(n: int) -> None:
    desk = Desk((3, n))
    body: Lines = [
        ("load", 0),
        ("load", 1),
        ("load", 2),
        ("mul", 0, 1),
        ("add", 3, 2),
        ("tanh", 4),
        ("load", 3),
        ("sub", 5, 6),
    ]
    operands = [desk.operand("01"), desk.operand("1"), desk.operand("0"), desk.operand("10"), desk.operand("01")]
    check(desk.nest(2, 1, body, [*operands, desk.operand("10")], (4, 7), (5, 3)))
    backwards = [desk.operand("01", step=s) for s in (-1, 2, -3)]
    check(desk.nest(2, 1, body, [*backwards, desk.operand("01"), desk.operand("01", step=-1)], (4, 7)))


@pytest.mark.parametrize(("sizes", "lanes"), [((3, 128, 396), 2), ((40, 200, 90), 0), ((2, 3, 70, 700), 3)])
def test_long_sums_of_the_same_number_do_not_drift(sizes: tuple[int, ...], lanes: int) -> None:
    """Added up one by one, every sum is rounded the same way: a mean of 50,000 was wrong in the fifth digit."""
    desk = Desk(sizes)
    nest = desk.nest(1, lanes, SUM, [desk.operand("".join(map(str, range(len(sizes))))), desk.operand("0")], (1, 1))
    nest.operands[0].buffer.array[:] = 0.1
    expected = math.prod(sizes[1:]) * float(np.float32(0.1))
    for cpu in HOSTS:
        for go in (run, run_special):
            go(nest, cpu)
            np.testing.assert_allclose(written(nest)[0], expected, 2e-6)


@pytest.mark.parametrize("n", SIZES)
def test_rows_are_reduced_with_the_lanes_along_the_row_and_along_the_results(n: int) -> None:
    desk = Desk((5, n))
    check(desk.nest(1, 1, SUM, [desk.operand(), desk.operand("0")], (1, 1)))
    check(desk.nest(1, 1, SOFTMAX, [desk.operand(), desk.operand()], (1, 5)))
    desk = Desk((n, 6))
    check(desk.nest(1, 0, SUM, [desk.operand("10"), desk.operand("0")], (1, 1)))
    check(desk.nest(1, 0, SOFTMAX, [desk.operand("10"), desk.operand("10")], (1, 5)))


@pytest.mark.parametrize(("sizes", "lanes"), [((3, 4, 600), 2), ((40, 20, 700), 0), ((2, 9, 5), 1), ((1, 1, 9000), 2)])
def test_reductions_over_several_loops_and_over_long_ones(sizes: tuple[int, ...], lanes: int) -> None:
    desk = Desk(sizes)
    norm: Lines = [
        *SUM,
        ("const", 1 / (sizes[1] * sizes[2]), F),
        ("mul", 1, 2),
        ("sub", 0, 3),
        ("mul", 4, 4),
        ("reduce", "sum", 5),
        ("mul", 4, 6),
    ]
    check(desk.nest(1, lanes, norm, [desk.operand(), desk.operand("0"), desk.operand()], (1, 3), (2, 7)), 1e-3)
    check(desk.nest(0, lanes, SUM, [desk.operand(), desk.operand("")], (1, 1)), 1e-4)


WINDOW: Lines = [
    ("load", 0),
    ("load", 1),
    ("eq", 0, 1),
    ("load", 2),
    ("const", 0.0, F),
    ("where", 2, 3, 4),
    ("reduce", "sum", 5),
    ("reduce", "max", 0),
]


@pytest.mark.parametrize("n", [2, 8, 16, 24, 32, 48, 64, 80])
@pytest.mark.parametrize("lanes", [0, 5])
def test_a_pool_s_windows_are_written_out_and_mean_the_same(n: int, lanes: int) -> None:
    """The gradient of a pool: places of the maximum and gradients stand still in the window, and are summed up."""
    desk = Desk((n, 3, 2, 5, 2, 3) if lanes == 0 else (3, 4, 2, 5, 2, n))
    places, slopes = (
        desk.operand("1350" if lanes == 0 else "0135", "f4"),
        desk.operand("1350" if lanes == 0 else "0135"),
    )
    places.buffer.array[:] = desk.random.integers(0, 4, len(places.buffer.array))
    taps = desk.operand("24")
    taps.buffer.array[taps.offset : taps.offset + 4] = range(4)
    whole = desk.operand("123450" if lanes == 0 else "012345")
    nest = desk.nest(1, lanes, WINDOW, [places, taps, slopes, whole, desk.operand("0"), desk.operand("0")],
                     (3, 5), (4, 6), (5, 7))  # fmt: skip
    assert nest.straight == (n // 16 if lanes == 5 and n in (16, 32, 48, 64) else 0)
    assert nest.pairs == ((2, 4) if lanes == 0 or nest.straight else ())
    check(nest)
    for piece in nest.split(2):
        assert piece.pairs == nest.pairs or piece.straight != nest.straight


@pytest.mark.parametrize("fn", ["sum", "max", "min", "prod"])
@pytest.mark.parametrize("dtype", ["f4", "i8", "u4"])
def test_reductions_of_every_kind_of_number(fn: str, dtype: str) -> None:
    for n in (1, 5, 16, 40, 200):
        desk = Desk((2, n))
        body: Lines = [("load", 0), ("reduce", fn, 0)]
        check(
            desk.nest(
                1, 1, body, [desk.operand(dtype=np.dtype(dtype), high=2), desk.operand("0", np.dtype(dtype))], (1, 1)
            )
        )


def test_cross_entropy_finds_its_target_by_comparing_places() -> None:
    for n in (3, 10, 16, 65, 200):
        desk = Desk((7, n))
        body: Lines = [
            *SOFTMAX, ("load", 1), ("iota", 1), ("eq", 6, 7), ("const", 0.0, F), ("where", 8, 2, 9),
            ("reduce", "sum", 10), ("log", 4), ("sub", 12, 11), ("cast", 8, F), ("sub", 5, 14),
        ]  # fmt: skip
        target = desk.operand("0", np.dtype("i8"), high=n)
        check(desk.nest(1, 1, body, [desk.operand(), target, desk.operand("0"), desk.operand()], (2, 13), (3, 15)))


def test_any_and_all_reduce_truths() -> None:
    desk = Desk((4, 50))
    body: Lines = [
        ("load", 0),
        ("const", 1.5, F),
        ("gt", 0, 1),
        ("reduce", "any", 2),
        ("reduce", "all", 2),
        ("cast", 3, F),
        ("not", 4),
        ("cast", 6, F),
    ]
    check(desk.nest(1, 1, body, [desk.operand(), desk.operand("0"), desk.operand("0")], (1, 5), (2, 7)))
    desk = Desk((20, 3))
    check(desk.nest(1, 0, body, [desk.operand("10"), desk.operand("0"), desk.operand("0")], (1, 5), (2, 7)))


def test_truths_and_whole_numbers_are_loaded_and_stored() -> None:
    for n in (1, 9, 16, 70):
        desk = Desk((3, n))
        body: Lines = [
            ("load", 0), ("load", 1), ("not", 1), ("load", 2), ("where", 2, 0, 3), ("ne", 3, 0),
            ("cast", 3, np.dtype("i8")), ("cast", 1, np.dtype("i8")),
        ]  # fmt: skip
        for order, truth in (("01", "01"), ("01", "10"), ("10", "0")):
            given = [desk.operand(order), desk.operand(truth, np.dtype("?"), high=2), desk.operand(order, step=2)]
            made = [desk.operand(order), desk.operand(order, np.dtype("?")), desk.operand(order, np.dtype("i8"))]
            check(
                desk.nest(
                    2, 1, body, [*given, *made, desk.operand("10", np.dtype("i8"))], (3, 4), (4, 5), (5, 6), (6, 7)
                )
            )


def test_maximum_of_a_row_with_nan_is_nan() -> None:
    for place in (0, 17, 149):
        desk = Desk((1, 150))
        x = desk.operand()
        x.buffer.array[x.offset + place] = np.nan
        check(
            desk.nest(
                1,
                1,
                [("load", 0), ("reduce", "max", 0), ("reduce", "min", 0)],
                [x, desk.operand("0"), desk.operand("0")],
                (1, 1),
                (2, 2),
            )
        )


def test_in_place_work_reads_before_it_writes() -> None:
    for n in (5, 64, 70, 1000):
        desk = Desk((2, n))
        x = desk.operand()
        nest = desk.nest(1, 1, SOFTMAX, [x, x], (1, 5))
        want = meaning(nest)[0].copy()
        run(nest, HOSTS[0])
        np.testing.assert_allclose(written(nest)[0], want, 1e-5, 1e-6)


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_split_nest_writes_the_same_bits(parts: int) -> None:
    hashed: Lines = [
        ("load", 0),
        ("iota", 1),
        ("load", 1),
        ("hash", 2, 1),
        ("cast", 3, F),
        ("mul", 0, 4),
        ("exp", 0),
        ("add", 5, 6),
    ]
    for sizes, parallel, lanes, body in [
        ((3, 100), 2, 1, hashed),
        ((40, 70), 2, 1, hashed),
        ((9, 77), 1, 1, SOFTMAX),
        ((133, 30), 1, 0, SOFTMAX),
    ]:
        desk = Desk(sizes)
        x, key, y = (
            desk.operand("01" if lanes else "10"),
            desk.operand("", np.dtype("u4")),
            desk.operand("01" if lanes else "10"),
        )
        nest = desk.nest(parallel, lanes, body, [x, key, y], (2, len(body) - 1))
        for cpu in HOSTS:
            run(nest, cpu)
            whole = written(nest)[0].copy()
            written(nest)[0][...] = 0
            found = nest.split(parts)
            assert 1 < len(found) <= parts
            for piece in found:
                run(piece, cpu)
            assert np.array_equal(written(nest)[0], whole)


@pytest.mark.parametrize("n", [5, 30, 60, 100, 250])
def test_a_row_has_the_same_bits_beside_others_and_alone(n: int) -> None:
    for rows in range(1, 10):
        desk = Desk((rows, n))
        nest = desk.nest(1, 1, SOFTMAX, [desk.operand(), desk.operand()], (1, 5))
        seen(nest.operands[0], nest.sizes)[rows // 2, n // 3] = np.nan
        for cpu in HOSTS:
            run(nest, cpu)
            (together,) = [np.array(x) for x in written(nest)]
            for row in range(rows):
                run(nest._piece(0, row, 1), cpu)
            np.testing.assert_array_equal(np.isnan(together).all(1), np.arange(rows) == rows // 2)
            np.testing.assert_array_equal(written(nest)[0], together)


def test_a_reduction_to_one_number_is_not_split() -> None:
    desk = Desk((1000,))
    assert len(desk.nest(0, 0, SUM, [desk.operand(), desk.operand("")], (1, 1)).split(4)) == 1


def test_the_key_says_structure_and_no_size() -> None:
    nests = [
        Desk((3, n)).nest(2, 1, [("load", 0)], [Desk((3, n)).operand(), Desk((3, n)).operand()], (1, 0))
        for n in (65, 500)
    ]
    assert nests[0].key == nests[1].key
    assert len(numbers(nests[0])) == len(nests[0].arguments())


def test_accesses_are_what_is_read_and_what_is_written() -> None:
    desk = Desk((4, 10))
    nest = desk.nest(1, 1, SUM, [desk.operand(), desk.operand("0")], (1, 1))
    found = list(nest.accesses())
    assert [(a.writes, a.high - a.low) for a in found] == [(False, 40), (True, 4)]
    assert all(isinstance(a.buffer, Buffer) for a in found)
    assert nest.cost() > 0


def random_nest(seed: int) -> Nest:
    """A nest of random loops, operands, lines and stores."""
    random = np.random.default_rng(seed)
    loops = int(random.integers(1, 5))
    sizes = tuple(
        int(n) for n in random.choice([1, 2, 2, 3, 5, 16, 17, 32, 33, 64, 70][: 11 if loops < 4 else 8], loops)
    )
    parallel, lanes = int(random.integers(0, loops + 1)), int(random.integers(0, loops))
    desk, every = Desk(sizes, seed), "".join(map(str, range(loops)))

    def order(upto: str) -> str:
        return "".join(random.permutation([c for c in upto if random.random() < 0.75]))

    operands = [desk.operand(order(every), step=int(random.choice([1, 1, 2, -1]))) for _ in range(3)]
    body: Lines = [
        ("load", 0),
        ("load", 1),
        ("load", 2),
        ("const", 0.5, F),
        ("iota", int(random.integers(loops))),
        ("cast", 4, F),
    ]
    floats = [0, 1, 2, 3, 5]
    for _ in range(int(random.integers(2, 7))):
        a, b, c = (int(x) for x in random.choice(floats, 3))
        choices: Lines = [("add", a, b), ("sub", a, b), ("mul", a, b), ("max", a, b), ("tanh", a), ("min", a, b)]
        if parallel < loops:
            choices += [("reduce", "sum", a), ("reduce", "max", b), ("reduce", "min", c)]
        body.append(choices[int(random.integers(len(choices)))])
        floats.append(len(body) - 1)
        if random.random() < 0.3:
            body += [("gt", a, b), ("where", len(body), floats[-1], c)]
            floats.append(len(body) - 1)
    nest = desk.nest(parallel, lanes, body, operands)
    stores = []
    for line in dict.fromkeys([len(body) - 1, *(int(x) for x in random.choice(floats[-4:], 2))]):
        loops_of_store = every if nest.lines.inner(line) else every[:parallel]
        operands.append(desk.operand("".join(random.permutation(list(loops_of_store)))))
        stores.append((len(operands) - 1, line))
    return desk.nest(parallel, lanes, body, operands, *stores)


@pytest.mark.parametrize("seed", range(24))
def test_random_nests_mean_what_numpy_means(seed: int) -> None:
    nest = random_nest(seed)
    largest = max(float(np.abs(w).max()) for w in meaning(nest))
    if np.isfinite(largest) and largest < 1e6:
        check(nest, 1e-4 * max(1.0, largest))
