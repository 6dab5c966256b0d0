"""Operations of one's own: autograd.Function with saved tensors, constants, needs_input_grad, several outputs,
gradcheck.
"""

import torch
from torch.autograd import Function, gradcheck


class LegendrePolynomial3(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class MulConstant(Function):
    @staticmethod
    def forward(ctx, tensor, constant):
        ctx.constant = constant
        return tensor * constant

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * ctx.constant, None


class Straight(Function):
    """Rounds forward, lets the gradient pass."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g


class SinCos(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin(), x.cos()

    @staticmethod
    def backward(ctx, gs, gc):
        (x,) = ctx.saved_tensors
        return gs * x.cos() - gc * x.sin()


x = torch.linspace(-1, 1, 4, requires_grad=True)
y = LegendrePolynomial3.apply(x)
y.sum().backward()
print(y, x.grad)
w = torch.arange(8.0).view(2, 4).requires_grad_()
b = torch.zeros(2, requires_grad=True)
out = LinearFunction.apply(x.unsqueeze(0), w, b)
out.pow(2).sum().backward()
print(out, w.grad, b.grad)
print(MulConstant.apply(x, 5.0).sum(), torch.autograd.grad(MulConstant.apply(x, 5.0).sum(), x))
print(torch.autograd.grad(Straight.apply(x * 3).sum(), x), Straight.apply(x * 3))
s, c = SinCos.apply(x)
(first,) = torch.autograd.grad((s * c).sum(), x, create_graph=True)
print(first, torch.autograd.grad(first.sum(), x)[0])
a = torch.randn(3, 4, dtype=torch.double, requires_grad=True)
v = torch.randn(2, 4, dtype=torch.double, requires_grad=True)
print(gradcheck(LinearFunction.apply, (a, v), eps=1e-6, atol=1e-4), gradcheck(SinCos.apply, (a,)))


class Wrong(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g


print(gradcheck(Wrong.apply, (a,), raise_exception=False))
