#include "jit/emit/optimise.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/CommandLine.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Triple.h>
#include <llvm/Transforms/Utils/Cloning.h>

#include <mutex>

#include "graph/error.h"

namespace crease {
namespace {

/// Once a process: the native target, and no loop strength reduction, which costs a fifth of code generation
/// and does not improve loops that are emitted with pointers that step.
void initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    const auto& options = llvm::cl::getRegisteredOptions();
    const auto found = options.find("disable-lsr");
    if (found != options.end()) static_cast<llvm::cl::opt<bool>*>(found->second)->setValue(true);
  });
}

std::string joined(const std::vector<std::string>& features) {
  return fmt::format("{}", fmt::join(features, ","));
}

}  // namespace

std::unique_ptr<llvm::TargetMachine> make_target(const Machine& machine, int optimisation) {
  initialise();
  std::string problem;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(machine.triple, problem);
  expect(target != nullptr, "[compile] no code generator for {}: {}", machine.triple, problem);
  const auto level = optimisation == 0 ? llvm::CodeGenOptLevel::None : llvm::CodeGenOptLevel::Default;
  std::unique_ptr<llvm::TargetMachine> made(
      target->createTargetMachine(machine.triple, machine.name, joined(machine.features), {},
                                  llvm::Reloc::PIC_, llvm::CodeModel::Small, level, true));
  expect(made != nullptr, "[compile] no code generator for {}", machine.triple);
  return made;
}

void verify(const llvm::Module& module) {
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  ensure(!llvm::verifyModule(module, &stream), "[emit] the module is not valid: {}", problem);
}

llvm::SmallVector<char, 0> object_of(llvm::TargetMachine& target, llvm::Module& module) {
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  llvm::MCContext* context = nullptr;
  expect(!target.addPassesToEmitMC(passes, context, stream), "[compile] LLVM cannot emit objects for {}",
         target.getTargetTriple().str());
  passes.run(module);
  return object;
}

std::string assembly_of(llvm::TargetMachine& target, const llvm::Module& module) {
  const std::unique_ptr<llvm::Module> copy = llvm::CloneModule(module);
  llvm::SmallVector<char, 0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  expect(!target.addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::AssemblyFile),
         "[compile] LLVM cannot emit assembly for {}", target.getTargetTriple().str());
  passes.run(*copy);
  return {text.begin(), text.end()};
}

std::string text_of(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

}  // namespace crease
