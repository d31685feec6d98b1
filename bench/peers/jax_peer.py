"""JAX beside crease: the whole step compiled by XLA, parameters donated."""
import os
import sys

THREADS = int(os.environ.get("COMPARE_THREADS", "1"))
if THREADS == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
from jax import lax

import common


def cross_entropy(logits, target):
    chosen = jnp.take_along_axis(logits, target[:, None], 1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, 1) - chosen)


def training(parameters, loss_of, data):
    @jax.jit
    def step(parameters, *data):
        loss, gradients = jax.value_and_grad(loss_of)(parameters, *data)
        return loss, jax.tree.map(lambda p, g: p - common.RATE * g, parameters, gradients)

    step = jax.jit(step, donate_argnums=0)
    data = [jnp.asarray(part) for part in data]
    state = [jax.tree.map(jnp.asarray, parameters)]

    def run():
        loss, state[0] = step(state[0], *data)
        jax.block_until_ready(state[0])
        return loss

    return common.Prepared(run, parameters=lambda: common.joined(jax.tree.leaves(state[0])))


def perceptron(widths, batch):
    def loss_of(parameters, x, target):
        for layer, (weight, bias) in enumerate(parameters):
            x = (x if layer == 0 else jax.nn.relu(x)) @ weight + bias
        return cross_entropy(x, target) if widths[-1] > 1 else jnp.mean((x - target) ** 2)

    return training(common.mlp_parameters(widths), loss_of, common.mlp_data(widths, batch))


def convolutional(batch):
    dense = common.filled([1024, 10], 10, common.weight_scale(1024)), common.filled([10], 0, 0)

    def loss_of(parameters, x, target):
        for kernel, bias in parameters[:3]:
            x = lax.conv_general_dilated(x, kernel, (1, 1), [(2, 2), (2, 2)],
                                         dimension_numbers=("NCHW", "OIHW", "NCHW")) + bias[:, None, None]
            x = lax.reduce_window(jax.nn.relu(x), -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return cross_entropy(x.reshape(x.shape[0], -1) @ parameters[3][0] + parameters[3][1], target)

    data = common.filled([batch, 3, 32, 32], 1, 2), common.labels(batch, 10)
    return training(common.conv_parameters() + [dense], loss_of, data)


def recurrent(batch):
    def loss_of(parameters, x, target):
        weight, bias, hidden = parameters

        def step(carry, x):
            h, c = carry
            i, f, g, o = jnp.split(x @ weight + h @ hidden + bias, 4, 1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((x.shape[1], hidden.shape[0]))
        # One product with the input for all steps at once, before the loop, is slower here.
        return jnp.mean((lax.scan(step, (zero, zero), x)[1] - target) ** 2)

    return training(common.lstm_parameters(), loss_of, common.lstm_data(batch))


def twenty_operations(x):
    y = jnp.tanh(x * 1.01 + 0.1)
    y = jax.nn.relu(y * x - 0.2) * 0.9 + x
    y = jnp.minimum(y * y * 0.5 + 1.0, 2.0) - x
    y = jnp.abs(jnp.tanh(y) * 1.1) + 0.3
    return jnp.maximum(y * x - 0.05, -1.0)


def chain(count):
    x, dy = jnp.asarray(common.filled([count], 1, 4)), jnp.asarray(common.filled([count], 2, 2))

    @jax.jit
    def both(x, dy):
        y, back = jax.vjp(twenty_operations, x)
        return y, back(dy)

    def run():
        return jax.block_until_ready(both(x, dy))

    return common.Prepared(run, loss=lambda both: float(jnp.mean(both[0])))


def make(name, size, threads):
    if name in common.MLP:
        return perceptron(common.MLP[name], size)
    if name == "W5":
        return convolutional(size)
    if name == "W6":
        return chain(size)
    if name == "W7":
        return recurrent(size)
    raise ValueError(f"{name} is not written for JAX")


common.serve(make)
