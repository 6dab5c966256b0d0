"""PyTorch's `nn.utils`: gradients made shorter, parameters as a vector, weights made of others."""

from engine.nn.clipping import clip_grad_norm_, clip_grad_value_, clip_grads_with_norm_, get_total_norm
from engine.nn.reweighted import remove_spectral_norm, remove_weight_norm, spectral_norm, weight_norm
from engine.nn.utils import clip_grad, convert_parameters, parametrizations, parametrize, rnn
from engine.nn.vector import parameters_to_vector, vector_to_parameters

clip_grad_norm = clip_grad_norm_

__all__ = [
    "clip_grad",
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "convert_parameters",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "spectral_norm",
    "vector_to_parameters",
    "weight_norm",
]
