#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "graph/piecewise.h"
#include "graph/scalar/forms.h"

namespace crease {

namespace {

constexpr size_t kPieceLimit = 10'000;
// Of the tables of all steps together, in lines of short numbers: a body that cuts, again and again, what it
// cut before.
constexpr size_t kWorkLimit = size_t{1} << 18;

struct Line {
  Rational slope, offset;
  Rational at(const Rational& x) const { return slope * x + offset; }
  bool operator==(const Line&) const = default;
};

/// A function under construction: lines[i] holds left of at[i], values[i] at at[i] itself.
struct Table {
  std::vector<Rational> at, values;
  std::vector<Line> lines;
};

using Maybe = std::optional<Table>;

/// A point inside piece i.
Rational inside(const std::vector<Rational>& at, size_t i) {
  if (at.empty()) return 0;
  if (i == 0) return at.front() - 1;
  if (i == at.size()) return at.back() + 1;
  return (at[i - 1] + at[i]) / 2;
}

/// The same function with knots at all of `knots` (ascending, a superset of its own).
Table refined(const Table& f, const std::vector<Rational>& knots) {
  Table result{knots, {}, {}};
  size_t piece = 0;
  for (const Rational& x : knots) {
    result.lines.push_back(f.lines[piece]);
    const bool own = piece < f.at.size() && f.at[piece] == x;
    result.values.push_back(own ? f.values[piece] : f.lines[piece].at(x));
    if (own) ++piece;
  }
  result.lines.push_back(f.lines[piece]);
  return result;
}

std::vector<Rational> merged(const std::vector<Rational>& a, const std::vector<Rational>& b) {
  std::vector<Rational> all;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

/// Without knots at which nothing happens.
Table tidied(const Table& f) {
  Table result{{}, {}, {f.lines.front()}};
  for (size_t i = 0; i < f.at.size(); ++i) {
    const Line& left = result.lines.back();
    const Line& right = f.lines[i + 1];
    if (left == right && left.at(f.at[i]) == f.values[i]) continue;
    result.at.push_back(f.at[i]);
    result.values.push_back(f.values[i]);
    result.lines.push_back(right);
  }
  return result;
}

/// Both functions with the knots of both, and with one wherever they cross inside a piece.
std::pair<Table, Table> aligned(const Table& f, const Table& g, bool crossings) {
  std::vector<Rational> knots = merged(f.at, g.at);
  Table first = refined(f, knots), second = refined(g, knots);
  if (!crossings) return {first, second};
  std::vector<Rational> more;
  for (size_t i = 0; i <= knots.size(); ++i) {
    const Line &a = first.lines[i], &b = second.lines[i];
    if (a.slope == b.slope) continue;
    const Rational x = (b.offset - a.offset) / (a.slope - b.slope);
    const bool in_piece = (i == 0 || knots[i - 1] < x) && (i == knots.size() || x < knots[i]);
    if (in_piece) more.push_back(x);
  }
  std::sort(more.begin(), more.end());
  const std::vector<Rational> all = merged(knots, more);
  return {refined(first, all), refined(second, all)};
}

Line constant_line(const Rational& value) { return {0, value}; }

/// Applies `line` to each piece (with a point inside it) and `value` to each knot; nothing if `line` refuses.
template <class OnLine, class OnValue>
Maybe combine(const std::pair<Table, Table>& both, OnLine&& line, OnValue&& value) {
  const auto& [f, g] = both;
  if (f.lines.size() > kPieceLimit) return {};
  Table result{f.at, {}, {}};
  for (size_t i = 0; i < f.lines.size(); ++i) {
    std::optional<Line> piece = line(f.lines[i], g.lines[i], inside(f.at, i));
    if (!piece) return {};
    result.lines.push_back(*piece);
  }
  for (size_t i = 0; i < f.at.size(); ++i) {
    std::optional<Rational> at = value(f.values[i], g.values[i]);
    if (!at) return {};
    result.values.push_back(*at);
  }
  return tidied(result);
}

using MaybeLine = std::optional<Line>;
using MaybeValue = std::optional<Rational>;

Maybe sum(const Table& f, const Table& g, int sign) {
  return combine(
      aligned(f, g, false),
      [&](const Line& a, const Line& b, const Rational&) -> MaybeLine {
        return Line{a.slope + b.slope * sign, a.offset + b.offset * sign};
      },
      [&](const Rational& a, const Rational& b) -> MaybeValue { return a + b * sign; });
}

Maybe product(const Table& f, const Table& g) {
  return combine(
      aligned(f, g, false),
      [](const Line& a, const Line& b, const Rational&) -> MaybeLine {
        if (!a.slope.is_zero() && !b.slope.is_zero()) return {};
        return Line{a.slope * b.offset + b.slope * a.offset, a.offset * b.offset};
      },
      [](const Rational& a, const Rational& b) -> MaybeValue { return a * b; });
}

Maybe quotient(const Table& f, const Table& g) {
  return combine(
      aligned(f, g, false),
      [](const Line& a, const Line& b, const Rational&) -> MaybeLine {
        if (!b.slope.is_zero() || b.offset.is_zero()) return {};
        return Line{a.slope / b.offset, a.offset / b.offset};
      },
      [](const Rational& a, const Rational& b) -> MaybeValue {
        if (b.is_zero()) return {};
        return a / b;
      });
}

Maybe extremum(const Table& f, const Table& g, bool greatest) {
  return combine(
      aligned(f, g, true),
      [&](const Line& a, const Line& b, const Rational& x) -> MaybeLine {
        return (a.at(x) > b.at(x)) == greatest ? a : b;
      },
      [&](const Rational& a, const Rational& b) -> MaybeValue { return (a > b) == greatest ? a : b; });
}

template <class Holds>
Maybe comparison(const Table& f, const Table& g, Holds&& holds) {
  return combine(
      aligned(f, g, true),
      [&](const Line& a, const Line& b, const Rational& x) -> MaybeLine {
        return constant_line(holds(a.at(x), b.at(x)) ? 1 : 0);
      },
      [&](const Rational& a, const Rational& b) -> MaybeValue { return Rational(holds(a, b) ? 1 : 0); });
}

/// Where the (piecewise constant) condition is not 0 the first function, else the second.
Maybe choice(const Table& condition, const Table& f, const Table& g) {
  const std::vector<Rational> knots = merged(condition.at, merged(f.at, g.at));
  if (knots.size() >= kPieceLimit) return {};
  const Table c = refined(condition, knots), a = refined(f, knots), b = refined(g, knots);
  Table result{knots, {}, {}};
  for (size_t i = 0; i < c.lines.size(); ++i) {
    if (!c.lines[i].slope.is_zero()) return {};
    result.lines.push_back(c.lines[i].offset.is_zero() ? b.lines[i] : a.lines[i]);
  }
  for (size_t i = 0; i < knots.size(); ++i)
    result.values.push_back(c.values[i].is_zero() ? b.values[i] : a.values[i]);
  return tidied(result);
}

/// Points strictly inside piece i of f at which it takes an integer; nothing if they are too many.
std::optional<std::vector<Rational>> integer_points(const Table& f, size_t i) {
  std::vector<Rational> points;
  const Line& line = f.lines[i];
  if (line.slope.is_zero()) return points;
  if (i == 0 || i == f.at.size()) return {};
  Rational low = line.at(f.at[i - 1]), high = line.at(f.at[i]);
  if (low > high) std::swap(low, high);
  if (high - low > Rational(static_cast<int64_t>(kPieceLimit))) return {};
  for (Rational level = low.floor() + 1; level < high; level += 1)
    points.push_back((level - line.offset) / line.slope);
  return points;
}

Maybe floored(const Table& f) {
  std::vector<Rational> more;
  for (size_t i = 0; i < f.lines.size(); ++i) {
    const auto points = integer_points(f, i);
    if (!points) return {};
    more.insert(more.end(), points->begin(), points->end());
  }
  std::sort(more.begin(), more.end());
  const Table fine = refined(f, merged(f.at, more));
  return combine(
      std::pair{fine, fine},
      [](const Line& a, const Line&, const Rational& x) -> MaybeLine {
        return constant_line(a.at(x).floor());
      },
      [](const Rational& a, const Rational&) -> MaybeValue { return a.floor(); });
}

Table constant_table(const Rational& value) { return {{}, {}, {constant_line(value)}}; }

Maybe combined(ScalarKind kind, const std::vector<Table>& t) {
  const auto nonzero = [](const Table& f) {
    return comparison(f, constant_table(0), [](const Rational& a, const Rational& b) { return a != b; });
  };
  switch (kind) {
    case ScalarKind::Add: return sum(t[0], t[1], 1);
    case ScalarKind::Subtract: return sum(t[0], t[1], -1);
    case ScalarKind::Negate: return sum(constant_table(0), t[0], -1);
    case ScalarKind::Multiply: return product(t[0], t[1]);
    case ScalarKind::Divide: return quotient(t[0], t[1]);
    case ScalarKind::Max: return extremum(t[0], t[1], true);
    case ScalarKind::Min: return extremum(t[0], t[1], false);
    case ScalarKind::Less: return comparison(t[0], t[1], std::less<>());
    case ScalarKind::LessEqual: return comparison(t[0], t[1], std::less_equal<>());
    case ScalarKind::Equal: return comparison(t[0], t[1], std::equal_to<>());
    case ScalarKind::Not: return comparison(t[0], constant_table(0), std::equal_to<>());
    case ScalarKind::And: {
      const Maybe a = nonzero(t[0]), b = nonzero(t[1]);
      return a && b ? extremum(*a, *b, false) : Maybe{};
    }
    case ScalarKind::Or: {
      const Maybe a = nonzero(t[0]), b = nonzero(t[1]);
      return a && b ? extremum(*a, *b, true) : Maybe{};
    }
    case ScalarKind::Select: return choice(t[0], t[1], t[2]);
    case ScalarKind::Floor: return floored(t[0]);
    case ScalarKind::Constant:
    case ScalarKind::Argument:
    case ScalarKind::Index:
    case ScalarKind::Size:
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sqrt:
    case ScalarKind::Sin:
    case ScalarKind::Cos:
    case ScalarKind::Tanh:
    case ScalarKind::Sigmoid:
    case ScalarKind::Softplus:
    case ScalarKind::Erf: return {};
  }
  return {};
}

Maybe leaf(const Scalar& node) {
  if (node.kind() == ScalarKind::Argument && node.position() == 0) return Table{{}, {}, {Line{1, 0}}};
  if (node.kind() == ScalarKind::Constant && std::isfinite(node.constant()))
    return constant_table(Rational::of(node.constant()));
  return {};
}

/// How many times as long as with short numbers it takes to compute with a line, roughly.
size_t length(const Line& line) {
  constexpr int64_t word = 64;
  return static_cast<size_t>(1 + (line.slope.bits() + line.offset.bits()) / word);
}

/// The table of a whole expression, by steps.
Maybe table_of(const Scalar& body) {
  std::vector<Table> known;
  size_t work = 0;
  for (const BodyStep& step : steps_of(body)) {
    std::vector<Table> terms;
    for (const size_t term : step.terms) terms.push_back(known[term]);
    Maybe table = terms.empty() ? leaf(step.node) : combined(step.node.kind(), terms);
    if (!table) return {};
    work += table->lines.size() * length(table->lines.front());
    if (work > kWorkLimit) return {};
    known.push_back(std::move(*table));
  }
  return known.back();
}

}  // namespace

std::optional<PiecewiseLinear> piecewise_linear(const Scalar& body) {
  Maybe table;
  try {
    table = table_of(body);
  } catch (const LongNumber&) {
    return {};
  }
  if (!table) return {};
  PiecewiseLinear f;
  for (size_t i = 0; i < table->at.size(); ++i) {
    const Rational& x = table->at[i];
    f.knots.push_back({x, table->lines[i].at(x), table->values[i], table->lines[i + 1].at(x)});
  }
  for (const Line& line : table->lines) {
    f.slopes.push_back(line.slope);
    f.offsets.push_back(line.offset);
  }
  return f;
}

}  // namespace crease
