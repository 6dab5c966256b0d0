"""Linear algebra where it is hard: empty, tall, wide, singular and repeated; and sums named by letters, at random."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import torch

import engine
from engine.linalg import LinAlgError

EMPTY = [(0, 0), (2, 0, 0), (0, 3, 3)]


def filled(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "matrix_exp", "svdvals", "pinv", "matrix_rank", "eigvalsh"])
@pytest.mark.parametrize("shape", EMPTY)
def test_empty_matrices_give_what_pytorch_gives(name: str, shape: tuple[int, ...]) -> None:
    got = getattr(engine.linalg, name)(engine.zeros(*shape, dtype=engine.float64))
    expected = getattr(torch.linalg, name)(torch.zeros(shape, dtype=torch.float64))
    np.testing.assert_array_equal(got.numpy(), expected.numpy())


SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


@pytest.mark.parametrize("call", [engine.linalg.inv, lambda a: engine.linalg.solve(a, a), engine.inverse])
def test_a_singular_matrix_is_refused_as_pytorch_does_with_facts(call) -> None:
    with pytest.raises(LinAlgError, match="singular") as refusal:
        call(engine.tensor(SINGULAR))
    assert isinstance(refusal.value, RuntimeError)
    assert refusal.value.hint


def test_what_is_not_positive_definite_has_no_cholesky_factor_and_an_info() -> None:
    with pytest.raises(LinAlgError, match="positive-definite"):
        engine.linalg.cholesky(-engine.eye(2))
    assert engine.linalg.cholesky_ex(-engine.eye(2)).info.item() != 0
    assert engine.linalg.cholesky_ex(engine.eye(2)).info.item() == 0


def test_one_singular_matrix_of_a_batch_is_told_from_the_others() -> None:
    batch = engine.tensor(np.stack([SINGULAR, np.eye(2)]))
    inverse, info = engine.linalg.inv_ex(batch)
    assert (info != 0).tolist() == [True, False]
    np.testing.assert_array_equal(inverse[1].numpy(), np.eye(2))


def minors(a: np.ndarray) -> np.ndarray:
    """The determinants of what is left without one row and column, with signs."""
    n = len(a)
    rest = [[np.delete(np.delete(a, i, 0), j, 1) for j in range(n)] for i in range(n)]
    return np.array([[(-1) ** (i + j) * np.linalg.det(rest[i][j]) for j in range(n)] for i in range(n)])


@pytest.mark.parametrize("matrix", [SINGULAR, np.zeros((3, 3)), np.diag([0.0, 2.0, 3.0]), np.diag([0.0, 0.0, 3.0])])
def test_the_determinant_of_a_singular_matrix_has_its_minors_as_gradient(matrix: np.ndarray) -> None:
    """PyTorch, which divides by the determinant, gives 0 here."""
    x = engine.tensor(matrix).requires_grad_()
    engine.linalg.det(x).backward()
    np.testing.assert_allclose(x.grad.numpy(), minors(matrix), atol=1e-9)


@pytest.mark.parametrize("name", ["svdvals", "eigvalsh"])
def test_equal_singular_values_and_eigenvalues_have_finite_gradients_of_both_orders(name: str) -> None:
    x = engine.eye(3, dtype=engine.float64).requires_grad_()
    (g,) = engine.autograd.grad(getattr(engine.linalg, name)(x).square().sum(), x, create_graph=True)
    np.testing.assert_allclose(g.detach().numpy(), 2 * np.eye(3), atol=1e-12)
    (h,) = engine.autograd.grad(g.sum(), x)
    assert np.isfinite(h.numpy()).all()


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5), (2, 4, 3), (1, 1)])
@pytest.mark.parametrize("name", ["qr", "svd", "lu"])
def test_the_factors_multiply_to_the_matrix(name: str, shape: tuple[int, ...]) -> None:
    a = engine.tensor(filled(*shape))
    if name == "svd":
        u, s, vh = engine.linalg.svd(a, full_matrices=False)
        whole = (u * s.unsqueeze(-2)) @ vh
    else:
        factors = getattr(engine.linalg, name)(a)
        whole = factors[0]
        for factor in factors[1:]:
            whole = whole @ factor
    np.testing.assert_allclose(whole.numpy(), a.numpy(), atol=1e-12)


@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_the_gradient_of_a_product_of_factors_is_that_of_the_matrix(shape: tuple[int, ...]) -> None:
    """Whatever the factors are, together they are the matrix: the gradient of a sum of its elements is 1."""
    w = filled(*shape, seed=3)
    for name in ("qr", "svd", "lu"):
        a = engine.tensor(filled(*shape)).requires_grad_()
        if name == "svd":
            u, s, vh = engine.linalg.svd(a, full_matrices=False)
            whole = (u * s) @ vh
        else:
            factors = getattr(engine.linalg, name)(a)
            whole = factors[0] @ factors[1] if name == "qr" else factors[0] @ factors[1] @ factors[2]
        (whole * engine.tensor(w)).sum().backward()
        np.testing.assert_allclose(a.grad.numpy(), w, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4)])
def test_least_squares_and_the_pseudoinverse_agree_with_pytorch(shape: tuple[int, ...]) -> None:
    a, b = filled(*shape), filled(shape[0], 2, seed=1)
    got, expected = engine.linalg.lstsq(engine.tensor(a), engine.tensor(b)), torch.linalg.lstsq(
        torch.from_numpy(a), torch.from_numpy(b)
    )  # fmt: skip
    np.testing.assert_allclose(got.solution.numpy(), expected.solution.numpy(), atol=1e-9)
    a[1] = a[0]
    pinv = engine.linalg.pinv(engine.tensor(a)).numpy()
    np.testing.assert_allclose(pinv, torch.linalg.pinv(torch.from_numpy(a)).numpy(), atol=1e-9)


def test_a_zero_on_a_triangles_diagonal_gives_what_substitution_gives() -> None:
    a, b = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0], [2.0]])
    got = engine.linalg.solve_triangular(engine.tensor(a), engine.tensor(b), upper=False)
    expected = torch.linalg.solve_triangular(torch.from_numpy(a), torch.from_numpy(b), upper=False)
    np.testing.assert_array_equal(got.numpy(), expected.numpy())


def test_the_order_of_a_chain_is_the_cheapest() -> None:
    sizes = [(10, 100), (100, 5), (5, 50)]
    parts = [engine.tensor(filled(*s)) for s in sizes]
    np.testing.assert_allclose(
        engine.linalg.multi_dot(parts).numpy(), np.linalg.multi_dot([p.numpy() for p in parts]), rtol=1e-9
    )


# ------------------------------------------------------------------------------------------------------- einsum
SIZES = {"a": 2, "b": 3, "c": 4, "d": 1}


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """An equation with repeated letters, `...`, stretched axes of size 1, with or without `->`."""
    names, shapes = [], []
    for _ in range(draw(st.integers(1, 3))):
        letters = draw(st.text("abcd", max_size=3))
        dots = draw(st.integers(0, 2)) if draw(st.booleans()) else None
        thin = draw(st.booleans())
        shape = [1 if thin and letters.count(c) == 1 else SIZES[c] for c in letters]
        place = draw(st.integers(0, len(letters)))
        names.append(letters if dots is None else letters[:place] + "..." + letters[place:])
        shapes.append(tuple(shape[:place] + [2, 3][2 - (dots or 0) :] + shape[place:]))
    sides = ",".join(names)
    if draw(st.booleans()):
        return sides, shapes
    known = sorted(set(sides) & set(string.ascii_letters))
    result = "".join(draw(st.permutations(known))[: draw(st.integers(0, len(known)))])
    return f"{sides} -> {'...' if '...' in sides else ''}{result}", shapes


@settings(max_examples=150, deadline=None)
@given(equations())
def test_a_random_sum_named_by_letters_is_pytorchs_with_its_gradients(equation) -> None:
    text, shapes = equation
    values = [filled(*shape, seed=i) for i, shape in enumerate(shapes)]
    ours = [engine.tensor(np.asarray(v)).requires_grad_() for v in values]
    theirs = [torch.from_numpy(np.asarray(v)).requires_grad_() for v in values]
    try:
        expected = torch.einsum(text, *theirs)
    except RuntimeError:
        with pytest.raises(RuntimeError):
            engine.einsum(text, *ours)
        return
    got = engine.einsum(text, *ours)
    np.testing.assert_allclose(got.detach().numpy(), expected.detach().numpy(), atol=1e-9)
    got.square().sum().backward()
    expected.square().sum().backward()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), atol=1e-8)


def test_the_list_form_of_einsum_is_the_text_form() -> None:
    x, y = engine.tensor(filled(2, 3)), engine.tensor(filled(3, 4))
    assert engine.einsum(x, [0, 1], y, [1, 2], [0, 2]).equal(engine.einsum("ij,jk->ik", x, y))
    assert engine.einsum(x, [..., 1], [1, ...]).equal(x.t())


@pytest.mark.parametrize("text", ["ij->iji", "ij->k", "i", "i1->i", "ij,jk", "ij->i..k"])
def test_a_wrong_equation_is_refused(text: str) -> None:
    with pytest.raises(RuntimeError):
        torch.einsum(text, torch.ones(2, 2))
    with pytest.raises(RuntimeError):
        engine.einsum(text, engine.ones(2, 2))
