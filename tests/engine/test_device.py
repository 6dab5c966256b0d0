"""Every op on a graphics processor: the same numbers and derivatives as on the CPU, and nothing copied in silence.

Where there is none, the laws run on a stand-in that is as strict as CuPy about whose arrays meet (`cupy_stand_in.py`).
"""

import sys
from collections.abc import Iterator
from typing import Any

import cupy_stand_in
import numpy as np
import pytest
from samples import CASES, SMOOTH, run, tensors

import engine
from engine import array as arrays_
from engine.autodiff import grad
from engine.errors import Unsupported
from engine.forward import jvp
from engine.ops import Case, Op
from engine.tensor import Tensor


@pytest.fixture(params=["stand-in", "cuda"])
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """`cuda:0`: the machine's own, or the stand-in's."""
    if request.param == "cuda":
        if not engine.cuda.is_available():
            pytest.skip("no CUDA device here: CuPy or a graphics processor is missing")
        yield "cuda:0"
        return
    rooms = cupy_stand_in.make_rooms()
    for name, room in rooms.items():
        monkeypatch.setitem(sys.modules, name, room)
    monkeypatch.setattr(arrays_, "_cupy", lambda: rooms["cupy"])
    arrays_.scipy.cache_clear()
    yield "cuda:0"
    arrays_.scipy.cache_clear()


def moved(value: Any, device: str) -> Any:
    """Tensors and arrays, also in attributes, on the device."""
    if isinstance(value, Tensor):
        return engine.tensor(value.detach(), device=device).requires_grad_(value.requires_grad)
    if isinstance(value, np.ndarray):
        return arrays_.to_device(value, device)
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return tuple(moved(v, device) for v in value)
    return {k: moved(v, device) for k, v in value.items()} if isinstance(value, dict) else value


def there(op: type[Op], case: Case, inputs: list[Tensor], device: str) -> Tensor:
    try:
        return run(op, Case(case.shapes, moved(case.attrs, device)), inputs)
    except Unsupported as reason:
        pytest.skip(str(reason))


def equal(on_device: Tensor, on_cpu: Tensor) -> None:
    assert on_device.device.type == "cuda"
    assert on_device.dtype == on_cpu.dtype
    np.testing.assert_allclose(
        arrays_.to_host(on_device.array), on_cpu.detach().array, rtol=1e-9, atol=1e-11, equal_nan=True
    )


def weight(y: Tensor, device: str = "cpu") -> Tensor:
    drawn = np.asarray(np.random.default_rng(2).normal(size=tuple(y.shape)))
    return engine.tensor(drawn, device=device)


@pytest.mark.parametrize(("op", "case"), CASES)
def test_an_op_gives_the_same_numbers_on_the_device(op: type[Op], case: Case, device: str) -> None:
    inputs = tensors(case, grad=False)
    equal(there(op, case, moved(tuple(inputs), device), device), run(op, case, inputs))


@pytest.mark.parametrize(("op", "case"), SMOOTH)
def test_an_op_has_the_same_derivatives_on_the_device(op: type[Op], case: Case, device: str) -> None:
    """The gradient, the gradient of the gradient's square, and forward mode."""
    here = tensors(case)
    far = list(moved(tuple(here), device))
    found = []
    for inputs, place in ((here, "cpu"), (far, device)):
        y = run(op, case, inputs) if place == "cpu" else there(op, case, inputs, device)
        first = grad(y, floats_of(inputs), weight(y, place), create_graph=True, materialize_grads=True)
        total = sum((g * g).sum() for g in first)
        second = grad(total, floats_of(inputs), materialize_grads=True) if total.requires_grad else ()
        found.append((*first, *second, forward(op, case, inputs, place)))
    for a, b in zip(found[1], found[0], strict=True):
        equal(a, b)


def floats_of(inputs: list[Tensor]) -> list[Tensor]:
    return [t for t in inputs if t.is_floating_point()]


def forward(op: type[Op], case: Case, inputs: list[Tensor], place: str) -> Tensor:
    still = [t.detach() for t in inputs]
    moving = floats_of(still)

    def f(*values: Tensor) -> Tensor:
        given = iter(values)
        full = [next(given) if t.is_floating_point() else t for t in still]
        return run(op, case, full) if place == "cpu" else there(op, case, full, place)

    found: Tensor = jvp(f, tuple(moving), tuple(weight(t, place) for t in moving))[1]
    return found


def test_a_network_learns_on_the_device_as_on_the_cpu(device: str) -> None:
    nn, losses = engine.nn, {}
    for place in ("cpu", device):
        engine.manual_seed(1)
        x, target = engine.randn(16, 1, 8, 8), engine.randint(0, 3, (16,))
        model = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
        ).to(place)
        x, target = x.to(place), target.to(place)
        optimizer = engine.optim.Adam(model.parameters(), lr=0.01)
        losses[place] = []
        for _ in range(4):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
            losses[place].append(loss.item())
    np.testing.assert_allclose(losses[device], losses["cpu"], rtol=1e-4)


def test_tensors_of_two_devices_never_meet_in_silence(device: str) -> None:
    far = engine.ones(3, device=device)
    with pytest.raises(RuntimeError, match="same device"):
        far + engine.ones(3)
    with pytest.raises(TypeError, match="cpu"):
        far.numpy()
    assert (far + 1).cpu().tolist() == [2, 2, 2]
    assert (far + engine.tensor(2.0)).device.type == "cuda"
