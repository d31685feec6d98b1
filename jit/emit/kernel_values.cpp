#include "jit/emit/kernel_values.h"

#include <algorithm>

#include "graph/error.h"
#include "jit/emit/emit_scalar.h"
#include "jit/emit/straight.h"

namespace crease {

KernelValues::KernelValues(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                           const KernelSchedule& schedule, const KernelArguments& arguments)
    : emitter_(emitter),
      kernel_(kernel),
      buffers_(buffers),
      schedule_(schedule),
      arguments_(arguments),
      loops_(dependences(kernel)),
      phases_(phases(kernel)) {
  const auto shape = [&](int buffer) { return memory_shape(buffers[static_cast<size_t>(buffer)]); };
  const auto add = [&](Address address) {
    if (schedule.rows_loop >= 0) step_by_rows(address);
    std::erase_if(address.loops, [&](const Address::Step& step) {
      return schedule.absorbed_by[static_cast<size_t>(step.number)] >= 0;
    });
    const auto known = std::ranges::find(addresses_, address);
    access_.push_back(static_cast<size_t>(known - addresses_.begin()));
    if (known == addresses_.end()) addresses_.push_back(std::move(address));
  };
  for (const Instruction& it : kernel.code)
    add(it.kind == InstructionKind::Read ? address_of(it.place, shape(it.buffer)) : Address{});
  for (const Store& store : kernel.stores) add(address_of(store.place, shape(store.buffer)));
  active_.assign(addresses_.size(), true);
  for (uint64_t& own : loops_)
    for (size_t loop = 0; loop < kernel.loops.size(); ++loop)
      if (const int by = schedule.absorbed_by[loop]; by >= 0 && (own >> loop & 1) != 0)
        own |= uint64_t{1} << by;
  for (const Instruction& it : kernel.code)
    if (it.kind != InstructionKind::Read)
      for (const Position& position : it.place)
        for (const Term& term : position.terms) conditioned_ |= uint64_t{1} << term.label;
  const bool streams = kernel.outer == static_cast<int>(kernel.loops.size()) && kernel.reductions.empty();
  for (const Store& store : kernel.stores) may_store_early_.push_back(streams && is_stored_alone(store));
}

/// Where vectors are several rows, each begins with one: what does not run on from row to row steps once a
/// row.
void KernelValues::step_by_rows(Address& address) const {
  const int row = schedule_.vector_loop, around = schedule_.rows_loop;
  const Extent& length = kernel_.loops[static_cast<size_t>(row)].extent;
  if (address.runs_on(around, row, length)) return;
  const Extent stride = address.stride(around);
  std::erase_if(address.loops, [&](const Address::Step& step) { return step.number == row; });
  address.loops.push_back({.number = row, .stride = stride, .turns = length.factor});
}

llvm::Value* KernelValues::size(const Extent& extent) const {
  llvm::Value* value = nullptr;
  for (const std::string& symbol : extent.symbols) {
    llvm::Value* next = arguments_.symbols.at(symbol);
    value = value == nullptr ? next : emitter_.builder.CreateMul(value, next);
  }
  llvm::Value* factor = emitter_.i64(extent.factor);
  if (value == nullptr) return factor;
  return extent.factor == 1 ? value : emitter_.builder.CreateMul(value, factor);
}

bool KernelValues::has_vector_loop(uint64_t loops) const {
  return schedule_.vector_loop >= 0 && (loops >> schedule_.vector_loop & 1) != 0;
}

bool KernelValues::is_vector(int instruction) const { return has_vector_loop(loops_of(instruction)); }

uint64_t KernelValues::loops_of(int instruction) const { return loops_[static_cast<size_t>(instruction)]; }

int KernelValues::phase_of(int instruction) const {
  return instruction < 0 ? 0 : phases_[static_cast<size_t>(instruction)];
}

uint64_t KernelValues::loops_of(const Store& store) const {
  uint64_t loops = loops_of(store.value);
  if (store.condition >= 0) loops |= loops_of(store.condition);
  for (const Position& position : store.place) {
    for (const Term& term : position.terms) loops |= uint64_t{1} << term.label;
    if (position.value >= 0) loops |= loops_of(position.value);
  }
  return loops;
}

int KernelValues::phase_of(const Store& store) const {
  int phase = std::max(phase_of(store.value), phase_of(store.condition));
  for (const Position& position : store.place) phase = std::max(phase, phase_of(position.value));
  return phase;
}

std::vector<bool> KernelValues::closure(const std::vector<int>& roots) const {
  std::vector<bool> wanted(kernel_.code.size(), false);
  for (int root : roots)
    if (root >= 0) wanted[static_cast<size_t>(root)] = true;
  for (size_t i = wanted.size(); i-- > 0;) {
    if (!wanted[i]) continue;
    for (int operand : kernel_.code[i].operands) wanted[static_cast<size_t>(operand)] = true;
    for (const Position& position : kernel_.code[i].place)
      if (position.value >= 0) wanted[static_cast<size_t>(position.value)] = true;
  }
  return wanted;
}

bool KernelValues::is_ready(const Scope& scope, size_t i, int phase, const std::vector<bool>& wanted) const {
  return wanted[i] && scope.values[i] == nullptr && phases_[i] <= phase &&
         (loops_[i] & ~scope.entered) == 0 && kernel_.code[i].kind != InstructionKind::Reduced;
}

void KernelValues::emit_ready(Scope& scope, int phase, const std::vector<bool>& wanted) {
  if (kernel_.loops.empty() && kernel_.code.size() > 64) return emit_straight(scope, phase, wanted);
  for (size_t i = 0; i < kernel_.code.size(); ++i)
    if (is_ready(scope, i, phase, wanted)) {
      scope.values[i] = emit(scope, static_cast<int>(i));
      store_early(scope, i);
    }
}

/// Whether nothing else touches that memory, but reads that have been done when the value is known.
bool KernelValues::is_stored_alone(const Store& store) const {
  if (store.combine != Combine::Assign || store.condition >= 0 ||
      std::ranges::any_of(store.place, [](const Position& position) { return position.value >= 0; }))
    return false;
  const auto is_same = [&](int buffer) {
    return buffer >= 0 && arguments_.pointers.at(buffer) == arguments_.pointers.at(store.buffer);
  };
  for (size_t i = 0; i < kernel_.code.size(); ++i)
    if (is_same(kernel_.code[i].buffer) &&
        (i > static_cast<size_t>(store.value) || (loops_[i] & ~loops_of(store)) != 0))
      return false;
  return std::ranges::count_if(kernel_.stores, [&](const Store& it) { return is_same(it.buffer); }) == 1;
}

/// Values that are only stored need no register from then on.
void KernelValues::store_early(Scope& scope, size_t instruction) {
  for (size_t s = 0; s < kernel_.stores.size(); ++s) {
    const Store& it = kernel_.stores[s];
    if (it.value != static_cast<int>(instruction) || !may_store_early_[s] ||
        (loops_of(it) & ~scope.entered) != 0)
      continue;
    emit_store(scope, s);
    scope.stored[s] = true;
  }
}

/// In rounds: everything that needs no call, then the function that most instructions are ready for.
void KernelValues::emit_straight(Scope& scope, int phase, const std::vector<bool>& wanted) {
  SideBySide calls(emitter_);
  for (;;) {
    std::map<std::pair<ScalarKind, Type>, std::vector<size_t>> waiting;
    for (size_t i = 0; i < kernel_.code.size(); ++i) {
      const Instruction& it = kernel_.code[i];
      const auto known = [&](int operand) {
        return operand < 0 || scope.values[static_cast<size_t>(operand)] != nullptr;
      };
      if (!is_ready(scope, i, phase, wanted) || !std::ranges::all_of(it.operands, known) ||
          !std::ranges::all_of(it.place, known, &Position::value))
        continue;
      if (is_elementary(it))
        waiting[{it.function, it.type}].push_back(i);
      else
        scope.values[i] = emit(scope, static_cast<int>(i));
    }
    if (waiting.empty()) return;
    const auto most = std::ranges::max_element(waiting, {}, [](const auto& w) { return w.second.size(); });
    std::vector<llvm::Value*> numbers;
    for (const size_t i : most->second)
      numbers.push_back(scope.values[static_cast<size_t>(kernel_.code[i].operands[0])]);
    numbers = calls.emit(most->first.first, most->first.second, numbers);
    for (size_t n = 0; n < numbers.size(); ++n) scope.values[most->second[n]] = numbers[n];
  }
}

llvm::Value* KernelValues::same_form(llvm::Value* value, bool vector) const {
  return vector ? emit_splat(emitter_, value, schedule_.lanes) : value;
}

llvm::Value* KernelValues::emit(Scope& scope, int instruction) {
  const Instruction& it = kernel_.code[static_cast<size_t>(instruction)];
  const bool vector = is_vector(instruction);
  std::vector<llvm::Value*> operands;
  if (it.kind != InstructionKind::Read)
    for (int operand : it.operands) {
      const bool wide = std::ranges::any_of(it.operands, [&](int other) { return is_vector(other); });
      operands.push_back(same_form(scope.values[static_cast<size_t>(operand)], wide));
    }
  const auto type_of = [&](size_t i) { return kernel_.code[static_cast<size_t>(it.operands[i])].type; };
  switch (it.kind) {
    case InstructionKind::Constant: return emit_constant(emitter_, it.type, it.constant);
    case InstructionKind::Size: return size({1, {it.symbol}});
    case InstructionKind::Affine: return emit_position(scope, it.place[0]);
    case InstructionKind::Inside: {
      llvm::Value* position = emit_position(scope, it.place[0]);
      // Unsigned, a negative position is greater than any extent.
      return emitter_.builder.CreateICmpULT(position, same_form(size(it.extent), vector));
    }
    case InstructionKind::Read: return emit_read(scope, instruction);
    case InstructionKind::Convert: return emit_convert(emitter_, operands[0], type_of(0), it.type);
    case InstructionKind::Round: return emit_rounded(emitter_, operands[0]);
    case InstructionKind::Split: return operands[0];
    case InstructionKind::Compute:
      return emit_compute(emitter_, it.function, type_of(operands.size() - 1), operands);
    case InstructionKind::Uniform: return emit_uniform(emitter_, it.seed, operands[0], operands[1]);
    case InstructionKind::Reduced: break;
  }
  throw Bug(fmt::format("[emit] %{} of '{}' has no value yet", instruction, kernel_.name));
}

/// 0, step, 2 step, ... in the lanes.
llvm::Constant* KernelValues::lane_numbers(int64_t step) const {
  std::vector<llvm::Constant*> lanes;
  for (int lane = 0; lane < schedule_.lanes; ++lane)
    lanes.push_back(emit_constant(emitter_, Type::i64, static_cast<double>(step * lane)));
  return schedule_.lanes == 1 ? lanes[0] : llvm::ConstantVector::get(lanes);
}

llvm::Value* KernelValues::emit_position(Scope& scope, const Position& position) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* value = position.offset == 0 ? nullptr : emitter_.i64(position.offset);
  int64_t across = 0;
  llvm::Value* digits = nullptr;
  for (const Term& term : position.terms) {
    llvm::Value* digit = scope.digit[static_cast<size_t>(term.label)];
    llvm::Value* index = digit == nullptr ? scope.index[static_cast<size_t>(term.label)] : digit;
    const bool wide = index->getType()->isVectorTy();
    if (digit == nullptr && term.label == schedule_.vector_loop) across = term.coefficient;
    if (term.coefficient != 1)
      index = builder.CreateMul(index, same_form(emitter_.i64(term.coefficient), wide));
    llvm::Value*& sum = wide ? digits : value;
    sum = sum == nullptr ? index : builder.CreateAdd(index, sum);
  }
  if (value == nullptr) value = emitter_.i64(0);
  llvm::Value* more = position.value < 0 ? nullptr : scope.values[static_cast<size_t>(position.value)];
  const bool vector = across != 0 || digits != nullptr || (more != nullptr && more->getType()->isVectorTy());
  value = same_form(value, vector);
  if (digits != nullptr) value = builder.CreateAdd(value, digits);
  if (across != 0) value = builder.CreateAdd(value, lane_numbers(across));
  return more == nullptr ? value : builder.CreateAdd(value, same_form(more, vector));
}

}  // namespace crease
