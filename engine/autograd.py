"""PyTorch's `torch.autograd`, by its names."""

from engine import forward as forward_ad
from engine import forward as functional
from engine.autodiff import backward as backward
from engine.autodiff import enable_grad as enable_grad
from engine.autodiff import grad as grad
from engine.autodiff import inference_mode as inference_mode
from engine.autodiff import no_grad as no_grad
from engine.autodiff import set_grad_enabled as set_grad_enabled
from engine.check import gradcheck as gradcheck
from engine.custom import Function as Function
from engine.tensor import Tensor as Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "inference_mode",
    "no_grad",
    "set_grad_enabled",
]
