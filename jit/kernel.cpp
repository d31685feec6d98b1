#include "jit/kernel.h"

#include <algorithm>
#include <functional>

#include "graph/error.h"

namespace crease {
namespace {

uint64_t loops_in(const Place& place, std::span<const uint64_t> known) {
  uint64_t loops = 0;
  for (const Position& position : place) {
    for (const Term& term : position.terms) loops |= uint64_t{1} << term.label;
    if (position.value >= 0) loops |= known[static_cast<size_t>(position.value)];
  }
  return loops;
}

uint64_t outer_loops(const Kernel& kernel) { return (uint64_t{1} << kernel.outer) - 1; }

/// Calls `visit` with each instruction that `place` refers to.
void each_value(const Place& place, const std::function<void(int)>& visit) {
  for (const Position& position : place)
    if (position.value >= 0) visit(position.value);
}

void mark(const Kernel& kernel, std::vector<bool>& marks, int instruction) {
  if (instruction < 0 || marks[static_cast<size_t>(instruction)]) return;
  marks[static_cast<size_t>(instruction)] = true;
  const Instruction& it = kernel.code[static_cast<size_t>(instruction)];
  const auto next = [&](int operand) { mark(kernel, marks, operand); };
  for (int operand : it.operands) next(operand);
  each_value(it.place, next);
  if (it.kind != InstructionKind::Reduced) return;
  next(kernel.reductions[static_cast<size_t>(it.reduction)].value);
  next(kernel.reductions[static_cast<size_t>(it.reduction)].condition);
}

void renumber(Place& place, std::span<const int> to) {
  for (Position& position : place)
    if (position.value >= 0) position.value = to[static_cast<size_t>(position.value)];
}

void renumber(int& instruction, std::span<const int> to) {
  if (instruction >= 0) instruction = to[static_cast<size_t>(instruction)];
}

}  // namespace

bool is_elementary(const Instruction& instruction) {
  if (instruction.kind != InstructionKind::Compute || !is_floating(instruction.type)) return false;
  switch (instruction.function) {
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sin:
    case ScalarKind::Cos:
    case ScalarKind::Tanh:
    case ScalarKind::Sigmoid:
    case ScalarKind::Softplus:
    case ScalarKind::Erf: return true;
    default: return false;
  }
}

Shape memory_shape(const Buffer& buffer) {
  Shape shape = buffer.shape;
  if (buffer.bits) shape.back() = Dim((shape.back().size() + 15) / 16 * 16);
  return shape;
}

Extent bytes_of(const Buffer& buffer) {
  Extent elements = extent_of(memory_shape(buffer));
  if (buffer.bits) elements.factor /= 8;
  return buffer.bits ? elements : Extent{size_of(buffer.type), {}} * elements;
}

int append(Kernel& kernel, Instruction instruction) {
  const auto& code = kernel.code;
  const auto found = std::ranges::find_if(code, [&](const Instruction& it) {
    return it == instruction && std::signbit(it.constant) == std::signbit(instruction.constant);
  });
  if (found != code.end()) return static_cast<int>(found - code.begin());
  kernel.code.push_back(std::move(instruction));
  return static_cast<int>(kernel.code.size()) - 1;
}

int constant(Kernel& kernel, Type type, double value) {
  return append(kernel, {.kind = InstructionKind::Constant, .type = type, .constant = value});
}

int convert(Kernel& kernel, Type type, int operand) {
  const Instruction& from = kernel.code[static_cast<size_t>(operand)];
  if (from.type == type) return operand;
  if (from.kind == InstructionKind::Constant && is_floating(type) && is_floating(from.type))
    return constant(kernel, type, from.type == Type::f32 ? static_cast<float>(from.constant) : from.constant);
  return append(kernel, {.kind = InstructionKind::Convert, .type = type, .operands = {operand}});
}

int compute(Kernel& kernel, Type type, ScalarKind function, std::vector<int> operands) {
  return append(kernel, {.kind = InstructionKind::Compute,
                         .type = type,
                         .operands = std::move(operands),
                         .function = function});
}

int affine(Kernel& kernel, Position position) {
  if (position.terms.empty() && position.value < 0)
    return constant(kernel, Type::i64, static_cast<double>(position.offset));
  if (position.terms.empty() && position.offset == 0) return position.value;
  return append(kernel, {.kind = InstructionKind::Affine, .type = Type::i64, .place = {std::move(position)}});
}

std::vector<int> conjuncts(const Kernel& kernel, int condition) {
  if (condition < 0) return {};
  const Instruction& it = kernel.code[static_cast<size_t>(condition)];
  if (it.kind != InstructionKind::Compute || it.function != ScalarKind::And) return {condition};
  std::vector<int> all;
  for (const int operand : it.operands) {
    const std::vector<int> part = conjuncts(kernel, operand);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

int both(Kernel& kernel, int a, int b) {
  if (a < 0 || a == b) return b;
  if (b < 0) return a;
  return compute(kernel, Type::boolean, ScalarKind::And, {a, b});
}

int base_of(const Kernels& program, int buffer) {
  for (;;) {
    const Buffer& it = program.buffers[static_cast<size_t>(buffer)];
    if (it.alias < 0 || it.element_of >= 0) return buffer;
    buffer = it.alias;
  }
}

bool is_within(const Kernels& program, int inner, int outer) {
  while (inner >= 0 && inner != outer) inner = program.step_loops[static_cast<size_t>(inner)].parent;
  return inner == outer;
}

int storage_of(const Kernels& program, int buffer) {
  while (program.buffers[static_cast<size_t>(buffer)].alias >= 0)
    buffer = program.buffers[static_cast<size_t>(buffer)].alias;
  return buffer;
}

std::vector<uint64_t> dependences(const Kernel& kernel) {
  std::vector<uint64_t> loops;
  for (const Instruction& it : kernel.code) {
    uint64_t own = loops_in(it.place, loops);
    for (int operand : it.operands) own |= loops[static_cast<size_t>(operand)];
    if (it.kind == InstructionKind::Reduced) {
      const Reduction& reduction = kernel.reductions[static_cast<size_t>(it.reduction)];
      own |= loops[static_cast<size_t>(reduction.value)];
      if (reduction.condition >= 0) own |= loops[static_cast<size_t>(reduction.condition)];
      own &= outer_loops(kernel);
    }
    loops.push_back(own);
  }
  return loops;
}

std::vector<int> phases(const Kernel& kernel) {
  std::vector<int> phase;
  const auto of = [&](int instruction) {
    return instruction < 0 ? 0 : phase[static_cast<size_t>(instruction)];
  };
  for (const Instruction& it : kernel.code) {
    int own = 0;
    for (int operand : it.operands) own = std::max(own, of(operand));
    each_value(it.place, [&](int value) { own = std::max(own, of(value)); });
    if (it.kind == InstructionKind::Reduced) {
      const Reduction& reduction = kernel.reductions[static_cast<size_t>(it.reduction)];
      own = 1 + std::max(of(reduction.value), of(reduction.condition));
    }
    phase.push_back(own);
  }
  return phase;
}

std::vector<bool> needed(const Kernel& kernel) {
  std::vector<bool> marks(kernel.code.size(), false);
  for (const Store& store : kernel.stores) {
    mark(kernel, marks, store.value);
    mark(kernel, marks, store.condition);
    each_value(store.place, [&](int value) { mark(kernel, marks, value); });
  }
  return marks;
}

void remove_unneeded(Kernel& kernel) {
  const std::vector<bool> keep = needed(kernel);
  if (std::ranges::find(keep, false) == keep.end() && kernel.reductions.empty()) return;
  std::vector<bool> used(kernel.reductions.size(), false);
  for (size_t i = 0; i < keep.size(); ++i)
    if (keep[i] && kernel.code[i].kind == InstructionKind::Reduced)
      used[static_cast<size_t>(kernel.code[i].reduction)] = true;

  std::vector<int> new_reduction(used.size(), -1);
  std::vector<Reduction> reductions;
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    new_reduction[i] = static_cast<int>(reductions.size());
    reductions.push_back(kernel.reductions[i]);
  }
  std::vector<int> to(keep.size(), -1);
  std::vector<Instruction> code;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    Instruction it = std::move(kernel.code[i]);
    for (int& operand : it.operands) renumber(operand, to);
    renumber(it.place, to);
    if (it.reduction >= 0) it.reduction = new_reduction[static_cast<size_t>(it.reduction)];
    to[i] = static_cast<int>(code.size());
    code.push_back(std::move(it));
  }
  for (Reduction& reduction : reductions) {
    renumber(reduction.value, to);
    renumber(reduction.condition, to);
  }
  for (Store& store : kernel.stores) {
    renumber(store.value, to);
    renumber(store.condition, to);
    renumber(store.place, to);
  }
  kernel.code = std::move(code);
  kernel.reductions = std::move(reductions);
}

int plain_loop(const Position& position) {
  const bool plain = position.offset == 0 && position.value < 0 && position.terms.size() == 1 &&
                     position.terms[0].coefficient == 1;
  return plain ? position.terms[0].label : -1;
}

void add_term(Position& position, int loop, int64_t coefficient) {
  auto at = std::ranges::lower_bound(position.terms, loop, {}, &Term::label);
  if (at == position.terms.end() || at->label != loop) at = position.terms.insert(at, {loop, 0});
  at->coefficient += coefficient;
  if (at->coefficient == 0) position.terms.erase(at);
}

std::optional<Extent> counted(const Position& position, const std::vector<Loop>& loops) {
  if (position.offset != 0 || position.value >= 0 || position.terms.empty()) return std::nullopt;
  std::vector<Term> digits = position.terms;
  std::ranges::sort(digits, {}, &Term::coefficient);
  Extent count;
  for (const Term& digit : digits) {
    if (!count.is(digit.coefficient)) return std::nullopt;
    count = count * loops[static_cast<size_t>(digit.label)].extent;
  }
  return count;
}

bool is_scatter(const Kernel& kernel) {
  return std::ranges::any_of(kernel.stores, [&](const Store& store) {
    return store.combine != Combine::Assign || store.condition >= 0 ||
           std::ranges::any_of(store.place,
                               [&](const Position& position) { return !counted(position, kernel.loops); });
  });
}

int read_of_factor(const Kernel& kernel, int factor) {
  const Instruction& it = kernel.code[static_cast<size_t>(factor)];
  const bool changed = it.kind == InstructionKind::Round || it.kind == InstructionKind::Split;
  return changed ? it.operands[0] : factor;
}

bool is_contraction(const Kernel& kernel) {
  if (kernel.reductions.size() != 1) return false;
  const Reduction& sum = kernel.reductions[0];
  if (sum.combine != Combine::Sum || sum.condition >= 0 || !is_floating(sum.type)) return false;
  const Instruction& product = kernel.code[static_cast<size_t>(sum.value)];
  if (product.kind != InstructionKind::Compute || product.function != ScalarKind::Multiply) return false;
  if (product.type != sum.type || is_scatter(kernel)) return false;
  const auto inside = [&](const Store& store) {
    return std::ranges::any_of(store.place, [&](const Position& p) { return plain_loop(p) >= kernel.outer; });
  };
  if (std::ranges::any_of(kernel.stores, inside)) return false;
  const auto factor = [&](size_t i) -> const Instruction& {
    return kernel.code[static_cast<size_t>(product.operands[i])];
  };
  if (factor(0).kind != factor(1).kind || factor(0).constant != factor(1).constant) return false;
  const bool direct = std::ranges::all_of(product.operands, [&](int operand) {
    const Instruction& read = kernel.code[static_cast<size_t>(read_of_factor(kernel, operand))];
    return read.kind == InstructionKind::Read && read.operands.empty() &&
           std::ranges::none_of(read.place, [](const Position& p) { return p.value >= 0; });
  });
  if (!direct) return false;
  const std::vector<uint64_t> loops = dependences(kernel);
  const auto of_factor = [&](size_t i) { return loops[static_cast<size_t>(product.operands[i])]; };
  return ((of_factor(0) ^ of_factor(1)) & outer_loops(kernel)) != 0;
}

}  // namespace crease
