#include "graph/analysis/bounds/backward.h"

#include <algorithm>

#include "graph/analysis/bounds/directed.h"

namespace crease {

namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

constexpr double kUnit = 0x1p-53;  // of rounding
// Bounds of rounding errors are themselves computed in double, from at most 2^40 terms.
constexpr double kSlack = 1.001;
constexpr int64_t kColumns = 64;

double gamma(double terms) { return terms * kUnit * kSlack; }

/// to[0..kColumns) += factor * from[0..kColumns): a whole block, in vectors as wide as the machine has.
void add_block(double* to, const double* from, double factor) {
  for (int64_t r = 0; r < kColumns; ++r) to[r] += factor * from[r];
}

#if defined(__x86_64__) && defined(__GNUC__)
[[gnu::target("avx2,fma")]] void add_block_avx2(double* to, const double* from, double factor) {
  for (int64_t r = 0; r < kColumns; ++r) to[r] += factor * from[r];
}
using AddBlock = void (*)(double*, const double*, double);
AddBlock best_add_block() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? add_block_avx2 : add_block;
}
const AddBlock add_whole_block = best_add_block();
#else
constexpr auto add_whole_block = add_block;
#endif

/// to[0..columns) += factor * from[0..columns)
void add_scaled(double* to, const double* from, double factor, int64_t columns) {
  if (columns == kColumns) return add_whole_block(to, from, factor);
  for (int64_t r = 0; r < columns; ++r) to[r] += factor * from[r];
}

}  // namespace

/// Coefficients of some bounds, one column each: column r bounds the sum of its coefficients times elements
/// from below.
class Backward::Block {
 public:
  Block(Backward& owner, int stage, int64_t columns)
      : owner_(owner),
        columns_(columns),
        matrices_(at(stage) + 1),
        constants_(at(columns)),
        magnitudes_(at(columns)),
        errors_(at(columns)) {}

  double* row(int stage, int64_t element) {
    std::vector<double>& matrix = matrices_[at(stage)];
    if (matrix.empty()) matrix.resize(at(this->stage(stage).size() * columns_));
    return matrix.data() + element * columns_;
  }

  /// Lower bounds of the columns.
  std::vector<double> run(int first, int last, double place) {
    for (int s = first; s >= 0; --s) {
      if (matrices_[at(s)].empty()) continue;
      if (s < last || stage(s).kind == StageKind::Given) {
        by_intervals(s);
      } else {
        charge(s);
        if (stage(s).kind == StageKind::Affine) affine(s);
        if (stage(s).kind == StageKind::Curve) curve(s, place);
        if (stage(s).kind == StageKind::Product) product(s);
      }
      matrices_[at(s)] = {};
    }
    std::vector<double> result;
    for (size_t r = 0; r < constants_.size(); ++r) result.push_back(rounded_down(r));
    return result;
  }

 private:
  const Stage& stage(int s) const { return owner_.network_.stages[at(s)]; }

  double rounded_down(size_t r) const {
    // Below the normal range an operation may be wrong by an absolute amount.
    const double slack = (errors_[r] + gamma(static_cast<double>(terms_) + 8) * magnitudes_[r]) * kSlack +
                         1e-290 * owner_.greatest_;
    const double low = std::nextafter(constants_[r] - slack, -kInfinity);
    return std::isnan(low) ? -kInfinity : low;
  }

  void add_constant(size_t r, double value) {
    constants_[r] += value;
    magnitudes_[r] += std::abs(value);
  }

  /// What the coefficients on a stage's elements may be wrong by, further back.
  void charge(int s) {
    const std::vector<double>& errors = owner_.errors_[at(s)];
    if (errors.empty()) return;
    for (int64_t i = 0; i < stage(s).size(); ++i) {
      const double* coefficients = row(s, i);
      for (size_t r = 0; r < errors_.size(); ++r)
        if (coefficients[r] != 0) errors_[r] += std::abs(coefficients[r]) * errors[at(i)];
    }
  }

  /// Whether a coefficient is 0, or no number, which leaves the bound unknown: weights or their products can
  /// be infinite.
  bool has_no_line(size_t r, double c) {
    if (std::isfinite(c)) return c == 0;
    constants_[r] = std::numeric_limits<double>::quiet_NaN();
    return true;
  }

  void by_intervals(int s) {
    const Stage& own = stage(s);
    terms_ += own.size();
    for (int64_t i = 0; i < own.size(); ++i) {
      const double* coefficients = row(s, i);
      const Interval& x = own.bounds[at(i)];
      for (size_t r = 0; r < constants_.size(); ++r) {
        const double c = coefficients[r];
        if (!has_no_line(r, c)) add_constant(r, c * (c > 0 ? x.low : x.high));
      }
    }
  }

  void affine(int s) {
    const Stage& own = stage(s);
    live_.assign(at(own.size()), false);
    for (int64_t i = 0; i < own.size(); ++i) {
      const double* coefficients = row(s, i);
      live_[at(i)] = std::any_of(coefficients, coefficients + columns_, [](double c) { return c != 0; });
    }
    for (const StageTerm& term : own.terms) {
      for (const SparseEntry& entry : term.entries)
        if (live_[at(entry.to)])
          add_scaled(row(term.source, entry.from), row(s, entry.to), entry.weight, columns_);
      if (term.nest) loops(s, term);
    }
    if (own.bias.empty()) return;
    terms_ += own.size();
    for (int64_t i = 0; i < own.size(); ++i) {
      const Interval& bias = own.bias[at(i)];
      if (!live_[at(i)] || bias == Interval::point(0)) continue;
      for (size_t r = 0; r < constants_.size(); ++r) {
        const double c = row(s, i)[r];
        if (!has_no_line(r, c)) add_constant(r, c * (c > 0 ? bias.low : bias.high));
      }
    }
  }

  void loops(int s, const StageTerm& term) {
    double* source = row(term.source, 0);
    const double* result = row(s, 0);
    term.nest->rows([&](const LoopRow& points) {
      int64_t to = points.first[0], weight = points.first[1], from = points.first[2];
      for (int64_t k = 0; k < points.count; ++k) {
        if (live_[at(to)])
          add_scaled(source + from * columns_, result + to * columns_,
                     term.weights == nullptr ? 1 : term.weights[weight], columns_);
        to += points.step[0];
        weight += points.step[1];
        from += points.step[2];
      }
    });
  }

  /// Adds a line for coefficient c on a number: c * (slope * source + offset).
  void add_line(size_t r, double c, double slope, double offset, double* source, double magnitude) {
    if (slope != 0) {
      source[r] += c * slope;
      errors_[r] += std::abs(c * slope) * magnitude;
    }
    add_constant(r, c * offset);
  }

  void curve(int s, double place) {
    const Stage& own = stage(s);
    const std::vector<Lines>& lines = owner_.lines(s, place);
    const std::vector<Interval>& sources = stage(own.source).bounds;
    const double rounding = gamma(owner_.uses_[at(own.source)] + 4);
    terms_ += own.size();
    for (int64_t i = 0; i < own.size(); ++i) {
      const double* coefficients = row(s, i);
      double* source = row(own.source, i);
      const Lines& line = lines[at(i)];
      const double magnitude = rounding * sources[at(i)].magnitude();
      for (size_t r = 0; r < constants_.size(); ++r) {
        const double c = coefficients[r];
        if (has_no_line(r, c)) continue;
        if (c > 0) add_line(r, c, line.lower_slope, line.lower_offset, source, magnitude);
        if (c < 0) add_line(r, c, line.upper_slope, line.upper_offset, source, magnitude);
      }
    }
  }

  /// x y >= yl x + xl y - xl yl and x y <= yh x + xl y - xl yh, from products of distances to the ends.
  void product(int s) {
    const Stage& own = stage(s);
    const std::vector<Interval>&left = stage(own.source).bounds, &right = stage(own.right).bounds;
    const double rounding = gamma(std::max(owner_.uses_[at(own.source)], owner_.uses_[at(own.right)]) + 4);
    terms_ += static_cast<int64_t>(own.products.size());
    for (const ProductEntry& entry : own.products) {
      const Interval &x = left[at(entry.a)], &y = right[at(entry.b)];
      const double* coefficients = row(s, entry.to);
      double *a = row(own.source, entry.a), *b = row(own.right, entry.b);
      const double below = -(Interval::point(x.low) * Interval::point(y.low)).high;
      const double above = -(Interval::point(x.low) * Interval::point(y.high)).low;
      const bool bounded = x.is_finite() && y.is_finite();
      for (size_t r = 0; r < constants_.size(); ++r) {
        const double c = coefficients[r];
        if (has_no_line(r, c)) continue;
        if (!bounded) {
          const Interval both = x * y;
          add_constant(r, c * (c > 0 ? both.low : both.high));
          continue;
        }
        const double slope = c > 0 ? y.low : y.high;
        add_line(r, c, slope, c > 0 ? below : above, a, rounding * x.magnitude());
        add_line(r, c, x.low, 0, b, rounding * y.magnitude());
      }
    }
  }

  Backward& owner_;
  const int64_t columns_;
  std::vector<std::vector<double>> matrices_;  // by stage: [element][column]; empty: all 0
  std::vector<double> constants_, magnitudes_, errors_;
  std::vector<bool> live_;
  int64_t terms_ = 0;
};

Backward::Backward(const StagedNetwork& network)
    : network_(network),
      costs_(network.stages.size()),
      uses_(network.stages.size()),
      errors_(network.stages.size()),
      lines_(network.stages.size()) {
  for (size_t s = 0; s < network.stages.size(); ++s) {
    const Stage& stage = network.stages[s];
    if (stage.kind == StageKind::Curve) uses_[at(stage.source)] += 1;
    costs_[s] = static_cast<double>(stage.size() + 2 * static_cast<int64_t>(stage.products.size()));
    for (const int factor : {stage.source, stage.right}) {
      if (stage.kind != StageKind::Product) break;
      std::vector<double> uses(at(network.stages[at(factor)].size()));
      for (const ProductEntry& entry : stage.products) {
        if (factor == stage.source) uses[at(entry.a)] += 1;
        if (factor == stage.right) uses[at(entry.b)] += 1;
      }
      uses_[at(factor)] += uses.empty() ? 0 : *std::ranges::max_element(uses);
    }
    for (const StageTerm& term : stage.terms) {
      std::vector<double> uses(at(network.stages[at(term.source)].size()));
      for (const SparseEntry& entry : term.entries) uses[at(entry.from)] += 1;
      double points = 0;
      if (term.nest)
        term.nest->rows([&](const LoopRow& row) {
          points += static_cast<double>(row.count);
          for (int64_t k = 0; k < row.count; ++k) uses[at(row.first[2] + k * row.step[2])] += 1;
        });
      costs_[s] += points + static_cast<double>(term.entries.size());
      uses_[at(term.source)] += uses.empty() ? 0 : *std::ranges::max_element(uses);
    }
  }
}

void Backward::forward(int s, std::vector<Interval>& bounds) const {
  const Stage& own = network_.stages[at(s)];
  std::vector<Interval> sums(at(own.size()), Interval::point(0));
  if (!own.bias.empty()) sums = own.bias;
  if (own.kind == StageKind::Product) {
    const auto &left = network_.stages[at(own.source)].bounds, &right = network_.stages[at(own.right)].bounds;
    for (const ProductEntry& entry : own.products)
      sums[at(entry.to)] = sums[at(entry.to)] + left[at(entry.a)] * right[at(entry.b)];
  }
  for (const StageTerm& term : own.terms) {
    const std::vector<Interval>& source = network_.stages[at(term.source)].bounds;
    for (const SparseEntry& entry : term.entries) {
      const Interval weight = Interval::point(entry.weight) + Interval{-entry.radius, entry.radius};
      sums[at(entry.to)] = sums[at(entry.to)] + weight * source[at(entry.from)];
    }
    if (!term.nest) continue;
    if (!std::ranges::all_of(source, &Interval::is_finite)) return;
    std::vector<double> low, high;
    for (const Interval& x : source) {
      low.push_back(x.low);
      high.push_back(x.high);
    }
    DirectedSums part{std::vector<double>(sums.size()), std::vector<double>(sums.size())};
    add_products(*term.nest, term.weights, low.data(), high.data(), part);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] = sums[i] + Interval{-part.negated_low[i], part.high[i]};
  }
  for (size_t i = 0; i < sums.size(); ++i) bounds[i] = intersect(bounds[i], sums[i]);
}

void Backward::finish(int s) {
  const Stage& own = network_.stages[at(s)];
  for (const Interval& x : own.bounds)
    if (x.is_finite()) greatest_ = std::max(greatest_, x.magnitude());
  if (own.kind != StageKind::Affine) return;
  std::vector<double>& errors = errors_[at(s)];
  errors.assign(at(own.size()), 0);
  for (const StageTerm& term : own.terms) {
    const std::vector<Interval>& source = network_.stages[at(term.source)].bounds;
    const double rounding = gamma(uses_[at(term.source)] + 4);
    for (const SparseEntry& entry : term.entries)
      if (entry.weight != 0 || entry.radius != 0)
        errors[at(entry.to)] +=
            (rounding * std::abs(entry.weight) + entry.radius) * source[at(entry.from)].magnitude();
    if (!term.nest) continue;
    std::vector<double> magnitudes;
    for (const Interval& x : source) magnitudes.push_back(x.magnitude());
    term.nest->rows([&](const LoopRow& row) {
      for (int64_t k = 0; k < row.count; ++k) {
        const double weight = term.weights == nullptr ? 1 : term.weights[row.first[1] + k * row.step[1]];
        const double x = magnitudes[at(row.first[2] + k * row.step[2])];
        if (weight != 0) errors[at(row.first[0] + k * row.step[0])] += rounding * std::abs(weight) * x;
      }
    });
  }
}

const std::vector<Lines>& Backward::lines(int s, double place) {
  for (const auto& [known, lines] : lines_[at(s)])
    if (known == place) return lines;
  const Stage& own = network_.stages[at(s)];
  std::vector<Lines> made;
  for (int64_t i = 0; i < own.size(); ++i)
    made.push_back(own.curve(i)->lines(network_.stages[at(own.source)].bounds[at(i)], place));
  return lines_[at(s)].emplace_back(place, std::move(made)).second;
}

std::vector<Interval> Backward::bounds(int s, const std::vector<int32_t>& elements, int last, double place) {
  std::vector<Interval> result(elements.size());
  for (size_t begin = 0; begin < elements.size(); begin += kColumns / 2) {
    const size_t count = std::min(elements.size() - begin, at(kColumns / 2));
    Block block(*this, s, static_cast<int64_t>(2 * count));
    for (size_t k = 0; k < count; ++k) {
      block.row(s, elements[begin + k])[2 * k] = 1;
      block.row(s, elements[begin + k])[2 * k + 1] = -1;
    }
    const std::vector<double> low = block.run(s, last, place);
    for (size_t k = 0; k < count; ++k)
      if (low[2 * k] <= -low[2 * k + 1]) result[begin + k] = {low[2 * k], -low[2 * k + 1]};
  }
  return result;
}

}  // namespace crease
