#include "graph/analysis/check_nearly.h"

#include <algorithm>

#include "graph/scalar/forms.h"

namespace crease::checker {
namespace {

/// A multiple of 2^-64 that is not greater.
Rational below(const Rational& x) { return x.floor(-64); }

/// How far the enclosed number may be from this one.
Rational distance(const Enclosure& x, const Rational& from) {
  return -below(-std::max((x.high - from).abs(), (x.low - from).abs()));
}

}  // namespace

Rational middle(const Enclosure& x) { return x.low == x.high ? x.low : below((x.low + x.high) / 2); }

bool is_loose(const Rational& claimed, const Rational& proved) {
  return claimed > proved + proved + Rational::dyadic(1, -40);
}

Interval shortened(const Interval& x) {
  Interval result;
  if (x.low) result.low = below(*x.low);
  if (x.high) result.high = -below(-*x.high);
  return result;
}

bool varies(const Scalar& body, const std::vector<bool>& data) {
  return fold_steps<int>(body, [&](const Scalar& e, std::span<const int> terms) -> int {
    const ScalarKind kind = e.kind();
    if (kind == ScalarKind::Argument) return data[static_cast<size_t>(e.position())];
    const auto count = std::ranges::count(terms, 1);
    if (count == 0) return false;
    const bool affine = kind == ScalarKind::Negate || kind == ScalarKind::Add ||
                        kind == ScalarKind::Subtract || (kind == ScalarKind::Multiply && count == 1) ||
                        (kind == ScalarKind::Divide && !terms[1]) ||
                        (kind == ScalarKind::Select && !terms[0]);
    if (!affine) throw Refused(std::string(name_of(kind)) + " is not affine in the data");
    return true;
  });
}

NearLine near_line(const Scalar& body, size_t data, std::vector<Enclosure> arguments,
                   std::span<const int64_t> labels) {
  arguments[data] = {0, 0};
  const Enclosure at_0 = enclosed_body(body, arguments, labels);
  arguments[data] = {1, 1};
  const Enclosure at_1 = enclosed_body(body, arguments, labels);
  const Enclosure slope{at_1.low - at_0.high, at_1.high - at_0.low};
  NearLine line{.slope = middle(slope), .offset = middle(at_0), .slope_error = 0, .offset_error = 0};
  line.slope_error = distance(slope, line.slope);
  line.offset_error = distance(at_0, line.offset);
  return line;
}

}  // namespace crease::checker
