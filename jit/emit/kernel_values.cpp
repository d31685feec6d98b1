#include "jit/emit/kernel_values.h"

#include <algorithm>
#include <bit>

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
}

void KernelValues::retire(const std::vector<int>& reads) {
  std::vector<int> uses(addresses_.size(), 0);
  for (size_t access : access_) ++uses[access];
  for (int read : reads) --uses[access_[static_cast<size_t>(read)]];
  for (size_t a = 0; a < uses.size(); ++a) active_[a] = uses[a] > 0;
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

Scope KernelValues::start() {
  Scope scope;
  scope.turn.assign(schedule_.jams.size(), 0);
  scope.index.assign(kernel_.loops.size(), nullptr);
  scope.digit.assign(kernel_.loops.size(), nullptr);
  scope.values.assign(kernel_.code.size(), nullptr);
  for (const Address& access : addresses_) {
    llvm::Value* offset = nullptr;
    for (const Extent& constant : access.constants)
      offset = offset == nullptr ? size(constant) : emitter_.builder.CreateAdd(offset, size(constant));
    scope.offset.push_back(offset);
  }
  for (size_t loop = 0; loop < kernel_.loops.size(); ++loop)
    if (schedule_.absorbed_by[loop] >= 0) scope.entered |= uint64_t{1} << loop;
  return scope;
}

/// The scope beside this one where all is the same that depends on `loops` alone; null: none.
const Scope* KernelValues::same_turn(std::span<const Scope> beside, const Scope& scope,
                                     uint64_t loops) const {
  for (const Scope& other : beside) {
    bool same = true;
    for (size_t j = 0; j < schedule_.jams.size() && same; ++j)
      same = other.turn[j] == scope.turn[j] || (loops >> schedule_.jams[j].loop & 1) == 0;
    if (same) return &other;
  }
  return nullptr;
}

uint64_t KernelValues::loops_moving(const Address& address) const {
  uint64_t loops = 0;
  for (const Address::Step& step : address.loops) loops |= uint64_t{1} << step.number;
  return loops;
}

void KernelValues::share(std::span<const Scope> beside, Scope& to) const {
  for (size_t i = 0; i < to.values.size(); ++i) {
    if (to.values[i] != nullptr) continue;
    if (const Scope* from = same_turn(beside, to, loops_[i])) to.values[i] = from->values[i];
  }
}

void KernelValues::enter(Scope& scope, int loop, llvm::Value* index, std::span<const Scope> beside) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  scope.index[static_cast<size_t>(loop)] = index;
  scope.entered |= uint64_t{1} << loop;
  enter_digits(scope, loop, index);
  const auto* first = llvm::dyn_cast<llvm::ConstantInt>(index);
  if (first != nullptr && first->isZero()) return;
  for (size_t a = 0; a < addresses_.size(); ++a)
    for (const Address::Step& step : addresses_[a].loops) {
      if (step.number != loop || !active_[a]) continue;
      if (const Scope* same = same_turn(beside, scope, loops_moving(addresses_[a]))) {
        scope.offset[a] = same->offset[a];
        continue;
      }
      llvm::Value* more = step.stride.is(1) ? index : builder.CreateMul(index, size(step.stride));
      scope.offset[a] = scope.offset[a] == nullptr ? more : builder.CreateAdd(scope.offset[a], more);
    }
}

bool KernelValues::is_ready(const Scope& scope, size_t i, int phase, const std::vector<bool>& wanted) const {
  return wanted[i] && scope.values[i] == nullptr && phases_[i] <= phase &&
         (loops_[i] & ~scope.entered) == 0 && kernel_.code[i].kind != InstructionKind::Reduced;
}

/// The values of two loops that became one, from its index: the lower digit has a power of two of values.
void KernelValues::enter_digits(Scope& scope, int loop, llvm::Value* index) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const auto absorbed = std::ranges::find(schedule_.absorbed_by, loop);
  if (absorbed == schedule_.absorbed_by.end()) return;
  const auto other = static_cast<size_t>(absorbed - schedule_.absorbed_by.begin());
  const uint64_t both = (uint64_t{1} << loop) | (uint64_t{1} << other);
  if ((conditioned_ & both) == 0) return;
  const bool vector = loop == schedule_.vector_loop;
  llvm::Value* all = same_form(index, vector);
  if (vector) all = builder.CreateAdd(all, lane_numbers(1));
  const int64_t low = kernel_.loops[static_cast<size_t>(loop)].extent.factor;
  const auto number = [&](int64_t value) { return same_form(emitter_.i64(value), vector); };
  scope.digit[static_cast<size_t>(loop)] = builder.CreateAnd(all, number(low - 1));
  scope.digit[other] = builder.CreateLShr(all, number(std::countr_zero(static_cast<uint64_t>(low))));
}

void KernelValues::emit_ready(Scope& scope, int phase, const std::vector<bool>& wanted) {
  if (kernel_.loops.empty() && kernel_.code.size() > 64) return emit_straight(scope, phase, wanted);
  for (size_t i = 0; i < kernel_.code.size(); ++i)
    if (is_ready(scope, i, phase, wanted)) scope.values[i] = emit(scope, static_cast<int>(i));
}

/// In rounds: everything that needs no call, then the function that most instructions are ready for.
void KernelValues::emit_straight(Scope& scope, int phase, const std::vector<bool>& wanted) {
  SideBySide calls(emitter_);
  for (;;) {
    std::map<std::pair<ScalarKind, Type>, std::vector<size_t>> waiting;
    for (size_t i = 0; i < kernel_.code.size(); ++i) {
      const Instruction& it = kernel_.code[i];
      const auto known = [&](int operand) { return scope.values[static_cast<size_t>(operand)] != nullptr; };
      if (!is_ready(scope, i, phase, wanted) || !std::ranges::all_of(it.operands, known)) continue;
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

llvm::Value* KernelValues::emit_read(Scope& scope, int instruction) {
  const Instruction& it = kernel_.code[static_cast<size_t>(instruction)];
  llvm::Value* condition = it.operands.empty() ? nullptr : scope.values[static_cast<size_t>(it.operands[0])];
  if (buffers_[static_cast<size_t>(it.buffer)].bits)
    return load_bits(scope, static_cast<size_t>(instruction), it.buffer, is_vector(instruction));
  llvm::Value* value =
      load(scope, static_cast<size_t>(instruction), it.buffer, condition, is_vector(instruction));
  if (it.type != Type::boolean) return value;
  return emitter_.builder.CreateICmpNE(value, llvm::Constant::getNullValue(value->getType()));
}

/// Elements from the buffer's start, all lanes or the first; looked-up parts that differ by lane are left
/// out.
llvm::Value* KernelValues::emit_offset(const Scope& scope, size_t access) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* offset =
      scope.offset[access_[access]] == nullptr ? emitter_.i64(0) : scope.offset[access_[access]];
  for (const Address::Step& step : address(access).values) {
    llvm::Value* value = scope.values[static_cast<size_t>(step.number)];
    if (value->getType()->isVectorTy()) continue;
    llvm::Value* more = step.stride.is(1) ? value : builder.CreateMul(value, size(step.stride));
    offset = builder.CreateAdd(offset, more);
  }
  return offset;
}

llvm::Value* KernelValues::pointer_of(const Scope& scope, int instruction) {
  const int buffer = kernel_.code[static_cast<size_t>(instruction)].buffer;
  return emitter_.element(arguments_.pointers.at(buffer),
                          emit_offset(scope, static_cast<size_t>(instruction)),
                          buffers_[static_cast<size_t>(buffer)].type);
}

llvm::Value* KernelValues::stride_of(int instruction, int loop) const {
  return size(address(static_cast<size_t>(instruction)).stride(loop));
}

bool KernelValues::is_contiguous(const Scope& scope, size_t access) const {
  const Address& it = address(access);
  return it.stride(schedule_.vector_loop).is(1) &&
         std::ranges::none_of(it.values, [&](const Address::Step& step) {
           return scope.values[static_cast<size_t>(step.number)]->getType()->isVectorTy();
         });
}

llvm::Value* KernelValues::lane_pointers(Scope& scope, size_t access, llvm::Value* base, Type type) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* stride = same_form(size(address(access).stride(schedule_.vector_loop)), true);
  llvm::Value* offset = builder.CreateMul(lane_numbers(1), stride);
  for (const Address::Step& step : address(access).values) {
    llvm::Value* value = scope.values[static_cast<size_t>(step.number)];
    if (value->getType()->isVectorTy())
      offset = builder.CreateAdd(offset, builder.CreateMul(value, same_form(size(step.stride), true)));
  }
  return builder.CreateGEP(emitter_.memory_type(type), base, offset);
}

llvm::Value* KernelValues::lanes_mask(const Scope& scope, llvm::Value* condition) const {
  if (condition == nullptr) return scope.mask;
  llvm::Value* mask = same_form(condition, true);
  return scope.mask == nullptr ? mask : emitter_.builder.CreateAnd(scope.mask, mask);
}

llvm::Value* KernelValues::zero_memory() {
  llvm::Module& module = emitter_.module;
  if (llvm::GlobalVariable* known = module.getNamedGlobal("zero")) return known;
  auto* type = llvm::ArrayType::get(emitter_.builder.getInt8Ty(), 64);
  auto* zero = new llvm::GlobalVariable(module, type, true, llvm::GlobalValue::PrivateLinkage,
                                        llvm::ConstantAggregateZero::get(type), "zero");
  zero->setAlignment(llvm::Align(64));
  return zero;
}

llvm::Value* KernelValues::load(Scope& scope, size_t access, int buffer, llvm::Value* condition,
                                bool vector) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const Type type = buffers_[static_cast<size_t>(buffer)].type;
  llvm::Type* element = emitter_.memory_type(type);
  const llvm::Align align(static_cast<uint64_t>(size_of(type)));
  llvm::Value* pointer = emitter_.element(arguments_.pointers.at(buffer), emit_offset(scope, access), type);
  if (!vector) {
    // Where nothing may be read, zeros are read instead: no branch.
    if (condition != nullptr) pointer = builder.CreateSelect(condition, pointer, zero_memory());
    return builder.CreateAlignedLoad(element, pointer, align);
  }
  const auto lanes = static_cast<unsigned>(schedule_.lanes);
  auto* form = llvm::FixedVectorType::get(element, lanes);
  llvm::Value* mask = lanes_mask(scope, condition);
  if (is_every_second(scope, access)) return load_every_second(pointer, form, align, mask);
  if (!is_contiguous(scope, access)) {
    if (mask == nullptr)
      mask = llvm::ConstantInt::getTrue(llvm::FixedVectorType::get(builder.getInt1Ty(), lanes));
    return builder.CreateMaskedGather(form, lane_pointers(scope, access, pointer, type), align, mask,
                                      llvm::Constant::getNullValue(form));
  }
  if (mask == nullptr) return builder.CreateAlignedLoad(form, pointer, align);
  return builder.CreateMaskedLoad(form, pointer, align, mask, llvm::Constant::getNullValue(form));
}

bool KernelValues::is_every_second(const Scope& scope, size_t access) const {
  const Address& it = address(access);
  return it.stride(schedule_.vector_loop).is(2) &&
         std::ranges::none_of(it.values, [&](const Address::Step& step) {
           return scope.values[static_cast<size_t>(step.number)]->getType()->isVectorTy();
         });
}

/// Twice the lanes: each of `mask` (null: all) followed by one that does not count. What lies between and
/// after the elements may not be ours.
llvm::Value* KernelValues::every_second(llvm::Value* mask, unsigned lanes) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  auto* form = llvm::FixedVectorType::get(builder.getInt1Ty(), lanes);
  if (mask == nullptr) mask = llvm::Constant::getAllOnesValue(form);
  std::vector<int> order;
  for (unsigned lane = 0; lane < lanes; ++lane)
    order.insert(order.end(), {static_cast<int>(lane), static_cast<int>(lanes + lane)});
  return builder.CreateShuffleVector(mask, llvm::Constant::getNullValue(form), order);
}

/// Two masked vectors and a shuffle are far cheaper than a gather.
llvm::Value* KernelValues::load_every_second(llvm::Value* pointer, llvm::FixedVectorType* form,
                                             llvm::Align align, llvm::Value* mask) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const unsigned lanes = form->getNumElements();
  auto* wide = llvm::FixedVectorType::get(form->getElementType(), 2 * lanes);
  std::vector<int> order;
  for (unsigned lane = 0; lane < lanes; ++lane) order.push_back(static_cast<int>(2 * lane));
  llvm::Value* both = builder.CreateMaskedLoad(wide, pointer, align, every_second(mask, lanes),
                                               llvm::Constant::getNullValue(wide));
  return builder.CreateShuffleVector(both, order);
}

void KernelValues::write_scalar(llvm::Value* pointer, llvm::Value* value, llvm::Value* condition) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  if (condition == nullptr) {
    builder.CreateStore(value, pointer);
    return;
  }
  llvm::Function* function = builder.GetInsertBlock()->getParent();
  auto* then = llvm::BasicBlock::Create(emitter_.context(), "store", function);
  auto* after = llvm::BasicBlock::Create(emitter_.context(), "after", function);
  builder.CreateCondBr(condition, then, after);
  builder.SetInsertPoint(then);
  builder.CreateStore(value, pointer);
  builder.CreateBr(after);
  builder.SetInsertPoint(after);
}

void KernelValues::write(Scope& scope, size_t access, int buffer, llvm::Value* value,
                         llvm::Value* condition) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const Type type = buffers_[static_cast<size_t>(buffer)].type;
  const llvm::Align align(static_cast<uint64_t>(size_of(type)));
  llvm::Value* pointer = emitter_.element(arguments_.pointers.at(buffer), emit_offset(scope, access), type);
  if (!value->getType()->isVectorTy()) return write_scalar(pointer, value, condition);
  llvm::Value* mask = lanes_mask(scope, condition);
  if (is_every_second(scope, access)) {
    const auto lanes = static_cast<unsigned>(schedule_.lanes);
    std::vector<int> order;
    for (unsigned lane = 0; lane < lanes; ++lane) order.insert(order.end(), {static_cast<int>(lane), -1});
    builder.CreateMaskedStore(builder.CreateShuffleVector(value, order), pointer, align,
                              every_second(mask, lanes));
    return;
  }
  if (!is_contiguous(scope, access)) {
    if (mask == nullptr) mask = emit_constant(emitter_, Type::boolean, 1, schedule_.lanes);
    builder.CreateMaskedScatter(value, lane_pointers(scope, access, pointer, type), align, mask);
    return;
  }
  if (mask == nullptr)
    builder.CreateAlignedStore(value, pointer, align);
  else
    builder.CreateMaskedStore(value, pointer, align, mask);
}

/// Address of the byte where a bit lies.
llvm::Value* KernelValues::byte_of(const Scope& scope, size_t access, int buffer) {
  llvm::Value* byte = emitter_.builder.CreateLShr(emit_offset(scope, access), emitter_.i64(3));
  return emitter_.element(arguments_.pointers.at(buffer), byte, Type::u8);
}

/// Vectors begin at whole bytes, and rows are long enough for whole vectors: no mask is needed.
llvm::Value* KernelValues::load_bits(Scope& scope, size_t access, int buffer, bool vector) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* pointer = byte_of(scope, access, buffer);
  if (vector) {
    const auto lanes = static_cast<unsigned>(schedule_.lanes);
    llvm::Value* bits = builder.CreateAlignedLoad(builder.getIntNTy(lanes), pointer, llvm::Align(1));
    return builder.CreateBitCast(bits, llvm::FixedVectorType::get(builder.getInt1Ty(), lanes));
  }
  llvm::Value* place = builder.CreateTrunc(emit_offset(scope, access), builder.getInt8Ty());
  llvm::Value* byte = builder.CreateAlignedLoad(builder.getInt8Ty(), pointer, llvm::Align(1));
  llvm::Value* shifted = builder.CreateLShr(byte, builder.CreateAnd(place, builder.getInt8(7)));
  return builder.CreateTrunc(shifted, builder.getInt1Ty());
}

/// Lanes that do not count become zeros in the padding of the row.
void KernelValues::write_bits(Scope& scope, size_t access, int buffer, llvm::Value* value) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  if (scope.mask != nullptr) value = builder.CreateAnd(value, scope.mask);
  llvm::Value* bits = builder.CreateBitCast(value, builder.getIntNTy(static_cast<unsigned>(schedule_.lanes)));
  builder.CreateAlignedStore(bits, byte_of(scope, access, buffer), llvm::Align(1));
}

void KernelValues::emit_store(Scope& scope, size_t store) {
  const Store& it = kernel_.stores[store];
  const size_t access = kernel_.code.size() + store;
  const Type type = buffers_[static_cast<size_t>(it.buffer)].type;
  const bool vector = has_vector_loop(loops_of(it)) && (scope.entered >> schedule_.vector_loop & 1) != 0;
  llvm::Value* value = same_form(scope.values[static_cast<size_t>(it.value)], vector);
  if (buffers_[static_cast<size_t>(it.buffer)].bits) return write_bits(scope, access, it.buffer, value);
  llvm::Value* condition = it.condition < 0 ? nullptr : scope.values[static_cast<size_t>(it.condition)];
  if (it.combine != Combine::Assign) {
    llvm::Value* old = load(scope, access, it.buffer, condition, vector);
    if (type == Type::boolean) old = emit_convert(emitter_, old, Type::u8, type);
    value = emit_combine(emitter_, it.combine, type, old, value);
  }
  if (type == Type::boolean) value = emit_convert(emitter_, value, type, Type::u8);
  write(scope, access, it.buffer, value, condition);
}

}  // namespace crease
