"""PyTorch beside crease: eager, or compiled by inductor (argument `compile`)."""
import sys

import torch
import torch._dynamo
import torch._inductor.config
import torch.nn.functional as F

import common
import torch_models

COMPILED = sys.argv[1:] == ["compile"]
if hasattr(torch._dynamo.config, "trace_autograd_ops"):
    torch._dynamo.config.trace_autograd_ops = True
if hasattr(torch._dynamo.config, "allow_rnn"):
    torch._dynamo.config.allow_rnn = True


def prepared(function):
    return torch.compile(function, fullgraph=True, mode="max-autotune-no-cudagraphs") if COMPILED else function


def training(parameters, loss_of, data):
    """One step of plain gradient descent, the update in place and for all parameters at once."""
    def loss_and_gradients():
        loss = loss_of(parameters, *data)
        return loss, torch.autograd.grad(loss, parameters)

    def step():
        loss, gradients = loss_and_gradients()
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-common.RATE)
        return loss.detach()

    # The compiled form holds forward, backward and update where inductor manages, else all but the update.
    return common.Prepared(prepared(step), parameters=lambda: common.joined(p.detach() for p in parameters))


def tensors(pairs):
    return [torch.from_numpy(part.copy()).requires_grad_() for pair in pairs for part in pair]


def perceptron(widths, batch):
    x, target = common.mlp_data(widths, batch)
    count = len(widths) - 1

    def loss_of(parameters, x, target):
        for layer in range(count):
            x = torch.addmm(parameters[2 * layer + 1], x, parameters[2 * layer])
            if layer + 1 < count:
                x = torch.relu(x)
        return F.cross_entropy(x, target) if widths[-1] > 1 else F.mse_loss(x, target)

    return training(tensors(common.mlp_parameters(widths)), loss_of, (torch.from_numpy(x), torch.from_numpy(target)))


def convolutional(batch):
    """Channels last, the faster layout of convolutions there."""
    parameters = tensors(common.conv_parameters() + [(common.filled([1024, 10], 10, common.weight_scale(1024)),
                                                     common.filled([10], 0, 0))])

    def loss_of(parameters, x, target):
        for layer in range(3):
            x = F.conv2d(x, parameters[2 * layer], parameters[2 * layer + 1], padding=2)
            x = F.max_pool2d(torch.relu(x), 2)
        return F.cross_entropy(torch.addmm(parameters[7], x.flatten(1), parameters[6]), target)

    x, target = torch.from_numpy(common.filled([batch, 3, 32, 32], 1, 2)), torch.from_numpy(common.labels(batch, 10))
    for image in (x, *(p for p in parameters if p.dim() == 4)):
        image.data = image.data.to(memory_format=torch.channels_last)
    return training(parameters, loss_of, (x, target))


def recurrent(batch):
    """The library's own cell. It has two biases for the same sum: one stays zero."""
    lstm = torch.nn.LSTM(128, 128)
    weight, bias, hidden = (torch.from_numpy(part) for part in common.lstm_parameters())
    with torch.no_grad():
        for own, start in ((lstm.weight_ih_l0, weight.T), (lstm.bias_ih_l0, bias), (lstm.weight_hh_l0, hidden.T)):
            own.copy_(start)
        lstm.bias_hh_l0.zero_().requires_grad_(False)

    def loss_of(_, x, target):
        return F.mse_loss(lstm(x)[0], target)

    trained = [lstm.weight_ih_l0, lstm.bias_ih_l0, lstm.weight_hh_l0]
    data = [torch.from_numpy(part) for part in common.lstm_data(batch)]
    return training(trained, loss_of, data)._replace(parameters=lambda: common.joined(p.detach().T for p in trained))


def unrolled(batch):
    """The cell written out, step by step: what inductor compiles (not the library's: it has no form of that without values)."""
    parameters = [torch.from_numpy(part).requires_grad_() for part in common.lstm_parameters()]

    def loss_of(parameters, x, target):
        weight, bias, hidden = parameters
        h = c = x.new_zeros(x.shape[1], hidden.shape[0])
        states = []
        for ahead in (x @ weight + bias).unbind():
            i, f, g, o = (ahead + h @ hidden).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            states.append(h)
        return F.mse_loss(torch.stack(states), target)

    return training(parameters, loss_of, [torch.from_numpy(part) for part in common.lstm_data(batch)])


def modelled(model):
    """A network of torch_models.py: trained by plain gradient descent or its own optimizer, or run alone."""
    if model.target is None:
        return outputs(model)

    def loss_of(_, x, target):
        return model.loss(model.net(x), target)

    trained = [p for p in model.net.parameters() if p.requires_grad]
    if model.optimizer is None:
        step = training(trained, loss_of, (model.x, model.target))
    else:
        step = optimised(trained, loss_of, (model.x, model.target), model.optimizer(trained))
    return step._replace(parameters=lambda: common.joined(torch_models.parameters(model.net)))


def outputs(model):
    """Without derivatives, and compiled with the weights as constants."""
    torch._inductor.config.freezing = True
    forward = prepared(model.net)

    def run():
        with torch.no_grad():
            return forward(model.x)

    return common.Prepared(run, loss=lambda y: float(y.double().mean()))


def optimised(parameters, loss_of, data, optimizer):
    """One step of a library's optimizer, which has kernels of its own that update all parameters at once."""
    def loss_and_gradients():
        loss = loss_of(parameters, *data)
        return loss.detach(), torch.autograd.grad(loss, parameters)

    forward_and_backward = prepared(loss_and_gradients)

    def step():
        loss, gradients = forward_and_backward()
        for parameter, gradient in zip(parameters, gradients):
            parameter.grad = gradient
        optimizer.step()
        return loss

    return common.Prepared(step)


def twenty_operations(x):
    y = torch.tanh(x * 1.01 + 0.1)
    y = torch.relu(y * x - 0.2) * 0.9 + x
    y = torch.clamp(y * y * 0.5 + 1.0, max=2.0) - x
    y = torch.abs(torch.tanh(y) * 1.1) + 0.3
    return torch.clamp(y * x - 0.05, min=-1.0)


def chain(count):
    x = torch.from_numpy(common.filled([count], 1, 4)).requires_grad_()
    dy = torch.from_numpy(common.filled([count], 2, 2))
    forward = prepared(twenty_operations)

    def run():
        y = forward(x)
        return y, torch.autograd.grad(y, x, dy)

    return common.Prepared(run, loss=lambda both: float(both[0].detach().double().mean()))


def make(name, size, threads):
    torch.set_num_threads(threads)
    torch._dynamo.reset()
    if name in common.MLP:
        return perceptron(common.MLP[name], size)
    if name == "W5":
        return convolutional(size)
    if name == "W7":
        return unrolled(size) if COMPILED else recurrent(size)
    if name == "W6":
        return chain(size)
    if name in torch_models.MODELS:
        return modelled(torch_models.MODELS[name](size))
    raise ValueError(f"{name} is not written for PyTorch")


common.serve(make)
