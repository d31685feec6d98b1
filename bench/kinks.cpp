// What kinks cost, each pair of programs in turn in one run:
//   selection  forward and backward with the slope of relu selected at every element, against the same graph
//              with the same relu in the forward pass and slope 1 in the backward one: nothing is decided,
//              kept or read
//   direction  the directional gradient (values and tangents, locks, reverse) against the plain gradient
//   census     the training step with counters at each kink against the step without
// One JSON line a comparison: the median over rounds of the ratio of two neighbouring processor times, the
// median times, and the target.
// Usage: kinks [ROUNDS]
#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "autodiff/lock.h"
#include "bench/limits.h"
#include "bench/workloads.h"
#include "frontends/crease.h"

namespace {

using namespace crease;
using bench::filled;

/// A dense network with relu, its parameters, and the values before and after each relu.
struct Dense {
  Graph graph;
  std::vector<Value> parameters, before, after;
  Value loss;
  Bindings data;
};

Dense dense_network(const std::vector<int64_t>& widths, int64_t batch) {
  Dense net;
  Value y = net.graph.input("x", {"batch", widths.front()});
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    if (i > 0) {
      net.before.push_back(y);
      y = relu(y);
      net.after.push_back(y);
    }
    y = bench::dense(y, widths[i], widths[i + 1], static_cast<int>(i));
    net.parameters.push_back(net.graph.find(fmt::format("W{}", i)));
    net.parameters.push_back(net.graph.find(fmt::format("b{}", i)));
  }
  net.loss = mean(softmax_cross_entropy(y, net.graph.input("t", {"batch"}, Type::i32)));
  net.data.emplace("x", filled({batch, widths.front()}, 1, 2));
  net.data.emplace("t", bench::labels(batch, widths.back()));
  return net;
}

Graph updated(Dense net, const std::vector<Value>& gradients) {
  net.graph.output("loss", net.loss);
  for (size_t i = 0; i < gradients.size(); ++i)
    net.graph.update(net.parameters[i], net.parameters[i] - gradients[i] * 1e-9);
  return std::move(net.graph);
}

Graph selecting_step(Dense net, const Tie& tie) {
  const std::vector<Value> gradients = grad(net.loss, net.parameters, {.tie = tie});
  return updated(std::move(net), gradients);
}

/// Reverse mode layer by layer, where relu has slope 1.
Graph undecided_step(Dense net) {
  std::vector<Value> gradients(net.parameters.size());
  Value from = net.loss, adjoint = net.graph.constant(1.0);
  for (size_t layer = net.parameters.size() / 2; layer-- > 0;) {
    std::vector<Value> wrt{net.parameters[2 * layer], net.parameters[2 * layer + 1]};
    if (layer > 0) wrt.push_back(net.after[layer - 1]);
    const std::vector<Value> parts = vjp({&from, 1}, wrt, {&adjoint, 1});
    gradients[2 * layer] = parts[0];
    gradients[2 * layer + 1] = parts[1];
    if (layer == 0) break;
    adjoint = parts[2];
    from = net.before[layer - 1];
  }
  return updated(std::move(net), gradients);
}

Graph plain_gradient(Dense net, bool census) {
  const std::vector<Value> gradients = grad(net.loss, net.parameters, {.census = census});
  return updated(std::move(net), gradients);
}

Graph directional_gradient(Dense net) {
  std::vector<Value> direction;
  for (size_t i = 0; i < net.parameters.size(); ++i)
    direction.push_back(
        net.graph.parameter(fmt::format("d{}", i), filled(sizes_of(net.parameters[i].shape()), 100 + i, 1)));
  const LockedGradient locked = locked_grad(net.loss, net.parameters, {direction});
  net.graph.output("unresolved", locked.unresolved);
  return updated(std::move(net), locked.gradient);
}

/// Processor time: what else runs on the machine counts only as far as it empties caches.
double seconds_of(Program& program, int turns) {
  const double start = process_seconds();
  for (int i = 0; i < turns; ++i) program.run();
  return (process_seconds() - start) / turns;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Prints the comparison. The order within a pair alternates, so that a machine that slows down hits both.
bool compare(const std::string& name, const std::string& network, const Bindings& data, const Graph& graph,
             const Graph& without, double target, int rounds) {
  Program ours = compile(graph), base = compile(without);
  for (Program* program : {&ours, &base}) {
    program->bind(data);
    program->run();
  }
  const int turns = std::max(1, static_cast<int>(4e-3 / std::max(seconds_of(base, 3), 1e-7)));
  std::vector<double> ratios, with_seconds, without_seconds;
  for (int round = 0; round < rounds; ++round) {
    const bool first = round % 2 == 0;
    double seconds[2];
    seconds[first ? 0 : 1] = seconds_of(first ? ours : base, turns);
    seconds[first ? 1 : 0] = seconds_of(first ? base : ours, turns);
    ratios.push_back(seconds[0] / seconds[1]);
    with_seconds.push_back(seconds[0]);
    without_seconds.push_back(seconds[1]);
  }
  const double ratio = median(ratios);
  const bool held = ratio <= target;
  const nlohmann::ordered_json line{{"comparison", name},
                                    {"network", network},
                                    {"microseconds", median(with_seconds) * 1e6},
                                    {"microseconds_without", median(without_seconds) * 1e6},
                                    {"ratio", ratio},
                                    {"target", target},
                                    {"held", held}};
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
  return held;
}

void measure(const std::vector<int64_t>& widths, int64_t batch, int rounds) {
  const auto net = [&] { return dense_network(widths, batch); };
  const std::string name = fmt::format("{} batch {}", fmt::join(widths, "-"), batch);
  const Bindings data = net().data;
  const Graph undecided = undecided_step(net()), plain = plain_gradient(net(), false);
  compare("selection left", name, data, selecting_step(net(), Tie::left), undecided, 1.02, rounds);
  compare("selection right", name, data, selecting_step(net(), Tie::right), undecided, 1.02, rounds);
  compare("direction", name, data, directional_gradient(net()), plain, 5.0 / 3, rounds);
  compare("census", name, data, plain_gradient(net(), true), plain, 1.10, rounds);
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::max(1, std::atoi(arguments[1])) : 101;
  measure({784, 256, 128, 10}, 128, rounds);
  measure({784, 256, 256, 10}, 32, rounds);
  measure({784, 1000, 1000, 1000, 10}, 128, std::max(1, rounds / 5));
  measure(std::vector<int64_t>(17, 64), 64, rounds);
}
