"""PyTorch's `torch.autograd`, by its names."""

from engine.anomaly import detect_anomaly as detect_anomaly
from engine.anomaly import is_anomaly_enabled as is_anomaly_enabled
from engine.anomaly import set_detect_anomaly as set_detect_anomaly
from engine.autodiff import backward as backward
from engine.autodiff import enable_grad as enable_grad
from engine.autodiff import grad as grad
from engine.autodiff import inference_mode as inference_mode
from engine.autodiff import no_grad as no_grad
from engine.autodiff import set_grad_enabled as set_grad_enabled
from engine.autograd import forward_ad as forward_ad
from engine.autograd import function as function
from engine.autograd import functional as functional
from engine.autograd import graph as graph
from engine.check import GradcheckError as GradcheckError
from engine.check import gradcheck as gradcheck
from engine.check import gradgradcheck as gradgradcheck
from engine.custom import Function as Function
from engine.tensor import Tensor as Variable

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "function",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "is_anomaly_enabled",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
]
