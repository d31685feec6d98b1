"""Layers, activations, losses and optimizers by PyTorch in f64: the numbers in torch.json.

python3 torch_reference.py torch.json          writes them
python3 torch_reference.py --check torch.json  computes them again; 1 if a number differs, 77 without PyTorch

Parameters are written in the layout and under the names of crease. Every case has an input x, parameters, the
result y, and the gradients of sum(y * c) by x and by each parameter, where c is written too.
"""
import json
import math
import sys

try:
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def irregular(*sizes, seed=1):
    """Numbers in (-1.5, 1.5) with three decimals, none of them twice in a tensor of these sizes."""
    count = math.prod(sizes)
    values = [round(1.5 * math.sin(1.7 * i + 0.9 * seed + 0.001 * i * i), 3) for i in range(count)]
    return torch.tensor(values).reshape(sizes)


def written(tensor):
    # Twelve digits: what tests can ask for.
    data = [float(f"{value:.12g}") for value in tensor.detach().reshape(-1).tolist()]
    return {"sizes": list(tensor.shape), "data": data}


def case(function, x, parameters=None):
    """function(x, **parameters) -> y. Names with '.' have '__' in Python."""
    parameters = parameters or {}
    leaves = {name: value.clone().requires_grad_() for name, value in parameters.items()}
    integers = x.dtype in (torch.int64, torch.int32)
    x = x if integers else x.clone().requires_grad_()
    y = function(x, **leaves)
    c = irregular(*y.shape, seed=5)
    wanted = ([] if integers else [x]) + list(leaves.values())
    gradients = torch.autograd.grad((y * c).sum(), wanted)
    result = {"x": written(x), "y": written(y), "c": written(c)}
    if not integers:
        result["dx"] = written(gradients[0])
        gradients = gradients[1:]
    result["parameters"] = {name.replace("__", "."): written(value) for name, value in leaves.items()}
    result["gradients"] = {name.replace("__", "."): written(value) for name, value in zip(leaves, gradients)}
    return result


def convolutions():
    x1, x2 = irregular(2, 4, 9), irregular(2, 4, 6, 7)
    def bias(count): return irregular(count, seed=3)
    def weight(*sizes): return {"weight": irregular(*sizes, seed=2), "bias": bias(sizes[0])}
    def transposed(*sizes, groups=1):
        return {"weight": irregular(*sizes, seed=2), "bias": bias(sizes[1] * groups)}
    return {
        "linear": case(lambda x, weight, bias: F.linear(x, weight.T, bias), irregular(3, 4),
                       {"weight": irregular(4, 5, seed=2), "bias": bias(5)}),
        "conv1d": case(lambda x, weight, bias: F.conv1d(x, weight, bias), x1, weight(3, 4, 3)),
        "conv1d stride padding dilation groups": case(
            lambda x, weight, bias: F.conv1d(x, weight, bias, 2, 3, 2, 2), x1, weight(6, 2, 3)),
        "conv2d": case(lambda x, weight, bias: F.conv2d(x, weight, bias), x2, weight(3, 4, 2, 3)),
        "conv2d stride padding dilation groups": case(
            lambda x, weight, bias: F.conv2d(x, weight, bias, (2, 1), (1, 2), (1, 2), 2), x2, weight(6, 2, 3, 2)),
        "conv2d depthwise": case(
            lambda x, weight, bias: F.conv2d(x, weight, bias, 1, 1, 1, 4), x2, weight(4, 1, 3, 3)),
        "conv_transpose1d": case(
            lambda x, weight, bias: F.conv_transpose1d(x, weight, bias, 3, 1, 2, 2, 2), x1, transposed(4, 3, 3, groups=2)),
        "conv_transpose2d": case(
            lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, (2, 3), (1, 0), (1, 0), 2, (1, 2)), x2,
            transposed(4, 1, 3, 2, groups=2)),
    }


def pools():
    x1, x2 = irregular(2, 3, 9), irregular(2, 3, 6, 7)
    return {
        "max_pool1d": case(lambda x: F.max_pool1d(x, 3, 2, 1), x1),
        "max_pool2d": case(lambda x: F.max_pool2d(x, 2), x2),
        "max_pool2d stride padding": case(lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)), x2),
        "average_pool1d": case(lambda x: F.avg_pool1d(x, 3, 2, 1), x1),
        "average_pool2d stride padding": case(lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0)), x2),
        "global_max_pool": case(lambda x: F.adaptive_max_pool2d(x, 1).flatten(1), x2),
        "global_average_pool": case(lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), x2),
        "maxout": case(lambda x: x.reshape(4, 3, 2).amax(2), irregular(4, 6)),
        "maxout of channels": case(lambda x: x.reshape(2, 3, 2, 5).amax(2), irregular(2, 6, 5)),
    }


def norms():
    x = irregular(3, 4, 2, 5)
    def affine(*sizes): return {"weight": irregular(*sizes, seed=2), "bias": irregular(*sizes, seed=3)}
    def batch_case(x, training):
        mean, variance = irregular(4, seed=6), irregular(4, seed=7).abs() + 0.5
        before = {"running_mean": written(mean), "running_variance": written(variance)}
        result = case(lambda x, weight, bias: F.batch_norm(x, mean.clone(), variance.clone(), weight, bias, training),
                      x, affine(4))
        F.batch_norm(x, mean, variance, training=training)  # changes mean and variance
        result["state"] = before
        result["next"] = {"running_mean": written(mean), "running_variance": written(variance)}
        return result
    return {
        "batch_norm training": batch_case(x, True),
        "batch_norm training, vectors": batch_case(irregular(5, 4), True),
        "batch_norm evaluation": batch_case(x, False),
        "layer_norm": case(lambda x, weight, bias: F.layer_norm(x, (2, 5), weight, bias), x, affine(2, 5)),
        "group_norm": case(lambda x, weight, bias: F.group_norm(x, 2, weight, bias), x, affine(4)),
    }


def recurrence(kind, gates, reverse=False, joined=True):
    """joined: one bias; PyTorch adds two."""
    def function(x, weight, hidden_weight, bias, hidden_bias=None):
        module = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind](3, 4, batch_first=True)
        h = torch.zeros(1, x.shape[0], 4)
        second = torch.zeros(gates * 4)
        if hidden_bias is not None:
            second = torch.cat([torch.zeros(8), hidden_bias])
        weights = [weight.T.contiguous(), hidden_weight.T.contiguous(), bias, second]
        run = {"rnn": torch._VF.rnn_tanh, "gru": torch._VF.gru, "lstm": torch._VF.lstm}[kind]
        state = (h, h) if kind == "lstm" else h
        if reverse:
            x = x.flip(1)
        y = run(x, state, weights, True, 1, 0.0, module.training, False, True)[0]
        return y.flip(1) if reverse else y
    parameters = {"weight": irregular(3, gates * 4, seed=2), "hidden_weight": irregular(4, gates * 4, seed=3),
                  "bias": irregular(gates * 4, seed=4)}
    if not joined:
        parameters["hidden_bias"] = irregular(4, seed=6)
    return case(function, irregular(2, 5, 3), parameters)


def attention(causal):
    def function(x, query__weight, query__bias, key__weight, key__bias, value__weight, value__bias,
                 output__weight, output__bias):
        mask = torch.full((5, 5), -math.inf).triu(1) if causal else None
        joined = torch.cat([query__weight.T, key__weight.T, value__weight.T])
        y, _ = F.multi_head_attention_forward(
            *[x.transpose(0, 1)] * 3, 6, 2, joined, torch.cat([query__bias, key__bias, value__bias]), None, None,
            False, 0.0, output__weight.T, output__bias, attn_mask=mask)
        return y.transpose(0, 1)
    parameters = {}
    for number, name in enumerate(["query", "key", "value", "output"]):
        parameters[name + "__weight"] = irregular(6, 6, seed=2 + number)
        parameters[name + "__bias"] = irregular(6, seed=7 + number)
    return case(function, irregular(2, 5, 6), parameters)


def sequences():
    return {
        "rnn": recurrence("rnn", 1),
        "rnn reversed": recurrence("rnn", 1, reverse=True),
        "gru": recurrence("gru", 3, joined=False),
        "lstm": recurrence("lstm", 4),
        "lstm reversed": recurrence("lstm", 4, reverse=True),
        "multi_head_attention": attention(False),
        "multi_head_attention causal": attention(True),
        "embedding": case(lambda x, weight: F.embedding(x, weight), torch.tensor([[3, 0, 1], [2, 3, 3]]),
                          {"weight": irregular(4, 5, seed=2)}),
    }


def activations():
    x = torch.tensor([-40.0, -4.2, -3.3, -2.9, -1.3, -0.7, -0.1, 0.2, 0.6, 1.4, 2.8, 3.7, 5.9, 6.3, 40.0])
    functions = {
        "relu": F.relu, "relu6": F.relu6, "abs": torch.abs, "elu": F.elu, "selu": F.selu, "celu": F.celu,
        "gelu": F.gelu, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"), "silu": F.silu, "mish": F.mish,
        "hard_swish": F.hardswish, "hard_tanh": F.hardtanh,
        # F.hardsigmoid takes its slope 1/6 in f32, also for f64.
        "hard_sigmoid": lambda x: F.relu6(x + 3) / 6,
        "soft_sign": F.softsign, "softplus": lambda x: F.softplus(x, threshold=1000), "sigmoid": torch.sigmoid,
        "tanh": torch.tanh, "sin": torch.sin, "squared_relu": lambda x: F.relu(x) ** 2, "sign": torch.sign,
        "step": lambda x: torch.heaviside(x.detach(), torch.tensor(0.0)) + 0 * x,
        "leaky_relu": lambda x: F.leaky_relu(x, 0.1), "clip": lambda x: torch.clamp(x, -0.5, 2.0),
        "randomised_relu": lambda x: F.rrelu(x, training=False),
    }
    result = {name: case(function, x) for name, function in functions.items()}
    result["parametric_relu"] = case(lambda x, slope: F.prelu(x, slope), irregular(3, 4, 5),
                                     {"slope": irregular(4, seed=2)})
    result["softmax"] = case(lambda x: F.softmax(x, -1), 3 * irregular(3, 5))
    result["log_softmax"] = case(lambda x: F.log_softmax(x, -1), 30 * irregular(3, 5))
    result["hardmax"] = case(lambda x: F.one_hot(x.argmax(-1), 5) + 0 * x, irregular(3, 5))
    return result


def losses():
    x, target, label = 2 * irregular(4, 5), irregular(4, 5, seed=3), torch.tensor([3, 0, 4, 1])
    share, weights = torch.sigmoid(target), torch.tensor([0.5, 1.0, 2.0, 0.25, 1.5])
    distribution, signs = F.softmax(target, -1), torch.sign(target)
    def sample(loss): return lambda x: loss(x).mean(-1)
    def with_target(result, target): return {**result, "target": written(target)}
    return {
        "mse": with_target(case(sample(lambda x: F.mse_loss(x, target, reduction="none")), x), target),
        "mae": with_target(case(sample(lambda x: F.l1_loss(x, target, reduction="none")), x), target),
        "huber": with_target(case(sample(lambda x: F.huber_loss(x, target, reduction="none", delta=0.75)), x), target),
        "hinge": with_target(case(sample(lambda x: F.relu(1 - signs * x)), x), signs),
        "multiclass_hinge": with_target(
            case(lambda x: 5 * F.multi_margin_loss(x, label, reduction="none"), x), label),
        "binary_cross_entropy": with_target(
            case(sample(lambda x: F.binary_cross_entropy_with_logits(x, share, reduction="none")), 20 * x), share),
        "binary_cross_entropy weighted": with_target(
            case(sample(lambda x: F.binary_cross_entropy_with_logits(
                x, share, reduction="none", pos_weight=torch.tensor(3.0))), x), share),
        "softmax_cross_entropy": with_target(
            case(lambda x: F.cross_entropy(x, label, reduction="none"), 20 * x), label),
        "softmax_cross_entropy smoothed and weighted": with_target(
            case(lambda x: F.cross_entropy(x, label, weights, reduction="none", label_smoothing=0.125), x), label),
        "kl_divergence": with_target(
            case(lambda x: F.kl_div(F.log_softmax(x, -1), distribution, reduction="none").sum(-1), x), distribution),
    }


def optimizers():
    """Three steps of each on sum((p^2 - 2)^2 + a p), p and a of three elements."""
    o = torch.optim
    made = {
        "sgd": lambda p: o.SGD(p, lr=0.03125),
        "sgd decay": lambda p: o.SGD(p, lr=0.03125, weight_decay=0.25),
        "momentum": lambda p: o.SGD(p, lr=0.03125, momentum=0.75, weight_decay=0.125),
        "nesterov": lambda p: o.SGD(p, lr=0.03125, momentum=0.75, nesterov=True),
        "adagrad": lambda p: o.Adagrad(p, lr=0.125, weight_decay=0.125),
        "rmsprop": lambda p: o.RMSprop(p, lr=0.0625, alpha=0.875),
        "rmsprop momentum": lambda p: o.RMSprop(p, lr=0.0625, alpha=0.875, momentum=0.5, weight_decay=0.125),
        "adam": lambda p: o.Adam(p, lr=0.125, betas=(0.875, 0.75)),
        "adamw": lambda p: o.AdamW(p, lr=0.125, betas=(0.875, 0.75), weight_decay=0.25),
    }
    start, slope, result = irregular(3, seed=2), irregular(3, seed=3), {}
    for name, make in made.items():
        p = start.clone().requires_grad_()
        optimizer, steps = make([p]), []
        for _ in range(3):
            optimizer.zero_grad()
            ((p**2 - 2) ** 2 + slope * p).sum().backward()
            optimizer.step()
            steps.append(written(p))
        result[name] = {"start": written(start), "slope": written(slope), "steps": steps}
    return result


def differs(found, wanted):
    """Where two values differ by more than rounding, or nothing."""
    if isinstance(found, dict):
        if found.keys() != wanted.keys():
            return "names"
        return next((f"{key}/{deeper}" for key in found if (deeper := differs(found[key], wanted[key]))), None)
    if isinstance(found, list):
        if len(found) != len(wanted):
            return "length"
        return next((f"{i}/{deeper}" for i in range(len(found)) if (deeper := differs(found[i], wanted[i]))), None)
    if isinstance(found, float):
        return None if abs(found - wanted) <= 1e-9 * max(1, abs(wanted)) else f"{found} in place of {wanted}"
    return None if found == wanted else "value"


def main():
    parts = {"convolutions": convolutions(), "pools": pools(), "norms": norms(), "sequences": sequences(),
             "activations": activations(), "losses": losses(), "optimizers": optimizers()}
    if sys.argv[1] == "--check":
        with open(sys.argv[2]) as file:
            place = differs(parts, json.load(file))
        print("PyTorch", torch.__version__, "gives", f"something else at {place}" if place else "the same numbers")
        sys.exit(1 if place else 0)
    lines = []
    for part, cases in parts.items():
        rows = [f"  {json.dumps(name)}: {json.dumps(data, separators=(',', ':'))}" for name, data in cases.items()]
        lines.append(f" {json.dumps(part)}: {{\n" + ",\n".join(rows) + "\n }")
    with open(sys.argv[1], "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


main()
