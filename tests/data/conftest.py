"""Where the real files are, and one list of every dataset that can be loaded here."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the full public files; tests that need it skip where it is absent."""
    folder = os.environ.get("PLAYGROUND_DATA_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("PLAYGROUND_DATA_DIR names no folder with the full data files")
    return Path(folder)
