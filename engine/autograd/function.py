"""PyTorch's `torch.autograd.function`, by its names."""

from engine.custom import Function as Function
from engine.custom import FunctionCtx as FunctionCtx
from engine.custom import once_differentiable as once_differentiable
