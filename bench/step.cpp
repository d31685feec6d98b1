// Time of one training step of dense networks (forward, softmax cross-entropy, backward, SGD: one native
// call), its share of the machine's multiply-add peak measured in the same run, and the time of each step of
// compilation.
// Usage: step [--dump] [--profile] [--threads N] [BATCH WIDTH... | --workload NAME SIZE]
// for example: step --threads 2 128 784 256 128 10, or step --workload W7 32; names: bench/workloads.h and
// bench/models.h
#include <cstdlib>
#include <string_view>

#include "bench/limits.h"
#include "bench/models.h"
#include "frontends/crease.h"
#include "jit/machine_limits.h"

namespace {

using namespace crease;

Graph training_graph(const std::vector<int64_t>& widths) {
  Graph graph;
  const Value x = graph.input("x", {"batch", widths.front()});
  const Value label = graph.input("label", {"batch"}, Type::i32);
  std::vector<Layer> layers;
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    if (i > 0) layers.emplace_back(relu);
    layers.push_back(linear(widths[i], widths[i + 1]));
  }
  const Value loss = mean(softmax_cross_entropy(sequential(layers)(x), label));
  return train_step(loss, sgd({.learning_rate = 0.01}));
}

/// Multiply-adds of forward and backward, as operations; the first layer has no gradient of its input.
double operations(const std::vector<int64_t>& widths, int64_t batch) {
  double count = 0;
  for (size_t i = 0; i + 1 < widths.size(); ++i)
    count += 2.0 * static_cast<double>(batch * widths[i] * widths[i + 1]) * (i == 0 ? 2 : 3);
  return count;
}

Bindings batch_of(const std::vector<int64_t>& widths, int64_t batch) {
  Tensor x(Type::f32, {batch, widths.front()}), label(Type::i32, {batch});
  for (int64_t i = 0; i < x.count(); ++i) x.set(i, static_cast<double>(i * 7919 % 1000) / 1000.0);
  for (int64_t i = 0; i < batch; ++i) label.set(i, static_cast<double>(i % widths.back()));
  return {{"x", x}, {"label", label}};
}

void measure(const std::string& title, const Graph& graph, const Bindings& data, double work,
             const CompileOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  Program program = compile(graph, options);
  const double compile_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.keep_dumps) {
    const Dumps& dumps = program.dumps();
    fmt::print("{}\n{}\n{}\n{}\n{}\n", dumps.kernels, dumps.fused, dumps.schedule, dumps.memory,
               dumps.assembly);
  }
  program.bind(data);
  program.run();
  const int turns = std::max(1, static_cast<int>(2e8 / work));
  const auto runs = [&] {
    for (int i = 0; i < turns; ++i) program.run();
  };
  const PeakMeter meter(host_machine());
  double peak = 0, seconds = 1e30;
  for (int round = 0; round < 10; ++round) {
    peak = std::max(peak, meter.flops());
    seconds = std::min(seconds, options.threads > 1 ? bench::best_seconds(3, runs) / turns
                                                    : bench::best_processor_seconds(3, runs) / turns);
  }
  const double microseconds = seconds * 1e6;
  fmt::print("{}: {:.{}f} us a step, {:.1f} GFLOP/s, {:.0f} % of {:.1f}; {} kernels, arena {} KiB\n", title,
             microseconds, microseconds < 10 ? 4 : 1, work / seconds / 1e9, 100 * work / seconds / peak,
             peak / 1e9, program.kernel_count(), program.arena_bytes() >> 10);
  fmt::print("  compile {:.1f} ms:", compile_seconds * 1e3);
  for (const auto& [name, spent] : program.timings()) fmt::print(" {} {:.1f}", name, spent * 1e3);
  fmt::print("\n");
  if (options.profile) fmt::print("{}", to_string(program.profile(), peak, copy_bandwidth(size_t{1} << 20)));
}

void measure_layers(const std::vector<int64_t>& widths, int64_t batch, const CompileOptions& options) {
  measure(fmt::format("{} batch {}", fmt::join(widths, "-"), batch), training_graph(widths),
          batch_of(widths, batch), operations(widths, batch), options);
}

void measure_workload(const std::string& workload, int64_t size, CompileOptions options) {
  const bench::Workload work = bench::model(workload, size);
  options.specialise = bind(work.graph, work.data);
  measure(fmt::format("{} {}", workload, size), work.graph, work.data, work.operations, options);
}

}  // namespace

int main(int count, char** arguments) {
  CompileOptions options;
  std::vector<int64_t> numbers;
  std::string workload;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--dump")
      options.keep_dumps = true;
    else if (argument == "--profile")
      options.profile = true;
    else if (argument == "--threads" && i + 1 < count)
      options.threads = std::atoi(arguments[++i]);
    else if (argument == "--workload" && i + 1 < count)
      workload = arguments[++i];
    else
      numbers.push_back(std::atoll(arguments[i]));
  }
  if (!workload.empty() && !numbers.empty()) {
    measure_workload(workload, numbers[0], options);
    return 0;
  }
  if (numbers.size() >= 3) {
    measure_layers({numbers.begin() + 1, numbers.end()}, numbers[0], options);
    return 0;
  }
  measure_layers({784, 256, 128, 10}, 128, options);
  measure_layers({784, 256, 128, 10}, 32, options);
  measure_layers({64, 64, 10}, 64, options);
  measure_layers({2, 16, 16, 2}, 32, options);
}
