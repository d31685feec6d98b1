#include "graph/analysis/bounds/lines_walk.h"

#include <algorithm>

#include "graph/analysis/bounds/ends.h"
#include "graph/analysis/points.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease {

namespace {

using Kind = ScalarKind;

constexpr int64_t kMostCoefficients = int64_t{1} << 24;  // of one node and row
constexpr size_t kMostKnots = 16;

size_t leading_symbols(const Shape& shape) {
  const auto end = std::ranges::find_if(shape, [](const Dim& dim) { return !dim.is_symbol(); });
  return static_cast<size_t>(end - shape.begin());
}

bool is_plain_row(const AffineIndex& a, const AffineIndex& b) { return a.plain_label() >= 0 && a == b; }

// ---- Lines of a piecewise linear function over [l, u] ----

/// Upper bound of the greatest f(x) - slope x over the interval, or of -(f(x) - slope x) for sign -1.
Scalar greatest_distance(const Scalar& body, const PiecewiseLinear& table, const Ends& x, const Scalar& slope,
                         int sign, Type type) {
  const auto value = [&](const Ends& at) {
    const Ends ends = ends_of(body, std::vector<Ends>{at}, type);
    return sign > 0 ? ends.high : ends.negated_low;
  };
  const Scalar signed_slope = sign > 0 ? slope : -slope;
  // -slope * u and -slope * l = slope * (-l), both rounded up.
  const Scalar at_high = value(Ends::point(x.high)) + -signed_slope * x.high;
  const Scalar at_low = value(Ends::point(-x.negated_low)) + signed_slope * x.negated_low;
  Scalar greatest = max(at_high, at_low);
  for (const Knot& knot : table.knots) {
    const Ends place = number_ends(knot.at, type), height = number_ends(knot.value, type);
    const Scalar inside = -x.negated_low < place.high && -place.negated_low < x.high;
    const Scalar distance = (sign > 0 ? height.high : height.negated_low) +
                            max(-signed_slope * place.high, signed_slope * place.negated_low);
    greatest = max(greatest, select(inside, distance, -std::numeric_limits<double>::infinity()));
  }
  return greatest;
}

/// The slope of the piece over the middle of the interval.
Scalar middle_slope(const PiecewiseLinear& table, const Ends& x) {
  const Scalar twice = x.high - x.negated_low;
  Scalar slope(table.slopes.back().to_double());
  for (size_t k = table.knots.size(); k-- > 0;)
    slope = select(twice <= 2 * table.knots[k].at.to_double(), Scalar(table.slopes[k].to_double()), slope);
  return slope;
}

/// Slopes of a line below and of one above. They may be any numbers: the offsets make them sound.
std::pair<Scalar, Scalar> slopes_of(const Scalar& body, const PiecewiseLinear& table, const Ends& x,
                                    Type type) {
  const Ends high = ends_of(body, std::vector<Ends>{Ends::point(x.high)}, type);
  const Ends low = ends_of(body, std::vector<Ends>{Ends::point(-x.negated_low)}, type);
  const Scalar width = x.high + x.negated_low, middle = middle_slope(table, x);
  const Scalar chord = select(Scalar(0) < width, (high.high + low.negated_low) / width, middle);
  return is_concave(table) ? std::pair{chord, middle} : std::pair{middle, chord};
}

// ---- Affine bodies ----

/// Degree in the arguments that vary: 0, 1, or 2 for anything else.
int degree(const Scalar& body, const std::vector<bool>& varies) {
  return fold_steps<int>(body, [&](const Scalar& e, std::span<const int> terms) {
    if (e.kind() == Kind::Argument) return varies[static_cast<size_t>(e.position())] ? 1 : 0;
    if (std::ranges::all_of(terms, [](int d) { return d == 0; })) return 0;
    switch (e.kind()) {
      case Kind::Negate:
      case Kind::Add:
      case Kind::Subtract: return *std::ranges::max_element(terms);
      case Kind::Multiply: return std::min(terms[0] + terms[1], 2);
      case Kind::Divide: return terms[1] == 0 ? terms[0] : 2;
      default: return 2;
    }
  });
}

/// The part of an affine body that is linear in argument `k`, with `with` in its place; nothing if it is 0.
std::optional<Scalar> linear_part(const Scalar& body, int k, const Scalar& with) {
  using Part = std::optional<Scalar>;
  return fold_steps<Part>(body, [&](const Scalar& e, std::span<const Part> parts) -> Part {
    if (e.kind() == Kind::Argument && e.position() == k) return with;
    if (std::ranges::none_of(parts, [](const Part& part) { return part.has_value(); })) return {};
    const Part& first = parts[0];
    if (e.kind() == Kind::Negate) return -*first;
    if (e.kind() == Kind::Divide) return *first / e.terms()[1];
    const Part& second = parts[1];
    if (e.kind() == Kind::Multiply) return first ? *first * e.terms()[1] : e.terms()[0] * *second;
    if (!second) return first;
    const Scalar signed_second = e.kind() == Kind::Subtract ? -*second : *second;
    return first ? *first + signed_second : signed_second;
  });
}

}  // namespace

bool has_lines(const Node& node) {
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || node.operands.size() != 1)
    return false;
  if (!is_elementwise(node.loops)) return false;
  const auto table = piecewise_linear(node.op->body.expression);
  return table && is_continuous(*table) && !table->knots.empty() && table->knots.size() <= kMostKnots;
}

LinesWalk::LinesWalk(const Graph& from, const Graph& to, Type type,
                     const std::vector<std::optional<Bound>>& bounds)
    : from_(from), to_(to.handle()), type_(type), bounds_(bounds) {}

// ---- Shapes: a coefficient of a node has the key's dimensions behind the rows ----

Shape LinesWalk::keyed(Shape shape) const {
  shape.insert(shape.begin() + static_cast<int64_t>(rows_), key_.begin(), key_.end());
  return shape;
}

/// `labels`: how many there are before those of the key.
Access LinesWalk::keyed(Access access, size_t labels) const {
  Access key;
  for (size_t d = 0; d < key_.size(); ++d) key.push_back({.terms = {{static_cast<int>(labels + d), 1}}});
  access.insert(access.begin() + static_cast<int64_t>(rows_), key.begin(), key.end());
  return access;
}

Loops LinesWalk::key_loops(Loops loops) const {
  for (size_t d = 0; d < key_.size(); ++d) loops.labels.push_back({"key" + std::to_string(d), key_[d]});
  loops.reads.clear();
  return loops;
}

/// Loops over the elements of a shape and the key, that write at all of them.
Resolved LinesWalk::over(const Shape& shape) const {
  const Loops plain = plain_loops(shape, 0);
  Resolved resolved{.loops = key_loops(plain), .shape = keyed(shape)};
  resolved.loops.write = keyed(plain.write, shape.size());
  return resolved;
}

Value LinesWalk::make(const char* name, Combine combine, const Body& body, const Resolved& resolved,
                      const std::vector<Value>& operands) {
  return to_.apply_resolved(end_record(name, combine, body), resolved, operands, type_, {});
}

/// The sum of a body over the elements of a node; of its operands the first `coefficients` are keyed.
Value LinesWalk::constant_of(const Shape& shape, const Body& body, const std::vector<Value>& operands,
                             size_t coefficients) {
  Resolved resolved = over(shape);
  const Access plain = plain_loops(shape, 0).write, all = resolved.loops.write;
  for (size_t k = 0; k < operands.size(); ++k) resolved.loops.reads.push_back(k < coefficients ? all : plain);
  const auto kept = static_cast<int64_t>(rows_ + key_.size());
  resolved.loops.write.assign(all.begin(), all.begin() + kept);
  resolved.shape.assign(resolved.shape.begin(), resolved.shape.begin() + kept);
  return make("constant", Combine::Sum, body, resolved, operands);
}

// ---- The walk ----

std::optional<Bound> LinesWalk::run(NodeId wanted) {
  const Node& node = from_.node(wanted);
  const Bound before = of(wanted);
  rows_ = leading_symbols(node.shape);
  if (before.is_point() || !fits(wanted)) return {};
  key_ = {2};
  key_.insert(key_.end(), node.shape.begin() + static_cast<int64_t>(rows_), node.shape.end());
  found_.assign(static_cast<size_t>(wanted) + 1, {});
  constants_.clear();
  found_.back().push_back(identity(node));
  for (NodeId id = wanted; id >= 0; --id) {
    const std::vector<Coefficients>& parts = found_[static_cast<size_t>(id)];
    if (parts.empty()) continue;
    Coefficients sum = parts[0];
    const auto add = [&](const Value& a, const Value& b) {
      Resolved resolved{.loops = plain_loops(a.shape(), 2), .shape = a.shape()};
      return make("sum", Combine::Assign, Body(2, Scalar::argument(0) + Scalar::argument(1)), resolved,
                  {a, b});
    };
    for (size_t k = 1; k < parts.size(); ++k)
      sum = {add(sum.high, parts[k].high), add(sum.negated_low, parts[k].negated_low)};
    if (id != wanted) charge(from_.node(id), of(id), sum);
    visit(id, sum);
  }
  Resolved resolved{.loops = plain_loops(node.shape, 0), .shape = node.shape};
  std::vector<Value> operands = constants_;
  const auto end = [&](int64_t sign, const Value& old) {
    Access read = plain_loops(node.shape, 0).write;
    read.insert(read.begin() + static_cast<int64_t>(rows_), AffineIndex{.terms = {}, .offset = sign});
    resolved.loops.reads.assign(constants_.size(), read);
    resolved.loops.reads.push_back(resolved.loops.write);
    operands.resize(constants_.size());
    operands.push_back(old);
    Scalar total = Scalar::argument(0);
    for (int k = 1; k < static_cast<int>(constants_.size()); ++k) total = total + Scalar::argument(k);
    const Scalar best = min(known(total), Scalar::argument(static_cast<int>(constants_.size())));
    return make("lines", Combine::Assign, Body(static_cast<int>(operands.size()), best), resolved, operands);
  };
  return Bound{.negated_low = end(0, before.negated_low), .high = end(1, before.high)};
}

bool LinesWalk::fits(NodeId wanted) const {
  const Shape& shape = from_.node(wanted).shape;
  if (std::any_of(shape.begin() + static_cast<int64_t>(rows_), shape.end(),
                  [](const Dim& d) { return d.is_symbol(); }))
    return false;
  int64_t most = 0;
  for (const NodeId id : ancestors(from_, std::vector<NodeId>{wanted}))
    if (!of(id).is_point()) most = std::max(most, sample_count(from_.node(id).shape));
  return sample_count(shape) <= kMostCoefficients / 2 / std::max<int64_t>(most, 1);
}

/// Whether rows of the node and of its operands are the wanted node's, and nothing else is named.
bool LinesWalk::keeps_rows(const Node& node) const {
  const auto named = [](const auto& list, const auto& dim) {
    return static_cast<size_t>(
        std::ranges::count_if(list, [&](const auto& it) { return dim(it).is_symbol(); }));
  };
  const auto rows = [&](const Shape& shape, const Access& access) {
    if (leading_symbols(shape) != rows_ || named(shape, [](const Dim& d) { return d; }) != rows_)
      return false;
    for (size_t d = 0; d < rows_; ++d)
      if (!is_plain_row(access[d], node.loops.write[d])) return false;
    return true;
  };
  if (named(node.loops.labels, [](const Label& l) { return l.extent; }) != rows_) return false;
  if (!rows(node.shape, node.loops.write)) return false;
  for (size_t k = 0; k < node.operands.size(); ++k)
    if (!of(node.operands[k]).is_point() && !rows(from_.node(node.operands[k]).shape, node.loops.reads[k]))
      return false;
  return true;
}

/// -1 and 1 where the element is that of the key.
LinesWalk::Coefficients LinesWalk::identity(const Node& wanted) {
  const Resolved resolved = over(wanted.shape);
  const auto key = static_cast<int>(wanted.shape.size());
  Scalar value = select(Scalar::index(key) < 1, Scalar(-1), Scalar(1));
  for (size_t d = rows_; d < wanted.shape.size(); ++d) {
    const int own = static_cast<int>(d), other = key + 1 + static_cast<int>(d - rows_);
    value = select(equal(Scalar::index(own), Scalar::index(other)), value, Scalar(0));
  }
  return {make("key", Combine::Assign, Body(0, value), resolved, {}),
          make("key", Combine::Assign, Body(0, -value), resolved, {})};
}

void LinesWalk::visit(NodeId id, const Coefficients& coefficients) {
  const Node& node = from_.node(id);
  const Value& coefficient = coefficients.high;
  // A node can be an interval where its operands are points: by rounding alone.
  const bool varies =
      std::ranges::any_of(node.operands, [&](NodeId operand) { return !of(operand).is_point(); });
  const bool walks = varies && node.role == Role::Apply && !has_lookup(node) && keeps_rows(node) &&
                     stores_exactly(from_, node);
  if (walks && has_lines(node)) return through_lines(node, coefficient);
  if (walks && (node.op->combine == Combine::Sum || node.op->combine == Combine::Assign)) {
    if (const auto sum = weighted_sum_of(*node.op)) {
      const auto [first, second] = *sum;
      if (of(node.operands[first]).is_point()) return through_sum(node, first, second, coefficient);
      if (of(node.operands[second]).is_point()) return through_sum(node, second, first, coefficient);
    }
    if (through_affine(node, coefficient)) return;
  }
  put_in_interval(node, of(id), coefficient);
}

/// What rounding may have done to the coefficients, times what they multiply.
void LinesWalk::charge(const Node& node, const Bound& bound, const Coefficients& coefficients) {
  const auto a = [](int k) { return Scalar::argument(k); };
  constants_.push_back(
      constant_of(node.shape, Body(4, (a(0) + a(1)) * max(a(2), a(3))),
                  {coefficients.high, coefficients.negated_low, bound.negated_low, bound.high}, 2));
}

void LinesWalk::put_in_interval(const Node& node, const Bound& bound, const Value& coefficient) {
  const auto a = [](int k) { return Scalar::argument(k); };
  const Scalar greatest = max(a(0) * a(2), -a(0) * a(1));
  constants_.push_back(
      constant_of(node.shape, Body(3, greatest), {coefficient, bound.negated_low, bound.high}, 1));
}

void LinesWalk::through_lines(const Node& node, const Value& coefficient) {
  const NodeId from = node.operands[0];
  const Bound& x = of(from);
  const Ends ends{Scalar::argument(0), Scalar::argument(1)};
  const Scalar& body = node.op->body.expression;
  const PiecewiseLinear table = *piecewise_linear(body);
  const auto each = [&](const Scalar& line, const std::vector<Value>& operands) {
    const Resolved plain{.loops = plain_loops(node.shape, operands.size()), .shape = node.shape};
    return make("line", Combine::Assign, Body(static_cast<int>(operands.size()), line), plain, operands);
  };
  const auto [lower_slope, upper_slope] = slopes_of(body, table, ends, type_);
  const Value lower = each(lower_slope, {x.negated_low, x.high}),
              upper = each(upper_slope, {x.negated_low, x.high});
  const auto offset = [&](const Value& slope, int sign) {
    return each(greatest_distance(body, table, ends, Scalar::argument(2), sign, type_),
                {x.negated_low, x.high, slope});
  };
  const Value below = offset(lower, -1), above = offset(upper, 1);
  const auto a = [](int k) { return Scalar::argument(k); };
  const Scalar slope = select(a(0) < 0, a(1), a(2));
  Resolved resolved = over(node.shape);
  const Access plain = plain_loops(node.shape, 0).write;
  resolved.loops.reads = {resolved.loops.write, plain, plain};
  const auto through = [&](const Scalar& end) {
    return make("through_line", Combine::Assign, Body(3, end), resolved, {coefficient, lower, upper});
  };
  found_[static_cast<size_t>(from)].push_back({through(a(0) * slope), through(-a(0) * slope)});
  constants_.push_back(constant_of(node.shape, Body(3, select(a(0) < 0, -a(0) * a(1), a(0) * a(2))),
                                   {coefficient, below, above}, 1));
}

void LinesWalk::through_sum(const Node& node, size_t weight, size_t data, const Value& coefficient) {
  const size_t labels = node.loops.labels.size();
  Resolved resolved{.loops = key_loops(node.loops), .shape = keyed(from_.node(node.operands[data]).shape)};
  resolved.loops.reads = {keyed(node.loops.write, labels), node.loops.reads[weight]};
  resolved.loops.write = keyed(node.loops.reads[data], labels);
  const Value weights = of(node.operands[weight]).point;
  const auto product = [&](const Value& factor) {
    return make("through_sum", Combine::Sum, Body(2, Scalar::argument(0) * Scalar::argument(1)), resolved,
                {factor, weights});
  };
  const Resolved same{.loops = plain_loops(coefficient.shape(), 1), .shape = coefficient.shape()};
  const Value negated = make("negated", Combine::Assign, Body(1, -Scalar::argument(0)), same, {coefficient});
  found_[static_cast<size_t>(node.operands[data])].push_back({product(coefficient), product(negated)});
}

/// Sums of bodies that are affine in what varies, with factors that are known exactly.
bool LinesWalk::through_affine(const Node& node, const Value& coefficient) {
  const Scalar& body = node.op->body.expression;
  std::vector<bool> varies;
  varies.reserve(node.operands.size());
  for (const NodeId operand : node.operands) varies.push_back(!of(operand).is_point());
  if (degree(body, varies) > 1) return false;
  const size_t labels = node.loops.labels.size();
  // Operands: the coefficient, 0, then what is known. A 0 that is no constant keeps sums from being folded.
  Resolved resolved{.loops = key_loops(node.loops)};
  resolved.loops.reads = {keyed(node.loops.write, labels), {}};
  std::vector<Value> operands{coefficient, to_.constant(0, type_)};
  std::vector<Scalar> places;
  for (size_t k = 0; k < varies.size(); ++k) {
    // What varies is 0 here; it is read all the same, since points where a read is outside do not count.
    places.push_back(Scalar::argument(varies[k] ? 1 : static_cast<int>(operands.size())));
    const Bound& bound = of(node.operands[k]);
    operands.push_back(bound.is_point() ? bound.point : bound.high);
    resolved.loops.reads.push_back(node.loops.reads[k]);
  }
  std::vector<Ends> arguments;
  arguments.reserve(operands.size());
  for (int k = 0; k < static_cast<int>(operands.size()); ++k)
    arguments.push_back(Ends::point(Scalar::argument(k)));
  const auto apply = [&](const Scalar& end) {
    return make("through", Combine::Sum, Body(static_cast<int>(operands.size()), end), resolved, operands);
  };
  std::vector<Scalar> fixed = places;
  for (size_t k = 0; k < varies.size(); ++k) {
    if (!varies[k]) continue;
    // What is linear in x, at the coefficient in place of x, is coefficient times slope.
    const Scalar with = Scalar::argument(static_cast<int>(varies.size()));
    const auto part = linear_part(body, static_cast<int>(k), with);
    if (!part) continue;
    std::vector<Scalar> all = places;
    all.push_back(Scalar::argument(0));
    const Ends ends = ends_of(substitute(*part, all), arguments, type_);
    resolved.loops.write = keyed(node.loops.reads[k], labels);
    resolved.shape = keyed(from_.node(node.operands[k]).shape);
    found_[static_cast<size_t>(node.operands[k])].push_back({apply(ends.high), apply(ends.negated_low)});
  }
  const Ends rest = ends_of(Scalar::argument(0) * substitute(body, fixed), arguments, type_);
  const Access all = keyed(node.loops.write, labels);
  const auto kept = static_cast<int64_t>(rows_ + key_.size());
  resolved.loops.write.assign(all.begin(), all.begin() + kept);
  const Shape whole = keyed(node.shape);
  resolved.shape.assign(whole.begin(), whole.begin() + kept);
  constants_.push_back(apply(rest.high));
  return true;
}

}  // namespace crease
