"""The networks of bench/models.h in PyTorch: its own layers, from the same numbers."""
from typing import Callable, NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import nn

import common


class Model(NamedTuple):
    """What to run; without a target, outputs alone. Without an optimizer: plain gradient descent."""
    net: nn.Module
    x: torch.Tensor
    target: Optional[torch.Tensor] = None
    loss: Optional[Callable] = None
    optimizer: Optional[Callable] = None


class States(nn.Module):
    """All states of a recurrent layer, samples first."""

    def __init__(self, cell):
        super().__init__()
        self.cell = cell

    def forward(self, x):
        return self.cell(x)[0]


class Residual(nn.Module):
    def __init__(self, inner, short=None):
        super().__init__()
        self.short, self.inner = short or nn.Identity(), inner

    def forward(self, x):
        return self.short(x) + self.inner(x)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        q, k, v = (part(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for part in (self.query, self.key, self.value))
        return self.output(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


def trained_in(module):
    """The parameters that a module itself has, as views with the layouts and in the order of crease's layers."""
    if isinstance(module, nn.Linear):
        return [module.weight.detach().T, module.bias.detach()]
    if isinstance(module, nn.LSTM):
        return [module.weight_ih_l0.detach().T, module.bias_ih_l0.detach(), module.weight_hh_l0.detach().T]
    if isinstance(module, nn.GRU):
        return [module.weight_ih_l0.detach().T, module.bias_ih_l0.detach(), module.bias_hh_l0.detach()[2 * module.hidden_size:],
                module.weight_hh_l0.detach().T]
    return [p.detach() for p in module.parameters(recurse=False)]


def parameters(net):
    return [p for module in net.modules() for p in trained_in(module)]


def filled(net):
    """The network with the numbers of fill_parameters (bench/models.h)."""
    for module in net.modules():
        if not isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)):
            for name, vector in module.named_parameters(recurse=False):
                if vector.dim() == 1:
                    nn.init.zeros_(vector)
        if isinstance(module, nn.LSTM):  # two biases for the same sum: one stays zero
            module.bias_hh_l0.requires_grad_(False)
            module.bias_ih_l0.detach()[module.hidden_size:2 * module.hidden_size] = 1
    matrices = [p for p in parameters(net) if p.dim() > 1]
    for seed, matrix in enumerate(matrices, 100):
        fan_in = matrix.shape[0] if matrix.dim() == 2 else matrix[0].numel()
        matrix.copy_(torch.from_numpy(common.filled(list(matrix.shape), seed, common.weight_scale(fan_in))))
    return net


def data(sizes, seed=1):
    return torch.from_numpy(common.filled(sizes, seed, 2))


def labels(batch, classes):
    return torch.from_numpy(common.labels(batch, classes))


def sequence_labels(batch, time, classes):
    return (torch.arange(batch * time) * 7919 % classes).reshape(batch, time)


def cross_entropy(logits, target):
    return F.cross_entropy(logits.flatten(0, -2), target.flatten())


def characters(batch):
    net = nn.Sequential(States(nn.GRU(128, 256, batch_first=True)), nn.Linear(256, 65))
    return Model(filled(net), data([batch, 64, 128]), sequence_labels(batch, 64, 65), cross_entropy)


def words(batch):
    net = nn.Sequential(nn.Embedding(1000, 128), States(nn.LSTM(128, 256, batch_first=True)), nn.Linear(256, 1000))
    return Model(filled(net), sequence_labels(batch, 35, 1000), sequence_labels(batch, 35, 1000), cross_entropy)


def transformer(batch, dtype=torch.float32):
    net = nn.Sequential(Residual(nn.Sequential(nn.LayerNorm(256), Attention(256, 4))),
                        Residual(nn.Sequential(nn.LayerNorm(256), nn.Linear(256, 1024), nn.GELU(), nn.Linear(1024, 256))))
    sizes = [batch, 128, 256]
    return Model(filled(net).to(dtype), data(sizes).to(dtype), data(sizes, 2).to(dtype), F.mse_loss,
                 lambda p: torch.optim.AdamW(p, lr=0.001, eps=1e-4, weight_decay=0.01, fused=True))


def convolution(channels, out, taps, stride=1, groups=1):
    return [nn.Conv2d(channels, out, taps, stride, taps // 2, groups=groups, bias=False), nn.BatchNorm2d(out)]


def images(layers, batch):
    """Channels last, the faster layout of convolutions there."""
    net, x = filled(nn.Sequential(*layers)), data([batch, 3, 32, 32])
    layout = {"memory_format": torch.channels_last}
    return Model(net.to(**layout), x.to(**layout), labels(batch, 10), F.cross_entropy)


def pooled(channels):
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10)]


def separable(batch):
    def block(channels, out, stride):
        return [*convolution(channels, channels, 3, stride, channels), nn.ReLU(), *convolution(channels, out, 1), nn.ReLU()]

    return images([*convolution(3, 32, 3), nn.ReLU(), *block(32, 64, 1), *block(64, 128, 2), *block(128, 128, 1),
                   *block(128, 256, 2), *pooled(256)], batch)


def residuals(batch):
    def block(channels, out, stride):
        inner = nn.Sequential(*convolution(channels, out, 3, stride), nn.ReLU(), *convolution(out, out, 3))
        return [Residual(inner, None if stride == 1 else nn.Sequential(*convolution(channels, out, 1, stride))), nn.ReLU()]

    return images([*convolution(3, 32, 3), nn.ReLU(), *block(32, 32, 1), *block(32, 64, 2), *pooled(64)], batch)


def signals(batch):
    net = nn.Sequential(nn.Conv1d(16, 64, 9, 1, 4), nn.ReLU(), nn.Conv1d(64, 64, 9, 2, 4), nn.ReLU(),
                        nn.Conv1d(64, 64, 9, 1, 4), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(64, 10))
    return Model(filled(net), data([batch, 16, 1024]), labels(batch, 10), F.cross_entropy)


def dense(widths):
    layers = [part for i, o in zip(widths, widths[1:]) for part in (nn.Linear(i, o), nn.ReLU())]
    return filled(nn.Sequential(*layers[:-1]))


def classifier(widths, batch, optimizer=None, dtype=torch.float32):
    return Model(dense(widths).to(dtype), data([batch, widths[0]]).to(dtype), labels(batch, widths[-1]), F.cross_entropy, optimizer)


def predict(batch):
    return Model(dense([784, 1000, 1000, 10]).requires_grad_(False), data([batch, 784]))


def predict_images(batch):
    def block(channels, out):
        return [*convolution(channels, out, 3), nn.ReLU()]

    model = images([*block(3, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
                    nn.Flatten(), nn.Linear(4096, 10)], batch)
    return Model(model.net.eval().requires_grad_(False), model.x)


W2 = common.MLP["W2"]
MODELS = {
    "characters": characters,
    "words": words,
    "transformer": transformer,
    "transformer_f64": lambda batch: transformer(batch, torch.float64),
    "separable": separable,
    "residuals": residuals,
    "signals": signals,
    "adamw": lambda batch: classifier(W2, batch, lambda p: torch.optim.AdamW(p, lr=0.001, eps=1e-4, fused=True)),
    "dense_f64": lambda batch: classifier(W2, batch, dtype=torch.float64),
    "classes": lambda batch: classifier([256, 10000], batch),
    "predict": predict,
    "predict_images": predict_images,
}
