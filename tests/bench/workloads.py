"""The four workloads by which speed is compared, written once for both libraries."""

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[[], Any]


def _step(model: Any, x: Any, y: Any, loss: Any, optimizer: Any) -> Step:
    def step() -> Any:
        optimizer.zero_grad()
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        return value

    return step


def _tensor(t: Any, shape: tuple[int, ...], classes: int = 0) -> Any:
    rng = np.random.default_rng(0)
    return t.from_numpy(rng.integers(0, classes, shape) if classes else rng.normal(size=shape).astype(np.float32))


def w1(t: Any, nn: Any, optim: Any) -> Step:
    """2-4-2-1 tanh, batch 10, SGD."""
    m = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 2), nn.Tanh(), nn.Linear(2, 1), nn.Tanh())
    return _step(
        m, _tensor(t, (10, 2)), _tensor(t, (10, 1)), nn.functional.mse_loss, optim.SGD(m.parameters(), lr=0.03)
    )


def w2(t: Any, nn: Any, optim: Any) -> Step:
    """784-128-64-10 ReLU, batch 64, Adam."""
    m = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    return _step(
        m, _tensor(t, (64, 784)), _tensor(t, (64,), 10), nn.functional.cross_entropy, optim.Adam(m.parameters())
    )


def w3(t: Any, nn: Any, optim: Any) -> Step:
    """The decks' CNN on 3x32x32, batch 64, SGD with momentum."""
    m = nn.Sequential(
        *(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10)),
    )
    optimizer = optim.SGD(m.parameters(), lr=0.001, momentum=0.9)
    return _step(m, _tensor(t, (64, 3, 32, 32)), _tensor(t, (64,), 10), nn.functional.cross_entropy, optimizer)


def w4(t: Any, nn: Any, optim: Any) -> Step:
    """conv32-conv64-pool-128-10 on 28x28, batch 64, SGD with momentum."""
    m = nn.Sequential(
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    optimizer = optim.SGD(m.parameters(), lr=0.01, momentum=0.9)
    return _step(m, _tensor(t, (64, 1, 28, 28)), _tensor(t, (64,), 10), nn.functional.cross_entropy, optimizer)


WORKLOADS: dict[str, Callable[[Any, Any, Any], Step]] = {"W1": w1, "W2": w2, "W3": w3, "W4": w4}
