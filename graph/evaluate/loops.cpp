#include "graph/evaluate/loops.h"

#include <cmath>
#include <limits>

#include "graph/error.h"
#include "graph/integers.h"
#include "graph/precision.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

bool is_extremum(Combine combine) { return combine == Combine::Max || combine == Combine::Min; }

/// What combining starts from, for a result of `type`.
template <class Total>
Total initial(Combine combine, Type type) {
  if (combine == Combine::Product) return 1;
  if (!is_extremum(combine) && !gives_position(combine)) return 0;
  const bool greatest = combine == Combine::Max || combine == Combine::ArgMax;
  if (is_floating(type) || (std::is_floating_point_v<Total> && gives_position(combine)))
    return static_cast<Total>(greatest ? -infinity : infinity);
  return static_cast<Total>(greatest ? lowest_of(type) : highest_of(type));
}

/// Whether `value` takes the place of `best`: it is greater (smaller), or the first NaN.
template <class Total>
bool wins(Combine combine, Total value, Total best) {
  if (best != best) return false;
  if (value != value) return true;
  const bool greatest = combine == Combine::Max || combine == Combine::ArgMax;
  return greatest ? value > best : value < best;
}

double added(double a, double b) { return a + b; }
double multiplied(double a, double b) { return a * b; }
int64_t added(int64_t a, int64_t b) { return wrapped_sum(a, b); }
int64_t multiplied(int64_t a, int64_t b) { return wrapped_product(a, b); }

/// One access bound to the sizes of its tensor.
class BoundAccess {
 public:
  BoundAccess(const Access& access, std::vector<int64_t> sizes) : access_(access), sizes_(std::move(sizes)) {}

  /// Row-major position at a point, or -1 if it is outside. `lookup` gives the value of an operand.
  template <class Lookup>
  int64_t position(const std::vector<int64_t>& point, Lookup lookup) const {
    int64_t position = 0;
    for (size_t d = 0; d < access_.size(); ++d) {
      const AffineIndex& index = access_[d];
      int64_t at = index.offset;
      for (const Term& term : index.terms) at += term.coefficient * point[static_cast<size_t>(term.label)];
      if (index.lookup >= 0) at = lookup(index.lookup);
      if (at < 0 || at >= sizes_[d]) return -1;
      position = position * sizes_[d] + at;
    }
    return position;
  }

 private:
  const Access& access_;
  std::vector<int64_t> sizes_;
};

/// T: of the body. Total: of what is combined.
template <class T, class Total>
class LoopNest {
 public:
  LoopNest(const Node& node, std::span<const Tensor* const> operands, const Sizes& sizes)
      : node_(node),
        operands_(operands),
        result_(node.type, sizes_of(node.shape, sizes)),
        write_(node.loops.write, result_.sizes()),
        tape_(node.op->body.expression,
              [&](const std::string& symbol) {
                return static_cast<double>(sizes_of({Dim(symbol)}, sizes)[0]);
              }),
        arguments_(operands.size()),
        totals_(static_cast<size_t>(result_.count()), initial<Total>(node.op->combine, node.type)),
        rounds_(precision_of(*node.op) == Precision::Bf16) {
    for (size_t k = 0; k < operands.size(); ++k)
      reads_.emplace_back(node.loops.reads[k], operands[k]->sizes());
    for (const Label& label : node.loops.labels) extents_.push_back(sizes_of({label.extent}, sizes)[0]);
    reduced_ = reduced_labels(node.loops);
    if (indexed()) positions_.assign(totals_.size(), 0);
  }

  Tensor run() {
    if (element_count(extents_) > 0) {
      point_.assign(extents_.size(), 0);
      do step();
      while (advance());
    }
    for (int64_t i = 0; i < result_.count(); ++i) set(i);
    return std::move(result_);
  }

 private:
  bool indexed() const { return gives_position(node_.op->combine); }

  void set(int64_t i) {
    const Total total = totals_[static_cast<size_t>(i)];
    if (indexed())
      set_integer(result_, i, positions_[static_cast<size_t>(i)]);
    else if constexpr (std::is_integral_v<Total>)
      set_integer(result_, i, total);
    else
      result_.set(i, total);
  }

  bool advance() {
    for (size_t label = extents_.size(); label-- > 0;) {
      if (++point_[label] < extents_[label]) return true;
      point_[label] = 0;
    }
    return false;
  }

  /// Reads the operands at the point, runs the body and combines; a point with any access outside is skipped.
  void step() {
    const auto lookup = [&](int operand) {
      const auto k = static_cast<size_t>(operand);
      const int64_t at = reads_[k].position(point_, [](int) -> int64_t { return -1; });
      return at < 0 ? -1 : integer_at(*operands_[k], at);
    };
    for (size_t k = 0; k < reads_.size(); ++k) {
      const int64_t at = reads_[k].position(point_, lookup);
      if (at < 0) return;
      arguments_[k] = argument(k, at);
    }
    const int64_t at = write_.position(point_, lookup);
    if (at >= 0)
      combine(static_cast<size_t>(at), static_cast<Total>(tape_.run(arguments_.data(), point_.data())));
  }

  T argument(size_t k, int64_t at) const {
    if constexpr (std::is_integral_v<T>) return integer_at(*operands_[k], at);
    const double value = operands_[k]->at(at);
    const bool rounded = rounds_ && operands_[k]->type() == Type::f32;
    return static_cast<T>(rounded ? round_bf16(static_cast<float>(value)) : value);
  }

  /// The extremum of integers is that of what is stored, as that over nothing is a limit of their type.
  Total as_stored(Total value) const {
    if (is_floating(node_.type) || !is_extremum(node_.op->combine)) return value;
    if constexpr (std::is_integral_v<Total>) return wrapped(node_.type, value);
    if (node_.type == Type::boolean) return value != 0 ? 1 : 0;
    return static_cast<Total>(wrapped(node_.type, to_integer(static_cast<double>(value))));
  }

  void combine(size_t at, Total value) {
    Total& total = totals_[at];
    switch (node_.op->combine) {
      case Combine::Assign: total = value; return;
      case Combine::Sum: total = added(total, value); return;
      case Combine::Product: total = multiplied(total, value); return;
      case Combine::Max:
      case Combine::Min: value = as_stored(value); break;
      case Combine::ArgMax:
      case Combine::ArgMin: break;
    }
    if (!wins(node_.op->combine, value, total)) return;
    total = value;
    if (!indexed()) return;
    int64_t position = 0;
    for (const int label : reduced_)
      position = position * extents_[static_cast<size_t>(label)] + point_[static_cast<size_t>(label)];
    positions_[at] = position;
  }

  const Node& node_;
  std::span<const Tensor* const> operands_;
  Tensor result_;
  BoundAccess write_;
  Tape<T> tape_;
  std::vector<T> arguments_;
  std::vector<Total> totals_;
  bool rounds_;  // f32 operands to bfloat16
  std::vector<BoundAccess> reads_;
  std::vector<int64_t> extents_, point_, positions_;
  std::vector<int> reduced_;
};

}  // namespace

Tensor run_loops(const Graph& graph, const Node& node, std::span<const Tensor* const> operands,
                 const Sizes& sizes) {
  const Type type = body_type(*node.op, operand_types(graph, node), node.type);
  if (type == Type::f32) return LoopNest<float, double>(node, operands, sizes).run();
  if (type == Type::f64) return LoopNest<double, double>(node, operands, sizes).run();
  // What is not combined is rounded once, from the integer.
  const bool combines = node.op->combine != Combine::Assign;
  if (is_floating(node.type) && combines) return LoopNest<int64_t, double>(node, operands, sizes).run();
  return LoopNest<int64_t, int64_t>(node, operands, sizes).run();
}

}  // namespace crease
