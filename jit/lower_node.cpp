#include "jit/lower_node.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "graph/error.h"
#include "graph/integers.h"
#include "graph/precision.h"
#include "jit/lower_body.h"
#include "jit/lower_loops.h"

namespace crease {
namespace {

/// What an element holds that no point writes.
double identity_of(Combine combine, Type type) {
  const double infinity = std::numeric_limits<double>::infinity();
  switch (combine) {
    case Combine::Assign:
    case Combine::Sum:
    case Combine::ArgMax:
    case Combine::ArgMin: return 0;
    case Combine::Product: return 1;
    case Combine::Max: return is_floating(type) ? -infinity : static_cast<double>(lowest_of(type));
    case Combine::Min: return is_floating(type) ? infinity : static_cast<double>(highest_of(type));
  }
  return 0;
}

/// Loops over the elements of a shape, and the place of each.
Place loops_over(Kernel& kernel, const Shape& shape) {
  Place place;
  for (size_t d = 0; d < shape.size(); ++d) {
    kernel.loops.push_back({fmt::format("o{}", d), extent_of(shape[d])});
    place.push_back({.terms = {{static_cast<int>(d), 1}}});
  }
  kernel.outer = static_cast<int>(kernel.loops.size());
  return place;
}

class NodeLowering {
 public:
  explicit NodeLowering(const NodeSource& source)
      : source_(source), node_(source.node), nest_(make_nest(source)), result_(buffer(source.result)) {
    kernel_.name = source.name;
    kernel_.loops = nest_.loops;
    kernel_.outer = nest_.outer;
  }

  std::vector<Kernel> run() {
    condition_ = affine_conditions();
    for (const Equality& equality : nest_.equalities) add_equality(equality);
    lookup_conditions(node_.loops.write, result_.shape, nest_.scatter);
    for (size_t i = 0; i < node_.operands.size(); ++i)
      lookup_conditions(node_.loops.reads[i], buffer(source_.operands[i]).shape, true);
    std::vector<Kernel> kernels;
    const bool covers = nest_.scatter && writes_each_once();
    if (nest_.scatter && !covers) kernels.push_back(fill());
    store(body());
    remove_unneeded(kernel_);
    kernels.push_back(std::move(kernel_));
    return kernels;
  }

 private:
  const Buffer& buffer(int number) const { return source_.buffers[static_cast<size_t>(number)]; }

  std::vector<Type> operand_types() const {
    std::vector<Type> types;
    for (int operand : source_.operands) types.push_back(buffer(operand).type);
    return types;
  }

  Type arithmetic() const { return body_type(*node_.op, operand_types(), node_.type); }

  /// Type in which values are put together.
  Type accumulator() const {
    const Combine combine = node_.op->combine;
    if (gives_position(combine)) return arithmetic();
    // Of integers the extremum of what is stored, since over nothing it is a limit of their type.
    const bool is_extremum = combine == Combine::Max || combine == Combine::Min;
    return is_floating(node_.type) || is_extremum ? node_.type : arithmetic();
  }

  /// Whether the points write each element of the result once: windows side by side.
  bool writes_each_once() const {
    if (node_.op->combine != Combine::Assign || condition_ >= 0) return false;
    std::vector<int> uses(nest_.loops.size(), 0);
    for (size_t d = 0; d < node_.loops.write.size(); ++d) {
      if (node_.loops.write[d].lookup >= 0) return false;
      const Position position = compose(node_.loops.write[d], nest_.label_at);
      if (counted(position, nest_.loops) != extent_of(result_.shape[d])) return false;
      for (const Term& term : position.terms) ++uses[static_cast<size_t>(term.label)];
    }
    return std::ranges::all_of(uses, [](int count) { return count == 1; });
  }

  int affine_conditions() {
    int condition = -1;
    for (const Range& range : nest_.ranges)
      condition = both(kernel_, condition,
                       append(kernel_, {.kind = InstructionKind::Inside,
                                        .type = Type::boolean,
                                        .place = {range.position},
                                        .extent = range.extent}));
    return condition;
  }

  void add_equality(const Equality& equality) {
    const int value = lookup(equality.operand);
    const int loop = affine(kernel_, {.terms = {{equality.loop, 1}}});
    condition_ = both(kernel_, condition_, compute(kernel_, Type::boolean, ScalarKind::Equal, {value, loop}));
  }

  /// Conditions that looked-up indices lie inside their dimensions.
  void lookup_conditions(const Access& access, const Shape& shape, bool wanted) {
    for (size_t d = 0; d < access.size() && wanted; ++d) {
      if (access[d].lookup < 0) continue;
      const int inside =
          append(kernel_, {.kind = InstructionKind::Inside,
                           .type = Type::boolean,
                           .place = {{.terms = {}, .offset = 0, .value = lookup(access[d].lookup)}},
                           .extent = extent_of(shape[d])});
      condition_ = both(kernel_, condition_, inside);
    }
  }

  /// The integer value of operand `number` at this point.
  int lookup(int number) { return convert(kernel_, Type::i64, read(number)); }

  Place place_of(const Access& access) {
    Place place;
    for (const AffineIndex& index : access) {
      Position position = compose(index, nest_.label_at);
      if (index.lookup >= 0) position.value = lookup(index.lookup);
      place.push_back(std::move(position));
    }
    return place;
  }

  /// Whether a place lies in its buffer at every point, also where the condition fails.
  bool stays_inside(const Place& place, const Shape& shape) const {
    for (size_t d = 0; d < place.size(); ++d)
      if (!stays_inside(place[d], extent_of(shape[d]))) return false;
    return true;
  }

  bool stays_inside(const Position& position, const Extent& size) const {
    if (position.value >= 0) return false;
    const int plain = plain_loop(position);
    if (plain >= 0 && kernel_.loops[static_cast<size_t>(plain)].extent == size) return true;
    int64_t least = position.offset, greatest = position.offset;
    for (const Term& term : position.terms) {
      const Extent& turns = kernel_.loops[static_cast<size_t>(term.label)].extent;
      if (!turns.is_constant() || turns.factor == 0) return false;
      (term.coefficient < 0 ? least : greatest) += term.coefficient * (turns.factor - 1);
    }
    return least >= 0 && size.is_constant() && greatest < size.factor;
  }

  /// Whether constants of instructions can hold its element.
  static bool is_double(const Tensor& literal) {
    return is_floating(literal.type()) || std::abs(literal.at(0)) <= 0x1p53;
  }

  int read(int number) {
    const Tensor* literal = source_.literal[static_cast<size_t>(number)];
    const int from = source_.operands[static_cast<size_t>(number)];
    if (literal != nullptr && condition_ < 0 && is_double(*literal))
      return rounded(constant(kernel_, literal->type(), literal->at(0)));
    Instruction instruction{.kind = InstructionKind::Read, .type = buffer(from).type, .buffer = from};
    instruction.place = place_of(node_.loops.reads[static_cast<size_t>(number)]);
    if (condition_ >= 0 && !stays_inside(instruction.place, buffer(from).shape))
      instruction.operands = {condition_};
    return rounded(append(kernel_, std::move(instruction)));
  }

  /// The operand in the precision of the operation.
  int rounded(int operand) {
    const bool f32 = kernel_.code[static_cast<size_t>(operand)].type == Type::f32;
    const Precision precision = precision_of(*node_.op).value_or(Precision::F32);
    if (!f32 || precision == Precision::F32) return operand;
    if (precision == Precision::Bf16)
      return append(kernel_, {.kind = InstructionKind::Round, .type = Type::f32, .operands = {operand}});
    if (!is_matrix_product(node_, operand_types())) return operand;
    return append(kernel_, {.kind = InstructionKind::Split,
                            .type = Type::f32,
                            .operands = {operand},
                            .constant = static_cast<double>(split_parts(precision))});
  }

  /// The body at one point, in the accumulator's type, or the result's if nothing is combined.
  int body() {
    const bool combined = kernel_.outer < static_cast<int>(kernel_.loops.size()) || nest_.scatter;
    BodyLowering lowering(
        kernel_, arithmetic(), source_.specialise, [this](int number) { return read(number); },
        [this](int label) { return nest_.label_at[static_cast<size_t>(label)]; });
    return lowering.lower(node_.op->body.expression, combined ? accumulator() : node_.type);
  }

  void store(int value) {
    if (nest_.scatter) {
      kernel_.stores.push_back({.buffer = source_.result,
                                .place = place_of(node_.loops.write),
                                .value = convert(kernel_, node_.type, value),
                                .combine = node_.op->combine,
                                .condition = condition_});
      return;
    }
    value = reduced(value);
    Place place;
    for (size_t d = 0; d < result_.shape.size(); ++d) place.push_back({.terms = {{static_cast<int>(d), 1}}});
    kernel_.stores.push_back({.buffer = source_.result, .place = std::move(place), .value = value});
  }

  int reduced(int value) {
    const Combine combine = node_.op->combine;
    const bool position = gives_position(combine);
    if (kernel_.outer == static_cast<int>(kernel_.loops.size())) {
      if (position) return constant(kernel_, node_.type, 0);  // of the only point
      if (condition_ < 0) return value;
      const int otherwise = constant(kernel_, node_.type, identity_of(combine, node_.type));
      return compute(kernel_, node_.type, ScalarKind::Select, {condition_, value, otherwise});
    }
    kernel_.reductions.push_back(
        {.combine = combine, .type = accumulator(), .value = value, .condition = condition_});
    const int result = append(
        kernel_,
        {.kind = InstructionKind::Reduced, .type = position ? Type::i64 : accumulator(), .reduction = 0});
    return convert(kernel_, node_.type, result);
  }

  Kernel fill() const {
    Kernel kernel;
    kernel.name = "fill";
    Place place = loops_over(kernel, result_.shape);
    const int value = constant(kernel, node_.type, identity_of(node_.op->combine, node_.type));
    kernel.stores.push_back({.buffer = source_.result, .place = std::move(place), .value = value});
    return kernel;
  }

  const NodeSource& source_;
  const Node& node_;
  Nest nest_;
  const Buffer& result_;
  Kernel kernel_;
  int condition_ = -1;
};

/// Row-major number of an element of `shape`, over loops 0, 1, ...
int linear_index(Kernel& kernel, const Shape& shape) {
  int index = constant(kernel, Type::i64, 0);
  for (size_t d = 0; d < shape.size(); ++d) {
    const int loop = affine(kernel, {.terms = {{static_cast<int>(d), 1}}});
    if (d == 0) {
      index = loop;
      continue;
    }
    const int size =
        shape[d].is_symbol()
            ? append(kernel, {.kind = InstructionKind::Size, .type = Type::i64, .symbol = shape[d].symbol()})
            : constant(kernel, Type::i64, static_cast<double>(shape[d].size()));
    index = compute(kernel, Type::i64, ScalarKind::Multiply, {index, size});
    index = compute(kernel, Type::i64, ScalarKind::Add, {index, loop});
  }
  return index;
}

Kernel random_kernel(const NodeSource& source) {
  const Buffer& result = source.buffers[static_cast<size_t>(source.result)];
  const Buffer& from = source.buffers[static_cast<size_t>(source.operands[0])];
  Kernel kernel;
  kernel.name = "random";
  const Place place = loops_over(kernel, result.shape);
  const int counter = append(kernel, {.kind = InstructionKind::Read,
                                      .type = from.type,
                                      .buffer = source.operands[0],
                                      .place = Place(from.shape.size())});
  const int index = linear_index(kernel, result.shape);
  const int uniform = append(kernel, {.kind = InstructionKind::Uniform,
                                      .type = Type::f32,
                                      .operands = {convert(kernel, Type::i64, counter), index},
                                      .seed = source.node.seed});
  kernel.stores.push_back(
      {.buffer = source.result, .place = place, .value = convert(kernel, result.type, uniform)});
  return kernel;
}

}  // namespace

std::vector<Kernel> lower_node(const NodeSource& source) {
  if (source.node.role == Role::Random) return {random_kernel(source)};
  return NodeLowering(source).run();
}

Kernel copy_kernel(const std::vector<Buffer>& buffers, int from, int to, std::string name) {
  const Buffer& source = buffers[static_cast<size_t>(from)];
  Kernel kernel;
  kernel.name = std::move(name);
  const Place place = loops_over(kernel, source.shape);
  const int value =
      append(kernel, {.kind = InstructionKind::Read, .type = source.type, .buffer = from, .place = place});
  kernel.stores.push_back({.buffer = to, .place = place, .value = value});
  return kernel;
}

}  // namespace crease
