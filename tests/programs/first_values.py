"""First values that do not depend on whose random generator runs: every parameter of a model, drawn by NumPy."""

import numpy as np
import torch


def fill(model, seed=0, scale=None):
    """Redraw all parameters of a module in their order; matrices shrink with their fan-in, vectors are small."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for p in model.parameters():
            spread = scale or (0.1 if p.dim() < 2 else (p.numel() / p.shape[0]) ** -0.5)
            p.copy_(torch.from_numpy(rng.normal(0, spread, tuple(p.shape)).astype("float32")))
    return model


def normal(*shape, seed=0):
    """A float tensor of normal draws."""
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype("float32"))
