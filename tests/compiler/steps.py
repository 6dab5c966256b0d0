"""Models, batches and training steps that the tests of the compiled tier share."""

from __future__ import annotations

import copy

import numpy as np

import engine
import engine.nn.functional as F
from engine import nn
from engine.compiler.graph.ir import Graph
from engine.compiler.kernels.work import Record
from engine.compiler.trace.assemble import assemble
from engine.compiler.trace.compare import Comparison, Differs
from engine.compiler.trace.events import watched


class Residual(nn.Module):
    """A branch around two layers."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.out = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.out(x + self.b(F.gelu(self.a(x))))


class Words(nn.Module):
    """Words, a recurrent layer, an answer."""

    def __init__(self):
        super().__init__()
        self.table, self.lstm, self.out = nn.Embedding(11, 4), nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x):
        return self.out(self.lstm(self.table(x))[0][:, -1])


class Attention(nn.Module):
    """One block of a transformer, with positions made inside of the step."""

    def __init__(self):
        super().__init__()
        self.words, self.places, self.norm = nn.Embedding(11, 8), nn.Embedding(6, 8), nn.LayerNorm(8)
        self.qkv, self.out = nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, x):
        h = self.norm(self.words(x) + self.places(engine.arange(x.shape[1])))
        q, k, v = (t.view(x.shape[0], -1, 2, 4).transpose(1, 2) for t in self.qkv(h).split(8, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(h.shape)
        return self.out((h + y).mean(1))


def mlp():
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))


def cnn():
    shrunk = (nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3))
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), *shrunk, nn.Linear(27, 3))


def rows(n=5):
    return engine.randn(n, 6), engine.randint(0, 3, (n,))


def pictures(n=5):
    return engine.randn(n, 1, 8, 8), engine.randint(0, 3, (n,))


def sentences(n=5):
    return engine.randint(0, 11, (n, 6)), engine.randint(0, 3, (n,))


NETWORKS = {"mlp": (mlp, rows), "cnn": (cnn, pictures), "residual": (Residual, rows), "words": (Words, sentences),
            "attention": (Attention, sentences)}  # fmt: skip


def weighing(w, optimizer):
    """A step of one parameter, whose gradient is its argument."""

    def step(x):
        optimizer.zero_grad()
        loss = (w * x).sum()
        loss.backward()
        optimizer.step()
        return loss

    return step


def training(model, optimizer, clip=None, schedule=None, penalty=0.0):
    """A step as one writes it for PyTorch."""

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        if penalty:
            loss = loss + penalty * sum(p.abs().sum() for p in model.parameters())
        loss.backward()
        if clip is not None:
            clip(model.parameters())
        optimizer.step()
        if schedule is not None:
            schedule.step()
        return loss

    return step


def twins(make, seed=1):
    """Two equal models."""
    engine.manual_seed(seed)
    model = make()
    return model, copy.deepcopy(model)


def gap(a, b):
    """The largest difference between two models, gradients included."""
    pairs = list(zip(a.state_dict().values(), b.state_dict().values(), strict=True))
    pairs += [(p.grad, q.grad) for p, q in zip(a.parameters(), b.parameters(), strict=True) if p.grad is not None]
    return max(float(np.abs(p.numpy() - q.numpy()).max()) for p, q in pairs)


def learns_alike(network, x, y):
    """That a network learns compiled as eager, and the same on one thread and on two. Returns: the works of both."""
    found, works = [], []
    for threads in (0, 1, 2):
        model = network()
        step = training(model, engine.optim.SGD(model.parameters(), lr=0.05))
        if threads:  # NumPy would train on until all kernels are there, and round otherwise
            step = engine.compile(step, threads=threads)
            step.prepare(x, y)
            assert step.wait()
        losses = [float(step(x, y).item()) for _ in range(6)]
        found.append((losses, [p.detach().numpy().copy() for p in model.parameters()]))
        if threads:
            works.append([row.work for row in step.newest.bound.runner.plan.rows if isinstance(row, Record)])
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=2e-5)
    for p, q, r in zip(*(weights for _, weights in found), strict=True):
        np.testing.assert_allclose(q, p, rtol=1e-3, atol=2e-5)
        np.testing.assert_allclose(r, q, rtol=1e-4, atol=2e-6)
    return works


def same_gradients(network, x, y, threads):
    """That a network has compiled the gradients that it has eager, while weights rest: optimisers and the edge of ReLU
    would make much of the last bit. Returns: the compiled works."""
    model, twin = twins(network)

    def step_of(model):
        def step(x, y):
            model.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        return step

    fast, slow = engine.compile(step_of(model), threads=threads), step_of(twin)
    fast.prepare(x, y)
    assert fast.wait()
    for _ in range(3):
        np.testing.assert_allclose(fast(x, y).item(), slow(x, y).item(), rtol=2e-5)
    largest = max(float(np.abs(q.grad.numpy()).max()) for q in twin.parameters())
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-3, atol=2e-5 * largest)
    return [row.work for row in fast.newest.bound.runner.plan.rows if isinstance(row, Record)]


def trace_step(step, args, lowered=True, finite=False):
    """The graph of a training step, which runs eagerly a few times for it: at first optimisers make their states.

    Raises: Differs, with the reason why the step can not be replayed.
    """
    old = watched(step, args, {})
    for attempts_left in (2, 1, 0):
        new = watched(step, args, {})
        try:
            program = assemble(Comparison(old, new).run(), lowered, finite)
            graph, program.graph = program.graph, Graph()
            return graph
        except Differs:
            if not attempts_left:
                raise
        old = new
    raise Differs("")
