"""What every test shares: one thread for arithmetic, as the hosts have it, and the folder of real data, if any."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # PyTorch, as the oracle of small cases: its threads would only wait

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder named by PLAYGROUND_DATA_DIR: `mnist/`, `cifar-10-batches-bin/`."""
    folder = os.environ.get("PLAYGROUND_DATA_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("PLAYGROUND_DATA_DIR names no folder: tests on the full MNIST and CIFAR-10 files need it")
    return Path(folder)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests come last; what is marked `full` runs only when asked for: `pytest -m full`."""
    items.sort(key=lambda item: "e2e" in item.path.parts)
    if "full" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]
