#include "jit/emit/emit_program.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/error.h"
#include "jit/emit/emit_kernel.h"
#include "jit/emit/parallel.h"

namespace crease {
namespace {

class ProgramEmitter {
 public:
  ProgramEmitter(llvm::Module& module, const Machine& machine, const Kernels& program,
                 const Schedule& schedule, const MemoryPlan& memory, PartOf part,
                 const NativeOptions& options)
      : module_(module),
        machine_(machine),
        program_(program),
        schedule_(schedule),
        memory_(memory),
        place_(places(program, part.count)),
        part_(part),
        profile_(options.profile),
        unwinds_(options.name_code),
        builder_(module.getContext()),
        emitter_{module, builder_, machine, options.rounding},
        renamed_(program.buffers) {}

  void run() {
    llvm::Type* pointer = builder_.getPtrTy();
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), {pointer, pointer, pointer}, false);
    llvm::Function* step = function("step", type, llvm::Function::ExternalLinkage);
    std::vector<Call> calls;
    for (size_t k = 0; k < program_.kernels.size(); ++k) {
      const std::vector<int> homes = homes_of(program_.kernels[k]);
      Call call{k, nullptr, homes, nullptr};
      if (!goes_inline(k)) call.kernel = kernel_function(k, homes);
      if (schedule_.kernels[k].threads > 1) call.part = part_function(call);
      calls.push_back(std::move(call));
    }
    builder_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", step));
    if (profile_) mark(step, -1);
    emit_calls(calls, 0, calls.size(), -1, step, dims_with_turns(step->getArg(1)));
    builder_.CreateRetVoid();
  }

 private:
  /// One kernel of the program, in order.
  struct Call {
    size_t kernel_number;
    llvm::Function* kernel;  // null: its code stands in the step itself
    std::vector<int> homes;  // see key_of_buffer
    llvm::Function* part;    // runs one thread's part; null: the kernel is not split
  };

  /// The kernels [first, last), which are in this step loop (-1: in none) or in loops inside it.
  void emit_calls(const std::vector<Call>& calls, size_t first, size_t last, int loop, llvm::Function* step,
                  llvm::Value* dims) {
    while (first < last) {
      const Call& call = calls[first];
      int inner = program_.kernels[first].step_loop;
      if (inner == loop && schedule_.kernels[call.kernel_number].leads_pair) {
        emit_pair(call, calls[first + 1], step, dims);
        first += 2;
        continue;
      }
      if (inner == loop) {
        if (call.kernel == nullptr)
          emit_inline(call, step->getArg(0), dims);
        else if (call.part == nullptr)
          builder_.CreateCall(call.kernel, arguments_of(call, step->getArg(0), dims, nullptr));
        else
          call_parallel(step, call.part, dims);
        if (profile_) mark(step, static_cast<int64_t>(call.kernel_number));
        ++first;
        continue;
      }
      while (program_.step_loops[static_cast<size_t>(inner)].parent != loop)
        inner = program_.step_loops[static_cast<size_t>(inner)].parent;
      size_t end = first;
      while (end < last && is_within(program_, program_.kernels[end].step_loop, inner)) ++end;
      emit_turns(calls, first, end, inner, step, dims);
      first = end;
    }
  }

  /// Two kernels that take turns (jit/schedule_pairs.h).
  void emit_pair(const Call& one, const Call& other, llvm::Function* step, llvm::Value* dims) {
    const KernelSchedule& plan = schedule_.kernels[one.kernel_number];
    llvm::Value* all = emitter_.i64(plan.split.extent.factor);
    emit_loop(emitter_, emitter_.i64(0), all, plan.block, "pair", [&](llvm::Value* begin) {
      llvm::Value* end = emitter_.minimum(builder_.CreateAdd(begin, emitter_.i64(plan.block)), all);
      for (const Call* call : {&one, &other}) {
        std::vector<llvm::Value*> arguments = arguments_of(*call, step->getArg(0), dims, nullptr);
        arguments.insert(arguments.end(), {begin, end});
        builder_.CreateCall(call->kernel, arguments);
        if (profile_) mark(step, static_cast<int64_t>(call->kernel_number));
      }
    });
  }

  void emit_turns(const std::vector<Call>& calls, size_t first, size_t last, int loop, llvm::Function* step,
                  llvm::Value* dims) {
    const StepLoop& it = program_.step_loops[static_cast<size_t>(loop)];
    llvm::Value* turns = extent(it.turns, dims);
    emit_loop(emitter_, emitter_.i64(0), turns, 1, "turn", [&](llvm::Value* turn) {
      llvm::Value* from_end = builder_.CreateSub(builder_.CreateSub(turns, emitter_.i64(1)), turn);
      builder_.CreateStore(it.reverse ? from_end : turn, turn_place(loop, dims));
      emit_calls(calls, first, last, loop, step, dims);
      for (const auto& [next, value] : it.carries) copy_carry(next, value, step->getArg(0), dims);
    });
  }

  void copy_carry(int next, int value, llvm::Value* buffers, llvm::Value* dims) {
    const auto home = [&](int buffer) { return memory_.home[static_cast<size_t>(buffer)]; };
    if (home(next) == home(value)) return;
    const Buffer& buffer = program_.buffers[static_cast<size_t>(value)];
    const Extent bytes = Extent{size_of(buffer.type), {}} * extent_of(buffer.shape);
    llvm::Type* pointer = builder_.getPtrTy();
    builder_.CreateMemCpy(load(pointer, buffers, static_cast<size_t>(home(value))), llvm::Align(64),
                          load(pointer, buffers, static_cast<size_t>(home(next))), llvm::Align(64),
                          extent(bytes, dims));
  }

  /// The sizes followed by a place for the turn of each step loop.
  llvm::Value* dims_with_turns(llvm::Value* dims) {
    if (program_.step_loops.empty()) return dims;
    llvm::Type* i64 = builder_.getInt64Ty();
    const size_t count = program_.symbols.size();
    auto* type = llvm::ArrayType::get(i64, count + program_.step_loops.size());
    llvm::Value* copy = builder_.CreateAlloca(type);
    for (size_t s = 0; s < count; ++s)
      builder_.CreateStore(load(i64, dims, s), builder_.CreateConstGEP1_64(i64, copy, s));
    return copy;
  }

  llvm::Value* turn_place(int loop, llvm::Value* dims) {
    return builder_.CreateConstGEP1_64(builder_.getInt64Ty(), dims,
                                       program_.symbols.size() + static_cast<size_t>(loop));
  }

  llvm::Value* load(llvm::Type* type, llvm::Value* base, size_t number) {
    return builder_.CreateLoad(type, builder_.CreateConstGEP1_64(type, base, number));
  }

  /// dims, scratch, memories; `part` shifts the scratch memory to that of one thread.
  std::vector<llvm::Value*> arguments_of(const Call& call, llvm::Value* buffers, llvm::Value* dims,
                                         llvm::Value* part) {
    const int number = memory_.scratch[call.kernel_number];
    llvm::Type* pointer = builder_.getPtrTy();
    llvm::Value* scratch = llvm::ConstantPointerNull::get(builder_.getPtrTy());
    if (number >= 0) scratch = load(pointer, buffers, static_cast<size_t>(number));
    if (number >= 0 && part != nullptr) {
      const auto [type, elements] = schedule_.kernels[call.kernel_number].scratch();
      scratch = emitter_.element(scratch, builder_.CreateMul(part, extent(elements, dims)), type);
    }
    std::vector<llvm::Value*> arguments{dims, scratch};
    for (int key : call.homes) arguments.push_back(address_of(key, buffers, dims));
    return arguments;
  }

  /// What tells the memory of a buffer: its home, or -1 - b for b, one turn's element of another.
  int key_of_buffer(int buffer) const {
    const int base = base_of(program_, buffer);
    return program_.buffers[static_cast<size_t>(base)].element_of >= 0
               ? -1 - base
               : memory_.home[static_cast<size_t>(base)];
  }

  llvm::Value* address_of(int key, llvm::Value* buffers, llvm::Value* dims) {
    if (key >= 0) return load(builder_.getPtrTy(), buffers, static_cast<size_t>(key));
    const Buffer& element = program_.buffers[static_cast<size_t>(-1 - key)];
    llvm::Value* whole = address_of(key_of_buffer(element.alias), buffers, dims);
    llvm::Value* turn = builder_.CreateLoad(builder_.getInt64Ty(), turn_place(element.element_of, dims));
    llvm::Value* elements = builder_.CreateMul(turn, extent(extent_of(element.shape), dims));
    return emitter_.element(whole, elements, element.type);
  }

  llvm::Value* extent(const Extent& size, llvm::Value* dims) {
    llvm::Value* value = emitter_.i64(size.factor);
    for (const std::string& symbol : size.symbols) {
      const auto at = std::ranges::find(program_.symbols, symbol) - program_.symbols.begin();
      value = builder_.CreateMul(value, load(builder_.getInt64Ty(), dims, static_cast<size_t>(at)));
    }
    return value;
  }

  /// A PartFunction: the range of one thread, whole steps, as equal as they can be.
  llvm::Function* part_function(const Call& call) {
    const KernelSchedule& plan = schedule_.kernels[call.kernel_number];
    llvm::Type *pointer = builder_.getPtrTy(), *i64 = builder_.getInt64Ty();
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), {pointer, pointer, i64, i64}, false);
    const std::string name = program_.kernels[call.kernel_number].name + ".part";
    llvm::Function* made = function(name, type, llvm::Function::InternalLinkage);
    builder_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", made));
    llvm::Value *part = made->getArg(2), *parts = made->getArg(3);
    llvm::Value* all = extent(plan.split.extent, made->getArg(1));
    llvm::Value* step = emitter_.i64(plan.split.step);
    llvm::Value* steps =
        builder_.CreateSDiv(builder_.CreateAdd(all, emitter_.i64(plan.split.step - 1)), step);
    const auto border = [&](llvm::Value* number) {
      llvm::Value* at =
          builder_.CreateMul(builder_.CreateSDiv(builder_.CreateMul(steps, number), parts), step);
      return emitter_.minimum(at, all);
    };
    std::vector<llvm::Value*> arguments = arguments_of(call, made->getArg(0), made->getArg(1), part);
    arguments.push_back(border(part));
    arguments.push_back(border(builder_.CreateAdd(part, emitter_.i64(1))));
    builder_.CreateCall(call.kernel, arguments);
    builder_.CreateRetVoid();
    return made;
  }

  /// parallel->run(parallel->pool, part, buffers, dims)
  void call_parallel(llvm::Function* step, llvm::Function* part, llvm::Value* dims) {
    llvm::Type* pointer = builder_.getPtrTy();
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), {pointer, pointer, pointer, pointer}, false);
    llvm::Value* run = load(pointer, step->getArg(2), 0);
    llvm::Value* pool = load(pointer, step->getArg(2), 1);
    builder_.CreateCall(type, run, {pool, part, step->getArg(0), dims});
  }

  /// parallel->mark(parallel->recorder, kernel)
  void mark(llvm::Function* step, int64_t kernel) {
    llvm::Type* pointer = builder_.getPtrTy();
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), {pointer, builder_.getInt64Ty()}, false);
    builder_.CreateCall(type, load(pointer, step->getArg(2), 2),
                        {load(pointer, step->getArg(2), 3), emitter_.i64(kernel)});
  }

  llvm::Function* function(const std::string& name, llvm::FunctionType* type,
                           llvm::GlobalValue::LinkageTypes linkage) {
    llvm::Function* made = llvm::Function::Create(type, linkage, name, module_);
    made->addFnAttr(llvm::Attribute::NoUnwind);
    if (unwinds_) made->setUWTableKind(llvm::UWTableKind::Async);
    const std::string bits = std::to_string(machine_.vector_bits);
    made->addFnAttr("prefer-vector-width", bits);
    made->addFnAttr("min-legal-vector-width", bits);
    return made;
  }

  /// Memories that a kernel touches, ascending.
  std::vector<int> homes_of(const Kernel& kernel) const {
    std::set<int> homes;
    for (const Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) homes.insert(key_of_buffer(it.buffer));
    for (const Store& store : kernel.stores) homes.insert(key_of_buffer(store.buffer));
    return {homes.begin(), homes.end()};
  }

  /// The part of each kernel: equal shares of the instructions, in their order.
  static std::vector<size_t> places(const Kernels& program, size_t parts) {
    size_t all = 0, before = 0;
    for (const Kernel& kernel : program.kernels) all += kernel.code.size();
    std::vector<size_t> result;
    for (const Kernel& kernel : program.kernels) {
      result.push_back(before * parts / std::max<size_t>(1, all));
      before += kernel.code.size();
    }
    return result;
  }

  /// What the code of a kernel depends on: its text with buffers named by argument, type and shape.
  std::string key_of(size_t k, const std::map<int, size_t>& argument) {
    if (program_.kernels[k].loops.empty() && program_.kernels[k].code.size() > 64) return std::to_string(k);
    Kernel kernel = program_.kernels[k];
    kernel.name.clear();
    const auto rename = [&](int number) {
      const Buffer& buffer = program_.buffers[static_cast<size_t>(number)];
      const int home = key_of_buffer(number);
      renamed_[static_cast<size_t>(number)].name =
          fmt::format("{}:{}{}{}", argument.at(home), to_string(buffer.type), to_string(buffer.shape),
                      buffer.bits ? " bits" : "");
    };
    for (const Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) rename(it.buffer);
    for (const Store& store : kernel.stores) rename(store.buffer);
    return to_string(kernel, renamed_) + to_string(schedule_.kernels[k], kernel);
  }

  /// Whether a kernel is over so soon that its call and its arguments would count. Measured on Zen 4, a
  /// network 2-16-16-1 with one row, 13 kernels: see docs/performance.md.
  bool goes_inline(size_t k) {
    constexpr double soon = 400;
    constexpr size_t most_code = 48;
    constexpr int most_kernels = 64;
    const Kernel& kernel = program_.kernels[k];
    const KernelSchedule& plan = schedule_.kernels[k];
    if (unwinds_) return false;  // debuggers are told of functions
    if (plan.is_split() || kernel.code.size() > most_code || inlined_ == most_kernels) return false;
    if (std::ranges::any_of(kernel.code, is_elementary)) return false;
    if (estimated_cycles(kernel, program_.buffers, plan, machine_) > soon) return false;
    ++inlined_;
    return true;
  }

  void emit_inline(const Call& call, llvm::Value* buffers, llvm::Value* dims) {
    // A block of its own: code generation must not join what kernels round one after the other.
    llvm::Function* step = builder_.GetInsertBlock()->getParent();
    auto* block = llvm::BasicBlock::Create(module_.getContext(), "kernel", step);
    builder_.CreateBr(block);
    builder_.SetInsertPoint(block);
    const std::vector<llvm::Value*> given = arguments_of(call, buffers, dims, nullptr);
    emit_body(call.kernel_number, call.homes, std::span(given).subspan(2), dims, given[1], nullptr, nullptr);
  }

  /// The kernel's code where the builder stands; `memories` are those of `homes`.
  void emit_body(size_t k, const std::vector<int>& homes, std::span<llvm::Value* const> memories,
                 llvm::Value* dims, llvm::Value* scratch, llvm::Value* begin, llvm::Value* end) {
    const Kernel& kernel = program_.kernels[k];
    KernelArguments arguments;
    const auto pass = [&](int buffer) {
      const auto position = std::ranges::find(homes, key_of_buffer(buffer)) - homes.begin();
      arguments.pointers.emplace(buffer, memories[static_cast<size_t>(position)]);
    };
    for (const Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) pass(it.buffer);
    for (const Store& store : kernel.stores) pass(store.buffer);
    for (size_t s = 0; s < program_.symbols.size(); ++s)
      arguments.symbols.emplace(program_.symbols[s], load(builder_.getInt64Ty(), dims, s));
    emit_kernel(emitter_, kernel, program_.buffers, schedule_.kernels[k], arguments, scratch, begin, end);
  }

  llvm::Function* kernel_function(size_t k, const std::vector<int>& homes) {
    std::map<int, size_t> argument;
    for (size_t i = 0; i < homes.size(); ++i) argument.emplace(homes[i], i);
    llvm::Function*& made = functions_[key_of(k, argument)];
    if (made != nullptr) return made;
    std::vector<llvm::Type*> types(2 + homes.size(), builder_.getPtrTy());
    const bool split = schedule_.kernels[k].is_split();
    if (split) types.insert(types.end(), 2, builder_.getInt64Ty());
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), types, false);
    made = function(program_.kernels[k].name, type, llvm::Function::InternalLinkage);
    made->addFnAttr(llvm::Attribute::NoInline);
    made->addFnAttr(movable_attribute);
    // Vectors of several registers are often kept on the stack: none across two cache lines.
    if (schedule_.kernels[k].lanes > machine_.lanes(4)) made->addFnAttr("stackrealign");
    // Straight code that runs once a step: selecting its instructions one by one is several times faster.
    if (program_.kernels[k].loops.empty()) made->addFnAttr(llvm::Attribute::OptimizeNone);
    if (part_.count > 1 && program_.kernels[k].loops.empty()) {
      made->addFnAttr(placed_attribute);
      made->setLinkage(llvm::Function::ExternalLinkage);
      if (place_[k] != part_.number) return made;
    }
    // Different homes never overlap while both are in use.
    for (unsigned i = 0; i < 2 + homes.size(); ++i) made->addParamAttr(i, llvm::Attribute::NoAlias);
    builder_.SetInsertPoint(llvm::BasicBlock::Create(module_.getContext(), "entry", made));
    std::vector<llvm::Value*> given;
    for (llvm::Argument& argument_here : made->args()) given.push_back(&argument_here);
    const size_t after = 2 + homes.size();
    emit_body(k, homes, std::span(given).subspan(2, homes.size()), given[0], given[1],
              split ? given[after] : nullptr, split ? given[after + 1] : nullptr);
    builder_.CreateRetVoid();
    return made;
  }

  llvm::Module& module_;
  const Machine& machine_;
  const Kernels& program_;
  const Schedule& schedule_;
  const MemoryPlan& memory_;
  std::vector<size_t> place_;  // by kernel: the part that has its body, if it is placed
  PartOf part_;
  bool profile_;
  bool unwinds_;  // gdb finds the callers of kernels
  llvm::IRBuilder<> builder_;
  Emitter emitter_;
  std::vector<Buffer> renamed_;
  std::map<std::string, llvm::Function*> functions_;
  int inlined_ = 0;  // kernels whose code stands in the step itself
};

}  // namespace

void emit_program(llvm::Module& module, const Machine& machine, const Kernels& program,
                  const Schedule& schedule, const MemoryPlan& memory, PartOf part,
                  const NativeOptions& options) {
  ProgramEmitter(module, machine, program, schedule, memory, part, options).run();
}

}  // namespace crease
