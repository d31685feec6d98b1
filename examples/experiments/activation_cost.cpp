// Rectifiers are cheap, they need no exponential: time per element of each activation, forward and backward,
// alone and behind a linear layer.
#include <algorithm>
#include <chrono>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

/// Median seconds of one run.
double seconds_of(Program& program, int repeats) {
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    program.run();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

struct Cost {
  double forward, backward;  // nanoseconds an element
};

/// f alone on rows of numbers; backward is the product of a given adjoint with the slope, from the argument.
Cost alone(const Op& activation, int64_t rows, int64_t columns, int repeats) {
  Graph graph;
  const Value x = graph.input("x", {rows, columns}), dy = graph.input("dy", {rows, columns});
  const Value y = activation(x);
  const Value dx = vjp(std::vector{y}, std::vector{x}, std::vector{dy}).front();
  const Tensor numbers = normal(0, 1)({.sizes = {rows, columns}, .seed = 1});
  const double elements = static_cast<double>(rows * columns);
  Program forward = compile(extract({{"y", y}}));
  forward.bind({{"x", numbers}});
  const Graph back = extract({{"dx", dx}});
  Bindings inputs;
  for (const NodeId id : back.inputs()) inputs[back.node(id).name] = numbers;
  Program backward = compile(back);
  backward.bind(inputs);
  return {.forward = 1e9 * seconds_of(forward, repeats) / elements,
          .backward = 1e9 * seconds_of(backward, repeats) / elements};
}

/// Forward of a linear layer with the activation behind it.
double behind_linear(const Op& activation, int64_t rows, int64_t columns, int repeats) {
  Graph graph;
  const Value x = graph.input("x", {rows, 256});
  graph.output("y", activation(linear(256, columns)(x)));
  Program program = compile(graph);
  program.bind({{"x", normal(0, 1)({.sizes = {rows, 256}, .seed = 1})}});
  return 1e9 * seconds_of(program, repeats) / static_cast<double>(rows * columns);
}

study::Experiment::Result run(const study::Settings& settings) {
  const int64_t rows = 64, columns = 256;  // 64 KiB: in the cache
  const int repeats = settings.pick(20, 2000, 20000);
  study::Table table({"activation", "forward ns", "backward ns", "linear + it ns", "share of linear + it %"});
  Plot plot{.title = "nanoseconds an element", .x_label = "row of the table", .y_label = "ns", .log_y = true};
  plot.series = {{.name = "forward"}, {.name = "backward"}};
  const double bare = behind_linear(identity, rows, columns, repeats / 4 + 5);
  double relu_cost = 0, sigmoid_cost = 0, tanh_cost = 0, relu_fused = 0, tanh_fused = 0;
  int row = 0;
  for (const Op& activation :
       {identity, relu, leaky_relu(0.01), relu6, abs_op, hard_tanh, hard_swish, soft_sign, sigmoid_op,
        tanh_op, softplus_op, elu, selu, silu, gelu, gelu_tanh, mish, sin_op}) {
    const Cost cost = alone(activation, rows, columns, repeats);
    const double fused = behind_linear(activation, rows, columns, repeats / 4 + 5);
    table.add({activation.name, fmt::format("{:.3f}", cost.forward), fmt::format("{:.3f}", cost.backward),
               fmt::format("{:.2f}", fused),
               fmt::format("{:.1f}", 100 * std::max(0.0, fused - bare) / fused)});
    ++row;
    plot.series[0].x.push_back(row), plot.series[0].y.push_back(cost.forward);
    plot.series[1].x.push_back(row), plot.series[1].y.push_back(cost.backward);
    if (activation.name == "relu") relu_cost = cost.forward, relu_fused = fused;
    if (activation.name == "sigmoid") sigmoid_cost = cost.forward;
    if (activation.name == "tanh") tanh_cost = cost.forward, tanh_fused = fused;
  }
  table.print();
  return {
      .plots = {plot},
      .measured = fmt::format(
          "alone relu {:.3f}, sigmoid {:.3f}, tanh {:.3f} ns an element ({:.1f} and {:.1f} times "
          "relu); behind a linear layer of 256 inputs tanh costs {:.2f} and relu {:.2f} ns in all",
          relu_cost, sigmoid_cost, tanh_cost, sigmoid_cost / relu_cost, tanh_cost / relu_cost, tanh_fused,
          relu_fused),
      .differs =
          "the source gives no times; vector code without calls makes exponentials cheaper than they were, "
          "and "
          "behind a linear layer the products cost more than any activation. Median wall times, so a busy "
          "machine shows",
      .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "activation_cost",
       .title = "Time of activations (one thread, f32, 64 x 256 numbers)",
       .source = "Glorot, Bordes, Bengio 2011, section 3.1: computations are cheaper, there is no need "
                 "for exponentials",
       .run = run},
      count, arguments);
}
