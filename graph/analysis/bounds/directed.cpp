#include "graph/analysis/bounds/directed.h"

#include <cfenv>

namespace crease {

namespace {

/// Rounds up while it lives.
class RoundingUp {
 public:
  RoundingUp() : before_(std::fegetround()) { std::fesetround(FE_UPWARD); }
  RoundingUp(const RoundingUp&) = delete;
  RoundingUp& operator=(const RoundingUp&) = delete;
  ~RoundingUp() { std::fesetround(before_); }

 private:
  int before_;
};

/// The part of a weight that keeps the ends of an interval in place, and the part that exchanges them.
struct Split {
  double keeps, swaps;
};
Split split(double weight) { return weight >= 0 ? Split{weight, 0} : Split{0, -weight}; }

[[gnu::noinline]] void add_row(const LoopRow& row, const double* weights, const double* low,
                               const double* high, double* negated_low, double* above) {
  const auto [to_step, weight_step, from_step] = row.step;
  int64_t to = row.first[0], weight = row.first[1], from = row.first[2];
  if (to_step == 0) {
    double least = negated_low[to], most = above[to];
    for (int64_t k = 0; k < row.count; ++k, weight += weight_step, from += from_step) {
      const auto [keeps, swaps] = split(weights[weight]);
      most += keeps * high[from] + swaps * -low[from];
      least += keeps * -low[from] + swaps * high[from];
    }
    negated_low[to] = least;
    above[to] = most;
    return;
  }
  for (int64_t k = 0; k < row.count; ++k, to += to_step, weight += weight_step, from += from_step) {
    const auto [keeps, swaps] = split(weights[weight]);
    above[to] += keeps * high[from] + swaps * -low[from];
    negated_low[to] += keeps * -low[from] + swaps * high[from];
  }
}

[[gnu::noinline]] void add_row_up(const LoopRow& row, const double* a, const double* b, double* sums) {
  const auto [to_step, a_step, b_step] = row.step;
  int64_t to = row.first[0], i = row.first[1], k = row.first[2];
  double sum = sums[to];
  for (int64_t left = row.count; left > 0; --left, i += a_step, k += b_step) {
    sum += a[i] * b[k];
    if (to_step == 0) continue;
    sums[to] = sum;
    to += to_step;
    if (left > 1) sum = sums[to];
  }
  if (to_step == 0) sums[to] = sum;
}

}  // namespace

void add_products_up(const LoopNest& nest, const double* a, const double* b, double* sums) {
  const RoundingUp rounding;
  nest.rows([&](const LoopRow& row) { add_row_up(row, a, b, sums); });
}

void add_products(const LoopNest& nest, const double* weights, const double* low, const double* high,
                  DirectedSums& sums) {
  const double one = 1;
  const RoundingUp rounding;
  nest.rows([&](const LoopRow& row) {
    LoopRow used = row;
    if (weights == nullptr) used.first[1] = used.step[1] = 0;
    add_row(used, weights == nullptr ? &one : weights, low, high, sums.negated_low.data(), sums.high.data());
  });
}

}  // namespace crease
