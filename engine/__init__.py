"""The face of the engine: the names of PyTorch, on NumPy and CuPy. `import engine` in the place of `import torch`."""

from typing import Any

from engine import array as _array
from engine import autograd as autograd
from engine import cuda as cuda
from engine import data as data
from engine import functions as _functions
from engine import nn as nn
from engine import optim as optim
from engine import printing as printing
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
from engine.array import set_default_dtype as set_default_dtype
from engine.array import uint8 as uint8
from engine.autodiff import enable_grad as enable_grad
from engine.autodiff import grad as grad
from engine.autodiff import inference_mode as inference_mode
from engine.autodiff import is_grad_enabled as is_grad_enabled
from engine.autodiff import no_grad as no_grad
from engine.autodiff import set_grad_enabled as set_grad_enabled
from engine.create import arange as arange
from engine.create import as_tensor as as_tensor
from engine.create import bernoulli as bernoulli
from engine.create import empty as empty
from engine.create import empty_like as empty_like
from engine.create import eye as eye
from engine.create import from_numpy as from_numpy
from engine.create import full as full
from engine.create import full_like as full_like
from engine.create import linspace as linspace
from engine.create import meshgrid as meshgrid
from engine.create import multinomial as multinomial
from engine.create import normal as normal
from engine.create import ones as ones
from engine.create import ones_like as ones_like
from engine.create import rand as rand
from engine.create import rand_like as rand_like
from engine.create import randint as randint
from engine.create import randn as randn
from engine.create import randn_like as randn_like
from engine.create import randperm as randperm
from engine.create import tensor as tensor
from engine.create import zeros as zeros
from engine.create import zeros_like as zeros_like
from engine.forward import hessian as hessian
from engine.forward import hvp as hvp
from engine.forward import jacobian as jacobian
from engine.forward import jvp as jvp
from engine.forward import vjp as vjp
from engine.graph import Size as Size
from engine.rng import Generator as Generator
from engine.rng import default_generator as default_generator
from engine.rng import manual_seed as manual_seed
from engine.tensor import Tensor as Tensor

__version__ = "0.1.0"

device, dtype = _array.Device, _array.DType
bool = _array.bool_


def __getattr__(name: str) -> Any:
    """Every op and composition: `engine.tanh`, `engine.cat`."""
    return getattr(_functions, name)
