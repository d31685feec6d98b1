#include "jit/emit/parallel.h"

#include <llvm/IR/LLVMContext.h>

#include <algorithm>
#include <future>
#include <map>

#include "jit/emit/optimise.h"

namespace crease {
namespace {

using Object = llvm::SmallVector<char, 0>;

bool is_movable(const llvm::Function& function) { return function.hasFnAttribute(movable_attribute); }
bool is_placed(const llvm::Function& function) { return function.hasFnAttribute(placed_attribute); }

/// Bodies and private data that nothing in the module uses, and what only they used.
void remove_unused(llvm::Module& module) {
  for (bool changed = true; changed;) {
    changed = false;
    for (llvm::Function& function : llvm::make_early_inc_range(module))
      if (function.use_empty() && (function.hasLocalLinkage() || function.isDeclaration())) {
        function.eraseFromParent();
        changed = true;
      }
    for (llvm::GlobalVariable& variable : llvm::make_early_inc_range(module.globals()))
      if (variable.use_empty() && variable.hasLocalLinkage()) {
        variable.eraseFromParent();
        changed = true;
      }
  }
}

/// The part of each movable function: the largest first, each to the part with the fewest instructions.
std::map<const llvm::Function*, size_t> shares(const llvm::Module& module, size_t parts) {
  std::vector<std::pair<unsigned, const llvm::Function*>> functions;
  for (const llvm::Function& function : module)
    if (is_movable(function) && !is_placed(function))
      functions.emplace_back(function.getInstructionCount(), &function);
  std::ranges::stable_sort(functions, std::ranges::greater{},
                           &std::pair<unsigned, const llvm::Function*>::first);
  std::vector<uint64_t> load(parts, 0);
  std::map<const llvm::Function*, size_t> part;
  for (const auto& [instructions, function] : functions) {
    const auto least = std::ranges::min_element(load);
    part.emplace(function, static_cast<size_t>(least - load.begin()));
    *least += instructions;
  }
  return part;
}

Object object_of_part(size_t part, size_t parts, const Machine& machine, int optimisation,
                      const EmitPart& emit) {
  const std::unique_ptr<llvm::TargetMachine> target = make_target(machine, optimisation);
  llvm::LLVMContext context;
  llvm::Module module("crease", context);
  module.setDataLayout(target->createDataLayout());
  module.setTargetTriple(machine.triple);
  emit(module, part);
  keep_part(module, part, parts);
  return object_of(*target, module);
}

}  // namespace

struct OtherParts::Running {
  std::future<Object> object;
};

OtherParts::OtherParts(size_t parts, const Machine& machine, int optimisation, EmitPart emit) {
  // Where no thread can be had, take() does the work.
  for (size_t part = 1; part < parts; ++part)
    running_.push_back(
        {std::async(std::launch::async | std::launch::deferred, [part, parts, &machine, optimisation, emit] {
          return object_of_part(part, parts, machine, optimisation, emit);
        })});
}

OtherParts::~OtherParts() = default;

std::vector<Object> OtherParts::take() {
  std::vector<Object> objects;
  for (Running& running : running_) objects.push_back(running.object.get());
  running_.clear();
  return objects;
}

size_t parts_of(size_t instructions, const Machine& machine) {
  // Less does not repay a thread, a second emission and a second object file: about a millisecond.
  constexpr size_t least = 1000;
  constexpr size_t most = 8;
  const auto worth = std::min<size_t>(most, instructions / least);
  return std::clamp<size_t>(worth, 1, static_cast<size_t>(machine.cores));
}

size_t parts_of(const llvm::Module& module, const Machine& machine) {
  unsigned instructions = 0;
  for (const llvm::Function& function : module)
    if (is_movable(function)) instructions += function.getInstructionCount();
  return parts_of(instructions, machine);
}

void keep_part(llvm::Module& module, size_t part, size_t parts) {
  for (const auto& [constant, own] : shares(module, parts)) {
    llvm::Function* function = module.getFunction(constant->getName());
    function->setLinkage(llvm::GlobalValue::ExternalLinkage);
    if (own != part) function->deleteBody();
  }
  if (part != 0)
    for (llvm::Function& function : module)
      if (!function.hasLocalLinkage() && !is_movable(function) && !function.isDeclaration())
        function.deleteBody();
  remove_unused(module);
}

}  // namespace crease
