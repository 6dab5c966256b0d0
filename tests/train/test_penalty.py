"""The price on large weights, in both styles."""

import numpy as np
import pytest

from engine.exchange.safetensors import load
from engine.train import Run


def weights(run: Run) -> dict[str, np.ndarray]:
    return load(run.weights())[0]


def after(circle, at_step, steps: int = 1, **penalty: object) -> dict[str, np.ndarray]:
    return weights(at_step(Run(circle(penalty=penalty)), steps))


@pytest.mark.parametrize("style", ["gradient", "after_step"])
@pytest.mark.parametrize(("kind", "slope"), [("l1", np.sign), ("l2", lambda w: w)])
def test_a_penalty_moves_every_weight_by_its_slope_and_no_bias(circle, at_step, kind, slope, style) -> None:
    first = weights(Run(circle()))
    free, paid = after(circle, at_step), after(circle, at_step, kind=kind, rate=0.1, style=style)
    for name in first:
        price = 0.03 * 0.1 * slope(first[name]) if name.endswith("weight") else 0
        assert paid[name] == pytest.approx(free[name] - price, abs=1e-7)


def test_a_link_that_an_l1_penalty_pushes_across_zero_is_dead_for_good(circle, at_step) -> None:
    run = Run(circle(penalty={"kind": "l1", "rate": 3, "style": "after_step"}))
    dead = {name: np.zeros(w.shape, bool) for name, w in weights(run).items() if w.ndim > 1}
    for step in range(1, 40):
        now = weights(at_step(run, step))
        for name, was in dead.items():
            assert (now[name][was] == 0).all()
            dead[name] = was | (now[name] == 0)
    assert any(d.any() for d in dead.values())


def test_another_penalty_wakes_dead_links(circle, at_step) -> None:
    run = at_step(Run(circle(penalty={"kind": "l1", "rate": 10, "style": "after_step"})), 30)
    assert (weights(run)["hidden1.weight"] == 0).any()
    run.command({"op": "set", "path": "penalty.kind", "value": "none"})
    run.command({"op": "set", "path": "parameters.output.weight[0,0]", "value": 0.5})
    run.command({"op": "set", "path": "parameters.output.weight[0,1]", "value": 0.5})
    run.command({"op": "set", "path": "parameters.hidden2.weight[0,0]", "value": 0.5})
    run.command({"op": "set", "path": "parameters.hidden2.weight[1,1]", "value": 0.5})
    assert (weights(at_step(run, 34))["hidden1.weight"][:2] != 0).any()


def test_the_shown_loss_is_free_of_the_penalty(circle) -> None:
    rows = [Run(circle(penalty={"kind": "l2", "rate": rate})).advance(0)[0].values for rate in (0.0, 10.0)]
    assert rows[0] == rows[1]
