// Networks beyond W1 to W8 (bench/workloads.h): what people train and run besides dense layers. Matrices and
// kernels are filled by their place in the graph, vectors start as the layers start them.
#pragma once

#include "bench/workloads.h"

namespace crease::bench {

/// Numbers from which another framework can start, too: parameter k of the matrices and kernels, in the order
/// in which they were made, by `filled` with seed 100 + k.
inline void fill_parameters(Graph& graph) {
  uint64_t seed = 100;
  for (const NodeId id : graph.parameters()) {
    const Tensor& start = graph.node(id).value;
    const std::vector<int64_t> sizes = start.sizes();
    if (sizes.size() < 2) continue;
    const int64_t fan_in = sizes.size() == 2 ? sizes[0] : start.count() / sizes[0];
    graph.set_parameter(
        graph.node(id).name,
        filled(sizes, seed++, weight_scale(static_cast<double>(fan_in))).converted(start.type()));
  }
}

/// A step of training.
inline Workload trained(Workload work, const Value& loss, const Optimizer& optimizer) {
  fill_parameters(work.graph);
  work.graph = train_step(loss, optimizer);
  return work;
}

/// Some gradients are zero but for rounding (biases of attention's keys): adamw's usual epsilon would make
/// steps of their noise, and two frameworks could not be held to each other.
inline Optimizer comparable_adamw() { return adamw({.epsilon = 1e-4}); }

/// In operations of f32: vectors hold half as many numbers of f64.
inline double operation_cost(Type type) { return type == Type::f64 ? 2 : 1; }

inline Value cross_entropy_of(Workload& work, const Value& logits) {
  Shape shape = logits.shape();
  shape.pop_back();
  return mean(softmax_cross_entropy(logits, work.graph.input("t", shape, Type::i32)));
}

/// Classes of a sequence of `time` each.
inline Tensor sequence_labels(int64_t batch, int64_t time, int64_t classes) {
  Tensor label(Type::i32, {batch, time});
  for (int64_t i = 0; i < label.count(); ++i) label.set(i, static_cast<double>(i * 7919 % classes));
  return label;
}

/// GRU of 256 units over 64 steps of 128 numbers, sample by sample; 65 classes a step.
inline Workload characters(int64_t batch) {
  constexpr int64_t time = 64, in = 128, hidden = 256, classes = 65;
  Workload work;
  const Value x = work.graph.input("x", {"batch", time, in});
  const Value logits = sequential(gru(in, hidden), linear(hidden, classes))(x);
  work.data.emplace("x", filled({batch, time, in}, 1, 2));
  work.data.emplace("t", sequence_labels(batch, time, classes));
  work.operations =
      2.0 * static_cast<double>(batch * time * hidden) * (3.0 * in * 2 + 3.0 * hidden * 3 + 3.0 * classes);
  const Value loss = cross_entropy_of(work, logits);
  return trained(std::move(work), loss, sgd({.learning_rate = 0.01}));
}

/// Embedding of 1000 words, LSTM of 256 units over 35 steps, 1000 classes a step.
inline Workload words(int64_t batch) {
  constexpr int64_t time = 35, in = 128, hidden = 256, count = 1000;
  Workload work;
  const Value x = work.graph.input("x", {"batch", time}, Type::i32);
  const Value logits = sequential(embedding(count, in), lstm(in, hidden), linear(hidden, count))(x);
  work.data.emplace("x", sequence_labels(batch, time, count));
  work.data.emplace("t", sequence_labels(batch, time, count));
  work.operations = 6.0 * static_cast<double>(batch * time * hidden) *
                    (4.0 * in + 4.0 * hidden + static_cast<double>(count));
  const Value loss = cross_entropy_of(work, logits);
  return trained(std::move(work), loss, sgd({.learning_rate = 0.01}));
}

/// One block of a transformer, 128 tokens of 256 numbers, four heads, normalised before each part.
inline Workload transformer(int64_t batch, Type type) {
  constexpr int64_t time = 128, width = 256, heads = 4;
  Workload work;
  const Value x = work.graph.input("x", {"batch", time, width}, type);
  const Value target = work.graph.input("t", {"batch", time, width}, type);
  const Layer block = sequential(
      residual(sequential(layer_norm({width}), multi_head_attention(width, heads))),
      residual(sequential(layer_norm({width}), linear(width, 4 * width), gelu, linear(4 * width, width))));
  const Value loss = mean(mse(block(x), target));
  work.data.emplace("x", filled({batch, time, width}, 1, 2).converted(type));
  work.data.emplace("t", filled({batch, time, width}, 2, 2).converted(type));
  work.operations = operation_cost(type) * 6.0 * static_cast<double>(batch * time) *
                    (12.0 * width * width + 2.0 * time * width);
  return trained(std::move(work), loss, comparable_adamw());
}

/// Convolutions of 3x3, depthwise and 1x1, with batch normalisation and stride 2, on 3x32x32 images.
inline Workload separable(int64_t batch) {
  Workload work;
  const auto block = [](int64_t in, int64_t out, int64_t stride) {
    return sequential(
        conv2d(in, in, {3, 3}, {.stride = {stride}, .padding = {1}, .groups = in, .bias = false}),
        batch_norm(in), relu, conv2d(in, out, {1, 1}, {.bias = false}), batch_norm(out), relu);
  };
  const Layer net = sequential(conv2d(3, 32, {3, 3}, {.padding = {1}, .bias = false}), batch_norm(32), relu,
                               block(32, 64, 1), block(64, 128, 2), block(128, 128, 1), block(128, 256, 2),
                               global_average_pool(), linear(256, 10));
  const Value logits = net(work.graph.input("x", {"batch", 3, 32, 32}), Mode::Training);
  work.data.emplace("x", filled({batch, 3, 32, 32}, 1, 2));
  work.data.emplace("t", labels(batch, 10));
  work.operations = 6.0 * static_cast<double>(batch) *
                    (1024.0 * (3 * 9 * 32 + 32 * 9 + 32 * 64) +
                     256.0 * (64 * 9 + 64 * 128 + 128 * 9 + 128 * 128) + 64.0 * (128 * 9 + 128 * 256));
  const Value loss = cross_entropy_of(work, logits);
  return trained(std::move(work), loss, sgd({.learning_rate = 0.01}));
}

/// Two residual blocks of 3x3 convolutions, the second with stride 2, as in a ResNet.
inline Workload residuals(int64_t batch) {
  Workload work;
  const auto conv = [](int64_t in, int64_t out, int64_t taps, int64_t stride) {
    return sequential(
        conv2d(in, out, {taps, taps}, {.stride = {stride}, .padding = {taps / 2}, .bias = false}),
        batch_norm(out));
  };
  const auto block = [&](int64_t in, int64_t out, int64_t stride) {
    const Layer inner = sequential(conv(in, out, 3, stride), relu, conv(out, out, 3, 1));
    return sequential(stride == 1 ? residual(inner) : residual(inner, conv(in, out, 1, stride)), relu);
  };
  const Layer net = sequential(conv(3, 32, 3, 1), relu, block(32, 32, 1), block(32, 64, 2),
                               global_average_pool(), linear(64, 10));
  const Value logits = net(work.graph.input("x", {"batch", 3, 32, 32}), Mode::Training);
  work.data.emplace("x", filled({batch, 3, 32, 32}, 1, 2));
  work.data.emplace("t", labels(batch, 10));
  work.operations = 6.0 * static_cast<double>(batch) *
                    (1024.0 * 9 * (3 * 32 + 2 * 32 * 32) + 256.0 * (9 * (32 * 64 + 64 * 64) + 32 * 64));
  const Value loss = cross_entropy_of(work, logits);
  return trained(std::move(work), loss, sgd({.learning_rate = 0.01}));
}

/// Convolutions along 1024 samples of 16 channels, the second with stride 2.
inline Workload signals(int64_t batch) {
  Workload work;
  const Value x = work.graph.input("x", {"batch", 16, 1024});
  const Value logits = sequential(
      conv1d(16, 64, 9, {.padding = {4}}), relu, conv1d(64, 64, 9, {.stride = {2}, .padding = {4}}), relu,
      conv1d(64, 64, 9, {.padding = {4}}), relu, global_average_pool(), linear(64, 10))(x);
  work.data.emplace("x", filled({batch, 16, 1024}, 1, 2));
  work.data.emplace("t", labels(batch, 10));
  work.operations =
      2.0 * static_cast<double>(batch) * 9 * 64 * (1024.0 * 16 * 2 + 512.0 * 64 * 3 + 512.0 * 64 * 3);
  const Value loss = cross_entropy_of(work, logits);
  return trained(std::move(work), loss, sgd({.learning_rate = 0.01}));
}

/// Dense layers with relu between them, by layers.
inline Workload dense_network(const std::vector<int64_t>& widths, int64_t batch, const Optimizer& optimizer,
                              Type type) {
  Workload work;
  std::vector<Layer> layers;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    if (i > 0) layers.emplace_back(relu);
    layers.push_back(linear(widths[i], widths[i + 1]));
    work.operations += operation_cost(type) * 2.0 * static_cast<double>(batch * widths[i] * widths[i + 1]) *
                       (i == 0 ? 2 : 3);
  }
  const Value logits = sequential(layers)(work.graph.input("x", {"batch", widths.front()}, type));
  work.data.emplace("x", filled({batch, widths.front()}, 1, 2).converted(type));
  work.data.emplace("t", labels(batch, widths.back()));
  const Value loss = cross_entropy_of(work, logits);
  return trained(std::move(work), loss, optimizer);
}

/// Outputs alone of 784-1000-1000-10.
inline Workload prediction(int64_t batch) {
  Workload work;
  const Value x = work.graph.input("x", {"batch", 784});
  work.graph.output("y", sequential(linear(784, 1000), relu, linear(1000, 1000), relu, linear(1000, 10))(x));
  fill_parameters(work.graph);
  work.data.emplace("x", filled({batch, 784}, 1, 2));
  work.operations = 2.0 * static_cast<double>(batch) * (784.0 * 1000 + 1000.0 * 1000 + 1000.0 * 10);
  return work;
}

/// Outputs alone of the residual network's kind: convolutions with batch normalisation.
inline Workload image_prediction(int64_t batch) {
  Workload work;
  const auto conv = [](int64_t in, int64_t out) {
    return sequential(conv2d(in, out, {3, 3}, {.padding = {1}, .bias = false}), batch_norm(out), relu);
  };
  const Value x = work.graph.input("x", {"batch", 3, 32, 32});
  work.graph.output("y", sequential(conv(3, 32), conv(32, 32), max_pool2d({}), conv(32, 64), conv(64, 64),
                                    max_pool2d({}), flatten(), linear(4096, 10))(x));
  fill_parameters(work.graph);
  work.data.emplace("x", filled({batch, 3, 32, 32}, 1, 2));
  work.operations = 2.0 * static_cast<double>(batch) *
                    (1024.0 * 9 * (3 * 32 + 32 * 32) + 256.0 * 9 * (32 * 64 + 64 * 64) + 40960);
  return work;
}

/// A network by its name.
inline Workload model(const std::string& name, int64_t size) {
  const std::vector<int64_t> dense = dense_widths("W2");
  if (name == "characters") return characters(size);
  if (name == "words") return words(size);
  if (name == "transformer") return transformer(size, Type::f32);
  if (name == "transformer_f64") return transformer(size, Type::f64);
  if (name == "separable") return separable(size);
  if (name == "residuals") return residuals(size);
  if (name == "signals") return signals(size);
  if (name == "adam") return dense_network(dense, size, adam(), Type::f32);
  if (name == "adamw") return dense_network(dense, size, comparable_adamw(), Type::f32);
  if (name == "dense_f64") return dense_network(dense, size, sgd({.learning_rate = 0.01}), Type::f64);
  if (name == "classes") return dense_network({256, 10000}, size, sgd({.learning_rate = 0.01}), Type::f32);
  if (name == "predict") return prediction(size);
  if (name == "predict_images") return image_prediction(size);
  return workload(name, size);
}

}  // namespace crease::bench
