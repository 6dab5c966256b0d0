"""Random programs of views and in-place writes, step by step beside PyTorch: values, versions, strides, gradients."""

import random
from typing import Any

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")

# Each step: (its name, what it does to a tensor of a library); `r` draws the same numbers for both libraries.
VIEWS: dict[str, Any] = {
    "row": lambda t, x, r: x[r.randrange(x.shape[0])],
    "slice": lambda t, x, r: x[r.randrange(x.shape[0]) :],
    "steps": lambda t, x, r: x[:: r.choice([1, 2])],
    "last": lambda t, x, r: x[..., -1],
    "transposed": lambda t, x, r: x.transpose(0, -1),
    "flat": lambda t, x, r: x.view(-1),
    "new axis": lambda t, x, r: x.unsqueeze(r.randrange(x.dim() + 1)),
    "squeezed": lambda t, x, r: x.squeeze(),
    "narrowed": lambda t, x, r: x.narrow(0, 0, r.randrange(1, x.shape[0] + 1)),
    "expanded": lambda t, x, r: x.unsqueeze(0).expand(2, *x.shape),
    "detached": lambda t, x, r: x.detach(),
    "strided": lambda t, x, r: x.as_strided((2, 2), (r.choice([1, 2]), 1), r.choice([0, 1])),
    "diagonal": lambda t, x, r: x.diagonal(),
    "itself": lambda t, x, r: x[:],
}
WRITES: dict[str, Any] = {
    "add_": lambda t, x, r: x.add_(r.choice([1.0, 2.0])),
    "mul_": lambda t, x, r: x.mul_(r.choice([0.5, 2.0])),
    "sin_": lambda t, x, r: x.sin_(),
    "zero_": lambda t, x, r: x.zero_(),
    "copy_": lambda t, x, r: x.copy_(t.tensor(r.choice([3.0, 4.0]))),
    "item": lambda t, x, r: x.__setitem__(r.randrange(x.shape[0]), r.choice([5.0, 6.0])),
    "fancy": lambda t, x, r: x.__setitem__(t.tensor([0, r.randrange(x.shape[0])]), 7.0),
    "mask": lambda t, x, r: x.__setitem__(x > 1, 0.25),
    "+=": lambda t, x, r: x.__iadd__(1.0),
    "masked_fill_": lambda t, x, r: x.masked_fill_(x.detach() < 0, 0.75),
    "fill_": lambda t, x, r: x.fill_(1.5),
}
OTHER: dict[str, Any] = {
    "product": lambda t, x, r: x * x,
    "exp": lambda t, x, r: x.tanh(),
    "clone": lambda t, x, r: x.clone(),
}


def step(library: Any, known: list[Any], kind: str, name: str, place: int, seed: int) -> tuple[str, Any]:
    """(the class of the refusal or "", the tensor that came out)."""
    table = VIEWS | WRITES | OTHER
    try:
        made = table[name](library, known[place], random.Random(seed))
    except (RuntimeError, IndexError, ValueError) as refusal:
        return ("IndexError" if isinstance(refusal, IndexError) else "RuntimeError"), None
    if kind != "write":
        known.append(made)
    return "", made


def compare(ours: list[Any], theirs: list[Any], said: str) -> None:
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-10, err_msg=said)
        assert (a.requires_grad, a.is_leaf) == (b.requires_grad, b.is_leaf), said
        assert a._version == b._version, said
        assert a.is_contiguous() == b.is_contiguous(), said
        assert a.storage_offset() == b.storage_offset(), said
        if a.numel() and 1 not in a.shape:
            assert a.stride() == b.stride(), said


@pytest.mark.parametrize("seed", [*range(150), *(pytest.param(s, marks=pytest.mark.full) for s in range(150, 3000))])
def test_a_random_program_of_views_and_writes_agrees_with_pytorch(seed: int) -> None:
    r = random.Random(seed)
    start = np.random.default_rng(seed).normal(size=(3, 4))
    roots = [t.from_numpy(start.copy()).requires_grad_(seed % 3 != 0) for t in (engine, torch)]
    ours, theirs = [roots[0], roots[0] * 1.0], [roots[1], roots[1] * 1.0]
    said = f"seed {seed}:"
    for _ in range(r.randrange(3, 9)):
        kind = r.choice(["view", "view", "write", "write", "other"])
        name = r.choice(list({"view": VIEWS, "write": WRITES, "other": OTHER}[kind]))
        place, draw = r.randrange(len(ours)), r.randrange(1000)
        said += f" {name}({place})"
        refusals = [step(t, known, kind, name, place, draw)[0] for t, known in ((engine, ours), (torch, theirs))]
        assert refusals[0] == refusals[1], said
        compare(ours, theirs, said)
    gradients = [backward(known) for known in (ours, theirs)]
    assert type(gradients[0]) is type(gradients[1]), f"{said}: {gradients}"
    if isinstance(gradients[1], np.ndarray):
        np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-9, atol=1e-12, err_msg=said)


def backward(known: list[Any]) -> Any:
    """The gradient of everything with respect to the first tensor; the class of a refusal; None where there is none."""
    total = sum((x * x).sum() for x in known if x.requires_grad)
    if isinstance(total, int):
        return None
    try:
        total.backward()
    except RuntimeError as refusal:
        return "modified by an inplace operation" in str(refusal)
    return known[0].grad.numpy()
