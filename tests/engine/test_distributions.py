"""Distributions agree with PyTorch's, and their draws with their probabilities."""

from typing import Any

import numpy as np
import pytest

import engine

PROBS = [[0.2, 0.3, 0.5], [1.0, 2.0, 4.0]]
LOGITS = [[1.0, -2.0, 0.3], [0.0, 0.0, 5.0]]
MADE = (
    ("Normal", {"loc": [0.0, 1.0], "scale": [2.0, 0.5]}, [0.3, -1.0]),
    ("Uniform", {"low": [0.0, 1.0], "high": [2.0, 3.5]}, [0.3, 2.0]),
    ("Bernoulli", {"probs": [0.2, 0.9]}, [1.0, 0.0]),
    ("Bernoulli", {"logits": [0.2, -3.0]}, [1.0, 0.0]),
    ("Categorical", {"probs": PROBS}, [1, 2]),
    ("Categorical", {"logits": LOGITS}, [1, 2]),
)


def made(library: Any, name: str, parameters: dict[str, Any]) -> Any:
    kind = getattr(library.distributions, name)
    return (
        kind(*[library.tensor(v) for v in parameters.values()])
        if name in ("Normal", "Uniform")
        else kind(**{k: library.tensor(v) for k, v in parameters.items()})
    )


@pytest.mark.parametrize(("name", "parameters", "value"), MADE)
def test_densities_and_entropies_are_pytorchs(name: str, parameters: dict[str, Any], value: list[float]) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs = made(engine, name, parameters), made(torch, name, parameters)
    assert np.allclose(ours.log_prob(engine.tensor(value)), theirs.log_prob(torch.tensor(value)), atol=1e-6)
    assert np.allclose(ours.entropy(), theirs.entropy(), atol=1e-6)
    assert ours.sample((5,)).shape == theirs.sample((5,)).shape
    assert (
        np.allclose(engine.distributions.kl_divergence(ours, ours), 0, atol=1e-6)
        if name != "Uniform"
        else ours.variance.shape == (2,)
    )


@pytest.mark.parametrize("seed", range(3))
def test_draws_come_as_often_as_their_probability_says(seed: int) -> None:
    engine.manual_seed(seed)
    drawn = engine.distributions.Categorical(engine.tensor([0.2, 0.3, 0.5])).sample((4000,))
    assert np.allclose(np.bincount(drawn.numpy()) / 4000, [0.2, 0.3, 0.5], atol=0.04)
    ones = engine.distributions.Bernoulli(engine.tensor([0.1, 0.9])).sample((4000,))
    assert np.allclose(ones.mean(0), [0.1, 0.9], atol=0.03)


def test_gradients_flow_through_a_reparameterised_draw_and_not_through_a_plain_one() -> None:
    mean = engine.tensor(1.0, requires_grad=True)
    normal = engine.distributions.Normal(mean, 2.0)
    assert not normal.sample().requires_grad
    normal.rsample((3,)).sum().backward()
    assert mean.grad == 3
    with pytest.raises(NotImplementedError):
        engine.distributions.Categorical(engine.ones(2)).rsample()


def test_counts_of_classes_are_pytorchs_in_their_probability_and_sum_to_the_number_of_draws() -> None:
    torch = pytest.importorskip("torch")
    counts = [[2.0, 3.0, 5.0], [0.0, 10.0, 0.0]]
    ours = engine.distributions.Multinomial(10, probs=engine.tensor(PROBS))
    theirs = torch.distributions.Multinomial(10, probs=torch.tensor(PROBS))
    assert np.allclose(ours.log_prob(engine.tensor(counts)), theirs.log_prob(torch.tensor(counts)), atol=1e-5)
    drawn = ours.sample((4,))
    assert drawn.shape == theirs.sample((4,)).shape
    assert bool((drawn.sum(-1) == 10).all())


def test_one_process_trains_alone() -> None:
    assert not engine.distributed.is_available()
    assert engine.distributed.get_world_size() == 1
    with pytest.raises(NotImplementedError, match="one process"):
        engine.distributed.init_process_group("gloo")
    layer = engine.nn.Linear(2, 3)
    assert engine.nn.DataParallel(layer)(engine.ones(4, 2)).shape == (4, 3)
    assert list(engine.nn.DataParallel(layer).state_dict()) == ["module.weight", "module.bias"]


@pytest.mark.parametrize(
    ("count", "replicas", "drop_last"), [(10, 3, False), (10, 3, True), (2, 5, False), (8, 4, True)]
)
def test_the_shares_of_several_processes_are_pytorchs(count: int, replicas: int, drop_last: bool) -> None:
    sampler = pytest.importorskip("torch.utils.data.distributed").DistributedSampler
    for rank in range(replicas):
        options = {"num_replicas": replicas, "rank": rank, "shuffle": False, "drop_last": drop_last}
        ours = engine.data.distributed.DistributedSampler(range(count), **options)
        assert list(ours) == list(sampler(range(count), **options))
    shuffled = [engine.data.distributed.DistributedSampler(range(9), 3, rank) for rank in range(3)]
    assert sorted(i for share in shuffled for i in share) == list(range(9))
