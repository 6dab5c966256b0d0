"""Layers that read the size of their input off the first one that they see."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

from engine.errors import ShapeError
from engine.nn.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from engine.nn.instance_norm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from engine.nn.linear import Linear
from engine.nn.module import Module
from engine.nn.normalisation import BatchNorm1d, BatchNorm2d, BatchNorm3d
from engine.nn.parameter import UninitializedBuffer, UninitializedParameter, abstract_parameters, counter, is_lazy

LEARNED = {"affine": True, "track_running_stats": True}


class LazyModuleMixin(Module):
    """Before a module whose first setting, a size, is read off the first input: `class LazyX(LazyModuleMixin, X)`.

    Until then its parameters have no shape; the first call, or a loaded state, gives them one, and the first call turns
    the module into an X.

    >>> layer = nn.LazyLinear(3)
    >>> layer(engine.ones(1, 5)).shape, type(layer).__name__
    (engine.Size([1, 3]), 'Linear')
    """

    cls_to_become: ClassVar[type[Module]]
    missing: ClassVar[str] = "num_features"
    axis: ClassVar[int] = 1
    presets: ClassVar[dict[str, Any]] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = {**self.presets, **inspect.signature(type(self)).bind(*args, **kwargs).arguments}
        with abstract_parameters():
            super().__init__(given.get("groups", 1), **given)  # type: ignore[call-arg]
        held = self.__dict__
        held["_settings"] = given
        held["_first_call"] = self.register_forward_pre_hook(type(self)._infer_parameters, with_kwargs=True)
        held["_first_load"] = self.register_load_state_dict_pre_hook(type(self)._take_shapes)
        held[self.missing] = 0
        dtype = given.get("dtype")
        for name, parameter in self._parameters.items():
            self._parameters[name] = None if parameter is None else UninitializedParameter(dtype=dtype)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = UninitializedBuffer(dtype=dtype) if buffer.ndim else counter()

    def has_uninitialized_params(self) -> bool:
        """Whether shapes are still unknown."""
        return any(is_lazy(t) for t in (*self._parameters.values(), *self._buffers.values()))

    def initialize_parameters(self, input: Any, *args: Any, **kwargs: Any) -> None:
        """Take the size from the first input, and draw first values."""
        if not -input.ndim <= self.axis < input.ndim:
            raise ShapeError(type(self).__name__, f"an input with an axis {self.axis}", f"{input.ndim} dims")
        build: Any = self.cls_to_become
        made = build(input.shape[self.axis], **self._settings)
        pairs: Any = ((self._parameters, made._parameters), (self._buffers, made._buffers))
        for mine, whole in pairs:
            for name, tensor in whole.items():
                if is_lazy(mine[name]):
                    mine[name].materialize(tensor.shape)
                    mine[name].array = tensor.to(mine[name].dtype).array
        self.__dict__[self.missing] = input.shape[self.axis]

    def _infer_parameters(self, args: tuple[Any, ...], kwargs: dict[str, Any] | None = None) -> None:
        """Before the first call: become what this was a promise of."""
        self.initialize_parameters(*args, **(kwargs or {}))
        for hook in ("_first_call", "_first_load"):
            self.__dict__.pop(hook).remove()
        del self.__dict__["_settings"]
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    def _take_shapes(self, state: dict[str, Any], prefix: str, *_: Any) -> None:
        """Before values are loaded: take their shapes."""
        held: dict[str, Any] = {**self._parameters, **self._buffers}
        for name, tensor in held.items():
            value = state.get(prefix + name)
            if value is not None and is_lazy(tensor) and not is_lazy(value):
                tensor.materialize(value.shape)

    def __init_subclass__(cls) -> None:
        parameters = list(inspect.signature(cls.cls_to_become).parameters.values())[1:]
        cls.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]


class LazyLinear(LazyModuleMixin, Linear):
    """A Linear layer whose `in_features` is read off the first input.

    >>> nn.LazyLinear(3)(engine.ones(2, 5)).shape
    engine.Size([2, 3])
    """

    cls_to_become, missing, axis = Linear, "in_features", -1


class LazyConv1d(LazyModuleMixin, Conv1d):
    """A Conv1d whose `in_channels` is read off the first input.

    >>> nn.LazyConv1d(3, kernel_size=2)(engine.ones(1, 2, 4)).shape
    engine.Size([1, 3, 3])
    """

    cls_to_become, missing, axis = Conv1d, "in_channels", -2


class LazyConv2d(LazyModuleMixin, Conv2d):
    """A Conv2d whose `in_channels` is read off the first input.

    >>> nn.LazyConv2d(3, kernel_size=2)(engine.ones(1, 2, 4, 4)).shape
    engine.Size([1, 3, 3, 3])
    """

    cls_to_become, missing, axis = Conv2d, "in_channels", -3


class LazyConv3d(LazyModuleMixin, Conv3d):
    """A Conv3d whose `in_channels` is read off the first input.

    >>> nn.LazyConv3d(3, kernel_size=2)(engine.ones(1, 2, 4, 4, 4)).shape
    engine.Size([1, 3, 3, 3, 3])
    """

    cls_to_become, missing, axis = Conv3d, "in_channels", -4


class LazyConvTranspose1d(LazyModuleMixin, ConvTranspose1d):
    """A ConvTranspose1d whose `in_channels` is read off the first input.

    >>> nn.LazyConvTranspose1d(3, kernel_size=2)(engine.ones(1, 2, 4)).shape
    engine.Size([1, 3, 5])
    """

    cls_to_become, missing, axis = ConvTranspose1d, "in_channels", -2


class LazyConvTranspose2d(LazyModuleMixin, ConvTranspose2d):
    """A ConvTranspose2d whose `in_channels` is read off the first input.

    >>> nn.LazyConvTranspose2d(3, kernel_size=2)(engine.ones(1, 2, 4, 4)).shape
    engine.Size([1, 3, 5, 5])
    """

    cls_to_become, missing, axis = ConvTranspose2d, "in_channels", -3


class LazyConvTranspose3d(LazyModuleMixin, ConvTranspose3d):
    """A ConvTranspose3d whose `in_channels` is read off the first input.

    >>> nn.LazyConvTranspose3d(3, kernel_size=2)(engine.ones(1, 2, 4, 4, 4)).shape
    engine.Size([1, 3, 5, 5, 5])
    """

    cls_to_become, missing, axis = ConvTranspose3d, "in_channels", -4


class LazyBatchNorm1d(LazyModuleMixin, BatchNorm1d):
    """A BatchNorm1d whose `num_features` is read off the first input.

    >>> nn.LazyBatchNorm1d()(engine.ones(2, 5, 4)).shape
    engine.Size([2, 5, 4])
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(LazyModuleMixin, BatchNorm2d):
    """A BatchNorm2d whose `num_features` is read off the first input.

    >>> nn.LazyBatchNorm2d()(engine.ones(2, 5, 4, 4)).shape
    engine.Size([2, 5, 4, 4])
    """

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(LazyModuleMixin, BatchNorm3d):
    """A BatchNorm3d whose `num_features` is read off the first input.

    >>> nn.LazyBatchNorm3d()(engine.ones(2, 5, 4, 4, 4)).shape
    engine.Size([2, 5, 4, 4, 4])
    """

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(LazyModuleMixin, InstanceNorm1d):
    """A InstanceNorm1d whose `num_features` is read off the first input.

    >>> nn.LazyInstanceNorm1d()(engine.ones(2, 5, 4)).shape
    engine.Size([2, 5, 4])
    """

    cls_to_become, axis, presets = InstanceNorm1d, -2, LEARNED


class LazyInstanceNorm2d(LazyModuleMixin, InstanceNorm2d):
    """A InstanceNorm2d whose `num_features` is read off the first input.

    >>> nn.LazyInstanceNorm2d()(engine.ones(2, 5, 4, 4)).shape
    engine.Size([2, 5, 4, 4])
    """

    cls_to_become, axis, presets = InstanceNorm2d, -3, LEARNED


class LazyInstanceNorm3d(LazyModuleMixin, InstanceNorm3d):
    """A InstanceNorm3d whose `num_features` is read off the first input.

    >>> nn.LazyInstanceNorm3d()(engine.ones(2, 5, 4, 4, 4)).shape
    engine.Size([2, 5, 4, 4, 4])
    """

    cls_to_become, axis, presets = InstanceNorm3d, -4, LEARNED
