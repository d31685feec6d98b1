#include "jit/program.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "graph/error.h"
#include "graph/listed.h"
#include "graph/trap.h"
#include "graph/truth.h"
#include "jit/compile.h"
#include "jit/threads.h"

namespace crease {
namespace {

Tensor deep_copy(const Tensor& tensor) {
  Tensor copy(tensor.type(), tensor.sizes());
  if (tensor.bytes() > 0)
    std::memcpy(copy.mutable_data(), tensor.data(), static_cast<size_t>(tensor.bytes()));
  return copy;
}

int threads_of(const Schedule& schedule) {
  int threads = 1;
  for (const KernelSchedule& kernel : schedule.kernels) threads = std::max(threads, kernel.threads);
  return threads;
}

}  // namespace

/// What threads see of one another: best efforts, since a small step takes no longer than a lock.
struct InUse {
  std::atomic<bool> binding{false}, running{false};
};

/// The time in which one thread binds. Errors: Error where another one is seen to bind or run.
class Binding {
 public:
  explicit Binding(InUse& use) : use_(use) {
    expect(!use.running.load(std::memory_order_relaxed) && !use.binding.exchange(true),
           "[program] two threads use one program at a time: give each thread a clone() of it");
  }
  ~Binding() { use_.binding.store(false); }
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;

 private:
  InUse& use_;
};

struct Program::Implementation {
  Implementation(std::shared_ptr<const Compiled> made, const CompileOptions& how)
      : options(how),
        shared(std::move(made)),
        compiled(*shared),
        graph(compiled.graph),
        pool(threads_of(compiled.schedule), options.subnormals),
        recorder(options.profile ? compiled.kernels.kernels.size() : 0),
        parallel{run_parts, &pool, mark, &recorder},
        needed(needed_inputs(graph, roots(graph))) {
    const size_t count = compiled.kernels.buffers.size();
    memory.resize(count);
    table.assign(static_cast<size_t>(compiled.memory.table_size), nullptr);
    dims.assign(compiled.kernels.symbols.size(), 0);
    for (size_t b = 0; b < count; ++b) {
      const Buffer& it = compiled.kernels.buffers[b];
      if (it.kind == BufferKind::Parameter) {
        memory[b] = deep_copy(graph.node(it.node).value);
        prefer_huge_pages(memory[b].mutable_data(), memory[b].bytes());
      }
      if (it.kind == BufferKind::Constant) memory[b] = deep_copy(it.value);
      if (it.kind != BufferKind::Next || it.alias >= 0 || compiled.memory.in_place[b]) continue;
      // With the parameter's shape: the next value may be a view of what has another one.
      memory[b] = Tensor(it.type, sizes_of(buffer(it.source).shape));
      changing_places.emplace_back(b, static_cast<size_t>(it.source));
    }
  }

  static void run_parts(void* pool, PartFunction function, void* const* buffers, const int64_t* dims) {
    static_cast<ThreadPool*>(pool)->run(function, buffers, dims);
  }

  static void mark(void* recorder, int64_t kernel) {
    static_cast<ProfileRecorder*>(recorder)->mark(static_cast<int>(kernel));
  }

  std::vector<KernelProfile> profile() const {
    std::vector<KernelProfile> result;
    for (size_t k = 0; bound && k < recorder.runs().size(); ++k) {
      const KernelSchedule& plan = compiled.schedule.kernels[k];
      result.push_back(kernel_cost(compiled.kernels, k, sizes));
      result.back().runs = recorder.runs()[k] / plan.calls();
      result.back().seconds = recorder.seconds()[k];
      result.back().threads = plan.threads;
      result.back().calls = plan.calls();
    }
    return result;
  }

  const Buffer& buffer(int number) const { return compiled.kernels.buffers[static_cast<size_t>(number)]; }

  int parameter(const std::string& name) const {
    std::vector<std::string> names;
    for (size_t b = 0; b < memory.size(); ++b) {
      const Buffer& it = compiled.kernels.buffers[b];
      if (it.kind != BufferKind::Parameter) continue;
      if (graph.node(it.node).name == name) return static_cast<int>(b);
      names.push_back(graph.node(it.node).name);
    }
    fail("[program] no parameter '{}': the graph has {}", name, listed(names));
  }

  void bind(const Bindings& inputs) {
    Sizes wanted = bind_needed(graph, inputs, needed);
    for (const auto& [symbol, size] : options.specialise) {
      const int64_t got = wanted.emplace(symbol, size).first->second;
      expect(got == size, "[bind] dimension '{}' was fixed when the program was compiled: got {}, want {}",
             symbol, got, size);
    }
    const bool fits = bound && wanted == sizes;
    bound = false;  // until all of it is there: memory may be short
    for (size_t b = 0; b < memory.size(); ++b) {
      const Buffer& it = compiled.kernels.buffers[b];
      if (it.kind != BufferKind::Input) continue;
      const auto given = inputs.find(graph.node(it.node).name);
      if (given != inputs.end()) memory[b] = given->second.converted(it.type);
    }
    if (!fits) resize(wanted);
    refresh();
    bound = true;
  }

  /// Memory for other sizes of the named dimensions.
  void resize(const Sizes& wanted) {
    const Layout layout = lay_out(compiled.memory, wanted);
    for (size_t s = 0; s < dims.size(); ++s) {
      const auto size = wanted.find(compiled.kernels.symbols[s]);
      dims[s] = size == wanted.end() ? 0 : size->second;  // none: of inputs that nothing needs
    }
    for (size_t b = 0; b < memory.size(); ++b) {
      const Buffer& it = compiled.kernels.buffers[b];
      if (it.kind == BufferKind::Result && it.alias < 0)
        memory[b] = Tensor(it.type, crease::sizes_of(it.shape, wanted));
    }
    if (layout.bytes > arena.count()) {
      arena = Tensor(Type::u8, {layout.bytes});
      prefer_huge_pages(arena.mutable_data(), layout.bytes);
    }
    offsets = layout.offsets;
    arena_bytes = layout.bytes;
    sizes = wanted;
  }

  /// The address of every buffer.
  void refresh() {
    std::byte* start = arena.mutable_data();
    for (size_t b = 0; b < memory.size(); ++b) table[b] = const_cast<std::byte*>(memory[b].data());
    for (size_t s = 0; s < offsets.size(); ++s)
      table[static_cast<size_t>(compiled.memory.slots[s].number)] = start + offsets[s];
    for (size_t b = 0; b < memory.size(); ++b) table[b] = table[static_cast<size_t>(compiled.memory.home[b])];
  }

  void run() noexcept {
    if (!bound) return;
    use.running.store(true, std::memory_order_relaxed);
    {
      const FloatMode mode(options.subnormals);
      compiled.code.step()(table.data(), dims.data(), &parallel);
    }
    for (const auto& [next, source] : changing_places) {
      std::swap(memory[next], memory[source]);
      std::swap(table[next], table[source]);
    }
    use.running.store(false, std::memory_order_relaxed);
  }

  std::optional<std::string> trapped() const {
    if (!bound) return {};
    const auto item = [&](int number) {
      return *static_cast<const double*>(table[static_cast<size_t>(number)]);
    };
    for (const Trap& trap : compiled.kernels.traps) {
      std::vector<double> operands;
      for (const int operand : trap.operands) operands.push_back(item(operand));
      const Node& node = graph.node(buffer(trap.position).node);
      if (auto error = sprung_trap(node, item(trap.position), operands, sizes)) return error;
    }
    return {};
  }

  /// A copy of what a buffer holds, under the buffer's own shape.
  Tensor value(int number) const {
    Tensor result(buffer(number).type, crease::sizes_of(buffer(number).shape, sizes));
    const void* from = table[static_cast<size_t>(number)];
    if (result.bytes() > 0) std::memcpy(result.mutable_data(), from, static_cast<size_t>(result.bytes()));
    return result;
  }

  CompileOptions options;
  std::shared_ptr<const Compiled> shared;  // by clones
  const Compiled& compiled;
  const Graph& graph;
  ThreadPool pool;
  ProfileRecorder recorder;
  Parallel parallel;
  std::vector<NodeId> needed;  // inputs
  InUse use;
  std::vector<Tensor> memory;                              // by buffer: all but intermediates
  std::vector<void*> table;                                // by buffer, then scratch
  std::vector<std::pair<size_t, size_t>> changing_places;  // next value and parameter, after each run
  std::vector<int64_t> dims;
  Tensor arena{Type::u8, {0}};
  std::vector<int64_t> offsets;
  int64_t arena_bytes = 0;
  Sizes sizes;
  bool bound = false;
};

Program::Program(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Program::Program(Program&&) noexcept = default;
Program& Program::operator=(Program&&) noexcept = default;
Program::~Program() = default;

Program::Implementation& Program::implementation() const {
  expect(implementation_ != nullptr,
         "[program] this program was moved away: use the one that it was moved to");
  return *implementation_;
}

Program Program::clone() const {
  const Implementation& own = implementation();
  Program result(std::make_unique<Implementation>(own.shared, own.options));
  for (const auto& [name, value] : parameters()) result.set_parameter(name, value);
  return result;
}

NamedTensors Program::operator()(const Bindings& inputs) {
  {
    const Binding binding(implementation().use);
    implementation().bind(inputs);
  }
  run();
  if (const auto error = trapped()) fail("{}", *error);
  NamedTensors results;
  for (const auto& [name, buffer] : implementation().compiled.kernels.outputs)
    results.emplace(name, implementation().value(buffer));
  return results;
}

void Program::bind(const Bindings& inputs) {
  const Binding binding(implementation().use);
  implementation().bind(inputs);
}
void Program::run() noexcept {
  if (implementation_) implementation_->run();
}
std::optional<std::string> Program::trapped() const { return implementation().trapped(); }

Tensor Program::output(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& [known, buffer] : implementation().compiled.kernels.outputs) {
    if (known != name) {
      names.push_back(known);
      continue;
    }
    expect(implementation().bound, "[program] output '{}' has no value: the program was never bound", name);
    return implementation().value(buffer);
  }
  fail("[program] no output '{}': the graph has {}", name, listed(names));
}

Tensor Program::parameter(const std::string& name) const {
  return deep_copy(implementation().memory[static_cast<size_t>(implementation().parameter(name))]);
}

NamedTensors Program::parameters() const {
  NamedTensors result;
  for (NodeId id : implementation().graph.parameters()) {
    const std::string& name = implementation().graph.node(id).name;
    result.emplace(name, parameter(name));
  }
  return result;
}

void Program::set_parameter(const std::string& name, const Tensor& value) {
  Tensor& held = implementation().memory[static_cast<size_t>(implementation().parameter(name))];
  expect(held.type() == value.type() && held.sizes() == value.sizes(),
         "[program] parameter '{}' has another type or shape: got {}{}, want {}{}", name,
         to_string(value.type()), to_string(value.sizes()), to_string(held.type()), to_string(held.sizes()));
  expect_truth_values(value, "parameter ", name);
  if (value.bytes() > 0)
    std::memcpy(const_cast<std::byte*>(held.data()), value.data(), static_cast<size_t>(value.bytes()));
}

const Dumps& Program::dumps() const { return implementation().compiled.dumps; }
const Timings& Program::timings() const { return implementation().compiled.timings; }
int64_t Program::arena_bytes() const { return implementation().arena_bytes; }
int Program::kernel_count() const {
  return static_cast<int>(implementation().compiled.kernels.kernels.size());
}

std::vector<KernelProfile> Program::profile() const { return implementation().profile(); }
std::string Program::trace() const {
  return chrome_trace(implementation().profile(), implementation().recorder.spans());
}

Program compile(const Graph& graph, const CompileOptions& options) {
  return Program(std::make_unique<Program::Implementation>(
      std::make_shared<const Compiled>(compile_steps(graph, options)), options));
}

}  // namespace crease
