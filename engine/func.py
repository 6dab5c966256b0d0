"""PyTorch's `torch.func`: functions that make functions. They nest, take trees, and see through one another."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from engine import autodiff
from engine.autodiff import enable_grad, is_grad_enabled, stacked, zeros_like
from engine.errors import ArgumentError, GraphError, ShapeError
from engine.forward import cut, input_of, pushed
from engine.ops.op import words
from engine.rng import default_generator
from engine.stateless import functional_call, stack_module_state
from engine.sweep import nodes_behind
from engine.tensor import Tensor
from engine.tree import leaves, mapped, rebuilt, spread

__all__ = [
    "functional_call",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "stack_module_state",
    "vjp",
    "vmap",
]
Function = Callable[..., Any]
Argnums = int | tuple[int, ...]


class _Run:
    """One call of a function on inputs of its own, and the gradients of its outputs."""

    def __init__(self, func: Function, primals: Any, call: Callable[[Any], tuple[Any, ...]], has_aux: bool) -> None:
        self.primals = primals
        self.inputs = [input_of(t) if isinstance(t, Tensor) else t for t in leaves(primals)]
        with enable_grad():
            result = func(*call(rebuilt(primals, iter(self.inputs))))
        if has_aux and not (isinstance(result, tuple) and len(result) == 2):
            raise GraphError("has_aux=True", "a function that gives (output, aux)", type(result).__name__)
        self.output: Any
        self.aux: Any
        self.output, self.aux = result if has_aux else (result, None)
        own = {id(t) for t in self.inputs}
        nodes = nodes_behind(t.grad_fn for t in leaves((self.output, self.aux)) if isinstance(t, Tensor))
        ends = [e for node in nodes for e in node.edges if isinstance(e, Tensor)]
        self.outer = is_grad_enabled() and any(id(e) not in own for e in ends)

    def closed(self, tree: Any) -> Any:
        """The tree as outsiders may see it: with history only where that leads outside."""
        return tree if self.outer else mapped(cut, tree)

    def gradients(self, outputs: list[Tensor], weights: list[Any]) -> list[Tensor]:
        """The gradients of all inputs."""
        live = [(y, w) for y, w in zip(outputs, weights, strict=True) if y.requires_grad]
        if not live:
            return [zeros_like(t) for t in self.inputs]
        ys, ws = zip(*live, strict=True)
        higher = is_grad_enabled() and (self.outer or any(w is not None and w.requires_grad for w in ws))
        return list(autodiff.grad(ys, self.inputs, ws, True, higher, materialize_grads=True))

    def rows(self, y: Tensor) -> list[Tensor]:
        """For each input the Jacobian of one output: (*output, *input)."""
        flat = self.flat(y)
        found = []
        for i in range(y.numel()):
            unit = zeros_like(y).reshape((-1,))
            unit.array[i] = 1
            found.append(self.gradients([flat], [unit]))
        if not found:
            return [zeros_like(t).reshape((-1,))[:0].reshape((*y.shape, *t.shape)) for t in self.inputs]
        return [stacked(list(g)).reshape((*y.shape, *g[0].shape)) for g in zip(*found, strict=True)]

    def flat(self, y: Tensor) -> Tensor:
        """An output as one row."""
        with enable_grad():
            return y.reshape((-1,))


def _placed(args: tuple[Any, ...], argnums: Argnums) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """(What is differentiated, how to call with it replaced)."""
    count = len(args)
    places = [argnums] if isinstance(argnums, int) else list(argnums)
    for place in places:
        if not -count <= place < count:
            raise GraphError(f"Got argnum={place}, but only {count} positional inputs")
    primals = args[places[0]] if isinstance(argnums, int) else tuple(args[p] for p in places)

    def call(new: Any) -> tuple[Any, ...]:
        values = list(args)
        for place, value in zip(places, [new] if isinstance(argnums, int) else new, strict=True):
            values[place] = value
        return tuple(values)

    return primals, call


def grad_and_value(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that gives (gradient, value), or with has_aux (gradient, (value, aux)).

    >>> engine.func.grad_and_value(lambda x: x ** 2)(engine.tensor(3.0))
    (tensor(6.), tensor(9.))
    """

    @wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        primals, call = _placed(args, argnums)
        run = _Run(lambda *a: func(*a, **kwargs), primals, call, has_aux)
        y = run.output
        if not isinstance(y, Tensor):
            raise GraphError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(y)}")
        if y.ndim:
            raise GraphError(
                f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {y.ndim} dims",
                hint="Use vjp or jacrev for more.",
            )
        found = rebuilt(primals, iter(run.gradients([y], [None])))
        value = run.closed(y)
        return found, (value, run.closed(run.aux)) if has_aux else value

    return wrapper


def grad(func: Function, argnums: Argnums = 0, has_aux: bool = False) -> Function:
    """A function that gives the gradient of `func` (whose value is one number) for the chosen arguments.

    >>> engine.func.grad(engine.func.grad(engine.sin))(engine.tensor(0.5))
    tensor(-0.4794)
    """
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, value = both(*args, **kwargs)
        return (found, value[1]) if has_aux else found

    return wrapper


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(output, function from the gradient of the output to those of the inputs[, aux]).

    >>> y, pull = engine.func.vjp(engine.sin, engine.tensor(0.0)); pull(engine.tensor(2.0))
    (tensor(2.),)
    """
    run = _Run(func, primals, lambda given: given, has_aux)
    outputs = leaves(run.output)

    def pull(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        given = leaves(cotangents if len(cotangents) > 1 else cotangents[0])
        for y, w in zip(outputs, given, strict=True):
            if y.array.shape != w.array.shape:
                raise ShapeError("vjp: cotangent", words(y.array.shape), words(w.array.shape))
        return rebuilt(primals, iter(run.gradients(outputs, given)))

    value = run.closed(run.output)
    return (value, pull, run.closed(run.aux)) if has_aux else (value, pull)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """(output, how it moves when the primals move along the tangents[, aux]): one forward pass.

    >>> engine.func.jvp(engine.sin, (engine.tensor(0.0),), (engine.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple):
        raise GraphError("jvp(f, primals, tangents)", "tuples of primals and tangents", type(primals).__name__)
    if len(leaves(primals)) != len(leaves(tangents)):
        raise GraphError("jvp(f, primals, tangents)", "trees of the same form", "two of different ones")
    for x, t in zip(leaves(primals), leaves(tangents), strict=True):
        if x.array.shape != t.array.shape:
            raise ShapeError("jvp: tangent", words(x.array.shape), words(t.array.shape))
    result, move = pushed(lambda *flat: func(*rebuilt(primals, iter(flat))), (*leaves(primals),), (*leaves(tangents),))
    output, aux = result if has_aux else (result, None)
    return (output, mapped(move, output), aux) if has_aux else (output, mapped(move, output))


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """(output, its Jacobian at the primals as a function of tangents): the function itself runs once.

    >>> y, push = engine.func.linearize(engine.sin, engine.tensor(0.0)); push(engine.tensor(2.0))
    tensor(2.)
    """
    run = _Run(func, primals, lambda given: given, False)
    outputs = leaves(run.output)
    seeds = [zeros_like(y).requires_grad_() for y in outputs]
    with enable_grad():
        slopes = run.gradients(outputs, seeds)

    def push(*tangents: Any) -> Any:
        pairs = [(g, t) for g, t in zip(slopes, leaves(tangents), strict=True) if g.requires_grad]
        if not pairs:
            return mapped(zeros_like, run.output)
        gs, ts = zip(*pairs, strict=True)
        found = autodiff.grad(gs, seeds, ts, True, run.outer, materialize_grads=True)
        return rebuilt(run.output, iter(found))

    return run.closed(run.output), push


def jacrev(
    func: Function,
    argnums: Argnums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """A function that gives the Jacobian, one backward walk for each element of the output.

    >>> engine.func.jacrev(engine.sin)(engine.tensor([0.0, 0.0]))
    tensor([[1., 0.],
            [0., 1.]])
    """

    @wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        primals, call = _placed(args, argnums)
        run = _Run(lambda *a: func(*a, **kwargs), primals, call, has_aux)
        found = mapped(lambda y: rebuilt(primals, iter(run.rows(y))), run.output)
        return (found, run.closed(run.aux)) if has_aux else found

    return wrapper


def jacfwd(func: Function, argnums: Argnums = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """A function that gives the Jacobian, one forward pass for each element of the input.

    >>> engine.func.jacfwd(engine.sin)(engine.tensor([0.0, 0.0]))
    tensor([[1., 0.],
            [0., 1.]])
    """

    @wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        primals, call = _placed(args, argnums)
        flat = leaves(primals)

        def inner(*moved: Any) -> Any:
            return func(*call(rebuilt(primals, iter(moved))), **kwargs)

        blocks, result = [], None
        for k, x in enumerate(flat):
            columns = []
            for i in range(x.numel()):
                unit = zeros_like(x)
                unit.array.reshape(-1)[i] = 1
                result, move = pushed(inner, tuple(flat), tuple(unit if j == k else None for j in range(len(flat))))
                columns.append([move(y) for y in leaves(result[0] if has_aux else result)])
            blocks.append([_columns(list(c), x) for c in zip(*columns, strict=True)])
        output, aux = result if has_aux and result is not None else (result, None)
        tables = iter([rebuilt(primals, iter(row)) for row in zip(*blocks, strict=True)])
        found = rebuilt(output, tables)
        return (found, aux) if has_aux else found

    return wrapper


def _columns(columns: list[Tensor], x: Tensor) -> Tensor:
    y = columns[0]
    flat = stacked([c.reshape((-1,)) for c in columns]).transpose(0, 1)
    return flat.reshape((*y.shape, *x.shape))


def hessian(func: Function, argnums: Argnums = 0) -> Function:
    """A function that gives all second derivatives: forward mode over reverse mode.

    >>> engine.func.hessian(lambda x: (x ** 3).sum())(engine.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def vmap(
    func: Function, in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *, chunk_size: int | None = None
) -> Function:
    """A function over one more axis of its inputs: called for each slice, the results stacked (a loop, no trick).

    >>> engine.vmap(engine.dot)(engine.ones(2, 3), engine.ones(2, 3))
    tensor([3., 3.])
    """
    if randomness not in ("error", "different", "same"):
        raise GraphError("randomness", "'error', 'different' or 'same'", repr(randomness))

    @wraps(func, updated=())
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        flat = leaves(args)
        dims = spread(list(in_dims) if isinstance(in_dims, tuple) else in_dims, list(args))
        size = _size(flat, dims, getattr(func, "__name__", "f"))
        start, results = default_generator.get_state(), []
        for i in range(size):
            if randomness == "same":
                default_generator.set_state(start)
            parts = iter([x if d is None else x.select(d, i) for x, d in zip(flat, dims, strict=True)])
            results.append(func(*rebuilt(args, parts), **kwargs))
            if randomness == "error" and default_generator.get_state() != start:
                default_generator.set_state(start)
                raise GraphError(
                    "vmap: called random operation while in randomness error mode",
                    hint="Say randomness='same' or 'different', or draw outside of vmap.",
                )
        return _joined(results, out_dims)

    return wrapper


def _size(flat: list[Any], dims: list[Any], name: str) -> int:
    for x, d in zip(flat, dims, strict=True):
        if d is not None and (not isinstance(x, Tensor) or not -x.ndim <= d < x.ndim):
            what = f"dimensionality {x.ndim}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
            raise ArgumentError(
                f"vmap({name}, in_dims={d}, ...)(<inputs>): Got in_dim={d} for some input", "a Tensor with it", what
            )
    sizes = [x.shape[d] for x, d in zip(flat, dims, strict=True) if d is not None]
    if not sizes:
        raise ArgumentError(f"vmap({name})(<inputs>)", "at least one input to map over", "in_dims of None alone")
    if len(set(sizes)) > 1:
        raise ArgumentError("vmap: Expected all tensors to have the same size in the mapped dimension", got=sizes)
    return int(sizes[0])


def _joined(results: list[Any], out_dims: Any) -> Any:
    if not results:
        raise ArgumentError("vmap", "a mapped dimension of at least size 1", 0)
    first = results[0]
    columns = list(zip(*(leaves(r) for r in results), strict=True))
    if not all(isinstance(y, Tensor) for y in columns[0] or ()):
        raise ArgumentError("vmap", "a function that returns only Tensors", type(columns[0][0]).__name__)
    dims = spread(list(out_dims) if isinstance(out_dims, tuple) else out_dims, _plain(first))
    joined = [c[0] if d is None else stacked(list(c)).movedim(0, d) for c, d in zip(columns, dims, strict=True)]
    return rebuilt(first, iter(joined))


def _plain(tree: Any) -> Any:
    return list(tree) if isinstance(tree, tuple) else tree
