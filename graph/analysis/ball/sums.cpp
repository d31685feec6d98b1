#include "graph/analysis/ball/sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/analysis/check_replay.h"
#include "graph/scalar/forms.h"

namespace crease::checker {

namespace {

using Limb = uint64_t;
__extension__ typedef unsigned __int128
    TwoLimbs;  // NOLINT(modernize-use-using): __extension__ takes no using

constexpr int kDigitBits = 62;

/// The middles as limbs of numbers that are not negative: each is its middle + 2^(64 limbs - 1).
struct Offset {
  size_t limbs = 0;
  Integer shift;
  std::vector<Limb> digits;  // limbs for each entry
};

Offset offset(const std::vector<Ball>& values) {
  size_t bits = 1;
  for (const Ball& value : values)
    if (value.middle != 0) bits = std::max(bits, static_cast<size_t>(msb(Integer(abs(value.middle)))) + 1);
  Offset result{(bits + 1 + 63) / 64, {}, {}};
  result.shift = Integer(1) << static_cast<unsigned>(64 * result.limbs - 1);
  result.digits.resize(values.size() * result.limbs);
  for (size_t i = 0; i < values.size(); ++i) {
    const Integer number = values[i].middle + result.shift;
    export_bits(number, result.digits.begin() + static_cast<std::ptrdiff_t>(i * result.limbs), 64, false);
  }
  return result;
}

/// Sums of products of one digit of the weights: positive and negative ones apart, and the sum of the digits.
class DigitSums {
 public:
  DigitSums(const Offset& values, size_t count, size_t points)
      : values_(values),
        points_(points),
        width_(values.limbs + 2),
        sums_(count * points * 2 * width_),
        digits_(count) {}

  void add(int64_t digit, size_t value, size_t element) {
    digits_[element] += digit;
    const bool negative = digit < 0;
    const Limb factor = negative ? Limb{0} - static_cast<Limb>(digit) : static_cast<Limb>(digit);
    const Limb* first = &values_.digits[value * points_ * values_.limbs];
    if (points_ == 3) return add_products<3>(factor, first, place(element, 0, negative));
    for (size_t p = 0; p < points_; ++p)
      add_products<1>(factor, first + p * values_.limbs, place(element, p, negative));
  }

  Integer total(size_t element, size_t point) {
    return number(place(element, point, false)) - number(place(element, point, true)) -
           values_.shift * Integer(digits_[element]);
  }

 private:
  const Offset& values_;
  size_t points_, width_;
  std::vector<Limb> sums_;
  std::vector<Int128> digits_;

  Limb* place(size_t element, size_t point, bool negative) {
    return &sums_[((element * points_ + point) * 2 + (negative ? 1 : 0)) * width_];
  }

  /// For some points side by side: their carries do not wait for each other.
  template <size_t Points>
  void add_products(Limb factor, const Limb* value, Limb* sum) const {
    Limb carry[Points] = {};
    const size_t limbs = values_.limbs, apart = 2 * width_;
    for (size_t i = 0; i < limbs; ++i)
      for (size_t p = 0; p < Points; ++p) {
        Limb& place = sum[p * apart + i];
        const TwoLimbs step = static_cast<TwoLimbs>(factor) * value[p * limbs + i] + place + carry[p];
        place = static_cast<Limb>(step);
        carry[p] = static_cast<Limb>(step >> 64);
      }
    for (size_t p = 0; p < Points; ++p) {
      Limb* top = &sum[p * apart + limbs];
      top[0] += carry[p];
      top[1] += top[0] < carry[p] ? 1 : 0;
    }
  }

  Integer number(const Limb* limbs) const {
    Integer result;
    import_bits(result, limbs, limbs + width_, 64, false);
    return result;
  }
};

/// One loop point: which weight meets which value, and for which element.
template <class Visit>
void visit_products(const Graph& graph, NodeId id, const WeightedSum& sum, Visit&& visit) {
  visit_points(graph, id, [&](const Touch& touch) {
    visit(static_cast<size_t>(touch.reads[sum.weights]), static_cast<size_t>(touch.reads[sum.values]),
          static_cast<size_t>(touch.write));
  });
}

/// The sums of |weight| * radius, rounded upwards.
class Radii {
 public:
  Radii(const std::vector<Ball>& values, size_t count, size_t points)
      : points_(points), given_(values.size()), sums_(count * points), terms_(count) {
    std::ranges::transform(values, given_.begin(), &Ball::radius);
  }

  void add(double weight, size_t value, size_t element) {
    const double factor = std::abs(weight);
    if (factor == 0) return;
    ++terms_[element];
    for (size_t p = 0; p < points_; ++p) {
      const double radius = given_[value * points_ + p], product = factor * radius;
      // A product may be too small for a number, but it is not 0.
      sums_[element * points_ + p] +=
          product == 0 && radius > 0 ? std::numeric_limits<double>::denorm_min() : product;
    }
  }

  /// n products and sums of numbers that are not negative lose at most a share n 2^-52; underflow less
  /// than 1.
  double total(size_t element, size_t point) const {
    const double sum = sums_[element * points_ + point],
                 share = static_cast<double>(terms_[element] + 4) * 0x1p-52;
    return sum_up(product_up(sum, 1 + share), sum == 0 ? 0.0 : std::numeric_limits<double>::min());
  }

 private:
  size_t points_;
  std::vector<double> given_, sums_;
  std::vector<int64_t> terms_;
};

std::vector<double> stored(const Tensor& tensor) {
  std::vector<double> result(static_cast<size_t>(tensor.count()));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = tensor.at(static_cast<int64_t>(i));
    if (!std::isfinite(result[i])) throw Refused("a stored value is not finite");
  }
  return result;
}

/// Takes the leading digit, a multiple of 2^exponent, off each number; all steps are exact.
std::vector<int64_t> take_digits(std::vector<double>& numbers, int64_t exponent) {
  std::vector<int64_t> digits(numbers.size());
  const double up = std::ldexp(1, static_cast<int>(-exponent)),
               down = std::ldexp(1, static_cast<int>(exponent));
  const bool plain = std::abs(exponent) < 1000;  // else one of both may be no normal number
  for (size_t i = 0; i < numbers.size(); ++i) {
    double& number = numbers[i];
    const double scaled = std::trunc(plain ? number * up : std::ldexp(number, static_cast<int>(-exponent)));
    digits[i] = static_cast<int64_t>(scaled);
    number -= plain ? scaled * down : std::ldexp(scaled, static_cast<int>(exponent));
  }
  return digits;
}

bool is_stored(const Node& node) {
  return (node.role == Role::Parameter || node.role == Role::Constant) && is_floating(node.type);
}

}  // namespace

std::optional<WeightedSum> weighted_sum(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  if (node.role != Role::Apply || node.op->combine != Combine::Sum || node.operands.size() != 2) return {};
  if (!multiplied_operands(node.op->body.expression)) return {};
  for (const size_t weights : {size_t{1}, size_t{0}})
    if (is_stored(graph.node(node.operands[weights]))) return WeightedSum{weights, 1 - weights};
  return {};
}

std::vector<Ball> ball_sums(const Graph& graph, NodeId id, const WeightedSum& sum,
                            const std::vector<Ball>& values, size_t points,
                            const BallArithmetic& arithmetic) {
  const Node& node = graph.node(id);
  require_separate_samples(graph, id);
  std::vector<double> weights = stored(graph.node(node.operands[sum.weights]).value);
  const auto count = static_cast<size_t>(sample_size(node.shape));
  const Offset digits_of_values = offset(values);
  double greatest = 0;
  for (const double weight : weights) greatest = std::max(greatest, std::abs(weight));
  std::vector<Integer> totals(count * points);
  Radii radii(values, count, points);
  int64_t exponent = greatest == 0 ? 0 : std::ilogb(greatest) + 1;
  for (bool first = true; std::ranges::any_of(weights, [](double weight) { return weight != 0; });
       first = false) {
    exponent -= kDigitBits;
    const std::vector<double> whole = first ? weights : std::vector<double>();
    const std::vector<int64_t> digits = take_digits(weights, exponent);
    DigitSums sums(digits_of_values, count, points);
    visit_products(graph, id, sum, [&](size_t weight, size_t value, size_t element) {
      if (first) radii.add(whole[weight], value, element);
      if (digits[weight] != 0) sums.add(digits[weight], value, element);
    });
    for (size_t e = 0; e < count; ++e)
      for (size_t p = 0; p < points; ++p) {
        Integer& total = totals[e * points + p];
        total = (total << kDigitBits) + sums.total(e, p);
      }
  }
  std::vector<Ball> result;
  for (size_t e = 0; e < count; ++e)
    for (size_t p = 0; p < points; ++p)
      result.push_back(arithmetic.shifted(totals[e * points + p], exponent, radii.total(e, p)));
  return result;
}

}  // namespace crease::checker
