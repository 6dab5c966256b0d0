"""The face of the engine: the names of PyTorch, on NumPy and CuPy. `import engine` in the place of `import torch`."""

from typing import Any

import engine.nn.modules as _modules  # noqa: F401
from engine import accelerator as accelerator
from engine import amp as amp
from engine import array as _array
from engine import autograd as autograd
from engine import backends as backends
from engine import counted as _counted
from engine import cuda as cuda
from engine import data as data
from engine import derivative as derivative
from engine import distributed as distributed
from engine import distributions as distributions
from engine import dtypes as _dtypes
from engine import func as func
from engine import functions as _functions
from engine import imports as _imports
from engine import linalg as linalg
from engine import mps as mps
from engine import nn as nn
from engine import onnx as onnx
from engine import optim as optim
from engine import printing as printing
from engine import random as random
from engine import serialization as _serialization
from engine import special as special
from engine import testing as testing
from engine import utils as utils
from engine import version as version
from engine import vision as vision
from engine import xpu as xpu
from engine.amp import autocast as autocast
from engine.anomaly import is_anomaly_enabled as is_anomaly_enabled
from engine.array import are_deterministic_algorithms_enabled as are_deterministic_algorithms_enabled
from engine.array import bfloat16 as bfloat16
from engine.array import channels_last as channels_last
from engine.array import channels_last_3d as channels_last_3d
from engine.array import contiguous_format as contiguous_format
from engine.array import double as double
from engine.array import float16 as float16
from engine.array import float32 as float32
from engine.array import float64 as float64
from engine.array import half as half
from engine.array import int8 as int8
from engine.array import int16 as int16
from engine.array import int32 as int32
from engine.array import int64 as int64
from engine.array import long as long
from engine.array import preserve_format as preserve_format
from engine.array import set_default_device as set_default_device
from engine.array import set_default_dtype as set_default_dtype
from engine.array import short as short
from engine.array import strided as strided
from engine.array import uint8 as uint8
from engine.array import use_deterministic_algorithms as use_deterministic_algorithms
from engine.autodiff import enable_grad as enable_grad
from engine.autodiff import grad as grad
from engine.autodiff import inference_mode as inference_mode
from engine.autodiff import is_grad_enabled as is_grad_enabled
from engine.autodiff import is_inference_mode_enabled as is_inference_mode_enabled
from engine.autodiff import no_grad as no_grad
from engine.autodiff import set_grad_enabled as set_grad_enabled
from engine.autograd.functional import hessian as hessian
from engine.autograd.functional import hvp as hvp
from engine.autograd.functional import jacobian as jacobian
from engine.autograd.functional import jvp as jvp
from engine.autograd.functional import vjp as vjp
from engine.compiler.face import compile as compile
from engine.counted import arange as arange
from engine.counted import eye as eye
from engine.counted import linspace as linspace
from engine.counted import logspace as logspace
from engine.counted import tril_indices as tril_indices
from engine.counted import triu_indices as triu_indices
from engine.create import as_tensor as as_tensor
from engine.create import asarray as asarray
from engine.create import empty as empty
from engine.create import empty_like as empty_like
from engine.create import empty_permuted as empty_permuted
from engine.create import empty_strided as empty_strided
from engine.create import fill as fill
from engine.create import from_numpy as from_numpy
from engine.create import frombuffer as frombuffer
from engine.create import full as full
from engine.create import full_like as full_like
from engine.create import ones as ones
from engine.create import ones_like as ones_like
from engine.create import scalar_tensor as scalar_tensor
from engine.create import tensor as tensor
from engine.create import zeros as zeros
from engine.create import zeros_like as zeros_like
from engine.draws import bernoulli as bernoulli
from engine.draws import binomial as binomial
from engine.draws import multinomial as multinomial
from engine.draws import normal as normal
from engine.draws import poisson as poisson
from engine.draws import rand as rand
from engine.draws import rand_like as rand_like
from engine.draws import randint as randint
from engine.draws import randint_like as randint_like
from engine.draws import randn as randn
from engine.draws import randn_like as randn_like
from engine.draws import randperm as randperm
from engine.dtypes import can_cast as can_cast
from engine.dtypes import finfo as finfo
from engine.dtypes import get_default_device as get_default_device
from engine.dtypes import get_default_dtype as get_default_dtype
from engine.dtypes import iinfo as iinfo
from engine.dtypes import promote_types as promote_types
from engine.dtypes import result_type as result_type
from engine.dtypes import set_default_tensor_type as set_default_tensor_type
from engine.errors import OutOfMemoryError as OutOfMemoryError
from engine.func import vmap as vmap
from engine.graph import Size as Size
from engine.printing import get_printoptions as get_printoptions
from engine.printing import printoptions as printoptions
from engine.printing import set_printoptions as set_printoptions
from engine.random import fork_rng as fork_rng
from engine.random import get_rng_state as get_rng_state
from engine.random import initial_seed as initial_seed
from engine.random import seed as seed
from engine.random import set_rng_state as set_rng_state
from engine.rng import Generator as Generator
from engine.rng import default_generator as default_generator
from engine.rng import manual_seed as manual_seed
from engine.serialization import load as load
from engine.serialization import save as save
from engine.storage import Storage as Storage
from engine.tensor import Tensor as Tensor

__version__ = version.__version__
_imports.install()
setattr(cuda, "amp", amp)  # noqa: B010
_serialization.CLASSES["Parameter"] = nn.Parameter

device, dtype, layout, memory_format = _array.Device, _array.DType, _array.Word, _array.Word
bool, float, int = _array.bool_, _array.float32, _array.int32
range = _counted.range_
inf, nan, pi, e = _array.CONSTANTS
newaxis = None
FloatTensor = _dtypes.LEGACY["FloatTensor"]
DoubleTensor = _dtypes.LEGACY["DoubleTensor"]
HalfTensor = _dtypes.LEGACY["HalfTensor"]
LongTensor = _dtypes.LEGACY["LongTensor"]
IntTensor = _dtypes.LEGACY["IntTensor"]
ShortTensor = _dtypes.LEGACY["ShortTensor"]
CharTensor = _dtypes.LEGACY["CharTensor"]
ByteTensor = _dtypes.LEGACY["ByteTensor"]
BoolTensor = _dtypes.LEGACY["BoolTensor"]


def get_num_threads() -> Any:
    """The number of threads of the linear algebra, as far as an environment variable says it; else 1.

    >>> engine.get_num_threads() >= 1
    True
    """
    return _array.threads()


def set_num_threads(num: Any) -> None:
    """Kept for programs that call it: NumPy's threads are chosen before the start, by OPENBLAS_NUM_THREADS.

    >>> engine.set_num_threads(1)
    """


def set_float32_matmul_precision(precision: str) -> None:
    """Kept for programs that call it: products of matrices are always computed in full float32.

    >>> engine.set_float32_matmul_precision("high")
    """


def get_float32_matmul_precision() -> str:
    """Always "highest".

    >>> engine.get_float32_matmul_precision()
    'highest'
    """
    return "highest"


def typename(obj: Any) -> str:
    """The name of a tensor's or an object's type.

    >>> engine.typename(engine.ones(1))
    'engine.FloatTensor'
    """
    return str(obj.type()) if isinstance(obj, Tensor) else f"{type(obj).__module__}.{type(obj).__qualname__}"


def is_storage(obj: Any) -> Any:
    """Whether it is a storage.

    >>> engine.is_storage(engine.ones(1).storage())
    True
    """
    return isinstance(obj, Storage)


def __getattr__(name: str) -> Any:
    """Every op and composition: `engine.tanh`, `engine.cat`; what was asked for once is at hand from then on."""
    found = getattr(_functions, name)
    if not getattr(found, "inner", True):
        globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_functions)})
