// Object files into this process. The only file that includes ORC, and the only one where LLVM's errors
// become ours.
#include <llvm/ExecutionEngine/Orc/Debugging/DebuggerSupport.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>

#include "graph/error.h"
#include "jit/emit/emit_program.h"

#include "jit/emit/optimise.h"
#include "jit/emit/parallel.h"
#include "jit/native.h"

namespace crease {
namespace {

template <class T>
T checked(llvm::Expected<T> result, std::string_view what) {
  if (!result) fail("[compile] {}: {}", what, llvm::toString(result.takeError()));
  return std::move(*result);
}

void checked(llvm::Error error, std::string_view what) {
  if (error) fail("[compile] {}: {}", what, llvm::toString(std::move(error)));
}

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

/// Appends address, size and name of every linked function to the file where perf looks for code that is in
/// no file of its own. LLVM's plugin for perf writes another format, whose header perf refuses. Source:
/// Linux, tools/perf/Documentation/jit-interface.txt.
class PerfMap : public llvm::orc::ObjectLinkingLayer::Plugin {
 public:
  void modifyPassConfig(llvm::orc::MaterializationResponsibility&, llvm::jitlink::LinkGraph&,
                        llvm::jitlink::PassConfiguration& passes) override {
    passes.PrePrunePasses.emplace_back(keep_all);
    passes.PostAllocationPasses.emplace_back(write);
  }
  llvm::Error notifyFailed(llvm::orc::MaterializationResponsibility&) override {
    return llvm::Error::success();
  }
  llvm::Error notifyRemovingResources(llvm::orc::JITDylib&, llvm::orc::ResourceKey) override {
    return llvm::Error::success();
  }
  void notifyTransferringResources(llvm::orc::JITDylib&, llvm::orc::ResourceKey,
                                   llvm::orc::ResourceKey) override {}

 private:
  /// Linking forgets names that no other object can see.
  static llvm::Error keep_all(llvm::jitlink::LinkGraph& graph) {
    for (llvm::jitlink::Symbol* symbol : graph.defined_symbols())
      if (symbol->isCallable()) symbol->setLive(true);
    return llvm::Error::success();
  }

  static llvm::Error write(llvm::jitlink::LinkGraph& graph) {
    std::error_code none;
    std::ofstream file(std::filesystem::temp_directory_path(none) / fmt::format("perf-{}.map", getpid()),
                       std::ios::app);
    for (const llvm::jitlink::Symbol* symbol : graph.defined_symbols())
      if (symbol->isCallable() && symbol->hasName())
        file << fmt::format("{:x} {:x} {}\n", symbol->getAddress().getValue(), symbol->getSize(),
                            std::string_view(symbol->getName()));
    return llvm::Error::success();
  }
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

/// For perf and gdb.
void tell_names(llvm::orc::LLJIT& jit) {
  if (auto* layer = llvm::dyn_cast<llvm::orc::ObjectLinkingLayer>(&jit.getObjLinkingLayer()))
    layer->addPlugin(std::make_shared<PerfMap>());
  checked(llvm::orc::enableDebuggerSupport(jit), "cannot tell gdb of compiled code");
}

}  // namespace

struct NativeCode::Implementation {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  StepFunction step = nullptr;
};

NativeCode::NativeCode(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
NativeCode::NativeCode(NativeCode&&) noexcept = default;
NativeCode& NativeCode::operator=(NativeCode&&) noexcept = default;
NativeCode::~NativeCode() = default;
StepFunction NativeCode::step() const { return implementation_->step; }

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

  auto made = std::make_unique<NativeCode::Implementation>();
  made->jit = checked(llvm::orc::LLJITBuilder().create(), "cannot map code into this process");
  if (options.name_code) tell_names(*made->jit);
  for (size_t part = 0; part < objects.size(); ++part) {
    auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(objects[part]),
                                                                  fmt::format("step{}", part), false);
    checked(made->jit->addObjectFile(std::move(buffer)), "cannot load the compiled program");
  }
  const auto address = checked(made->jit->lookup("step"), "cannot link the compiled program");
  made->step = address.toPtr<StepFunction>();
  watch.lap("link");
  return NativeCode(std::move(made));
}

}  // namespace crease
