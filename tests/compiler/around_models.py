"""Steps that read something of Python, each with what changes that: models and parts of them, losses, optimisers."""

from __future__ import annotations

import engine
import engine.nn.functional as F
from engine import nn, optim
from tests.compiler.around import CASES, case, update

__all__ = ["CASES"]


class Chosen(nn.Module):
    """Layers in containers, which nobody calls."""

    def __init__(self, layer):
        super().__init__()
        self.parts, self.more = nn.ModuleDict({"one": layer}), nn.ModuleList([nn.Tanh()])

    def forward(self, x):
        x = self.parts["one"](x)
        for part in self.more:
            x = part(x)
        return x


class Scaled(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.scales, self.factor = layer, [1.0], nn.Parameter(engine.ones(1))

    def forward(self, x):
        return self.layer(x) * self.scales[0]


class Trainer:
    """Straight code in a method."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer, self.loss = model, optimizer, F.cross_entropy

    def step(self, x, y):
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss


def smooth(y, wanted):
    return F.cross_entropy(y, wanted, label_smoothing=0.4)


@case
def another_loss(model, optimizer):
    loss = F.cross_entropy

    def change():
        nonlocal loss
        loss = smooth

    return lambda x, y: update(optimizer, loss(model(x), y)), change


@case
def another_optimizer(model, optimizer):
    def change():
        nonlocal optimizer
        optimizer = optim.SGD(model.parameters(), 0.5)

    return lambda x, y: update(optimizer, F.cross_entropy(model(x), y)), change


@case
def layers_in_a_list(model, optimizer):
    layers = [nn.Tanh()]

    def step(x, y):
        for layer in layers:
            x = layer(x)
        return update(optimizer, F.cross_entropy(model(x), y))

    return step, lambda: layers.append(nn.Sigmoid())


@case
def tensor_in_a_dict(model, optimizer):
    held = {"weights": engine.ones(3)}
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x) * held["weights"], y))
    return step, lambda: held.update(weights=engine.tensor([1.0, 2.0, 3.0]))


@case
def list_of_a_module(model, optimizer):
    scaled = Scaled(model)
    return lambda x, y: update(optimizer, F.cross_entropy(scaled(x), y)), lambda: scaled.scales.__setitem__(0, 3.0)


@case
def parameter_of_a_module_that_nobody_calls(model, optimizer):
    scaled = Scaled(model)
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x) * scaled.factor, y))
    return step, lambda: setattr(scaled, "factor", nn.Parameter(engine.ones(1) * 3))


@case
def layer_in_a_dict_of_modules(model, optimizer):
    chosen = Chosen(model)
    step = lambda x, y: update(optimizer, F.cross_entropy(chosen(x), y))
    return step, lambda: chosen.parts.update({"one": nn.Sequential(model, nn.Sigmoid())})


@case
def layer_in_a_list_of_modules(model, optimizer):
    chosen = Chosen(model)
    return lambda x, y: update(optimizer, F.cross_entropy(chosen(x), y)), lambda: chosen.more.append(nn.Sigmoid())


@case
def model_of_a_trainer(model, optimizer):
    trainer, other = Trainer(model, optimizer), nn.Sequential(model[0], nn.Sigmoid(), model[2])
    return trainer.step, lambda: setattr(trainer, "model", other)


@case
def loss_of_a_trainer(model, optimizer):
    trainer = Trainer(model, optimizer)
    return trainer.step, lambda: setattr(trainer, "loss", smooth)


@case
def gradient_from_outside(model, optimizer):
    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return step, lambda: setattr(model[0].weight, "grad", engine.ones(8, 6))


@case
def hook_on_a_gradient(model, optimizer):
    step = lambda x, y: update(optimizer, F.cross_entropy(model(x), y))
    return step, lambda: model[0].weight.register_hook(lambda g: g * 0)


@case
def hook_on_an_optimizer(model, optimizer):
    def forget(*_):
        model[0].weight.grad.zero_()

    step = lambda x, y: update(optimizer, F.cross_entropy(model(x), y))
    return step, lambda: optimizer.register_step_pre_hook(forget)
