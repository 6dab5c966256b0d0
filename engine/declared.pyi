"""The methods of Tensor that are derived from the registry. Written by `python -m engine.signatures`."""

import builtins
from typing import Any

from engine.tensor import Tensor

class Declared:
    __slots__ = ()
    @property
    def H(self) -> Any: ...
    @property
    def T(self) -> Any: ...
    def __abs__(self) -> Tensor: ...
    def __add__(self, other: Any) -> Tensor: ...
    def __and__(self, other: Any) -> Tensor: ...
    def __array_wrap__(self, other: Any) -> Tensor: ...
    @property
    def __cuda_array_interface__(self) -> Any: ...
    def __delitem__(self, other: Any) -> None: ...
    def __dlpack__(self, **wanted: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
    def __floordiv__(self, other: Any) -> Tensor: ...
    def __format__(self, format_spec: str) -> str: ...
    def __ge__(self, other: Any) -> Tensor: ...
    def __getitem__(self, given: Any) -> Tensor: ...
    def __gt__(self, other: Any) -> Tensor: ...
    def __iadd__(self, other: Any) -> Tensor: ...
    def __iand__(self, other: Any) -> Tensor: ...
    def __ifloordiv__(self, other: Any) -> Tensor: ...
    def __ilshift__(self, other: Any) -> Tensor: ...
    def __imod__(self, other: Any) -> Tensor: ...
    def __imul__(self, other: Any) -> Tensor: ...
    def __invert__(self) -> Tensor: ...
    def __ior__(self, other: Any) -> Tensor: ...
    def __ipow__(self, other: Any) -> Tensor: ...
    def __irshift__(self, other: Any) -> Tensor: ...
    def __isub__(self, other: Any) -> Tensor: ...
    def __itruediv__(self, other: Any) -> Tensor: ...
    def __ixor__(self, other: Any) -> Tensor: ...
    def __le__(self, other: Any) -> Tensor: ...
    def __lshift__(self, other: Any) -> Tensor: ...
    def __lt__(self, other: Any) -> Tensor: ...
    def __matmul__(self, other: Any) -> Tensor: ...
    def __mod__(self, other: Any) -> Tensor: ...
    def __mul__(self, other: Any) -> Tensor: ...
    def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
    def __neg__(self) -> Tensor: ...
    def __or__(self, other: Any) -> Tensor: ...
    def __pos__(self) -> Tensor: ...
    def __pow__(self, other: Any) -> Tensor: ...
    def __radd__(self, other: Any) -> Tensor: ...
    def __rand__(self, other: Any) -> Tensor: ...
    def __reversed__(self) -> Tensor: ...
    def __rfloordiv__(self, other: Any) -> Tensor: ...
    def __rlshift__(self, other: Any) -> Tensor: ...
    def __rmatmul__(self, other: Any) -> Tensor: ...
    def __rmod__(self, other: Any) -> Tensor: ...
    def __rmul__(self, other: Any) -> Tensor: ...
    def __ror__(self, other: Any) -> Tensor: ...
    def __rpow__(self, other: Any) -> Tensor: ...
    def __rrshift__(self, other: Any) -> Tensor: ...
    def __rshift__(self, other: Any) -> Tensor: ...
    def __rsub__(self, other: Any) -> Tensor: ...
    def __rtruediv__(self, other: Any) -> Tensor: ...
    def __rxor__(self, other: Any) -> Tensor: ...
    def __setitem__(self, given: Any, value: Any) -> None: ...
    def __sub__(self, other: Any) -> Tensor: ...
    def __truediv__(self, other: Any) -> Tensor: ...
    def __xor__(self, other: Any) -> Tensor: ...
    def abs(self) -> Tensor:
        """The distance from 0; its slope at 0 counts as 0."""
    def abs_(self) -> Tensor:
        """In place: The distance from 0; its slope at 0 counts as 0."""
    def absolute(self) -> Any:
        """The distance from 0; its slope at 0 counts as 0."""
    def absolute_(self) -> Tensor:
        """In place: The distance from 0; its slope at 0 counts as 0."""
    def acos(self) -> Tensor:
        """The angle whose cosine is x."""
    def acos_(self) -> Tensor:
        """In place: The angle whose cosine is x."""
    def acosh(self) -> Tensor:
        """The number, 0 or more, whose hyperbolic cosine is x."""
    def acosh_(self) -> Tensor:
        """In place: The number, 0 or more, whose hyperbolic cosine is x."""
    def adaptive_avg_pool1d(self, output_size: Any) -> Any:
        """Means over windows that are worked out so that the output has the wanted size; None keeps an axis as it is."""
    def adaptive_avg_pool2d(self, output_size: Any) -> Any:
        """Means over windows that are worked out so that the output has the wanted size; None keeps an axis as it is."""
    def adaptive_avg_pool3d(self, output_size: Any) -> Any:
        """Means over windows that are worked out so that the output has the wanted size; None keeps an axis as it is."""
    def adaptive_max_pool1d(self, output_size: Any, return_indices: Any = ...) -> Any:
        """The largest numbers of windows that are worked out so that the output has the wanted size."""
    def adaptive_max_pool1d_with_indices(self, output_size: Any, return_indices: Any = ...) -> Any:
        """The largest numbers of windows that are worked out, and where they stand in the flattened space."""
    def adaptive_max_pool2d(self, output_size: Any, return_indices: Any = ...) -> Any:
        """The largest numbers of windows that are worked out so that the output has the wanted size."""
    def adaptive_max_pool2d_with_indices(self, output_size: Any, return_indices: Any = ...) -> Any:
        """The largest numbers of windows that are worked out, and where they stand in the flattened space."""
    def adaptive_max_pool3d(self, output_size: Any, return_indices: Any = ...) -> Any:
        """The largest numbers of windows that are worked out so that the output has the wanted size."""
    def adaptive_max_pool3d_with_indices(self, output_size: Any, return_indices: Any = ...) -> Any:
        """The largest numbers of windows that are worked out, and where they stand in the flattened space."""
    def add(self, other: Any, *, alpha: Any = ...) -> Tensor:
        """The sum of two tensors: input + alpha * other."""
    def add_(self, other: Any, *, alpha: Any = ...) -> Tensor:
        """In place: The sum of two tensors: input + alpha * other."""
    def addbmm(self, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ...) -> Any:
        """beta * input + alpha * (the sum of the products of two batches of matrices)."""
    def addbmm_(self, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ...) -> Tensor:
        """In place: beta * input + alpha * (the sum of the products of two batches of matrices)."""
    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: Any = ...) -> Any:
        """input + value * tensor1 / tensor2."""
    def addcdiv_(self, tensor1: Any, tensor2: Any, *, value: Any = ...) -> Tensor:
        """In place: input + value * tensor1 / tensor2."""
    def addcmul(self, tensor1: Any, tensor2: Any, *, value: Any = ...) -> Any:
        """input + value * tensor1 * tensor2."""
    def addcmul_(self, tensor1: Any, tensor2: Any, *, value: Any = ...) -> Tensor:
        """In place: input + value * tensor1 * tensor2."""
    def addmm(self, mat1: Any, mat2: Any, *, beta: Any = ..., alpha: Any = ...) -> Any:
        """beta * input + alpha * (mat1 @ mat2)."""
    def addmm_(self, mat1: Any, mat2: Any, *, beta: Any = ..., alpha: Any = ...) -> Tensor:
        """In place: beta * input + alpha * (mat1 @ mat2)."""
    def addmv(self, mat: Any, vec: Any, *, beta: Any = ..., alpha: Any = ...) -> Any:
        """beta * input + alpha * (mat @ vec)."""
    def addmv_(self, mat: Any, vec: Any, *, beta: Any = ..., alpha: Any = ...) -> Tensor:
        """In place: beta * input + alpha * (mat @ vec)."""
    def addr(self, vec1: Any, vec2: Any, *, beta: Any = ..., alpha: Any = ...) -> Any:
        """beta * input + alpha * (every element of vec1 times every element of vec2)."""
    def addr_(self, vec1: Any, vec2: Any, *, beta: Any = ..., alpha: Any = ...) -> Tensor:
        """In place: beta * input + alpha * (every element of vec1 times every element of vec2)."""
    def adjoint(self) -> Any:
        """The last two axes exchanged (for real numbers the same as `.mT`)."""
    def affine_grid(self, size: Any, align_corners: Any = ...) -> Any:
        """The places (x, y[, z]) in [-1, 1] that affine maps theta (batch, n, n + 1) send an image's pixels to."""
    def airy_slope(self) -> Tensor:
        """The slope of Airy's function."""
    def airy_slope_(self) -> Tensor:
        """In place: The slope of Airy's function."""
    def alias(self) -> Any:
        """The same memory once more (a view)."""
    def alias_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `alias` shows, in memory of its own."""
    def all(self, dim: Any = ..., keepdim: Any = ...) -> Tensor:
        """Whether every element is true (not 0)."""
    def allclose(self, other: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ...) -> builtins.bool:
        """Whether all elements are as near as `isclose` asks."""
    def alpha_dropout(self, p: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """Dropout that keeps mean 0 and variance 1 of what comes out of a SELU. G. Klambauer et al., 2017."""
    def amax(self, dim: Any = ..., keepdim: Any = ...) -> Tensor:
        """The largest element along axes; equal ones share the gradient."""
    def amin(self, dim: Any = ..., keepdim: Any = ...) -> Tensor:
        """The smallest element along axes; equal ones share the gradient."""
    def aminmax(self, *, dim: Any = ..., keepdim: Any = ...) -> Any:
        """The smallest and the largest element: (min, max)."""
    def angle(self) -> Tensor:
        """0 for numbers from 0 on, pi for negative ones."""
    def angle_(self) -> Tensor:
        """In place: 0 for numbers from 0 on, pi for negative ones."""
    def any(self, dim: Any = ..., keepdim: Any = ...) -> Tensor:
        """Whether any element is true (not 0)."""
    def apply_(self, callable: Any) -> Tensor:
        """Put every element through a Python function (slow; on the CPU alone)."""
    def arccos(self) -> Any:
        """The angle whose cosine is x."""
    def arccos_(self) -> Tensor:
        """In place: The angle whose cosine is x."""
    def arccosh(self) -> Any:
        """The number, 0 or more, whose hyperbolic cosine is x."""
    def arccosh_(self) -> Tensor:
        """In place: The number, 0 or more, whose hyperbolic cosine is x."""
    def arcsin(self) -> Any:
        """The angle whose sine is x."""
    def arcsin_(self) -> Tensor:
        """In place: The angle whose sine is x."""
    def arcsinh(self) -> Any:
        """The number whose hyperbolic sine is x."""
    def arcsinh_(self) -> Tensor:
        """In place: The number whose hyperbolic sine is x."""
    def arctan(self) -> Any:
        """The angle whose tangent is x."""
    def arctan2(self, other: Any) -> Any:
        """The angle of the point (x = second, y = first), in radians."""
    def arctan2_(self, other: Any) -> Tensor:
        """In place: The angle of the point (x = second, y = first), in radians."""
    def arctan_(self) -> Tensor:
        """In place: The angle whose tangent is x."""
    def arctanh(self) -> Any:
        """The number whose hyperbolic tangent is x."""
    def arctanh_(self) -> Tensor:
        """In place: The number whose hyperbolic tangent is x."""
    def argmax(self, dim: Any = ..., keepdim: Any = ...) -> Tensor:
        """The position of the largest element along an axis (the first one of equals)."""
    def argmin(self, dim: Any = ..., keepdim: Any = ...) -> Tensor:
        """The position of the smallest element along an axis (the first one of equals)."""
    def argsort(self, dim: Any = ..., descending: Any = ..., stable: Any = ...) -> Tensor:
        """The order that sorts an axis; equal elements keep their order; no gradient."""
    def argwhere(self) -> Any:
        """The positions of the elements that are not 0, one row each."""
    def as_strided(self, size: Any, stride: Any, storage_offset: Any = ...) -> Tensor:
        """The tensor's memory seen with other sizes and strides, as a view with gradients."""
    def as_strided_(self, size: Any, stride: Any, storage_offset: Any = ...) -> Tensor:
        """In place: The tensor's memory seen with other sizes and strides, as a view with gradients."""
    def as_strided_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `as_strided` shows, in memory of its own."""
    def as_strided_scatter(self, src: Any, size: Any, stride: Any, storage_offset: Any = ...) -> Any:
        """A copy in which what `as_strided` shows is replaced."""
    def as_subclass(self, cls: Any) -> Tensor:
        """The same memory as an object of a subclass of Tensor."""
    def asin(self) -> Tensor:
        """The angle whose sine is x."""
    def asin_(self) -> Tensor:
        """In place: The angle whose sine is x."""
    def asinh(self) -> Tensor:
        """The number whose hyperbolic sine is x."""
    def asinh_(self) -> Tensor:
        """In place: The number whose hyperbolic sine is x."""
    def atan(self) -> Tensor:
        """The angle whose tangent is x."""
    def atan2(self, other: Any) -> Tensor:
        """The angle of the point (x = second, y = first), in radians."""
    def atan2_(self, other: Any) -> Tensor:
        """In place: The angle of the point (x = second, y = first), in radians."""
    def atan_(self) -> Tensor:
        """In place: The angle whose tangent is x."""
    def atanh(self) -> Tensor:
        """The number whose hyperbolic tangent is x."""
    def atanh_(self) -> Tensor:
        """In place: The number whose hyperbolic tangent is x."""
    def avg_pool(self, *, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: Any, pad: Any, divisor: Any = ...) -> Tensor:
        """The mean of every window; `pad` says whether the padding counts, `divisor` what to divide by instead."""
    def avg_pool1d(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., ceil_mode: Any = ..., count_include_pad: Any = ..., divisor_override: Any = ...) -> Any:
        """The mean of each window of (batch, channel, *space)."""
    def avg_pool2d(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., ceil_mode: Any = ..., count_include_pad: Any = ..., divisor_override: Any = ...) -> Any:
        """The mean of each window of (batch, channel, *space)."""
    def avg_pool3d(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., ceil_mode: Any = ..., count_include_pad: Any = ..., divisor_override: Any = ...) -> Any:
        """The mean of each window of (batch, channel, *space)."""
    def avg_pool_backward(self, *, size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: Any, pad: Any, divisor: Any = ...) -> Tensor:
        """Each window's number shared out among its places."""
    def backward(self, gradient: Any = ..., retain_graph: Any = ..., create_graph: Any = ..., inputs: Any = ...) -> None:
        """Add to the `.grad` of every leaf the gradient of this tensor."""
    def baddbmm(self, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ...) -> Any:
        """beta * input + alpha * (the products of two batches of matrices)."""
    def baddbmm_(self, batch1: Any, batch2: Any, *, beta: Any = ..., alpha: Any = ...) -> Tensor:
        """In place: beta * input + alpha * (the products of two batches of matrices)."""
    def bag_argmax(self, other: Any, *, bags: Any) -> Tensor:
        """For every bag and column, which of all rows is the bag's largest (-1 for an empty bag); no gradient."""
    def batch_norm(self, running_mean: Any, running_var: Any, weight: Any = ..., bias: Any = ..., training: Any = ..., momentum: Any = ..., eps: Any = ...) -> Any:
        """Each channel (axis 1) normalised over the batch, or by the running figures outside of training."""
    def bce(self, other: Any) -> Tensor:
        """The cross-entropy of a yes/no answer given as a chance; logarithms are held at -100, slopes at 1e12."""
    def bce_with_logits(self, other: Any) -> Tensor:
        """The cross-entropy of a yes/no answer given as a score: max(x, 0) - x t + ln(1 + e**-|x|)."""
    def bernoulli(self, p: Any = ..., *, generator: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """1 by the chance that stands at each place (or by p everywhere), else 0."""
    def bernoulli_(self, p: Any = ..., *, generator: Any = ...) -> Tensor:
        """In place: 1 by the chance p, else 0."""
    def bfloat16(self) -> Tensor:
        """Refused: NumPy has no bfloat16."""
    def bilinear(self, input2: Any, weight: Any, bias: Any = ...) -> Any:
        """For every output o the sum of input1_i weight_oij input2_j, plus the bias."""
    def bin_counts(self, other: Any, *edges: Any) -> Tensor:
        """How many points (rows) fall into each box between edges; with weights: their sums."""
    def bin_edges(self, bins: Any, low: Any, high: Any) -> Tensor:
        """The edges of equal bins between two numbers, or, where these are equal, between the extremes of x."""
    def binary_cross_entropy(self, target: Any, weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """The cross-entropy of yes/no answers given as chances; logarithms are held at -100."""
    def binary_cross_entropy_with_logits(self, target: Any, weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., pos_weight: Any = ...) -> Any:
        """The cross-entropy of yes/no answers given as scores (before the sigmoid); pos_weight counts the yeses more."""
    def bincount(self, weights: Any = ..., minlength: Any = ...) -> Tensor:
        """How often each of 0, 1, 2, ... occurs; with weights: their sums."""
    def bitwise_and(self, other: Any) -> Tensor:
        """`a & b`, bit by bit."""
    def bitwise_and_(self, other: Any) -> Tensor:
        """In place: `a & b`, bit by bit."""
    def bitwise_left_shift(self, other: Any) -> Tensor:
        """`a << b`: the bits moved up by b places."""
    def bitwise_left_shift_(self, other: Any) -> Tensor:
        """In place: `a << b`: the bits moved up by b places."""
    def bitwise_not(self) -> Tensor:
        """`~a`, bit by bit."""
    def bitwise_not_(self) -> Tensor:
        """In place: `~a`, bit by bit."""
    def bitwise_or(self, other: Any) -> Tensor:
        """`a | b`, bit by bit."""
    def bitwise_or_(self, other: Any) -> Tensor:
        """In place: `a | b`, bit by bit."""
    def bitwise_right_shift(self, other: Any) -> Tensor:
        """`a >> b`: the bits moved down by b places."""
    def bitwise_right_shift_(self, other: Any) -> Tensor:
        """In place: `a >> b`: the bits moved down by b places."""
    def bitwise_xor(self, other: Any) -> Tensor:
        """`a ^ b`, bit by bit."""
    def bitwise_xor_(self, other: Any) -> Tensor:
        """In place: `a ^ b`, bit by bit."""
    def bmm(self, mat2: Any) -> Any:
        """The products of two batches of matrices."""
    def bool(self, memory_format: Any = ...) -> Tensor:
        """The tensor as bool."""
    def broadcast_to(self, size: Any) -> Any:
        """Repeated to a shape, without copying."""
    def bucketize(self, boundaries: Any, *, out_int32: Any = ..., right: Any = ...) -> Tensor:
        """The number of the bucket, between sorted boundaries, into which each element falls."""
    def byte(self, memory_format: Any = ...) -> Tensor:
        """The tensor as uint8."""
    def cast(self, *, dtype: Any) -> Tensor:
        """The same numbers with another element type."""
    def cat_with(self, *xs: Any, dim: Any = ...) -> Tensor:
        """Tensors joined along an axis: `x.cat_with(y, z, dim=0)` is `cat([x, y, z], 0)`."""
    def cauchy_(self, median: Any = ..., sigma: Any = ..., *, generator: Any = ...) -> Tensor:
        """In place: numbers from a Cauchy distribution."""
    def cdist(self, x2: Any, p: Any = ..., compute_mode: Any = ...) -> Any:
        """The distance of every row of one to every row of the other, in the p-norm."""
    def ceil(self) -> Tensor:
        """The next whole number above."""
    def ceil_(self) -> Tensor:
        """In place: The next whole number above."""
    def celu(self, alpha: Any = ...) -> Any:
        """x where it is positive, else alpha * (e**(x / alpha) - 1): an ELU without a kink."""
    def celu_(self, alpha: Any = ...) -> Tensor:
        """In place: x where it is positive, else alpha * (e**(x / alpha) - 1): an ELU without a kink."""
    def chain_matmul(self, *matrices: Any) -> Any:
        """The product of several matrices, in the order that costs least."""
    def channel_shuffle(self, groups: Any) -> Any:
        """The channels of `groups` groups dealt out in turn. X. Zhang et al., 2018."""
    def char(self, memory_format: Any = ...) -> Tensor:
        """The tensor as int8."""
    def cholesky(self, upper: Any = ...) -> Any:
        """The same as `linalg.cholesky`."""
    def cholesky_inverse(self, upper: Any = ...) -> Any:
        """The inverse of A from its Cholesky factor."""
    def cholesky_lower(self, *, check: Any = ...) -> Tensor:
        """The lower triangle L with L L^T = A. Murray, Differentiation of the Cholesky decomposition (2016)."""
    def cholesky_solve(self, L: Any, upper: Any = ...) -> Any:
        """X with A @ X = B from the Cholesky factor of A."""
    def choose(self, input: Any, other: Any) -> Tensor:
        """`input` where the condition holds, else `other`: `where` as a method of the condition, for rules of gradients."""
    def chunk(self, chunks: Any, dim: Any = ...) -> Any:
        """At most `chunks` pieces of equal size along an axis, as views."""
    def clamp(self, min: Any = ..., max: Any = ...) -> Any:
        """Numbers below `min` become `min`, above `max` become `max`; both may be tensors."""
    def clamp_(self, min: Any = ..., max: Any = ...) -> Tensor:
        """In place: Numbers below `min` become `min`, above `max` become `max`; both may be tensors."""
    def clamp_between(self, min: Any = ..., max: Any = ...) -> Tensor:
        """Numbers below `min` become `min`, above `max` become `max`; both are numbers."""
    def clamp_between_(self, min: Any = ..., max: Any = ...) -> Tensor:
        """In place: Numbers below `min` become `min`, above `max` become `max`; both are numbers."""
    def clamp_max(self, max: Any) -> Tensor:
        """Numbers above `max` become `max`."""
    def clamp_max_(self, max: Any) -> Tensor:
        """In place: Numbers above `max` become `max`."""
    def clamp_min(self, min: Any) -> Tensor:
        """Numbers below `min` become `min`."""
    def clamp_min_(self, min: Any) -> Tensor:
        """In place: Numbers below `min` become `min`."""
    def clip(self, min: Any = ..., max: Any = ...) -> Any:
        """Numbers below `min` become `min`, above `max` become `max`; both may be tensors."""
    def clip_(self, min: Any = ..., max: Any = ...) -> Tensor:
        """In place: Numbers below `min` become `min`, above `max` become `max`; both may be tensors."""
    def clone(self, *, memory_format: Any = ...) -> Tensor:
        """A copy with its own memory."""
    def cofactors(self) -> Tensor:
        """The determinants of what is left without one row and column, with signs: the slope of the determinant."""
    def combinations(self, r: Any = ..., with_replacement: Any = ...) -> Any:
        """Every way to take r elements of a vector, one way a row."""
    def conj(self) -> Any:
        """The tensor itself: there are no complex numbers here."""
    def conj_physical(self) -> Any:
        """A copy: there are no complex numbers here."""
    def conj_physical_(self) -> Tensor:
        """In place: A copy: there are no complex numbers here."""
    def constant_pad_nd(self, pad: Any, value: Any = ...) -> Any:
        """A frame of a constant around the last axes; widths below 0 cut."""
    def contiguous(self, memory_format: Any = ...) -> Tensor:
        """Itself where it is contiguous, else a contiguous copy."""
    def conv1d(self, weight: Any, bias: Any = ..., stride: Any = ..., padding: Any = ..., dilation: Any = ..., groups: Any = ...) -> Any:
        """Filters slid over the input: each position gives the sum of products, plus the bias."""
    def conv2d(self, weight: Any, bias: Any = ..., stride: Any = ..., padding: Any = ..., dilation: Any = ..., groups: Any = ...) -> Any:
        """Filters slid over the input: each position gives the sum of products, plus the bias."""
    def conv3d(self, weight: Any, bias: Any = ..., stride: Any = ..., padding: Any = ..., dilation: Any = ..., groups: Any = ...) -> Any:
        """Filters slid over the input: each position gives the sum of products, plus the bias."""
    def conv_tbc(self, weight: Any, bias: Any, pad: Any = ...) -> Any:
        """The convolution of sequences with axes (time, batch, channel); weight (taps, in, out)."""
    def conv_transpose1d(self, weight: Any, bias: Any = ..., stride: Any = ..., padding: Any = ..., output_padding: Any = ..., groups: Any = ..., dilation: Any = ...) -> Any:
        """Every place of the input stamps its filter onto a larger output: the convolution's gradient by its input."""
    def conv_transpose2d(self, weight: Any, bias: Any = ..., stride: Any = ..., padding: Any = ..., output_padding: Any = ..., groups: Any = ..., dilation: Any = ...) -> Any:
        """Every place of the input stamps its filter onto a larger output: the convolution's gradient by its input."""
    def conv_transpose3d(self, weight: Any, bias: Any = ..., stride: Any = ..., padding: Any = ..., output_padding: Any = ..., groups: Any = ..., dilation: Any = ...) -> Any:
        """Every place of the input stamps its filter onto a larger output: the convolution's gradient by its input."""
    def convolution(self, weight: Any, bias: Any = ..., **attrs: Any) -> Tensor:
        """Every filter slides over the input; each position gives the sum of products, plus the bias."""
    def convolution_input(self, other: Any, **attrs: Any) -> Tensor:
        """The convolution's gradient by its input: what every place sent out, gathered; the transposed convolution."""
    def convolution_weight(self, other: Any, **attrs: Any) -> Tensor:
        """The convolution's gradient by its filters."""
    def copy_(self, src: Any, non_blocking: Any = ...) -> Tensor:
        """Write the numbers of another tensor (broadcast, cast) into this one."""
    def copy_from(self, other: Any) -> Tensor:
        """The numbers of `source`, repeated and cast to be like x, which they take the place of."""
    def copysign(self, other: Any) -> Tensor:
        """The size of a with the sign of b."""
    def copysign_(self, other: Any) -> Tensor:
        """In place: The size of a with the sign of b."""
    def corrcoef(self) -> Any:
        """The correlations of variables (rows) over observations (columns)."""
    def cos(self) -> Tensor:
        """The cosine, x in radians."""
    def cos_(self) -> Tensor:
        """In place: The cosine, x in radians."""
    def cosh(self) -> Tensor:
        """The hyperbolic cosine."""
    def cosh_(self) -> Tensor:
        """In place: The hyperbolic cosine."""
    def cosine_embedding_loss(self, input2: Any, target: Any, margin: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1."""
    def cosine_similarity(self, x2: Any, dim: Any = ..., eps: Any = ...) -> Any:
        """The cosine of the angle between vectors along `dim`; lengths below eps count as eps."""
    def count_nonzero(self, dim: Any = ...) -> Any:
        """How many elements are not 0."""
    def cov(self, *, correction: Any = ..., fweights: Any = ..., aweights: Any = ...) -> Any:
        """The covariances of variables (rows) over observations (columns), which may be repeated or weighted."""
    def cpu(self, memory_format: Any = ...) -> Tensor:
        """The tensor in the computer's own memory."""
    def cross(self, other: Any, dim: Any = ...) -> Any:
        """Like `linalg.cross`, by default along the first axis of size 3."""
    def cross_entropy(self, target: Any, weight: Any = ..., size_average: Any = ..., ignore_index: Any = ..., reduce: Any = ..., reduction: Any = ..., label_smoothing: Any = ...) -> Any:
        """Softmax and the negative log-likelihood in one, for scores (batch, classes, ...)."""
    def cross_entropy_op(self, target: Any, reduction: Any = ..., ignore_index: Any = ...) -> Tensor:
        """Minus the log-probability that softmax gives to the right class; targets are class numbers, classes on axis 1."""
    def cross_entropy_slope(self, other: Any, *, ignore_index: Any) -> Tensor:
        """softmax(x) minus the one-hot target: the slope of the cross-entropy; rows that are ignored are 0."""
    def ctc_loss(self, targets: Any, input_lengths: Any, target_lengths: Any, blank: Any = ..., reduction: Any = ..., zero_infinity: Any = ...) -> Any:
        """Minus the log-probability of label sequences, summed over all their alignments with the inputs."""
    def cuda(self, device: Any = ..., non_blocking: Any = ..., memory_format: Any = ...) -> Tensor:
        """The tensor on a CUDA device (the current one when left out)."""
    def cummax(self, dim: Any) -> Any:
        """The largest element so far along an axis, and where it is: (values, indices)."""
    def cummax_indices(self, dim: Any) -> Tensor:
        """Where the largest element so far is (the last one of equals; a NaN stays)."""
    def cummin(self, dim: Any) -> Any:
        """The smallest element so far along an axis, and where it is: (values, indices)."""
    def cummin_indices(self, dim: Any) -> Tensor:
        """Where the smallest element so far is (the last one of equals; a NaN stays)."""
    def cumprod(self, dim: Any, *, dtype: Any = ...) -> Tensor:
        """Running products along an axis; the gradient is right at zeros too: nothing is divided."""
    def cumprod_(self, dim: Any, *, dtype: Any = ...) -> Tensor:
        """In place: Running products along an axis; the gradient is right at zeros too: nothing is divided."""
    def cumsum(self, dim: Any, *, dtype: Any = ...) -> Tensor:
        """Running sums along an axis."""
    def cumsum_(self, dim: Any, *, dtype: Any = ...) -> Tensor:
        """In place: Running sums along an axis."""
    def cumulative_trapezoid(self, x: Any = ..., *, dx: Any = ..., dim: Any = ...) -> Any:
        """The integral up to every point along an axis by the trapezoidal rule."""
    def data_ptr(self) -> builtins.int:
        """The address of the first element."""
    def deg2rad(self) -> Any:
        """Degrees as radians."""
    def deg2rad_(self) -> Tensor:
        """In place: Degrees as radians."""
    def det(self) -> Any:
        """The same as `linalg.det`."""
    def detach_(self) -> Tensor:
        """Cut the tensor itself off from its history."""
    def determinant(self) -> Tensor:
        """The determinant."""
    def diag(self, diagonal: Any = ...) -> Any:
        """The diagonal of a matrix, or the matrix with a vector on its diagonal."""
    def diag_embed(self, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any:
        """Matrices that hold the last axis on their diagonal and 0 elsewhere."""
    def diagflat(self, offset: Any = ...) -> Any:
        """The matrix with all elements on its diagonal."""
    def diagonal(self, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Tensor:
        """The diagonal of the matrices in two axes, as the last axis (a view)."""
    def diagonal_backward(self, *, shape: Any, offset: Any, dim1: Any, dim2: Any) -> Tensor:
        """Zeros with the last axis of g written on the diagonals in two axes."""
    def diagonal_copy(self, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any:
        """What `diagonal` shows, in memory of its own."""
    def diagonal_scatter(self, src: Any, offset: Any = ..., dim1: Any = ..., dim2: Any = ...) -> Any:
        """A copy in which a diagonal is replaced."""
    def diff(self, n: Any = ..., dim: Any = ..., prepend: Any = ..., append: Any = ...) -> Any:
        """Differences of neighbours along an axis, n times."""
    def digamma(self, *arrays: Any) -> Tensor:
        """The slope of lgamma."""
    def digamma_(self, *arrays: Any) -> Tensor:
        """In place: The slope of lgamma."""
    def dim(self) -> Any:
        """The number of axes."""
    def dist(self, other: Any, p: Any = ...) -> Any:
        """The p-norm of input - other."""
    def div(self, other: Any, *, rounding_mode: Any = ...) -> Tensor:
        """The quotient; integers give floats. `rounding_mode`: 'floor' rounds it down, 'trunc' towards 0."""
    def div_(self, other: Any, *, rounding_mode: Any = ...) -> Tensor:
        """In place: The quotient; integers give floats. `rounding_mode`: 'floor' rounds it down, 'trunc' towards 0."""
    def divide(self, other: Any, *, rounding_mode: Any = ...) -> Any:
        """The quotient; integers give floats. `rounding_mode`: 'floor' rounds it down, 'trunc' towards 0."""
    def divide_(self, other: Any, *, rounding_mode: Any = ...) -> Tensor:
        """In place: The quotient; integers give floats. `rounding_mode`: 'floor' rounds it down, 'trunc' towards 0."""
    def dot(self, tensor: Any) -> Any:
        """The sum of the products of two vectors."""
    def double(self, memory_format: Any = ...) -> Tensor:
        """The tensor as float64."""
    def dropout(self, p: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """Some numbers become 0 by chance `p`, the others are divided by 1 - p; nothing happens outside of training."""
    def dropout1d(self, p: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """Whole channels of sequences (N, C, L) or (C, L) set to 0 by chance p while training, the rest scaled up."""
    def dropout2d(self, p: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """Whole channels of pictures (N, C, H, W) set to 0 by chance p while training, the rest scaled up."""
    def dropout3d(self, p: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """Whole channels of volumes (N, C, D, H, W) or (C, D, H, W) set to 0 by chance p while training."""
    def dropout_op(self, *, p: Any, seed: Any, draw: Any) -> Tensor:
        """Some numbers become 0 by chance `p`, the others grow to make up for it."""
    def dsplit(self, indices_or_sections: Any) -> Any:
        """Cut into pieces behind each other (along dim 2), as views."""
    def eigh_parts(self, *, UPLO: Any = ...) -> Tensor:
        """Eigenvectors (columns) and, as the last column, eigenvalues of a symmetric matrix. Giles (2008), section 3.1."""
    def einsum_op(self, *xs: Any, equation: Any) -> Tensor:
        """Products and sums named by letters, each at most once in a tensor: what `einsum` comes down to."""
    def element_size(self) -> Any:
        """The bytes of one element."""
    def elu(self, alpha: Any = ...) -> Tensor:
        """x where it is positive, else alpha * (e**x - 1)."""
    def elu_(self, alpha: Any = ...) -> Tensor:
        """In place: x where it is positive, else alpha * (e**x - 1)."""
    def embedded(self, weight: Any, padding_idx: Any = ..., max_norm: Any = ..., norm_type: Any = ..., scale_grad_by_freq: Any = ..., sparse: Any = ...) -> Any:
        """The rows of `weight` that the whole numbers of `input` name: `F.embedding`."""
    def embedding(self, indices: Any, padding_idx: Any = ..., scale_grad_by_freq: Any = ..., sparse: Any = ...) -> Any:
        """The rows of `weight` that the whole numbers of `indices` name; padding_idx: the row whose gradient is 0."""
    def embedding_bag(self, weight: Any, offsets: Any = ..., max_norm: Any = ..., norm_type: Any = ..., scale_grad_by_freq: Any = ..., mode: Any = ..., sparse: Any = ..., per_sample_weights: Any = ..., include_last_offset: Any = ..., padding_idx: Any = ...) -> Any:
        """The sum, mean or max of the rows that every bag of whole numbers names."""
    def eq(self, other: Any) -> Tensor:
        """Whether a equals b."""
    def eq_(self, other: Any) -> Tensor:
        """In place: Whether a equals b."""
    def equal(self, other: Any) -> builtins.bool:
        """Whether both have the same shape and the same elements."""
    def erf(self) -> Tensor:
        """The error function: the area under the bell curve, 2/sqrt(pi) * integral of exp(-t**2) from 0 to x."""
    def erf_(self) -> Tensor:
        """In place: The error function: the area under the bell curve, 2/sqrt(pi) * integral of exp(-t**2) from 0 to x."""
    def erfc(self, *arrays: Any) -> Tensor:
        """1 - erf(x), exact where that is small."""
    def erfc_(self, *arrays: Any) -> Tensor:
        """In place: 1 - erf(x), exact where that is small."""
    def erfinv(self, *arrays: Any) -> Tensor:
        """The number whose error function is x."""
    def erfinv_(self, *arrays: Any) -> Tensor:
        """In place: The number whose error function is x."""
    def exp(self) -> Tensor:
        """e to the power x."""
    def exp2(self) -> Tensor:
        """2 to the power x."""
    def exp2_(self) -> Tensor:
        """In place: 2 to the power x."""
    def exp_(self) -> Tensor:
        """In place: e to the power x."""
    def expand(self, *size: Any, implicit: Any = ..., **named: Any) -> Tensor:
        """Axes of size 1 (and new ones in front) repeated without copying."""
    def expand_as(self, other: Any) -> Any:
        """Repeated to the shape of another tensor, without copying."""
    def expand_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `expand` shows, in memory of its own."""
    def expm1(self) -> Tensor:
        """e**x - 1, exact near 0."""
    def expm1_(self) -> Tensor:
        """In place: e**x - 1, exact near 0."""
    def exponential_(self, lambd: Any = ..., *, generator: Any = ...) -> Tensor:
        """In place: waiting times with the given rate."""
    def feature_alpha_dropout(self, p: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """Alpha dropout of whole channels."""
    def fill_(self, value: Any) -> Tensor:
        """Write one number everywhere."""
    def fill_diagonal_(self, fill_value: Any, wrap: Any = ...) -> Tensor:
        """Write one number on the main diagonal; wrap: a tall matrix has several, one row apart."""
    def filled(self, *, value: Any) -> Tensor:
        """One number everywhere, in the shape of x; nothing of x is left, so its gradient is 0."""
    def filled_(self, *, value: Any) -> Tensor:
        """In place: One number everywhere, in the shape of x; nothing of x is left, so its gradient is 0."""
    def fix(self) -> Any:
        """The whole part, towards 0."""
    def fix_(self) -> Tensor:
        """In place: The whole part, towards 0."""
    def flatten(self, start_dim: Any = ..., end_dim: Any = ...) -> Any:
        """The axes from start_dim to end_dim become one."""
    def flip(self, *dims: Any, **named: Any) -> Tensor:
        """The order along some axes reversed (a copy)."""
    def fliplr(self) -> Any:
        """The columns in reverse order."""
    def flipud(self) -> Any:
        """The rows in reverse order."""
    def float(self, memory_format: Any = ...) -> Tensor:
        """The tensor as float32."""
    def float_power(self, exponent: Any) -> Any:
        """A power, computed in float64."""
    def float_power_(self, exponent: Any) -> Tensor:
        """In place: A power, computed in float64."""
    def floor(self) -> Tensor:
        """The next whole number below."""
    def floor_(self) -> Tensor:
        """In place: The next whole number below."""
    def floor_divide(self, other: Any) -> Tensor:
        """The quotient rounded down."""
    def floor_divide_(self, other: Any) -> Tensor:
        """In place: The quotient rounded down."""
    def fmax(self, other: Any) -> Tensor:
        """The larger of two numbers; of a number and NaN the number."""
    def fmax_(self, other: Any) -> Tensor:
        """In place: The larger of two numbers; of a number and NaN the number."""
    def fmin(self, other: Any) -> Tensor:
        """The smaller of two numbers; of a number and NaN the number."""
    def fmin_(self, other: Any) -> Tensor:
        """In place: The smaller of two numbers; of a number and NaN the number."""
    def fmod(self, other: Any) -> Tensor:
        """What is left of a after division by b, with the sign of a."""
    def fmod_(self, other: Any) -> Tensor:
        """In place: What is left of a after division by b, with the sign of a."""
    def fold(self, output_size: Any, kernel_size: Any, dilation: Any = ..., padding: Any = ..., stride: Any = ...) -> Any:
        """Columns of patches, (batch, channel * taps, positions), added up into images: the adjoint of unfold."""
    def frac(self) -> Any:
        """What is behind the point: x - trunc(x)."""
    def frac_(self) -> Tensor:
        """In place: What is behind the point: x - trunc(x)."""
    def fractional_max_pool2d(self, kernel_size: Any, output_size: Any = ..., output_ratio: Any = ..., return_indices: Any = ..., _random_samples: Any = ...) -> Any:
        """The largest numbers of windows at places drawn at random: sizes shrink by a fraction. B. Graham, 2014."""
    def fractional_max_pool2d_with_indices(self, kernel_size: Any, output_size: Any = ..., output_ratio: Any = ..., return_indices: Any = ..., _random_samples: Any = ...) -> Any:
        """Fractional max-pooling, and where the largest numbers stand in the flattened space."""
    def fractional_max_pool3d(self, kernel_size: Any, output_size: Any = ..., output_ratio: Any = ..., return_indices: Any = ..., _random_samples: Any = ...) -> Any:
        """The largest numbers of windows at places drawn at random: sizes shrink by a fraction. B. Graham, 2014."""
    def fractional_max_pool3d_with_indices(self, kernel_size: Any, output_size: Any = ..., output_ratio: Any = ..., return_indices: Any = ..., _random_samples: Any = ...) -> Any:
        """Fractional max-pooling, and where the largest numbers stand in the flattened space."""
    def frexp(self) -> Any:
        """A mantissa between 0.5 and 1, and the power of two: (mantissa, exponent)."""
    def frexp_exponent(self) -> Tensor:
        """The power of two of which x is `frexp_mantissa` times as much; no gradient."""
    def frexp_exponent_(self) -> Tensor:
        """In place: The power of two of which x is `frexp_mantissa` times as much; no gradient."""
    def frexp_mantissa(self) -> Tensor:
        """The number between 0.5 and 1 (or minus that) that times 2 to the power of `frexp_exponent` is x."""
    def frexp_mantissa_(self) -> Tensor:
        """In place: The number between 0.5 and 1 (or minus that) that times 2 to the power of `frexp_exponent` is x."""
    def from_dlpack(self, *, device: Any = ..., copy: Any = ...) -> Tensor:
        """A tensor that shares memory with an array of another library (NumPy, CuPy, PyTorch, ...), by DLPack."""
    def gather(self, dim: Any, index: Any, *, sparse_grad: Any = ...) -> Tensor:
        """Along `dim`, at every place the element whose position `index` names."""
    def gather_backward(self, other: Any, *, dim: Any, shape: Any) -> Tensor:
        """Zeros with g added at the places that `index` names along `dim`."""
    def gaussian_nll_loss(self, target: Any, var: Any, full: Any = ..., eps: Any = ..., reduction: Any = ...) -> Any:
        """(ln var + (input - target)**2 / var) / 2: the surprise at the target for a bell curve of that variance."""
    def gcd(self, other: Any) -> Tensor:
        """The greatest common divisor."""
    def gcd_(self, other: Any) -> Tensor:
        """In place: The greatest common divisor."""
    def ge(self, other: Any) -> Tensor:
        """Whether a is at least b."""
    def ge_(self, other: Any) -> Tensor:
        """In place: Whether a is at least b."""
    def gelu(self, *, approximate: Any = ...) -> Tensor:
        """x times the chance that a normal number is below x; `approximate='tanh'` is the faster formula."""
    def gelu_(self, *, approximate: Any = ...) -> Tensor:
        """In place: x times the chance that a normal number is below x; `approximate='tanh'` is the faster formula."""
    def geometric_(self, p: Any, *, generator: Any = ...) -> Tensor:
        """In place: the number of trials up to the first success, each with the chance p."""
    def geqrf(self) -> Any:
        """QR as LAPACK keeps it: what `linalg.householder_product` and `ormqr` take; no gradient."""
    def geqrf_parts(self) -> Tensor:
        """LAPACK's QR: R above and Householder's vectors below the diagonal; as one more row their factors; no gradient."""
    def ger(self, vec2: Any) -> Any:
        """Every element of one vector times every element of another."""
    def get_device(self) -> Any:
        """The number of the CUDA device; -1 on the CPU."""
    def glu(self, dim: Any = ...) -> Any:
        """The first half of `dim`, gated by the sigmoid of the second half."""
    def gradient(self, *, spacing: Any = ..., dim: Any = ..., edge_order: Any = ...) -> Any:
        """The slopes of sampled values along axes: central differences inside, one-sided ones at the edges."""
    def greater(self, other: Any) -> Any:
        """Whether a is greater than b."""
    def greater_(self, other: Any) -> Tensor:
        """In place: Whether a is greater than b."""
    def greater_equal(self, other: Any) -> Any:
        """Whether a is at least b."""
    def greater_equal_(self, other: Any) -> Tensor:
        """In place: Whether a is at least b."""
    def grid_sample(self, grid: Any, mode: Any = ..., padding_mode: Any = ..., align_corners: Any = ...) -> Any:
        """The input (batch, channel, *space) read at the places (x, y[, z]) in [-1, 1] of a grid (batch, *out, n)."""
    def grid_sampler(self, grid: Any, interpolation_mode: Any, padding_mode: Any, align_corners: Any) -> Any:
        """`grid_sample` with numbers for words: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection."""
    def grid_sampler_2d(self, grid: Any, interpolation_mode: Any, padding_mode: Any, align_corners: Any) -> Any:
        """`grid_sampler` for images with two spatial axes."""
    def grid_sampler_3d(self, grid: Any, interpolation_mode: Any, padding_mode: Any, align_corners: Any) -> Any:
        """`grid_sampler` for images with three spatial axes."""
    def group_norm(self, num_groups: Any, weight: Any = ..., bias: Any = ..., eps: Any = ...) -> Any:
        """The channels in groups, each example's group normalised. Y. Wu, K. He, 2018."""
    def gt(self, other: Any) -> Tensor:
        """Whether a is greater than b."""
    def gt_(self, other: Any) -> Tensor:
        """In place: Whether a is greater than b."""
    def gumbel_softmax(self, tau: Any = ..., hard: Any = ..., eps: Any = ..., dim: Any = ...) -> Any:
        """A draw from categories that has a slope: softmax((logits + Gumbel noise) / tau). E. Jang et al., 2017."""
    def half(self, memory_format: Any = ...) -> Tensor:
        """The tensor as float16."""
    def half_mse_loss(self, target: Any, reduction: Any = ...) -> Any:
        """Half the squared distance: its slope is the difference itself."""
    def hardshrink(self, lambd: Any = ...) -> Any:
        """x, but 0 where it is closer to 0 than lambd."""
    def hardsigmoid(self) -> Any:
        """A straight-line sigmoid: (x + 3) / 6, held between 0 and 1."""
    def hardswish(self) -> Any:
        """x * hardsigmoid(x)."""
    def hardtanh(self, min_val: Any = ..., max_val: Any = ...) -> Tensor:
        """x, held between `min_val` and `max_val`."""
    def hardtanh_(self, min_val: Any = ..., max_val: Any = ...) -> Tensor:
        """In place: x, held between `min_val` and `max_val`."""
    def heaviside(self, values: Any) -> Tensor:
        """0 below 0, 1 above it, and `values` at 0; no gradient."""
    def heaviside_(self, values: Any) -> Tensor:
        """In place: 0 below 0, 1 above it, and `values` at 0; no gradient."""
    def hinge_embedding_loss(self, target: Any, margin: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """The distance itself where the target is 1, max(0, margin - distance) where it is -1."""
    def histc(self, bins: Any = ..., min: Any = ..., max: Any = ...) -> Any:
        """How many elements are in each of equal bins between min and max (the extremes where these are equal)."""
    def histogram(self, bins: Any = ..., *, range: Any = ..., weight: Any = ..., density: Any = ...) -> Any:
        """How many elements (or how much weight) are in each bin, and the bins' edges: (hist, bin_edges)."""
    def histogramdd(self, bins: Any, *, range: Any = ..., weight: Any = ..., density: Any = ...) -> Any:
        """Points (along the last axis) counted in boxes: (hist, bin_edges), the edges one tensor for each axis."""
    def hsplit(self, indices_or_sections: Any) -> Any:
        """Cut into pieces side by side (along dim 1; a vector along dim 0), as views."""
    def huber_loss(self, target: Any, reduction: Any = ..., delta: Any = ..., weight: Any = ...) -> Any:
        """Half the square of the distance within delta, a straight line beyond. P. J. Huber, 1964."""
    def hypot(self, other: Any) -> Tensor:
        """The length of the point (a, b), without overflow."""
    def hypot_(self, other: Any) -> Tensor:
        """In place: The length of the point (a, b), without overflow."""
    def i0(self, *arrays: Any) -> Tensor:
        """The modified Bessel function of the first kind, of order 0."""
    def i0_(self, *arrays: Any) -> Tensor:
        """In place: The modified Bessel function of the first kind, of order 0."""
    def igamma(self, other: Any) -> Tensor:
        """The lower incomplete gamma function of (a, x), from 0 to 1; its gradient is by x."""
    def igamma_(self, other: Any) -> Tensor:
        """In place: The lower incomplete gamma function of (a, x), from 0 to 1; its gradient is by x."""
    def igammac(self, other: Any) -> Tensor:
        """The upper incomplete gamma function of (a, x): 1 - igamma(a, x)."""
    def igammac_(self, other: Any) -> Tensor:
        """In place: The upper incomplete gamma function of (a, x): 1 - igamma(a, x)."""
    def im2col(self, kernel_size: Any, dilation: Any = ..., padding: Any = ..., stride: Any = ...) -> Any:
        """The patches of images (batch, channel, height, width) as columns: (batch, channel * taps, positions)."""
    def index(self, *, key: Any) -> Tensor:
        """Elements chosen by whole numbers and slices: a view."""
    def index_add(self, dim: Any, index: Any, source: Any, *, alpha: Any = ...) -> Any:
        """A copy with the positions of `source` added to those that `index` lists; equal ones add up."""
    def index_add_(self, dim: Any, index: Any, source: Any, *, alpha: Any = ...) -> Tensor:
        """In place: A copy with the positions of `source` added to those that `index` lists; equal ones add up."""
    def index_backward(self, *, key: Any, shape: Any) -> Tensor:
        """Zeros with g written at the places that the key names."""
    def index_copy(self, dim: Any, index: Any, source: Any) -> Any:
        """A copy with the positions that `index` lists replaced by those of `source`."""
    def index_copy_(self, dim: Any, index: Any, source: Any) -> Tensor:
        """In place: A copy with the positions that `index` lists replaced by those of `source`."""
    def index_fill(self, dim: Any, index: Any, value: Any) -> Any:
        """A copy with one number at the positions that `index` lists."""
    def index_fill_(self, dim: Any, index: Any, value: Any) -> Tensor:
        """In place: A copy with one number at the positions that `index` lists."""
    def index_put(self, indices: Any, values: Any, accumulate: Any = ...) -> Any:
        """A copy with `values` written (or added) at the places x[indices]."""
    def index_put_(self, indices: Any, values: Any, accumulate: Any = ...) -> Tensor:
        """In place: A copy with `values` written (or added) at the places x[indices]."""
    def index_reduce(self, dim: Any, index: Any, source: Any, reduce: Any, *, include_self: Any = ...) -> Any:
        """The positions of `source` that go to the same position of an axis, reduced: prod, mean, amax or amin."""
    def index_reduce_(self, dim: Any, index: Any, source: Any, reduce: Any, *, include_self: Any = ...) -> Tensor:
        """In place: The positions of `source` that go to the same position of an axis, reduced: prod, mean, amax or amin."""
    def index_select(self, dim: Any, index: Any) -> Any:
        """The positions of an axis that `index` lists."""
    def inner(self, other: Any) -> Any:
        """The sums of products along the last axes of both; of vectors: their dot product."""
    def instance_norm(self, running_mean: Any = ..., running_var: Any = ..., weight: Any = ..., bias: Any = ..., use_input_stats: Any = ..., momentum: Any = ..., eps: Any = ...) -> Any:
        """Each channel of each example normalised by itself (or by the running figures)."""
    def int(self, memory_format: Any = ...) -> Tensor:
        """The tensor as int32."""
    def interpolate(self, size: Any = ..., scale_factor: Any = ..., mode: Any = ..., align_corners: Any = ..., recompute_scale_factor: Any = ..., antialias: Any = ...) -> Any:
        """The input (batch, channel, *space) at another size."""
    def inverse(self) -> Any:
        """The same as `linalg.inv`."""
    def inverse_of(self, *, check: Any = ...) -> Tensor:
        """The inverse of square matrices."""
    def is_complex(self) -> Any:
        """Always False."""
    def is_conj(self) -> Any:
        """Always False."""
    def is_contiguous(self, memory_format: Any = ...) -> builtins.bool:
        """Whether the elements lie one behind the other, the last axis fastest."""
    @property
    def is_cpu(self) -> Any: ...
    @property
    def is_cuda(self) -> Any: ...
    def is_floating_point(self) -> Any:
        """Whether the elements are floating-point."""
    def is_inference(self) -> builtins.bool:
        """Whether a tensor was computed in inference mode."""
    @property
    def is_meta(self) -> Any: ...
    @property
    def is_mkldnn(self) -> Any: ...
    @property
    def is_mps(self) -> Any: ...
    def is_neg(self) -> Any:
        """Always False."""
    @property
    def is_nested(self) -> Any: ...
    def is_nonzero(self) -> builtins.bool:
        """Whether the single element is not 0."""
    def is_pinned(self) -> Any:
        """Always False."""
    @property
    def is_quantized(self) -> Any: ...
    def is_same_size(self, other: Any) -> builtins.bool:
        """Whether both have the same shape."""
    def is_set_to(self, tensor: Any) -> builtins.bool:
        """Whether both look at the same memory in the same way."""
    def is_shared(self) -> Any:
        """Always False."""
    def is_signed(self) -> Any:
        """Whether there are numbers below 0."""
    @property
    def is_sparse(self) -> Any: ...
    @property
    def is_xpu(self) -> Any: ...
    def isclose(self, other: Any, rtol: Any = ..., atol: Any = ..., equal_nan: Any = ...) -> Any:
        """Whether |input - other| <= atol + rtol * |other|, number by number."""
    def isfinite(self) -> Tensor:
        """Whether a number is neither infinite nor NaN."""
    def isin(self, test_elements: Any, *, assume_unique: Any = ..., invert: Any = ...) -> Tensor:
        """Whether each element is among the test elements."""
    def isinf(self) -> Any:
        """Whether a number is infinite."""
    def isnan(self) -> Any:
        """Whether a number is NaN."""
    def isneginf(self) -> Any:
        """Whether a number is minus infinity."""
    def isposinf(self) -> Any:
        """Whether a number is plus infinity."""
    def isreal(self) -> Any:
        """Whether a number is real: here all of them are."""
    @property
    def itemsize(self) -> Any: ...
    def kl_div(self, target: Any, size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., log_target: Any = ...) -> Any:
        """target * (ln target - input) for an input of log-probabilities; reduction 'batchmean': the sum over the batch."""
    def kron(self, other: Any) -> Any:
        """Every element of one times the whole of the other, as one large tensor."""
    def kthvalue(self, k: Any, dim: Any = ..., keepdim: Any = ...) -> Any:
        """The k-th smallest element of an axis (k counts from 1), and where it is: (values, indices)."""
    def l1_loss(self, target: Any, size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., weight: Any = ...) -> Any:
        """The distance |input - target|."""
    def layer_norm(self, normalized_shape: Any, weight: Any = ..., bias: Any = ..., eps: Any = ...) -> Any:
        """Every example normalised over its last axes, which must have the shape `normalized_shape`."""
    @property
    def layout(self) -> Any: ...
    def lcm(self, other: Any) -> Tensor:
        """The least common multiple."""
    def lcm_(self, other: Any) -> Tensor:
        """In place: The least common multiple."""
    def ldexp(self, other: Any) -> Any:
        """input * 2**other."""
    def ldexp_(self, other: Any) -> Tensor:
        """In place: input * 2**other."""
    def le(self, other: Any) -> Tensor:
        """Whether a is at most b."""
    def le_(self, other: Any) -> Tensor:
        """In place: Whether a is at most b."""
    def leaky_relu(self, negative_slope: Any = ...) -> Tensor:
        """x where it is positive, else a small multiple of it."""
    def leaky_relu_(self, negative_slope: Any = ...) -> Tensor:
        """In place: x where it is positive, else a small multiple of it."""
    def lerp(self, end: Any, weight: Any) -> Tensor:
        """A point between two others: start + weight * (end - start)."""
    def lerp_(self, end: Any, weight: Any) -> Tensor:
        """In place: A point between two others: start + weight * (end - start)."""
    def less(self, other: Any) -> Any:
        """Whether a is less than b."""
    def less_(self, other: Any) -> Tensor:
        """In place: Whether a is less than b."""
    def less_equal(self, other: Any) -> Any:
        """Whether a is at most b."""
    def less_equal_(self, other: Any) -> Tensor:
        """In place: Whether a is at most b."""
    def lgamma(self) -> Tensor:
        """The logarithm of |Gamma(x)|; Gamma(n) = (n - 1)!."""
    def lgamma_(self) -> Tensor:
        """In place: The logarithm of |Gamma(x)|; Gamma(n) = (n - 1)!."""
    def linear(self, weight: Any, bias: Any = ...) -> Tensor:
        """x W^T + b: a layer of neurons, one row of W for each."""
    def linear_cross_entropy(self, linear_weight: Any, target: Any, *, linear_bias: Any = ..., weight: Any = ..., reduction: Any = ..., ignore_index: Any = ..., label_smoothing: Any = ..., options: Any = ...) -> Any:
        """The cross-entropy of linear(input, linear_weight, linear_bias); `options` (about memory) change no number."""
    def linear_weight(self, other: Any) -> Tensor:
        """g^T x over all examples: the gradient of a linear layer by its weights."""
    def local_response_norm(self, size: Any, alpha: Any = ..., beta: Any = ..., k: Any = ...) -> Any:
        """Every number divided by (k + alpha * the mean square of `size` neighbouring channels) ** beta."""
    def log(self) -> Tensor:
        """The natural logarithm."""
    def log10(self) -> Tensor:
        """The logarithm to base 10."""
    def log10_(self) -> Tensor:
        """In place: The logarithm to base 10."""
    def log1p(self) -> Tensor:
        """ln(1 + x), exact near 0."""
    def log1p_(self) -> Tensor:
        """In place: ln(1 + x), exact near 0."""
    def log2(self) -> Tensor:
        """The logarithm to base 2."""
    def log2_(self) -> Tensor:
        """In place: The logarithm to base 2."""
    def log_(self) -> Tensor:
        """In place: The natural logarithm."""
    def log_abs_det(self) -> Tensor:
        """The logarithm of the determinant's size."""
    def log_normal_(self, mean: Any = ..., std: Any = ..., *, generator: Any = ...) -> Tensor:
        """In place: numbers whose logarithm is normally distributed."""
    def log_softmax(self, dim: Any = ..., _stacklevel: Any = ..., dtype: Any = ...) -> Tensor:
        """The logarithm of softmax, computed without overflow."""
    def logaddexp(self, other: Any) -> Tensor:
        """ln(e**a + e**b), without overflow."""
    def logaddexp2(self, other: Any) -> Tensor:
        """log2(2**a + 2**b), without overflow."""
    def logaddexp2_(self, other: Any) -> Tensor:
        """In place: log2(2**a + 2**b), without overflow."""
    def logaddexp_(self, other: Any) -> Tensor:
        """In place: ln(e**a + e**b), without overflow."""
    def logcumsumexp(self, dim: Any) -> Tensor:
        """ln(e**x_0 + ... + e**x_i) for every i, without overflow."""
    def logdet(self) -> Any:
        """The logarithm of the determinant; nan where that is negative."""
    def logical_and(self, other: Any) -> Tensor:
        """Whether both are true (not 0)."""
    def logical_and_(self, other: Any) -> Tensor:
        """In place: Whether both are true (not 0)."""
    def logical_not(self) -> Tensor:
        """Whether it is false (0)."""
    def logical_not_(self) -> Tensor:
        """In place: Whether it is false (0)."""
    def logical_or(self, other: Any) -> Tensor:
        """Whether at least one is true (not 0)."""
    def logical_or_(self, other: Any) -> Tensor:
        """In place: Whether at least one is true (not 0)."""
    def logical_xor(self, other: Any) -> Tensor:
        """Whether exactly one is true (not 0)."""
    def logical_xor_(self, other: Any) -> Tensor:
        """In place: Whether exactly one is true (not 0)."""
    def logit(self, eps: Any = ...) -> Tensor:
        """ln(x / (1 - x)), the inverse of sigmoid; with `eps`, x is first held between eps and 1 - eps."""
    def logit_(self, eps: Any = ...) -> Tensor:
        """In place: ln(x / (1 - x)), the inverse of sigmoid; with `eps`, x is first held between eps and 1 - eps."""
    def logsigmoid(self) -> Any:
        """ln(sigmoid(x)), without underflow."""
    def logsumexp(self, dim: Any, keepdim: Any = ...) -> Tensor:
        """ln(sum of e**x) along axes, without overflow."""
    def long(self, memory_format: Any = ...) -> Tensor:
        """The tensor as int64."""
    def lp_pool1d(self, norm_type: Any, kernel_size: Any, stride: Any = ..., ceil_mode: Any = ...) -> Any:
        """The power sum of every window: the p-th root of the sum of p-th powers (its sign lost for even p)."""
    def lp_pool2d(self, norm_type: Any, kernel_size: Any, stride: Any = ..., ceil_mode: Any = ...) -> Any:
        """The power sum of every window: the p-th root of the sum of p-th powers (its sign lost for even p)."""
    def lp_pool3d(self, norm_type: Any, kernel_size: Any, stride: Any = ..., ceil_mode: Any = ...) -> Any:
        """The power sum of every window: the p-th root of the sum of p-th powers (its sign lost for even p)."""
    def lt(self, other: Any) -> Tensor:
        """Whether a is less than b."""
    def lt_(self, other: Any) -> Tensor:
        """In place: Whether a is less than b."""
    def lu(self, pivot: Any = ..., get_infos: Any = ...) -> Any:
        """The older form of `linalg.lu_factor`, with the infos where wanted."""
    def lu_parts(self, *, pivot: Any = ...) -> Tensor:
        """Both triangles in one matrix, and the rows exchanged (counted from 1) as one more column."""
    def lu_solve(self, LU_data: Any, LU_pivots: Any) -> Any:
        """The older form of `linalg.lu_solve`."""
    def lu_unpack(self, LU_pivots: Any, unpack_data: Any = ..., unpack_pivots: Any = ...) -> Any:
        """P, L and U from what `linalg.lu_factor` gave."""
    @property
    def mH(self) -> Any: ...
    @property
    def mT(self) -> Any: ...
    def map_(self, tensor: Any, callable: Any) -> Tensor:
        """Put every pair of elements of two tensors through a Python function (slow; on the CPU alone)."""
    def margin_ranking_loss(self, input2: Any, target: Any, margin: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """max(0, -target * (input1 - input2) + margin): which of two should be larger (target 1: the first)."""
    def masked_fill(self, mask: Any, value: Any) -> Any:
        """A copy with one number where the mask is true."""
    def masked_fill_(self, mask: Any, value: Any) -> Tensor:
        """In place: A copy with one number where the mask is true."""
    def masked_scatter(self, mask: Any, source: Any) -> Any:
        """A copy in which the elements where the mask is true are replaced by those of `source`, in order."""
    def masked_scatter_(self, mask: Any, source: Any) -> Tensor:
        """In place: A copy in which the elements where the mask is true are replaced by those of `source`, in order."""
    def masked_select(self, mask: Any) -> Any:
        """The elements where the mask is true, as a vector."""
    def matmul(self, other: Any) -> Tensor:
        """The matrix product over the last two axes; the axes before them are broadcast."""
    def matrix_exp(self) -> Tensor:
        """1 + A + A^2/2! + ...: scaling, a Pade quotient of degree 13, squaring (Higham 2005)."""
    def matrix_power(self, n: Any) -> Any:
        """The same as `linalg.matrix_power`."""
    def max(self, dim: Any = ..., keepdim: Any = ..., *, other: Any = ...) -> Any:
        """The largest element; of two tensors, element by element; along a dim also where: (values, indices)."""
    def max_pool(self, *, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: Any) -> Tensor:
        """The largest number of every window."""
    def max_pool1d(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., ceil_mode: Any = ..., return_indices: Any = ...) -> Any:
        """The largest number of each window of (batch, channel, *space); with `return_indices` also where it stands."""
    def max_pool1d_with_indices(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., ceil_mode: Any = ..., return_indices: Any = ...) -> Any:
        """The largest number of each window, and where it stands in the flattened space."""
    def max_pool2d(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., ceil_mode: Any = ..., return_indices: Any = ...) -> Any:
        """The largest number of each window of (batch, channel, *space); with `return_indices` also where it stands."""
    def max_pool2d_with_indices(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., ceil_mode: Any = ..., return_indices: Any = ...) -> Any:
        """The largest number of each window, and where it stands in the flattened space."""
    def max_pool3d(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., ceil_mode: Any = ..., return_indices: Any = ...) -> Any:
        """The largest number of each window of (batch, channel, *space); with `return_indices` also where it stands."""
    def max_pool3d_with_indices(self, kernel_size: Any, stride: Any = ..., padding: Any = ..., dilation: Any = ..., ceil_mode: Any = ..., return_indices: Any = ...) -> Any:
        """The largest number of each window, and where it stands in the flattened space."""
    def max_pool_backward(self, x: Any, y: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: Any) -> Tensor:
        """Each window's number given to the first place that is the window's largest."""
    def max_pool_gather(self, x: Any, y: Any, *, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: Any) -> Tensor:
        """From another input, the places that are the windows' largest in x."""
    def max_pool_indices(self, *, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: Any) -> Tensor:
        """Where every window's largest number stands, as a position in the flattened space; no gradient."""
    def max_unpool1d(self, indices: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., output_size: Any = ...) -> Any:
        """Every number put back where max-pooling found it, zeros elsewhere; `indices` as max-pooling returned them."""
    def max_unpool2d(self, indices: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., output_size: Any = ...) -> Any:
        """Every number put back where max-pooling found it, zeros elsewhere; `indices` as max-pooling returned them."""
    def max_unpool3d(self, indices: Any, kernel_size: Any, stride: Any = ..., padding: Any = ..., output_size: Any = ...) -> Any:
        """Every number put back where max-pooling found it, zeros elsewhere; `indices` as max-pooling returned them."""
    def maximum(self, other: Any) -> Tensor:
        """The larger of two numbers; a tie shares the gradient."""
    def maximum_(self, other: Any) -> Tensor:
        """In place: The larger of two numbers; a tie shares the gradient."""
    def mean(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ...) -> Tensor:
        """The mean along axes (all of them when `dim` is left out)."""
    def median(self, dim: Any = ..., keepdim: Any = ...) -> Any:
        """The middle element, the lower one of two, NaN where there is one; along a dim also where: (values, indices)."""
    def median_of_all(self) -> Tensor:
        """The middle element of all, the lower one of two; NaN where there is one. Equal ones share the gradient."""
    def min(self, dim: Any = ..., keepdim: Any = ..., *, other: Any = ...) -> Any:
        """The smallest element; of two tensors, element by element; along a dim also where: (values, indices)."""
    def minimum(self, other: Any) -> Tensor:
        """The smaller of two numbers; a tie shares the gradient."""
    def minimum_(self, other: Any) -> Tensor:
        """In place: The smaller of two numbers; a tie shares the gradient."""
    def mish(self) -> Any:
        """x * tanh(softplus(x))."""
    def mm(self, mat2: Any) -> Any:
        """The product of two matrices."""
    def mode(self, dim: Any = ..., keepdim: Any = ...) -> Any:
        """The most frequent element of an axis (the smallest of several), and where it is last: (values, indices)."""
    def moments(self, *, dims: Any, centred: Any = ...) -> Tensor:
        """Mean and biased variance along `dims` (or 0 and the mean square), stacked: (2, *kept shape)."""
    def moveaxis(self, source: Any, destination: Any) -> Any:
        """Axes moved to other places; the rest keeps its order (a view)."""
    def movedim(self, source: Any, destination: Any) -> Any:
        """Axes moved to other places; the rest keeps its order (a view)."""
    def mse_loss(self, target: Any, size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., weight: Any = ...) -> Any:
        """The squared distance (input - target)**2; with weights its weighted mean."""
    def mse_loss_slope(self, x: Any, target: Any, *, scale: Any) -> Tensor:
        """scale * g * (x - target): the slope of the squared distance."""
    def msort(self) -> Any:
        """The elements of the first axis in order."""
    def mul(self, other: Any) -> Tensor:
        """The product of two tensors."""
    def mul_(self, other: Any) -> Tensor:
        """In place: The product of two tensors."""
    def multi_head_attention_forward(self, key: Any, value: Any, embed_dim_to_check: Any, num_heads: Any, in_proj_weight: Any, in_proj_bias: Any, bias_k: Any, bias_v: Any, add_zero_attn: Any, dropout_p: Any, out_proj_weight: Any, out_proj_bias: Any, training: Any = ..., key_padding_mask: Any = ..., need_weights: Any = ..., attn_mask: Any = ..., use_separate_proj_weight: Any = ..., q_proj_weight: Any = ..., k_proj_weight: Any = ..., v_proj_weight: Any = ..., static_k: Any = ..., static_v: Any = ..., average_attn_weights: Any = ..., is_causal: Any = ...) -> Any:
        """Attention of several heads, each on its own projection; (output, weights or None)."""
    def multi_margin_loss(self, target: Any, p: Any = ..., margin: Any = ..., weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """Over the wrong classes the mean of max(0, margin - score of the right one + score)**p."""
    def multilabel_margin_loss(self, target: Any, size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """Every right class against every wrong one: max(0, 1 - right + wrong), summed, over the number of classes."""
    def multilabel_soft_margin_loss(self, target: Any, weight: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """The mean over the classes of the cross-entropies of yes/no answers given as scores."""
    def multinomial(self, num_samples: Any, replacement: Any = ..., *, generator: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """Positions drawn by weight, row by row."""
    def multiply(self, other: Any) -> Any:
        """The product of two tensors."""
    def multiply_(self, other: Any) -> Tensor:
        """In place: The product of two tensors."""
    def mv(self, vec: Any) -> Any:
        """The product of a matrix and a vector."""
    def mvlgamma(self, p: Any) -> Any:
        """The logarithm of the gamma function of p dimensions."""
    def mvlgamma_(self, p: Any) -> Tensor:
        """In place: The logarithm of the gamma function of p dimensions."""
    @property
    def names(self) -> Any: ...
    def nan_to_num(self, nan: Any = ..., posinf: Any = ..., neginf: Any = ...) -> Tensor:
        """NaN becomes `nan` (0), infinities become the largest numbers or what is given for them."""
    def nan_to_num_(self, nan: Any = ..., posinf: Any = ..., neginf: Any = ...) -> Tensor:
        """In place: NaN becomes `nan` (0), infinities become the largest numbers or what is given for them."""
    def nanmean(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ...) -> Any:
        """The mean of what is not NaN."""
    def nanmedian(self, dim: Any = ..., keepdim: Any = ...) -> Any:
        """The middle of the elements that are not NaN, the lower one of two; along a dim also where: (values, indices)."""
    def nanmedian_of_all(self) -> Tensor:
        """The middle element of all that are not NaN, the lower one of two. Equal ones share the gradient."""
    def nanquantile(self, q: Any, dim: Any = ..., keepdim: Any = ..., *, interpolation: Any = ...) -> Any:
        """The quantile of the elements that are not NaN."""
    def nansum(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ...) -> Any:
        """The sum of what is not NaN."""
    def narrow(self, dim: Any, start: Any, length: Any) -> Any:
        """`length` positions of an axis, from `start` on (a view)."""
    def narrow_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `narrow` shows, in memory of its own."""
    @property
    def nbytes(self) -> Any: ...
    def ndimension(self) -> Any:
        """The same as `dim`."""
    def ne(self, other: Any) -> Tensor:
        """Whether a differs from b."""
    def ne_(self, other: Any) -> Tensor:
        """In place: Whether a differs from b."""
    def neg(self) -> Tensor:
        """The negative."""
    def neg_(self) -> Tensor:
        """In place: The negative."""
    def negative(self) -> Any:
        """The negative."""
    def negative_(self) -> Tensor:
        """In place: The negative."""
    def nelement(self) -> Any:
        """The same as `numel`."""
    def new(self, *data: Any) -> Tensor:
        """The old way to make a tensor of the tensor's kind: from sizes, or from data."""
    def new_empty(self, *sizes: Any, size: Any = ..., dtype: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """Memory without meaningful content of the tensor's kind, in another shape."""
    def new_empty_strided(self, size: Any, stride: Any, *, dtype: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """Memory of the tensor's kind with the given strides."""
    def new_full(self, size: Any, fill_value: Any, *, dtype: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """One number of the tensor's kind, in another shape."""
    def new_ones(self, *sizes: Any, size: Any = ..., dtype: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """Ones of the tensor's kind, in another shape."""
    def new_tensor(self, data: Any, *, dtype: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Tensor:
        """A tensor of the tensor's kind from data."""
    def new_zeros(self, *sizes: Any, size: Any = ..., dtype: Any = ..., out: Any = ..., layout: Any = ..., pin_memory: Any = ..., memory_format: Any = ..., names: Any = ..., device: Any = ..., requires_grad: Any = ...) -> Any:
        """Zeros of the tensor's kind, in another shape."""
    def nextafter(self, other: Any) -> Tensor:
        """The next float after a towards b."""
    def nextafter_(self, other: Any) -> Tensor:
        """In place: The next float after a towards b."""
    def nll_loss(self, target: Any, weight: Any = ..., size_average: Any = ..., ignore_index: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """Minus the log-probability of the right class; input (batch, classes, ...) holds log-probabilities."""
    def nonzero(self, as_tuple: Any = ...) -> Any:
        """The positions of the elements that are not 0: one row each, or one tensor per axis."""
    def norm(self, p: Any = ..., dim: Any = ..., keepdim: Any = ..., dtype: Any = ...) -> Any:
        """The length of a vector: the p-th root of the sum of |x|**p; 'fro' is p = 2, 'nuc' the sum of singular values."""
    def normal_(self, mean: Any = ..., std: Any = ..., *, generator: Any = ...) -> Tensor:
        """In place: numbers from a normal distribution."""
    def normalize(self, p: Any = ..., dim: Any = ..., eps: Any = ..., out: Any = ...) -> Any:
        """Vectors along `dim` at length 1 (of the p-norm); those shorter than eps are divided by eps."""
    def not_equal(self, other: Any) -> Any:
        """Whether a differs from b."""
    def not_equal_(self, other: Any) -> Tensor:
        """In place: Whether a differs from b."""
    def numel(self) -> Any:
        """The number of elements."""
    def one_hot(self, num_classes: Any = ...) -> Any:
        """Whole numbers as rows of zeros with a single 1; num_classes -1: one more than the largest number."""
    def orgqr(self, tau: Any) -> Any:
        """The same as `linalg.householder_product`."""
    def ormqr(self, tau: Any, other: Any, left: Any = ..., transpose: Any = ...) -> Any:
        """The whole product Q of Householder's reflections times a matrix: Q @ other, or other @ Q."""
    def orthogonal_rest(self) -> Tensor:
        """Columns that complete orthonormal columns to a whole basis; no gradient, for any such columns do."""
    def outer(self, vec2: Any) -> Any:
        """Every element of one vector times every element of another."""
    @property
    def output_nr(self) -> Any: ...
    def pad(self, pad: Any, mode: Any = ..., value: Any = ...) -> Any:
        """A frame around the last axes: pad = (last before, last after, second last before, ...)."""
    def pad_constant(self, *, widths: Any, value: Any = ...) -> Tensor:
        """A frame of a constant around a tensor; `widths` = (before, after) for every axis."""
    def pairwise_distance(self, x2: Any, p: Any = ..., eps: Any = ..., keepdim: Any = ...) -> Any:
        """The p-norm of x1 - x2 + eps along the last axis."""
    def patches(self, *, taps: Any, stride: Any, dilation: Any) -> Tensor:
        """What a window sees at every position of a framed image: (batch, channel, taps..., positions...)."""
    def patches_backward(self, *, size: Any, stride: Any, dilation: Any) -> Tensor:
        """Patches added up at the places that they were taken from."""
    def pca_lowrank(self, q: Any = ..., center: Any = ..., niter: Any = ...) -> Any:
        """The q main directions of the rows of A: `svd_lowrank` of A without its mean row."""
    def pdist(self, p: Any = ...) -> Any:
        """The p-norm distances of all pairs of rows, those of the first row first."""
    def permute(self, *dims: Any, **named: Any) -> Tensor:
        """The axes in another order (a view)."""
    def permute_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `permute` shows, in memory of its own."""
    def permuted_rows(self, x: Any) -> Any:
        """Row i of x goes to row input[i]."""
    def picked(self, other: Any, *, dim: Any) -> Tensor:
        """Along `dim` the one element whose position `index` names; the axis is gone."""
    def pin_memory(self) -> Any:
        """Itself."""
    def pinverse(self, rcond: Any = ...) -> Any:
        """The pseudoinverse, as `linalg.pinv`."""
    def pivot_order(self) -> Tensor:
        """The order of rows that a list of exchanges (a column, counted from 1) leads to; no gradient."""
    def pixel_shuffle(self, upscale_factor: Any) -> Any:
        """Channels become pixels: (*, C r r, H, W) to (*, C, H r, W r). W. Shi et al., 2016."""
    def pixel_unshuffle(self, downscale_factor: Any) -> Any:
        """Pixels become channels: (*, C, H r, W r) to (*, C r r, H, W)."""
    def poisson_nll_loss(self, target: Any, log_input: Any = ..., full: Any = ..., size_average: Any = ..., eps: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """e**input - target * input, for counts whose rate is e**input (log_input) or input."""
    def polygamma(self, n: Any) -> Tensor:
        """The n-th derivative of digamma; `polygamma(n, x)`, or `x.polygamma(n)`."""
    def polygamma_(self, n: Any) -> Tensor:
        """In place: The n-th derivative of digamma; `polygamma(n, x)`, or `x.polygamma(n)`."""
    def positive(self) -> Any:
        """The tensor itself: `+x`."""
    def pow(self, exponent: Any) -> Tensor:
        """A power; base and exponent may both be tensors or numbers."""
    def pow_(self, exponent: Any) -> Tensor:
        """In place: A power; base and exponent may both be tensors or numbers."""
    def prelu(self, weight: Any) -> Any:
        """A leaky ReLU whose slope is learned, one for all channels or one each (axis 1)."""
    def prod(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ...) -> Tensor:
        """The product along one axis (of everything when `dim` is left out); right at zeros too."""
    def pseudo_inverse(self, *, atol: Any = ..., rtol: Any = ..., hermitian: Any = ...) -> Tensor:
        """The matrix that undoes what can be undone. Golub and Pereyra (1973)."""
    def put(self, index: Any, source: Any, accumulate: Any = ...) -> Any:
        """A copy with elements written (or added) at positions in the flattened tensor."""
    def put_(self, index: Any, source: Any, accumulate: Any = ...) -> Tensor:
        """In place: A copy with elements written (or added) at positions in the flattened tensor."""
    def put_at(self, given: Any, value: Any, accumulate: Any = ...) -> Tensor:
        """A copy of x with x[given] = value, or += value where equal places add up."""
    def put_view(self, other: Any, *, path: Any) -> Tensor:
        """x with the part that a chain of views shows replaced by v: what a write through a view does."""
    def qr(self, some: Any = ...) -> Any:
        """The same as `linalg.qr`, 'complete' where `some` is off."""
    def qr_parts(self) -> Tensor:
        """Q^T and R of A = Q R (Q^T Q = 1, R an upper triangle), side by side. Walter and Lehmann (2018)."""
    def quantile(self, q: Any, dim: Any = ..., keepdim: Any = ..., *, interpolation: Any = ...) -> Any:
        """The value below which a share q of the elements lies; several q give a first axis; NaN where there is one."""
    def rad2deg(self) -> Any:
        """Radians as degrees."""
    def rad2deg_(self) -> Tensor:
        """In place: Radians as degrees."""
    def random_(self, *limits: Any, generator: Any = ...) -> Tensor:
        """In place: whole numbers from the first limit (or 0) below the last."""
    def random_slopes(self, *, lower: Any, upper: Any, seed: Any, draw: Any) -> Tensor:
        """Numbers drawn evenly between two others, in the shape of x; no gradient."""
    def rank_of(self, *, atol: Any = ..., rtol: Any = ...) -> Tensor:
        """How many singular values count; no gradient."""
    def ravel(self) -> Any:
        """All elements in one row."""
    def read_at(self, *, key: Any) -> Tensor:
        """Elements chosen by arrays of positions or of truth values: a copy."""
    def read_at_backward(self, *, key: Any, shape: Any) -> Tensor:
        """Zeros with g added at the places that the key names; equal places add up."""
    @property
    def real(self) -> Any: ...
    def reciprocal(self) -> Tensor:
        """One over x."""
    def reciprocal_(self) -> Tensor:
        """In place: One over x."""
    def register_hook(self, hook: Any) -> Any:
        """Call `hook(gradient)` when this tensor's gradient is known; what it returns takes its place."""
    def register_post_accumulate_grad_hook(self, hook: Any) -> Any:
        """Call `hook(leaf)` after a gradient was added to the leaf's `.grad`."""
    def relu(self) -> Tensor:
        """max(0, x); its slope at 0 counts as 0."""
    def relu6(self) -> Any:
        """max(0, x), at most 6."""
    def relu_(self) -> Tensor:
        """In place: max(0, x); its slope at 0 counts as 0."""
    def relu_backward(self, other: Any) -> Tensor:
        """g where the output y of a ReLU is positive, else 0."""
    def remainder(self, other: Any) -> Tensor:
        """What is left of a after division by b, with the sign of b."""
    def remainder_(self, other: Any) -> Tensor:
        """In place: What is left of a after division by b, with the sign of b."""
    def renorm(self, p: Any, dim: Any, maxnorm: Any) -> Any:
        """Each slice along `dim` whose p-norm exceeds `maxnorm`, shortened to it."""
    def renorm_(self, p: Any, dim: Any, maxnorm: Any) -> Tensor:
        """In place: Each slice along `dim` whose p-norm exceeds `maxnorm`, shortened to it."""
    def repeat(self, *repeats: Any) -> Any:
        """The tensor laid out several times along each axis (a copy)."""
    def repeat_interleave(self, repeats: Any = ..., dim: Any = ..., *, output_size: Any = ...) -> Any:
        """Every element (or every position of an axis) several times in a row."""
    def repeated_places(self, *, size: Any = ...) -> Tensor:
        """Each position as often as the vector says: [0, 2, 1] gives [1, 1, 2]; no gradient."""
    def resample(self, *, dim: Any, plan: Any) -> Tensor:
        """Along `dim` (counted from the end), every place of the result a weighted sum of some places of x."""
    def reshape(self, *shape: Any) -> Tensor:
        """The same numbers in another shape; one size may be -1 and is worked out. A view where the memory allows it."""
    def reshape_as(self, other: Any) -> Any:
        """The same numbers in the shape of another tensor."""
    def resize_(self, *sizes: Any, memory_format: Any = ...) -> Tensor:
        """Another shape for the tensor itself: the memory is kept, and grows where it is too small."""
    def resize_as_(self, the_template: Any, memory_format: Any = ...) -> Tensor:
        """The shape of another tensor for the tensor itself."""
    def resolve_conj(self) -> Any:
        """Itself."""
    def resolve_neg(self) -> Any:
        """Itself."""
    def restride(self, *, source: Any, target: Any, total: Any) -> Tensor:
        """g added into empty memory where one layout says, and read from it where another says."""
    def retain_grad(self) -> None:
        """Keep the gradient of this tensor in `.grad` although it is no leaf."""
    @property
    def retains_grad(self) -> Any: ...
    def rms_norm(self, normalized_shape: Any, weight: Any = ..., eps: Any = ...) -> Any:
        """Every example divided by the root of its mean square over the last axes. B. Zhang, R. Sennrich, 2019."""
    def roll(self, shifts: Any, dims: Any = ...) -> Tensor:
        """Elements moved along axes; what leaves at one end enters at the other."""
    def roll_back(self, shifts: Any, dims: Any) -> Any:
        """What `roll` moved, moved back."""
    def rot90(self, k: Any = ..., dims: Any = ...) -> Any:
        """Turned by k times 90 degrees in the plane of two axes, from the first towards the second."""
    def round(self, *, decimals: Any = ...) -> Tensor:
        """The nearest whole number, or the nearest with so many decimals; halves go to the even one."""
    def round_(self, *, decimals: Any = ...) -> Tensor:
        """In place: The nearest whole number, or the nearest with so many decimals; halves go to the even one."""
    def row_order(self) -> Tensor:
        """The order that sorts the rows of a matrix, the first column first."""
    def rows(self, other: Any, *, skip: Any, by_count: Any) -> Tensor:
        """The rows of a table that an index names; `skip` is the row whose gradient is 0."""
    def rows_backward(self, other: Any, *, count: Any, skip: Any, by_count: Any) -> Tensor:
        """Zeros with the rows of g added where the index names them."""
    def rows_shared(self, other: Any, *, skip: Any, by_count: Any) -> Tensor:
        """The rows that an index names, as RowsBackward weighs them."""
    def rrelu(self, lower: Any = ..., upper: Any = ..., training: Any = ..., *, generator: Any = ...) -> Any:
        """A leaky ReLU whose slope is drawn between two numbers while training, else their mean. B. Xu et al., 2015."""
    def rsqrt(self) -> Tensor:
        """One over the square root."""
    def rsqrt_(self) -> Tensor:
        """In place: One over the square root."""
    def rsub(self, other: Any, *, alpha: Any = ...) -> Any:
        """other - alpha * input."""
    def scaled_dot_product_attention(self, key: Any, value: Any, attn_mask: Any = ..., dropout_p: Any = ..., is_causal: Any = ..., scale: Any = ..., enable_gqa: Any = ...) -> Any:
        """softmax(scale * query key^T + mask) value, over the last two axes (*, length, width)."""
    def scan(self, other: Any, *, dim: Any) -> Tensor:
        """h_i = a_i * h_{i-1} + b_i along an axis, from h = 0: what running products and their gradients are made of."""
    def scatter(self, dim: Any, index: Any, src: Any = ..., *, value: Any = ..., reduce: Any = ...) -> Any:
        """A copy with a number, or the elements of `src`, written at the places that `index` names along `dim`."""
    def scatter_(self, dim: Any, index: Any, src: Any = ..., *, value: Any = ..., reduce: Any = ...) -> Tensor:
        """In place: A copy with a number, or the elements of `src`, written at the places that `index` names along `dim`."""
    def scatter_add(self, dim: Any, index: Any, src: Any) -> Any:
        """A copy with the elements of `src` added at the places that `index` names along `dim`; equal places add up."""
    def scatter_add_(self, dim: Any, index: Any, src: Any) -> Tensor:
        """In place: A copy with the elements of `src` added at the places that `index` names along `dim`; equal places add up."""
    def scatter_extreme(self, index: Any, v: Any, *, dim: Any, reduce: Any, include_self: Any = ...) -> Tensor:
        """The product, largest or smallest of what goes to each place (and of x there, unless include_self is off)."""
    def scatter_into(self, index: Any, v: Any, *, dim: Any) -> Tensor:
        """x with v written at the places that `index` names along `dim`."""
    def scatter_reduce(self, dim: Any, index: Any, src: Any, reduce: Any, *, include_self: Any = ...) -> Any:
        """What goes to each place along `dim`, reduced: 'sum', 'prod', 'mean', 'amax' or 'amin'."""
    def scatter_reduce_(self, dim: Any, index: Any, src: Any, reduce: Any, *, include_self: Any = ...) -> Tensor:
        """In place: What goes to each place along `dim`, reduced: 'sum', 'prod', 'mean', 'amax' or 'amin'."""
    def searchsorted(self, input: Any, *, out_int32: Any = ..., right: Any = ..., side: Any = ..., sorter: Any = ...) -> Tensor:
        """Where each value belongs in a sorted sequence (along its last axis), so that it stays sorted."""
    def select(self, dim: Any, index: Any) -> Any:
        """One position of an axis, which disappears (a view)."""
    def select_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `select` shows, in memory of its own."""
    def select_scatter(self, src: Any, dim: Any, index: Any) -> Any:
        """A copy in which one position of an axis is replaced."""
    def selu(self) -> Any:
        """The ELU whose outputs keep mean 0 and variance 1."""
    def selu_(self) -> Tensor:
        """In place: The ELU whose outputs keep mean 0 and variance 1."""
    def set_(self, source: Any = ..., storage_offset: Any = ..., size: Any = ..., stride: Any = ...) -> Tensor:
        """Point the tensor to the memory of another tensor, or of a storage."""
    def sgn(self) -> Any:
        """-1, 0 or 1: for real numbers the same as `sign`."""
    def sgn_(self) -> Tensor:
        """In place: -1, 0 or 1: for real numbers the same as `sign`."""
    def share_memory_(self) -> Tensor:
        """Itself."""
    def short(self, memory_format: Any = ...) -> Tensor:
        """The tensor as int16."""
    def sigmoid(self) -> Tensor:
        """1 / (1 + e**-x): squashes numbers into (0, 1)."""
    def sigmoid_(self) -> Tensor:
        """In place: 1 / (1 + e**-x): squashes numbers into (0, 1)."""
    def sigmoid_backward(self, other: Any) -> Tensor:
        """g * y * (1 - y), the gradient of sigmoid by its output y."""
    def sign(self) -> Tensor:
        """-1, 0 or 1."""
    def sign_(self) -> Tensor:
        """In place: -1, 0 or 1."""
    def sign_det(self) -> Tensor:
        """The sign of the determinant; its slope is 0."""
    def signbit(self) -> Tensor:
        """Whether the sign is a minus (also that of -0.0)."""
    def silu(self) -> Tensor:
        """x * sigmoid(x), also called swish."""
    def silu_(self) -> Tensor:
        """In place: x * sigmoid(x), also called swish."""
    def sin(self) -> Tensor:
        """The sine, x in radians."""
    def sin_(self) -> Tensor:
        """In place: The sine, x in radians."""
    def sinc(self) -> Tensor:
        """sin(pi x) / (pi x), and 1 at x = 0."""
    def sinc_(self) -> Tensor:
        """In place: sin(pi x) / (pi x), and 1 at x = 0."""
    def sinh(self) -> Tensor:
        """The hyperbolic sine."""
    def sinh_(self) -> Tensor:
        """In place: The hyperbolic sine."""
    def size(self, dim: Any = ...) -> Any:
        """The sizes of the axes, or of one axis."""
    def slice(self, dim: Any = ..., start: Any = ..., end: Any = ..., step: Any = ...) -> Any:
        """The positions of an axis from `start` up to `end`, every `step`-th (a view)."""
    def slice_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `slice` shows, in memory of its own."""
    def slice_scatter(self, src: Any, dim: Any = ..., start: Any = ..., end: Any = ..., step: Any = ...) -> Any:
        """A copy in which the positions from `start` up to `end` of an axis are replaced."""
    def slogdet(self) -> Any:
        """The same as `linalg.slogdet`."""
    def smooth_l1_loss(self, target: Any, size_average: Any = ..., reduce: Any = ..., reduction: Any = ..., beta: Any = ...) -> Any:
        """The Huber loss divided by beta: d**2 / (2 beta) for |d| below beta, else |d| - beta / 2."""
    def soft_margin_loss(self, target: Any, size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """ln(1 + e**(-target * input)), targets 1 or -1."""
    def softmax(self, dim: Any = ..., _stacklevel: Any = ..., dtype: Any = ...) -> Tensor:
        """Positive numbers that sum to 1 along `dim`: e**x, divided by its sum."""
    def softmin(self, dim: Any = ..., _stacklevel: Any = ..., dtype: Any = ...) -> Any:
        """softmax of -x."""
    def softplus(self, beta: Any = ..., threshold: Any = ...) -> Tensor:
        """ln(1 + e**(beta x)) / beta: a smooth ReLU, linear above the threshold."""
    def softplus_(self, beta: Any = ..., threshold: Any = ...) -> Tensor:
        """In place: ln(1 + e**(beta x)) / beta: a smooth ReLU, linear above the threshold."""
    def softshrink(self, lambd: Any = ...) -> Any:
        """x moved towards 0 by lambd, and 0 where it is closer than that."""
    def softsign(self) -> Any:
        """x / (1 + |x|)."""
    def solved(self, other: Any, *, check: Any = ...) -> Tensor:
        """X with A X = B, for matrices B. Giles (2008), section 2.3."""
    def sort(self, dim: Any = ..., descending: Any = ..., stable: Any = ...) -> Any:
        """The elements of an axis in order, and where they were: (values, indices). Equal ones keep their order."""
    def special_airy_ai(self) -> Tensor:
        """Airy's function, which solves y'' = x y and dies out to the right."""
    def special_airy_ai_(self) -> Tensor:
        """In place: Airy's function, which solves y'' = x y and dies out to the right."""
    def special_bessel_j0(self, *arrays: Any) -> Tensor:
        """The Bessel function of the first kind, of order 0."""
    def special_bessel_j0_(self, *arrays: Any) -> Tensor:
        """In place: The Bessel function of the first kind, of order 0."""
    def special_bessel_j1(self, *arrays: Any) -> Tensor:
        """The Bessel function of the first kind, of order 1."""
    def special_bessel_j1_(self, *arrays: Any) -> Tensor:
        """In place: The Bessel function of the first kind, of order 1."""
    def special_bessel_y0(self, *arrays: Any) -> Tensor:
        """The Bessel function of the second kind, of order 0."""
    def special_bessel_y0_(self, *arrays: Any) -> Tensor:
        """In place: The Bessel function of the second kind, of order 0."""
    def special_bessel_y1(self, *arrays: Any) -> Tensor:
        """The Bessel function of the second kind, of order 1."""
    def special_bessel_y1_(self, *arrays: Any) -> Tensor:
        """In place: The Bessel function of the second kind, of order 1."""
    def special_chebyshev_polynomial_t(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the first kind: cos(n arccos x)."""
    def special_chebyshev_polynomial_t_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the first kind: cos(n arccos x)."""
    def special_chebyshev_polynomial_u(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the second kind."""
    def special_chebyshev_polynomial_u_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the second kind."""
    def special_chebyshev_polynomial_v(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the third kind."""
    def special_chebyshev_polynomial_v_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the third kind."""
    def special_chebyshev_polynomial_w(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the fourth kind."""
    def special_chebyshev_polynomial_w_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the fourth kind."""
    def special_entr(self, *arrays: Any) -> Tensor:
        """-x ln(x): what one outcome adds to an entropy; 0 at 0, minus infinity below."""
    def special_entr_(self, *arrays: Any) -> Tensor:
        """In place: -x ln(x): what one outcome adds to an entropy; 0 at 0, minus infinity below."""
    def special_erfcx(self, *arrays: Any) -> Tensor:
        """e**(x**2) * erfc(x), without underflow."""
    def special_erfcx_(self, *arrays: Any) -> Tensor:
        """In place: e**(x**2) * erfc(x), without underflow."""
    def special_hermite_polynomial_h(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Hermite's polynomial as physicists write it."""
    def special_hermite_polynomial_h_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Hermite's polynomial as physicists write it."""
    def special_hermite_polynomial_he(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Hermite's polynomial as statisticians write it."""
    def special_hermite_polynomial_he_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Hermite's polynomial as statisticians write it."""
    def special_i0e(self, *arrays: Any) -> Tensor:
        """i0(x) * e**-|x|."""
    def special_i0e_(self, *arrays: Any) -> Tensor:
        """In place: i0(x) * e**-|x|."""
    def special_i1(self, *arrays: Any) -> Tensor:
        """The modified Bessel function of the first kind, of order 1."""
    def special_i1_(self, *arrays: Any) -> Tensor:
        """In place: The modified Bessel function of the first kind, of order 1."""
    def special_i1e(self, *arrays: Any) -> Tensor:
        """i1(x) * e**-|x|."""
    def special_i1e_(self, *arrays: Any) -> Tensor:
        """In place: i1(x) * e**-|x|."""
    def special_laguerre_polynomial_l(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Laguerre's polynomial."""
    def special_laguerre_polynomial_l_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Laguerre's polynomial."""
    def special_legendre_polynomial_p(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Legendre's polynomial."""
    def special_legendre_polynomial_p_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Legendre's polynomial."""
    def special_log_ndtr(self, *arrays: Any) -> Tensor:
        """The logarithm of the chance that a normal number is below x, without underflow."""
    def special_log_ndtr_(self, *arrays: Any) -> Tensor:
        """In place: The logarithm of the chance that a normal number is below x, without underflow."""
    def special_modified_bessel_k0(self, *arrays: Any) -> Tensor:
        """The modified Bessel function of the second kind, of order 0."""
    def special_modified_bessel_k0_(self, *arrays: Any) -> Tensor:
        """In place: The modified Bessel function of the second kind, of order 0."""
    def special_modified_bessel_k1(self, *arrays: Any) -> Tensor:
        """The modified Bessel function of the second kind, of order 1."""
    def special_modified_bessel_k1_(self, *arrays: Any) -> Tensor:
        """In place: The modified Bessel function of the second kind, of order 1."""
    def special_ndtr(self, *arrays: Any) -> Tensor:
        """The chance that a normal number is below x."""
    def special_ndtr_(self, *arrays: Any) -> Tensor:
        """In place: The chance that a normal number is below x."""
    def special_ndtri(self, *arrays: Any) -> Tensor:
        """The number below which a normal number is with chance x."""
    def special_ndtri_(self, *arrays: Any) -> Tensor:
        """In place: The number below which a normal number is with chance x."""
    def special_scaled_modified_bessel_k0(self, *arrays: Any) -> Tensor:
        """modified_bessel_k0(x) * e**x."""
    def special_scaled_modified_bessel_k0_(self, *arrays: Any) -> Tensor:
        """In place: modified_bessel_k0(x) * e**x."""
    def special_scaled_modified_bessel_k1(self, *arrays: Any) -> Tensor:
        """modified_bessel_k1(x) * e**x."""
    def special_scaled_modified_bessel_k1_(self, *arrays: Any) -> Tensor:
        """In place: modified_bessel_k1(x) * e**x."""
    def special_shifted_chebyshev_polynomial_t(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the first kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_t_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the first kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_u(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the second kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_u_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the second kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_v(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the third kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_v_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the third kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_w(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """Chebyshev's polynomial of the fourth kind at 2x - 1."""
    def special_shifted_chebyshev_polynomial_w_(self, n: Any, *, derivative: Any = ...) -> Tensor:
        """In place: Chebyshev's polynomial of the fourth kind at 2x - 1."""
    def special_xlog1py(self, other: Any) -> Tensor:
        """x * ln(1 + y), and 0 where x is 0."""
    def special_xlog1py_(self, other: Any) -> Tensor:
        """In place: x * ln(1 + y), and 0 where x is 0."""
    def special_zeta(self, other: Any) -> Tensor:
        """Hurwitz's zeta function: the sum of (k + q)**-x over k = 0, 1, 2, ...; its gradient is by q."""
    def special_zeta_(self, other: Any) -> Tensor:
        """In place: Hurwitz's zeta function: the sum of (k + q)**-x over k = 0, 1, 2, ...; its gradient is by q."""
    def split(self, split_size_or_sections: Any, dim: Any = ...) -> Any:
        """Pieces of one size (or of the listed sizes) along an axis, as views."""
    def split_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `split` shows, in memory of its own."""
    def split_with_sizes(self, split_sizes: Any, dim: Any = ...) -> Any:
        """Pieces of the listed sizes along an axis, as views."""
    def split_with_sizes_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `split_with_sizes` shows, in memory of its own."""
    def spread(self, *, dim: Any, keepdim: Any = ..., correction: Any = ...) -> Tensor:
        """The mean squared distance to the mean, over n - correction."""
    def sqrt(self) -> Tensor:
        """The square root."""
    def sqrt_(self) -> Tensor:
        """In place: The square root."""
    def square(self) -> Tensor:
        """x times x."""
    def square_(self) -> Tensor:
        """In place: x times x."""
    def squared_distance(self, target: Any, reduction: Any = ...) -> Tensor:
        """The squared distance of two tensors of one shape: its mean, its sum, or each number's."""
    def squeeze(self, dim: Any = ...) -> Any:
        """Without the axes of size 1 (all of them, or the named ones)."""
    def squeeze_(self, dim: Any = ...) -> Tensor:
        """In place: Without the axes of size 1 (all of them, or the named ones)."""
    def squeeze_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `squeeze` shows, in memory of its own."""
    def standardize(self, moments: Any, weight: Any = ..., bias: Any = ..., *, dims: Any, eps: Any, centred: Any) -> Tensor:
        """(x - mean) / sqrt(variance + eps) along `dims`, times a weight, plus a bias; (0, mean square) for RMS norms."""
    def standardize_backward(self, x: Any, moments: Any, weight: Any = ..., *, dims: Any, eps: Any, centred: Any) -> Tensor:
        """The gradient by x: the part of w g that changes neither mean nor variance, over the standard deviation."""
    def standardized(self, dims: Any, eps: Any, weight: Any = ..., bias: Any = ..., centred: Any = ..., moments: Any = ...) -> Any:
        """x standardised along axes, times a weight, plus a bias (which broadcast to x)."""
    def std(self, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, correction: Any = ...) -> Any:
        """The standard deviation: the root of the variance; its slope at 0 counts as 0."""
    def std_mean(self, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, correction: Any = ...) -> Any:
        """The standard deviation and the mean."""
    def storage(self) -> Any:
        """The memory that the tensor looks into, counted in elements."""
    def storage_offset(self) -> builtins.int:
        """How many elements of its memory lie before the first one of the tensor."""
    def stride(self, dim: Any = ...) -> Any:
        """How many elements of memory lie between neighbours along each axis."""
    def sub(self, other: Any, *, alpha: Any = ...) -> Tensor:
        """The difference of two tensors: input - alpha * other."""
    def sub_(self, other: Any, *, alpha: Any = ...) -> Tensor:
        """In place: The difference of two tensors: input - alpha * other."""
    def subtract(self, other: Any, *, alpha: Any = ...) -> Any:
        """The difference of two tensors: input - alpha * other."""
    def subtract_(self, other: Any, *, alpha: Any = ...) -> Tensor:
        """In place: The difference of two tensors: input - alpha * other."""
    def sum(self, dim: Any = ..., keepdim: Any = ..., *, dtype: Any = ...) -> Tensor:
        """The sum along axes (all of them when `dim` is left out); whole numbers and truth values give int64."""
    def sum_rows(self) -> Tensor:
        """The sum over all axes but the last: the gradient of a bias."""
    def sum_to_size(self, *size: Any) -> Any:
        """Summed over the axes along which a tensor of this size would be repeated."""
    def svd(self, some: Any = ..., compute_uv: Any = ...) -> Any:
        """Like `linalg.svd`, with V in the place of its transpose."""
    def svd_lowrank(self, q: Any = ..., niter: Any = ..., M: Any = ...) -> Any:
        """The q largest singular values and their vectors (of A - M): exact, where PyTorch draws an approximation."""
    def svd_parts(self) -> Tensor:
        """U^T, the singular values, and V^T, side by side. Townsend, Differentiating the SVD (2016)."""
    def swapaxes(self, dim0: Any, dim1: Any) -> Any:
        """Two axes exchanged (a view)."""
    def swapaxes_(self, dim0: Any, dim1: Any) -> Tensor:
        """In place: Two axes exchanged (a view)."""
    def swapdims(self, dim0: Any, dim1: Any) -> Any:
        """Two axes exchanged (a view)."""
    def swapdims_(self, dim0: Any, dim1: Any) -> Tensor:
        """In place: Two axes exchanged (a view)."""
    def t(self) -> Any:
        """The transpose of a matrix (a view)."""
    def t_(self) -> Tensor:
        """In place: The transpose of a matrix (a view)."""
    def t_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `t` shows, in memory of its own."""
    def take(self, index: Any) -> Any:
        """The elements at positions in the flattened tensor."""
    def take_along_dim(self, indices: Any, dim: Any = ...) -> Any:
        """Like `gather`, with broadcasting; without dim: positions in the flattened tensor."""
    def tan(self) -> Tensor:
        """The tangent, x in radians."""
    def tan_(self) -> Tensor:
        """In place: The tangent, x in radians."""
    def tanh(self) -> Tensor:
        """The hyperbolic tangent: squashes numbers into (-1, 1)."""
    def tanh_(self) -> Tensor:
        """In place: The hyperbolic tangent: squashes numbers into (-1, 1)."""
    def tanh_backward(self, other: Any) -> Tensor:
        """g * (1 - y**2), the gradient of tanh by its output y."""
    def tanhshrink(self) -> Any:
        """x - tanh(x)."""
    def tensor_split(self, indices_or_sections: Any, dim: Any = ...) -> Any:
        """A number of pieces of (almost) equal size, or pieces that end before the listed positions; views."""
    def tensordot(self, other: Any, dims: Any = ...) -> Any:
        """The sums of products along several axes of both: the last and first `dims`, or two lists of them."""
    def threshold(self, threshold: Any, value: Any) -> Any:
        """x where it is above the threshold, else `value`."""
    def tile(self, *dims: Any) -> Any:
        """Like `repeat`, but missing numbers in front count as 1."""
    def to(self, *targets: Any, dtype: Any = ..., device: Any = ..., other: Any = ..., non_blocking: Any = ..., copy: Any = ..., memory_format: Any = ...) -> Tensor:
        """The tensor with another element type, on another device, or like another tensor; itself where nothing changes."""
    def topk(self, k: Any, dim: Any = ..., largest: Any = ..., sorted: Any = ...) -> Any:
        """The k largest (or smallest) elements of an axis, and where they are: (values, indices)."""
    def trace(self) -> Any:
        """The sum of the diagonal of a matrix."""
    def transfer(self, *, device: Any) -> Tensor:
        """The same numbers on another device."""
    def transpose(self, dim0: Any, dim1: Any) -> Tensor:
        """Two axes exchanged (a view)."""
    def transpose_(self, dim0: Any, dim1: Any) -> Tensor:
        """In place: Two axes exchanged (a view)."""
    def transpose_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `transpose` shows, in memory of its own."""
    def trapezoid(self, x: Any = ..., *, dx: Any = ..., dim: Any = ...) -> Any:
        """The integral along an axis by the trapezoidal rule, at the points x or with the distance dx."""
    def trapz(self, x: Any = ..., *, dx: Any = ..., dim: Any = ...) -> Any:
        """The integral along an axis by the trapezoidal rule: another name of `trapezoid`."""
    def triangular(self, other: Any, *, upper: Any, unit: Any = ...) -> Tensor:
        """X with A X = B, where only one triangle of A counts (and with `unit` its diagonal counts as 1)."""
    def triangular_solve(self, A: Any, upper: Any = ..., transpose: Any = ..., unitriangular: Any = ...) -> Any:
        """The older form of `linalg.solve_triangular`: solves A @ X = b, or its transpose."""
    def tril(self, diagonal: Any = ...) -> Tensor:
        """The lower triangle; everything above the diagonal is 0."""
    def tril_(self, diagonal: Any = ...) -> Tensor:
        """In place: The lower triangle; everything above the diagonal is 0."""
    def triplet_margin_loss(self, positive: Any, negative: Any, margin: Any = ..., p: Any = ..., eps: Any = ..., swap: Any = ..., size_average: Any = ..., reduce: Any = ..., reduction: Any = ...) -> Any:
        """max(0, distance to the positive - distance to the negative + margin). V. Balntas et al., 2016."""
    def triplet_margin_with_distance_loss(self, positive: Any, negative: Any, *, distance_function: Any = ..., margin: Any = ..., swap: Any = ..., reduction: Any = ...) -> Any:
        """The triplet loss with a distance of one's own."""
    def triu(self, diagonal: Any = ...) -> Tensor:
        """The upper triangle; everything below the diagonal is 0."""
    def triu_(self, diagonal: Any = ...) -> Tensor:
        """In place: The upper triangle; everything below the diagonal is 0."""
    def true_divide(self, other: Any, *, rounding_mode: Any = ...) -> Any:
        """The quotient; integers give floats. `rounding_mode`: 'floor' rounds it down, 'trunc' towards 0."""
    def true_divide_(self, other: Any, *, rounding_mode: Any = ...) -> Tensor:
        """In place: The quotient; integers give floats. `rounding_mode`: 'floor' rounds it down, 'trunc' towards 0."""
    def trunc(self) -> Tensor:
        """The whole part, towards 0."""
    def trunc_(self) -> Tensor:
        """In place: The whole part, towards 0."""
    def truncated_divide(self, other: Any) -> Tensor:
        """The quotient without what is behind the point."""
    def truncated_divide_(self, other: Any) -> Tensor:
        """In place: The quotient without what is behind the point."""
    def type(self, dtype: Any = ..., non_blocking: Any = ...) -> Any:
        """The name of the tensor's type; with a dtype: the tensor converted to it."""
    def type_as(self, other: Any) -> Tensor:
        """The tensor with the element type of another."""
    def unbind(self, dim: Any = ...) -> Any:
        """All positions of an axis, one by one, as views."""
    def unbind_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `unbind` shows, in memory of its own."""
    def unflatten(self, dim: Any, sizes: Any) -> Any:
        """One axis becomes several; one size may be -1."""
    def unfold(self, dimension: Any, size: Any, step: Any) -> Tensor:
        """Windows of `size` positions along an axis, one every `step`; the window's axis comes last (a view)."""
    def unfold_backward(self, *, dim: Any, size: Any, step: Any, shape: Any) -> Tensor:
        """Windows laid back to where they came from; where they overlap, they add up."""
    def unfold_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `unfold` shows, in memory of its own."""
    def uniform_(self, a: Any = ..., b: Any = ..., *, generator: Any = ..., **bounds: Any) -> Tensor:
        """In place: numbers evenly spread over [a, b)."""
    def unique(self, sorted: Any = ..., return_inverse: Any = ..., return_counts: Any = ..., dim: Any = ...) -> Any:
        """The distinct elements in order (or slices along `dim`); where each element went; how often each occurs."""
    def unique_consecutive(self, return_inverse: Any = ..., return_counts: Any = ..., dim: Any = ...) -> Any:
        """The elements (or slices along `dim`) without those that equal the one before."""
    def unravel_index(self, shape: Any) -> Any:
        """The coordinates, in a tensor of a shape, of positions in its flattened form."""
    def unsafe_chunk(self, chunks: Any, dim: Any = ...) -> Any:
        """The same as `chunk`."""
    def unsafe_split(self, split_size: Any, dim: Any = ...) -> Any:
        """The same as `split`."""
    def unsqueeze(self, dim: Any) -> Tensor:
        """With a new axis of size 1 (a view)."""
    def unsqueeze_(self, dim: Any) -> Tensor:
        """In place: With a new axis of size 1 (a view)."""
    def unsqueeze_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `unsqueeze` shows, in memory of its own."""
    def untyped_storage(self) -> Any:
        """The memory that the tensor looks into, counted in bytes."""
    def upsample(self, size: Any = ..., scale_factor: Any = ..., mode: Any = ..., align_corners: Any = ...) -> Any:
        """The older name of `interpolate`."""
    def upsample_bilinear(self, size: Any = ..., scale_factor: Any = ...) -> Any:
        """`interpolate` with mode 'bilinear' and aligned corners."""
    def upsample_nearest(self, size: Any = ..., scale_factor: Any = ...) -> Any:
        """`interpolate` with mode 'nearest'."""
    def vander(self, N: Any = ..., increasing: Any = ...) -> Any:
        """The powers of each number of a vector, one number a row, the highest first."""
    def var(self, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, correction: Any = ...) -> Any:
        """The variance: the mean squared distance to the mean, over n - correction (1 when left out)."""
    def var_mean(self, dim: Any = ..., unbiased: Any = ..., keepdim: Any = ..., *, correction: Any = ...) -> Any:
        """The variance and the mean."""
    def vdot(self, other: Any) -> Any:
        """The sum of the products of two vectors (of real numbers: the same as `dot`)."""
    def view(self, *shape: Any, dtype: Any = ...) -> Tensor:
        """The same memory in another shape (or, with a dtype, its bytes read as another type); never a copy."""
    def view_as(self, other: Any) -> Any:
        """The same memory in the shape of another tensor."""
    def view_copy(self, *arguments: Any, **named: Any) -> Any:
        """What `view` shows, in memory of its own."""
    def vsplit(self, indices_or_sections: Any) -> Any:
        """Cut into pieces under each other (along dim 0), as views."""
    def where(self, condition: Any, other: Any) -> Tensor:
        """The tensor where the condition holds, else `other`."""
    def window_argmax(self, *, places: Any) -> Tensor:
        """Where the largest number of every window stands in the flattened space; no gradient."""
    def write_at(self, other: Any, *, key: Any, accumulate: Any = ...) -> Tensor:
        """x with the elements that the key names replaced by v (or v added to them)."""
    def xlogy(self, other: Any) -> Tensor:
        """x * ln(y), and 0 where x is 0."""
    def xlogy_(self, other: Any) -> Tensor:
        """In place: x * ln(y), and 0 where x is 0."""
    def zero_(self) -> Tensor:
        """Write 0 everywhere."""
    def zero_slope_eye(self) -> Any:
        """The unit matrix in the shape of a square one."""
