// Kernels -> LLVM IR -> object files -> native code, each step timed.
#include <chrono>
#include <optional>

#include "jit/emit/emit_program.h"
#include "jit/emit/optimise.h"
#include "jit/emit/orc.h"
#include "jit/emit/parallel.h"
#include "jit/native.h"

namespace crease {
namespace {

/// Seconds since construction, step by step.
class Stopwatch {
 public:
  explicit Stopwatch(Timings& timings) : timings_(timings), last_(Clock::now()) {}
  void lap(std::string step) {
    const auto now = Clock::now();
    timings_.emplace_back(std::move(step), std::chrono::duration<double>(now - last_).count());
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  Timings& timings_;
  Clock::time_point last_;
};

/// From so many instructions on that run once a step, how they are compiled is decided by how long it takes.
constexpr size_t least_long_code = 4096;

/// Instructions of kernels without loops, if there is hardly anything else.
size_t straight_instructions(const Kernels& program) {
  size_t straight = 0, others = 0;
  for (const Kernel& kernel : program.kernels)
    (kernel.loops.empty() ? straight : others) += kernel.code.size();
  return others * 64 <= straight ? straight : 0;
}

}  // namespace

NativeCode generate(const Kernels& program, const Schedule& schedule, const MemoryPlan& memory,
                    const Machine& machine, const NativeOptions& options, Timings& timings, Dumps& dumps) {
  Stopwatch watch(timings);
  // Long code without loops runs once a step: allocating its registers well takes longer than all the rest
  // of compilation, and gains an eighth of its time.
  const size_t long_code = options.keep_text ? 0 : straight_instructions(program);
  const int optimisation = long_code >= least_long_code ? 0 : options.optimisation;
  const std::unique_ptr<llvm::TargetMachine> target = make_target(machine, optimisation);
  llvm::LLVMContext context;
  llvm::Module module("crease", context);
  module.setDataLayout(target->createDataLayout());
  module.setTargetTriple(machine.triple);
  // Where the parts are known before anything is emitted, each thread emits its own.
  const size_t known_parts = long_code >= least_long_code ? parts_of(long_code, machine) : 1;
  const EmitPart emit = [&](llvm::Module& to, size_t part) {
    emit_program(to, machine, program, schedule, memory, {part, known_parts}, options);
  };
  std::optional<OtherParts> others;
  if (known_parts > 1) others.emplace(known_parts, machine, optimisation, emit);
  emit(module, 0);
  watch.lap("emit");
  verify(module);
  watch.lap("verify");
  if (options.keep_text) {
    dumps.llvm_ir = text_of(module);
    dumps.assembly = assembly_of(*target, module);
    watch.lap("dump");
  }
  const size_t parts = known_parts > 1 ? known_parts : parts_of(module, machine);
  if (!others) others.emplace(parts, machine, optimisation, emit);
  if (parts > 1) keep_part(module, 0, parts);
  std::vector<llvm::SmallVector<char, 0>> objects;
  objects.push_back(object_of(*target, module));
  for (llvm::SmallVector<char, 0>& object : others->take()) objects.push_back(std::move(object));
  watch.lap("codegen");

  NativeCode code = link(std::move(objects), options.name_code);
  watch.lap("link");
  return code;
}

}  // namespace crease
