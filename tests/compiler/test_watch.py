"""A step from inside: every activation and gradient, by the number of its call, without a trace."""

import numpy as np

import engine
from engine import optim
from tests.compiler.steps import cnn, gap, mlp, pictures, rows, training, twins


def test_activations_and_gradients_of_the_next_step():
    a, b = twins(mlp)
    step = engine.compile(training(b, optim.SGD(b.parameters(), lr=0.1)))
    x, y = rows()
    seen = step.watch(x, y)
    ops = [(call.op, call.backward) for call in seen.calls]
    hidden = a[1](a[0](x))
    hidden.retain_grad()
    engine.nn.functional.cross_entropy(a[2](hidden), y).backward()
    forward = ops.index(("tanh", False))
    np.testing.assert_allclose(seen[seen.calls[forward].number], hidden.detach().numpy(), atol=1e-6)
    backward = ops.index(("tanh_backward", True)) - 1
    arrays = [seen[c.number] for c in seen.calls[: backward + 1] if c.backward and c.value.shape == hidden.shape]
    assert any(np.allclose(found, hidden.grad.numpy(), atol=1e-6) for found in arrays)
    assert seen.calls[forward].module is b[1]
    assert seen.calls[forward].line.startswith("steps.py:")
    assert gap(twins(mlp)[0], b) < 1e-9 or all(p.grad is None for p in b.parameters())


def test_looking_commits_nothing_and_sees_the_masks_to_come():
    a, b = twins(cnn)
    steps = [engine.compile(training(m, optim.SGD(m.parameters(), lr=0.1))) for m in (a, b)]
    batch = pictures()
    losses = []
    for look, step in zip((False, True), steps, strict=True):
        engine.manual_seed(3)
        for _ in range(5):
            if look:
                seen = step.watch(*batch)
                number = next(c.number for c in seen.calls if c.op == "cross_entropy_op")
                assert step.value_of(number, *batch) == seen[number]
                expected = float(seen[number])
            loss = step(*batch).item()
            assert not look or abs(loss - expected) < 1e-5
            losses.append(loss)
    np.testing.assert_allclose(losses[:5], losses[5:], rtol=1e-5)


def test_records_know_the_calls_that_they_compute():
    model = twins(mlp)[0]
    step = engine.compile(training(model, optim.SGD(model.parameters(), lr=0.1)))
    step.prepare(*rows())
    numbers = {call.number for call in step.watch(*rows()).calls}
    known = {number for row in step.records for number, _, _, _ in row.calls}
    assert len(known & numbers) > 5
