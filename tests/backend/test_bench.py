"""`playground bench` measures here what it says, and refuses in one sentence."""

import json
from pathlib import Path

import pytest

import engine
from backend.bench import measure, report
from backend.bench.drawn import MOST, build, drawn
from backend.bench.large import KNOWN, LARGE
from backend.cli import main


def test_the_bench_writes_what_it_measured_into_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "found.json"
    short = ["--threads", "1", "--windows", "1", "--seconds", "0.2", "--no-edits", "--without", "torch.compile,jax"]
    assert main(["bench", "W1", *short, "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    (workload,) = found["processes"][0]["workloads"]
    assert workload["name"] == "W1"
    assert workload["columns"]["engine"]["median"] > 0
    assert "2-4-2-1 tanh" in capfd.readouterr().out


def test_an_unknown_workload_is_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "W99"]) == 1
    assert "No workload is called W99" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["W1", "W2", "P2", "B1", "B2"])
def test_a_workload_learns(name: str) -> None:
    problem = KNOWN[name].build(engine)
    losses = [float(problem.step(problem.x, problem.y)) for _ in range(60)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", LARGE)
def test_a_large_workload_is_not_too_large(name: str) -> None:
    problem = LARGE[name].build(engine)
    assert 100_000 < problem.parameters <= MOST
    assert 32 <= problem.x.shape[0] <= 256


@pytest.mark.parametrize("seed", [1, 11, 16, 21])
def test_a_network_of_a_seed_is_the_same_again_and_not_too_large(seed: int) -> None:
    first, again = build(engine, seed), build(engine, seed)
    assert repr(first.model) == repr(again.model)
    assert first.parameters <= MOST
    assert [w.name for w in drawn(engine, 1, seed)] == [f"R{seed}"]


def test_the_products_of_a_step_are_counted_from_its_shapes() -> None:
    problem = KNOWN["W2"].build(engine)
    layers = [(784, 128), (128, 64), (64, 10)]
    forward = sum(2 * 64 * a * b for a, b in layers)
    expected = 3 * forward - 2 * 64 * 784 * 128  # nobody asks for the gradient of the pictures
    assert measure.products(lambda: problem.step(problem.x, problem.y)) == expected


def test_the_table_names_who_did_not_take_part_and_why() -> None:
    column = {"median": 1500.0, "ratio": 7.25, "roofline": 0.5}
    workload = {"name": "W2", "words": "a net", "steps_a_call": 1, "gflop": 1.0, "columns": {"compiled": column}}
    found = {
        "machine": {"cpu": "a CPU", "cores": 2, "python": "3", "numpy": "2", "load": []},
        "processes": [{"threads": 2, "peak_gflops": 100.0, "random": {},
                       "workloads": [{**workload, "absent": {"torch": "torch is not installed."}}]}],
    }  # fmt: skip
    text = report.text(found)
    assert "1,500 7.25x" in text
    assert "torch: torch is not installed." in text
