#include "jit/emit/emit_program.h"

#include <map>
#include <set>

#include "graph/error.h"
#include "jit/emit/emit_kernel.h"

namespace crease {
namespace {

class ProgramEmitter {
 public:
  ProgramEmitter(llvm::Module& module, const Machine& machine, const Kernels& program,
                 const Schedule& schedule, const MemoryPlan& memory)
      : module_(module),
        machine_(machine),
        program_(program),
        schedule_(schedule),
        memory_(memory),
        builder_(module.getContext()),
        emitter_{module, builder_, machine},
        renamed_(program.buffers) {}

  void run() {
    auto* type =
        llvm::FunctionType::get(builder_.getVoidTy(), {builder_.getPtrTy(), builder_.getPtrTy()}, false);
    llvm::Function* step = function("step", type, llvm::Function::ExternalLinkage);
    std::vector<std::pair<llvm::Function*, std::vector<int>>> calls;
    for (size_t k = 0; k < program_.kernels.size(); ++k) {
      const std::vector<int> homes = homes_of(program_.kernels[k]);
      calls.emplace_back(kernel_function(k, homes), homes);
    }
    builder_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", step));
    llvm::Value* buffers = step->getArg(0);
    for (size_t k = 0; k < calls.size(); ++k) {
      const int scratch = memory_.scratch[k];
      std::vector<llvm::Value*> arguments{step->getArg(1)};
      arguments.push_back(scratch < 0 ? llvm::ConstantPointerNull::get(builder_.getPtrTy())
                                      : address(buffers, scratch));
      for (int home : calls[k].second) arguments.push_back(address(buffers, home));
      builder_.CreateCall(calls[k].first, arguments);
    }
    builder_.CreateRetVoid();
  }

 private:
  llvm::Function* function(const std::string& name, llvm::FunctionType* type,
                           llvm::GlobalValue::LinkageTypes linkage) {
    llvm::Function* made = llvm::Function::Create(type, linkage, name, module_);
    made->addFnAttr(llvm::Attribute::NoUnwind);
    const std::string bits = std::to_string(machine_.vector_bits);
    made->addFnAttr("prefer-vector-width", bits);
    made->addFnAttr("min-legal-vector-width", bits);
    return made;
  }

  llvm::Value* address(llvm::Value* buffers, int number) {
    llvm::Value* place =
        builder_.CreateConstGEP1_64(builder_.getPtrTy(), buffers, static_cast<uint64_t>(number));
    return builder_.CreateLoad(builder_.getPtrTy(), place);
  }

  /// Memories that a kernel touches, ascending.
  std::vector<int> homes_of(const Kernel& kernel) const {
    std::set<int> homes;
    for (const Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) homes.insert(memory_.home[static_cast<size_t>(it.buffer)]);
    for (const Store& store : kernel.stores) homes.insert(memory_.home[static_cast<size_t>(store.buffer)]);
    return {homes.begin(), homes.end()};
  }

  /// What the code of a kernel depends on: its text with buffers named by argument, type and shape.
  std::string key_of(size_t k, const std::map<int, size_t>& argument) {
    Kernel kernel = program_.kernels[k];
    kernel.name.clear();
    const auto rename = [&](int number) {
      const Buffer& buffer = program_.buffers[static_cast<size_t>(number)];
      const int home = memory_.home[static_cast<size_t>(number)];
      renamed_[static_cast<size_t>(number)].name =
          fmt::format("{}:{}{}", argument.at(home), to_string(buffer.type), to_string(buffer.shape));
    };
    for (const Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) rename(it.buffer);
    for (const Store& store : kernel.stores) rename(store.buffer);
    return to_string(kernel, renamed_) + to_string(schedule_.kernels[k], kernel);
  }

  llvm::Function* kernel_function(size_t k, const std::vector<int>& homes) {
    std::map<int, size_t> argument;
    for (size_t i = 0; i < homes.size(); ++i) argument.emplace(homes[i], i);
    llvm::Function*& made = functions_[key_of(k, argument)];
    if (made != nullptr) return made;
    const std::vector<llvm::Type*> types(2 + homes.size(), builder_.getPtrTy());
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), types, false);
    made = function(program_.kernels[k].name, type, llvm::Function::InternalLinkage);
    made->addFnAttr(llvm::Attribute::NoInline);
    // Different homes never overlap while both are in use.
    for (unsigned i = 0; i < types.size(); ++i) made->addParamAttr(i, llvm::Attribute::NoAlias);
    builder_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", made));
    KernelArguments arguments;
    for (size_t b = 0; b < memory_.home.size(); ++b) {
      const auto found = argument.find(memory_.home[b]);
      if (found != argument.end())
        arguments.pointers.emplace(static_cast<int>(b),
                                   made->getArg(2 + static_cast<unsigned>(found->second)));
    }
    for (size_t s = 0; s < program_.symbols.size(); ++s) {
      llvm::Value* place = builder_.CreateConstGEP1_64(builder_.getInt64Ty(), made->getArg(0), s);
      arguments.symbols.emplace(program_.symbols[s], builder_.CreateLoad(builder_.getInt64Ty(), place));
    }
    emit_kernel(emitter_, program_.kernels[k], program_.buffers, schedule_.kernels[k], arguments,
                made->getArg(1));
    builder_.CreateRetVoid();
    return made;
  }

  llvm::Module& module_;
  const Machine& machine_;
  const Kernels& program_;
  const Schedule& schedule_;
  const MemoryPlan& memory_;
  llvm::IRBuilder<> builder_;
  Emitter emitter_;
  std::vector<Buffer> renamed_;
  std::map<std::string, llvm::Function*> functions_;
};

}  // namespace

void emit_program(llvm::Module& module, const Machine& machine, const Kernels& program,
                  const Schedule& schedule, const MemoryPlan& memory) {
  ProgramEmitter(module, machine, program, schedule, memory).run();
}

}  // namespace crease
