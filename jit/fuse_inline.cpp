#include <algorithm>

#include "graph/error.h"
#include "jit/fuse_kernels.h"
#include "jit/schedule.h"

namespace crease {
namespace {

/// Copies a consumer, with the producer's code in place of reads.
class Inliner {
 public:
  Inliner(const Kernel& producer, const Kernel& consumer, int buffer)
      : producer_(producer), consumer_(consumer), buffer_(buffer) {}

  Kernel run() {
    result_ = consumer_;
    result_.code.clear();
    for (const Instruction& it : consumer_.code) {
      Instruction copy = it;
      for (int& operand : copy.operands) operand = to_[static_cast<size_t>(operand)];
      renumber(copy.place);
      const bool replace = it.kind == InstructionKind::Read && it.buffer == buffer_;
      to_.push_back(replace ? inlined(copy) : append(result_, std::move(copy)));
    }
    for (Reduction& reduction : result_.reductions) {
      reduction.value = to_[static_cast<size_t>(reduction.value)];
      if (reduction.condition >= 0) reduction.condition = to_[static_cast<size_t>(reduction.condition)];
    }
    for (Store& store : result_.stores) {
      store.value = to_[static_cast<size_t>(store.value)];
      if (store.condition >= 0) store.condition = to_[static_cast<size_t>(store.condition)];
      renumber(store.place);
    }
    result_.nodes.insert(result_.nodes.begin(), producer_.nodes.begin(), producer_.nodes.end());
    return std::move(result_);
  }

 private:
  void renumber(Place& place) {
    for (Position& position : place)
      if (position.value >= 0) position.value = to_[static_cast<size_t>(position.value)];
  }

  /// The producer's value at the place of `read`, which is in the result's numbers already.
  int inlined(const Instruction& read) {
    const Store& store = producer_.stores[0];
    at_.assign(producer_.loops.size(), {});
    for (size_t d = 0; d < store.place.size(); ++d)
      at_[static_cast<size_t>(plain_loop(store.place[d]))] = read.place[d];
    const int condition = read.operands.empty() ? -1 : read.operands[0];
    std::vector<int> moved;
    for (const Instruction& it : producer_.code) moved.push_back(copied(it, moved, condition));
    const int value = moved[static_cast<size_t>(store.value)];
    if (condition < 0 || is_conditional(value, condition)) return value;
    return compute(result_, read.type, ScalarKind::Select,
                   {condition, value, constant(result_, read.type, 0)});
  }

  bool is_conditional(int value, int condition) const {
    const Instruction& it = result_.code[static_cast<size_t>(value)];
    return it.kind == InstructionKind::Read && it.operands == std::vector<int>{condition};
  }

  int copied(const Instruction& it, const std::vector<int>& moved, int condition) {
    Instruction copy = it;
    for (int& operand : copy.operands) operand = moved[static_cast<size_t>(operand)];
    for (Position& position : copy.place) position = composed(position, moved);
    if (it.kind == InstructionKind::Read) {
      const int own = copy.operands.empty() ? -1 : copy.operands[0];
      const int all = both(result_, condition, own);
      copy.operands.clear();
      if (all >= 0) copy.operands.push_back(all);
    }
    if (it.kind == InstructionKind::Affine) return affine(result_, copy.place[0]);
    return append(result_, std::move(copy));
  }

  /// A position over the producer's loops as one over the consumer's.
  Position composed(const Position& position, const std::vector<int>& moved) {
    Position result{.terms = {}, .offset = position.offset};
    int value = position.value < 0 ? -1 : moved[static_cast<size_t>(position.value)];
    for (const Term& term : position.terms) {
      const Position& at = at_[static_cast<size_t>(term.label)];
      result.offset += term.coefficient * at.offset;
      for (const Term& inner : at.terms) add_term(result, inner.label, term.coefficient * inner.coefficient);
      if (at.value >= 0) value = sum(value, scaled(at.value, term.coefficient));
    }
    result.value = value;
    return result;
  }

  int scaled(int value, int64_t factor) {
    if (factor == 1) return value;
    const int number = constant(result_, Type::i64, static_cast<double>(factor));
    return compute(result_, Type::i64, ScalarKind::Multiply, {value, number});
  }
  int sum(int a, int b) { return a < 0 ? b : compute(result_, Type::i64, ScalarKind::Add, {a, b}); }

  const Kernel& producer_;
  const Kernel& consumer_;
  int buffer_;
  Kernel result_;
  std::vector<int> to_;       // consumer's instructions -> the result's
  std::vector<Position> at_;  // producer's loops, over the consumer's, for one read
};

double cost_of(const Instruction& it) {
  switch (it.kind) {
    case InstructionKind::Constant:
    case InstructionKind::Size:
    case InstructionKind::Split:
    case InstructionKind::Reduced: return 0;
    case InstructionKind::Affine:
    case InstructionKind::Inside:
    case InstructionKind::Read:
    case InstructionKind::Convert: return 1;
    case InstructionKind::Round: return 6;
    case InstructionKind::Uniform: return 60;
    case InstructionKind::Compute: break;
  }
  if (is_elementary(it)) return 20;
  return it.function == ScalarKind::Divide || it.function == ScalarKind::Sqrt ? 6 : 1;
}

/// Of all instructions, each times its share of the points.
template <class Share>
double cost_of(const Kernel& kernel, const Share& share) {
  double cost = 0;
  std::vector<bool> known;  // while code is made
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    const Instruction& it = kernel.code[i];
    const bool computes = it.kind == InstructionKind::Compute || it.kind == InstructionKind::Convert;
    const bool constant =
        it.kind == InstructionKind::Constant ||
        (computes && std::ranges::all_of(it.operands, [&](int o) { return known[static_cast<size_t>(o)]; }));
    known.push_back(constant);
    if (!constant) cost += cost_of(it) * share(i);
  }
  return cost;
}

}  // namespace

Kernel inline_producer(const Kernel& producer, const Kernel& consumer, int buffer) {
  return Inliner(producer, consumer, buffer).run();
}

bool is_simple_map(const Kernel& kernel) {
  if (!kernel.reductions.empty() || kernel.stores.size() != 1 || is_scatter(kernel)) return false;
  return std::ranges::all_of(kernel.stores[0].place, [](const Position& p) { return plain_loop(p) >= 0; });
}

bool is_movement(const Kernel& kernel) {
  if (!is_simple_map(kernel)) return false;
  const Instruction& value = kernel.code[static_cast<size_t>(kernel.stores[0].value)];
  const bool direct = std::ranges::none_of(value.place, [](const Position& p) { return p.value >= 0; });
  return value.kind == InstructionKind::Constant ||
         (value.kind == InstructionKind::Read && value.operands.empty() && direct);
}

double cost_per_point(const Kernel& kernel) {
  return cost_of(kernel, [](size_t) { return 1; });
}

double points(const Kernel& kernel, uint64_t loops) {
  double count = 1;
  for (size_t l = 0; l < kernel.loops.size(); ++l)
    if ((loops >> l & 1) != 0) count *= estimate(kernel.loops[l].extent);
  return count;
}

double hoisted_cost(const Kernel& kernel) {
  const std::vector<uint64_t> loops = dependences(kernel);
  const double all = std::max(1.0, points(kernel, ~uint64_t{0}));
  return cost_of(kernel, [&](size_t i) { return points(kernel, loops[i]) / all; });
}

}  // namespace crease
