"""What the peers of bench/compare share: the data of bench/workloads.h, and the protocol of bench/serve.cpp."""
import json
import sys
import time
from typing import Callable, NamedTuple, Optional

import numpy as np

MLP = {"W1": [2, 16, 16, 1], "W2": [784, 256, 256, 10], "W3": [784, 1000, 1000, 1000, 10], "W4": [64] * 33}
RATE = 0.01


class Prepared(NamedTuple):
    """A workload ready to run: `loss` makes a number of what `run` gives; `parameters` are all of them, one after the other, as in bench/workloads.h."""
    run: Callable
    loss: Callable = float
    parameters: Optional[Callable] = None


def filled(sizes, seed, scale):
    count = int(np.prod(sizes))
    index = np.arange(1, count + 1, dtype=np.uint64)
    hashed = ((index * np.uint64(2654435761) + np.uint64(seed * 40503 * 65537)) & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    hashed = (hashed ^ (hashed >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    hashed = (hashed ^ (hashed >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    hashed ^= hashed >> np.uint32(16)
    return ((hashed.astype(np.float64) / 4294967296.0 - 0.5) * scale).astype(np.float32).reshape(sizes)


def weight_scale(fan_in):
    return 2 * (6.0 / fan_in) ** 0.5


def labels(batch, classes):
    return (np.arange(batch) % classes).astype(np.int64)


def mlp_parameters(widths):
    """Weights and biases, [in, out] and [out], layer by layer."""
    return [(filled([i, o], layer + 10, weight_scale(i)), np.zeros(o, np.float32))
            for layer, (i, o) in enumerate(zip(widths, widths[1:]))]


def conv_parameters():
    channels = [3, 32, 32, 64]
    return [(filled([o, i, 5, 5], layer + 30, weight_scale(i * 25)), np.zeros(o, np.float32))
            for layer, (i, o) in enumerate(zip(channels, channels[1:]))]


def lstm_parameters(width=128):
    """Weights [in, 4 * width] by gate (i, f, g, o), bias, weights of the state."""
    weight, hidden = (filled([width, 4 * width], seed, 2 / width ** 0.5) for seed in (40, 41))
    return weight, np.zeros(4 * width, np.float32), hidden


def lstm_data(batch, steps=32, width=128):
    return [filled([steps, batch, width], seed, 2) for seed in (1, 2)]


def mlp_data(widths, batch):
    x = filled([batch, widths[0]], 1, 2)
    return x, (labels(batch, widths[-1]) if widths[-1] > 1 else filled([batch, 1], 2, 2))


def measure(run, seconds):
    """Times of single runs, or of groups of short ones, for about so many seconds."""
    start = time.perf_counter()
    run()
    group = max(1, int(2e-4 / (time.perf_counter() - start)))
    wall, processor = [], []
    begin = time.perf_counter()
    while not wall or time.perf_counter() - begin < seconds:
        start, used = time.perf_counter(), time.process_time()
        for _ in range(group):
            run()
        processor.append((time.process_time() - used) / group * 1e6)
        wall.append((time.perf_counter() - start) / group * 1e6)
    middle = len(wall) // 2
    return {"wall_us": sorted(wall)[middle], "processor_us": sorted(processor)[middle], "runs": len(wall)}


def joined(arrays):
    return np.concatenate([np.asarray(array).ravel() for array in arrays])


class Server:
    """The protocol of bench/serve.cpp; make(name, size, threads) -> Prepared raises for what is missing."""

    def __init__(self, make):
        self.make = make
        self.prepared = self.start = None

    def prepare(self, name, size, threads):
        start = time.perf_counter()
        self.prepared = self.start = None
        self.prepared = now = self.make(name, int(size), int(threads))
        self.start = now.parameters and now.parameters()
        losses = [now.loss(now.run()) for _ in range(3)]
        return {"ok": True, "compile_ms": (time.perf_counter() - start) * 1e3, "losses": losses}

    def updates(self, path):
        if self.start is not None:
            (self.prepared.parameters() - self.start).astype(np.float32).tofile(path)
        return {"ok": self.start is not None}

    def time(self, seconds):
        return measure(self.prepared.run, float(seconds))


def serve(make):
    server = Server(make)
    for line in sys.stdin:
        words = line.split()
        try:
            answer = {"prepare": server.prepare, "updates": server.updates, "time": server.time}[words[0]](*words[1:])
        except Exception as error:  # the driver reports it; one workload less, not the end
            answer = {"missing": f"{type(error).__name__}: {str(error)[:300]}"}
        print(json.dumps(answer), flush=True)
