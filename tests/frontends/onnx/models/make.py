"""Writes the networks that test_onnx_models.cpp reads, with inputs and outputs of PyTorch:

    python3 make.py FOLDER

Each network is exported twice, by the exporter that traces (NAME.traced.onnx) and by the one that captures
(NAME.captured.onnx); answers.safetensors has NAME.x and NAME.y. Made with torch 2.15, onnx 1.23 and
onnxscript 0.7.
"""
import sys
import warnings

import onnx
import safetensors.torch
import torch
from torch import nn

warnings.filterwarnings("ignore")


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(12, 6)
        self.lstm = nn.LSTM(6, 5, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(10, 4, batch_first=True)
        self.rnn = nn.RNN(4, 3, nonlinearity="relu", batch_first=True)

    def forward(self, x):
        y, _ = self.lstm(self.words(x))
        y, _ = self.gru(y)
        y, last = self.rnn(y)
        return y[:, -1] + last[0]


class Residual(nn.Module):
    def __init__(self, channels, out, stride):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(),
            nn.Conv2d(out, out, 3, padding=1, groups=2), nn.BatchNorm2d(out))
        self.side = nn.Conv2d(channels, out, 1, stride)

    def forward(self, x):
        return torch.relu(self.main(x) + self.side(x))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.queries, self.keys, self.values = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.before, self.after, self.out = nn.LayerNorm(8), nn.LayerNorm(8), nn.Linear(8, 8)
        self.wide = nn.Sequential(nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 8))

    def forward(self, x):
        n, time, _ = x.shape
        split = lambda y: y.reshape(n, time, 2, 4).transpose(1, 2)
        h = self.before(x)
        q, k, v = split(self.queries(h)), split(self.keys(h)), split(self.values(h))
        y = torch.softmax(q @ k.transpose(-1, -2) / 2.0, -1) @ v
        x = x + self.out(y.transpose(1, 2).reshape(n, time, 8))
        return (x + self.wide(self.after(x))).mean(1)


def networks():
    dense = nn.Sequential(
        nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 8), nn.LeakyReLU(0.1), nn.Linear(8, 8), nn.PReLU(),
        nn.Linear(8, 8), nn.ELU(0.7), nn.SELU(), nn.CELU(0.7), nn.Softplus(), nn.Hardtanh(), nn.Hardswish(),
        nn.Hardsigmoid(), nn.SiLU(), nn.Mish(), nn.ReLU6(), nn.Softsign(), nn.Tanh(), nn.GroupNorm(2, 8),
        nn.Linear(8, 4), nn.LogSoftmax(-1))
    image = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(3, 2, 1), Residual(4, 6, 2),
        nn.AvgPool2d(2, ceil_mode=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    decoder = nn.Sequential(
        nn.Conv2d(1, 2, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(2, 1, 3, 2, 1, 1), nn.ReflectionPad2d(1),
        nn.InstanceNorm2d(1, affine=True), nn.Sigmoid())
    return {
        "dense": (dense, torch.randn(3, 6)),
        "image": (image, torch.randn(3, 1, 14, 14)),
        "decoder": (decoder, torch.randn(3, 1, 6, 6)),
        "recurrent": (Recurrent(), torch.randint(0, 12, (3, 7))),
        "attention": (Attention(), torch.randn(3, 5, 8)),
    }


def without_notes(path):
    """Takes out what the exporter notes of the program that called it: lines, folders."""
    model = onnx.load(path)
    for part in [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output,
                 *model.graph.value_info, *model.graph.initializer]:
        del part.metadata_props[:]
        part.doc_string = ""
    onnx.save(model, path)


def main(folder):
    torch.manual_seed(1)
    answers = {}
    for name, (network, x) in networks().items():
        network.eval()
        with torch.no_grad():
            for part in network.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.running_mean.normal_()
                    part.running_var.uniform_(0.5, 2)
            answers[f"{name}.x"], answers[f"{name}.y"] = x, network(x).contiguous()
        names = {"input_names": ["x"], "output_names": ["y"]}
        torch.onnx.export(network, (x,), f"{folder}/{name}.traced.onnx", dynamo=False,
                          dynamic_axes={"x": {0: "samples"}, "y": {0: "samples"}}, **names)
        torch.onnx.export(network, (x,), f"{folder}/{name}.captured.onnx", dynamo=True, external_data=False, **names)
        for kind in ("traced", "captured"):
            without_notes(f"{folder}/{name}.{kind}.onnx")
    safetensors.torch.save_file(answers, f"{folder}/answers.safetensors")


main(sys.argv[1])
