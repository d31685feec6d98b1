// The networks that crease is compared on, W1 to W8, as graphs with data. Weights and data come from the
// index of each element (`filled`), so that another framework can start from the same numbers.
#pragma once

#include <map>
#include <random>

#include "bench/filled.h"
#include "frontends/crease.h"

namespace crease::bench {

/// A program and what to feed it.
struct Workload {
  Graph graph;
  Bindings data;
  /// Smallest number of operations, a multiply-add counting as two; convolutions with their products on
  /// padding, which a program may leave out; elementwise ones of the W6 chain without its hyperbolic
  /// tangents. Those of f64 count twice.
  double operations = 0;
  /// Hyperbolic tangents, forward.
  double tangents = 0;
  /// Bytes that must be read and written at least: weights twice read and once written, data once.
  double bytes = 0;
};

/// A tensor of filled_at.
inline Tensor filled(std::vector<int64_t> sizes, uint64_t seed, double scale) {
  Tensor tensor(Type::f32, std::move(sizes));
  const std::span<float> values = tensor.write<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = filled_at(i, seed, scale);
  return tensor;
}

inline Tensor labels(int64_t batch, int64_t classes) {
  Tensor label(Type::i32, {batch});
  for (int64_t i = 0; i < batch; ++i) label.set(i, static_cast<double>(i % classes));
  return label;
}

inline Value dense(const Value& x, int64_t in, int64_t out, int layer) {
  Graph graph = x.graph();
  const Value weight = graph.parameter(
      fmt::format("W{}", layer),
      filled({in, out}, static_cast<uint64_t>(layer) + 10, weight_scale(static_cast<double>(in))));
  const Value bias = graph.parameter(fmt::format("b{}", layer), Tensor(Type::f32, {out}));
  return matmul(x, weight) + bias;
}

/// Dense layers with relu between them. One output: mean square error; more: cross-entropy.
inline Workload perceptron(const std::vector<int64_t>& widths, int64_t batch) {
  Workload work;
  Value y = work.graph.input("x", {"batch", widths.front()});
  double weights = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    const int64_t in = widths[i], out = widths[i + 1];
    if (i > 0) y = relu(y);
    y = dense(y, in, out, static_cast<int>(i));
    work.operations += 2.0 * static_cast<double>(batch * in * out) * (i == 0 ? 2 : 3);
    weights += static_cast<double>(in * out);
  }
  work.data.emplace("x", filled({batch, widths.front()}, 1, 2));
  const bool classes = widths.back() > 1;
  const Value target =
      classes ? work.graph.input("t", {"batch"}, Type::i32) : work.graph.input("t", {"batch", 1});
  work.data.emplace("t", classes ? labels(batch, widths.back()) : filled({batch, 1}, 2, 2));
  const Value loss = mean(classes ? softmax_cross_entropy(y, target) : mse(y, target));
  work.graph = train_step(loss, sgd({.learning_rate = 0.01}));
  work.bytes = 4 * (3 * weights + static_cast<double>(batch * widths.front()));
  return work;
}

/// Three 5x5 convolutions, each followed by relu and 2x2 max-pooling, and a dense layer, on 3x32x32 images.
inline Workload convolutional(int64_t batch) {
  Workload work;
  Value y = work.graph.input("x", {"batch", 3, 32, 32});
  const std::vector<int64_t> channels{3, 32, 32, 64};
  int64_t side = 32;
  for (size_t i = 0; i + 1 < channels.size(); ++i) {
    const int64_t in = channels[i], out = channels[i + 1];
    const Value kernel = work.graph.parameter(
        fmt::format("K{}", i), filled({out, in, 5, 5}, i + 30, weight_scale(static_cast<double>(in) * 25)));
    const Value bias = work.graph.parameter(fmt::format("c{}", i), Tensor(Type::f32, {out, 1, 1}));
    y = max_pool2d(relu(conv2d(y, kernel, {.padding = {2}}) + bias));
    work.operations += 2.0 * static_cast<double>(batch * side * side * in * out * 25) * (i == 0 ? 2 : 3);
    side /= 2;
  }
  y = dense(flatten(y), 64 * side * side, 10, 0);
  work.operations += 6.0 * static_cast<double>(batch * 64 * side * side * 10);
  work.data.emplace("x", filled({batch, 3, 32, 32}, 1, 2));
  work.data.emplace("t", labels(batch, 10));
  const Value loss = mean(softmax_cross_entropy(y, work.graph.input("t", {"batch"}, Type::i32)));
  work.graph = train_step(loss, sgd({.learning_rate = 0.01}));
  work.bytes = static_cast<double>(batch) * 4 * (3 * 32 * 32 + 2 * (32 * 16 * 16 + 32 * 8 * 8 + 64 * 4 * 4));
  return work;
}

/// An LSTM of 128 units over 32 steps of 128 numbers; mean square error of all states.
inline Workload recurrent(int64_t batch) {
  constexpr int64_t steps = 32, width = 128;
  Workload work;
  const Value x = work.graph.input("x", {steps, "batch", width});
  const Value target = work.graph.input("t", {steps, "batch", width});
  LstmOptions options;
  options.time_first = true;
  options.forget_bias = 0;
  const Value loss = mean(square(lstm(width, width, options)(x) - target));
  for (const auto& [name, seed] : {std::pair("lstm.weight", 40), std::pair("lstm.hidden_weight", 41)})
    work.graph.set_parameter(name,
                             filled({width, 4 * width}, static_cast<uint64_t>(seed), lstm_scale(width)));
  work.graph = train_step(loss, sgd({.learning_rate = 0.01}));
  work.data.emplace("x", filled({steps, batch, width}, 1, 2));
  work.data.emplace("t", filled({steps, batch, width}, 2, 2));
  // x W forward and for its gradient, h U forward and for both gradients.
  work.operations = 2.0 * static_cast<double>(steps * batch * width * 4 * width) * 5;
  work.bytes = 4.0 * static_cast<double>(3 * 8 * width * width + 2 * steps * batch * width);
  return work;
}

/// Twenty elementwise operations, two of them hyperbolic tangents.
inline Value twenty_operations(const Value& x) {
  const auto number = [&](double value) { return x.graph().constant(value); };
  Value y = tanh_op(x * 1.01 + 0.1);                // 3
  y = relu(y * x - 0.2) * 0.9 + x;                  // 8
  y = minimum(y * y * 0.5 + 1.0, number(2.0)) - x;  // 13
  y = abs_op(tanh_op(y) * 1.1) + 0.3;               // 17
  return maximum(y * x - 0.05, number(-1.0));       // 20
}

/// The chain and its gradient: reads x and the gradient of y, writes y and the gradient of x.
inline Workload chain(int64_t count) {
  Workload work;
  const Value x = work.graph.input("x", {"count"});
  const Value dy = work.graph.input("dy", {"count"});
  const Value y = twenty_operations(x);
  work.graph.output("y", y);
  work.graph.output("dx", vjp(std::vector{y}, std::vector{x}, std::vector{dy})[0]);
  work.data.emplace("x", filled({count}, 1, 4));
  work.data.emplace("dy", filled({count}, 2, 2));
  work.operations = 46.0 * static_cast<double>(count);
  work.tangents = 2.0 * static_cast<double>(count);
  work.bytes = 16.0 * static_cast<double>(count);
  return work;
}

/// A random scalar expression of `nodes` operations over 100 inputs in f64: its value, the sum of the last
/// hundred, and its gradient.
inline Workload scalars(int nodes) {
  Workload work;
  std::mt19937 random(7);
  std::vector<Value> values, inputs;
  for (int i = 0; i < 100; ++i) {
    const std::string name = fmt::format("x{}", i);
    inputs.push_back(work.graph.input(name, Shape{}, Type::f64));
    work.data.emplace(name, Tensor::scalar(Type::f64, 0.1 + 0.008 * i));
  }
  values = inputs;
  for (int i = 0; i < nodes; ++i) {
    const auto pick = [&] {
      return values[values.size() - 1 - random() % std::min<size_t>(values.size(), 200)];
    };
    const Value a = pick(), b = pick();
    switch (random() % 6) {
      case 0: values.push_back(sin_op(a)); break;
      case 1: values.push_back(cos_op(a)); break;
      case 2: values.push_back(tanh_op(a)); break;
      case 3: values.push_back(a * b); break;
      case 4: values.push_back(a * 0.5 + b * 0.25); break;
      default: values.push_back(a - b * 0.5); break;
    }
  }
  Value total = values.back();
  for (size_t i = 2; i <= 100; ++i) total = total + values[values.size() - i];
  work.graph.output("y", total);
  const std::vector<Value> gradients = grad(total, inputs);
  for (size_t i = 0; i < gradients.size(); ++i) work.graph.output(fmt::format("dx{}", i), gradients[i]);
  return work;
}

/// A workload by the name that `compare` gives it, such as "W2 128". Errors: Error for another name.
inline Workload workload(const std::string& name, int64_t size) {
  if (const auto widths = dense_widths(name); !widths.empty()) return perceptron(widths, size);
  if (name == "W5") return convolutional(size);
  if (name == "W6") return chain(size);
  if (name == "W7") return recurrent(size);
  if (name == "W8") return scalars(static_cast<int>(size));
  if (name == "layers") return perceptron(std::vector<int64_t>(static_cast<size_t>(size) + 1, 64), 64);
  fail("[bench] no workload '{}': want W1 to W8 or layers", name);
}

}  // namespace crease::bench
