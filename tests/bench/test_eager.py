"""Prints how fast the eager tier is beside PyTorch's: `pytest -m bench tests/bench -s`; asserts nothing about time."""

import pytest

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("name", ["W1", "W2", "W3", "W4"])
def test_a_workload_runs_in_both_libraries_and_its_ratio_is_printed(name: str, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
    if "bench" not in (request.config.getoption("-m") or ""):
        pytest.skip("a measurement: pytest -m bench -s")
    from eager import compare

    ours, theirs = compare(name)
    print(f"\n{name}: engine {ours:.1f}, torch {theirs:.1f} steps/s, ratio {ours / theirs:.2f}")
    assert ours > 0
