#include "jit/compile.h"

#include <algorithm>
#include <chrono>

#include "graph/error.h"
#include "graph/listed.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/share.h"
#include "graph/rewrite/tidy.h"
#include "graph/text.h"
#include "graph/verify.h"
#include "jit/fuse.h"
#include "jit/fuse_recompute.h"
#include "jit/fuse_siblings.h"
#include "jit/lower.h"
#include "jit/masks.h"
#include "jit/order.h"
#include "jit/phases.h"
#include "jit/rematerialise.h"

namespace crease {
namespace {

Machine machine_for(const CompileOptions& options) {
  Machine machine = at_level(host_machine(), options.level);
  if (options.emulate_tiles) machine.tiles = Tiles::Emulated;
  return options.vector_bits == 0 ? machine : with_vector_bits(std::move(machine), options.vector_bits);
}

/// Operands and their parts are rounded to the nearest bfloat16, whatever the mode.
void check_only_f32(const Graph& graph, const CompileOptions& options) {
  Precision precision = options.contraction;
  for (NodeId id = 0; id < graph.size() && precision == Precision::F32; ++id)
    if (graph.node(id).op) precision = precision_of(*graph.node(id).op).value_or(Precision::F32);
  expect(precision == Precision::F32,
         "[compile] contractions in {} round to nearest: got Rounding::Up, want Rounding::Nearest",
         to_string(precision));
}

void check(const Graph& graph, const CompileOptions& options) {
  verify(graph);
  expect(!graph.outputs().empty() || !graph.updates().empty(),
         "[compile] the graph has neither outputs nor updates: got a graph of {} nodes, want at least one "
         "result",
         graph.size());
  expect(options.threads >= 1 && options.threads <= 1024,
         "[compile] number of threads: got {}, want 1 to 1024", options.threads);
  expect(options.optimisation >= 0 && options.optimisation <= 2,
         "[compile] optimisation level: got {}, want 0, 1 or 2", options.optimisation);
  expect(FloatMode::supports(options.subnormals),
         "[compile] this processor does not flush subnormals: got Subnormals::Flush, want Subnormals::Keep");
  if (options.rounding == Rounding::Up) check_only_f32(graph, options);
  expect(options.memory_limit >= 0, "[compile] memory limit: got {} bytes, want 0 (none) or more",
         options.memory_limit);
  const std::vector<std::string> symbols = graph.symbols();
  for (const auto& [symbol, size] : options.specialise) {
    expect(std::ranges::find(symbols, symbol) != symbols.end(),
           "[compile] no named dimension '{}' to specialise: the graph has {}", symbol, listed(symbols));
    expect(size >= 0, "[compile] size of dimension '{}': got {}, want 0 or more", symbol, size);
  }
}

/// Constants are computed, and put into bodies that fold them, rounding to nearest: not where that matters.
Graph simplified(const Graph& source, const CompileOptions& options) {
  if (options.rounding == Rounding::Nearest)
    return in_phases(tidy(source, Derivatives::Settled, options.subnormals).graph);
  return in_phases(share(remove_dead(source).graph).graph);
}

/// Runs the steps, timing each and keeping its text if wanted.
class Steps {
 public:
  explicit Steps(bool keep_text) : keep_text_(keep_text) {}

  template <class Run>
  auto operator()(const char* name, const Run& run) {
    const auto start = std::chrono::steady_clock::now();
    auto result = run();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    timings.emplace_back(name, seconds.count());
    return result;
  }
  template <class... Parts>
  void keep(std::string& text, const Parts&... parts) const {
    if (keep_text_) text = to_string(parts...);
  }

  Timings timings;

 private:
  bool keep_text_;
};

}  // namespace

Compiled compile_steps(const Graph& source, const CompileOptions& options) {
  check(source, options);
  const Machine machine = machine_for(options);
  Steps step(options.keep_dumps);
  Dumps dumps;
  step.keep(dumps.graph, source);
  // Gradients are nodes by now, so all three products of a layer's training step are meant.
  const bool rounds = options.contraction != Precision::F32;
  const Graph wanted =
      rounds ? step("precision", [&] { return in_precision(source, options.contraction); }) : source.handle();
  // Slopes that were wanted are nodes, too.
  const Simplify simplify = [&](const Graph& any) { return simplified(any, options); };
  Graph graph = step("simplify", [&] { return simplify(wanted); });
  step.keep(dumps.simplified, graph);
  Kernels kernels = step("lower", [&] { return lower(graph, options.specialise, simplify); });
  verify(kernels);
  step.keep(dumps.kernels, kernels);
  kernels = step("fuse", [&] { return options.fuse ? fuse(std::move(kernels)) : std::move(kernels); });
  if (options.fuse) kernels = step("masks", [&] { return store_masks(std::move(kernels)); });
  if (options.fuse) kernels = step("recompute", [&] { return recompute_cheap(std::move(kernels)); });
  if (options.fuse) kernels = step("siblings", [&] { return merge_siblings(std::move(kernels)); });
  order_kernels(kernels);
  name_kernels(kernels, graph);
  verify(kernels);
  if (options.memory_limit > 0) {
    MemoryLimit limit{options.memory_limit, options.specialise, {options.threads, options.split_all}};
    limit.sizes.insert(options.memory_sizes.begin(), options.memory_sizes.end());
    kernels = step("rematerialise", [&] { return rematerialise(std::move(kernels), machine, limit); });
    verify(kernels);
  }
  const Threads threads{options.threads, options.split_all};
  Schedule schedule = step("schedule", [&] {  // under a memory limit it is decided what is stored as bits
    return options.memory_limit > 0 ? crease::schedule(kernels, machine, threads)
                                    : schedule_bits(kernels, machine, threads);
  });
  step.keep(dumps.fused, kernels);
  step.keep(dumps.schedule, schedule, kernels);
  MemoryPlan memory = step("memory", [&] { return plan_memory(kernels, schedule); });
  step.keep(dumps.memory, memory, kernels);
  const NativeOptions native{.optimisation = options.optimisation,
                             .keep_text = options.keep_dumps,
                             .profile = options.profile,
                             .name_code = options.name_code,
                             .rounding = options.rounding};
  NativeCode code = generate(kernels, schedule, memory, machine, native, step.timings, dumps);
  return {.graph = std::move(graph),
          .kernels = std::move(kernels),
          .memory = std::move(memory),
          .code = std::move(code),
          .schedule = std::move(schedule),
          .dumps = std::move(dumps),
          .timings = std::move(step.timings)};
}

}  // namespace crease
