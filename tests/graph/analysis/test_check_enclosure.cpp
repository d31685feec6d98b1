#include "graph/analysis/check_enclosure.h"

#include <doctest/doctest.h>

#include "graph/analysis/check_replay.h"

using namespace crease;
using namespace crease::checker;

namespace {

Rational power(int64_t exponent) { return Rational::dyadic(1, exponent); }

Enclosure enclosed(ScalarKind kind, const Rational& x) { return enclosed_function(kind, {x, x}); }

}  // namespace

TEST_CASE("logarithms are enclosed to 2^-80") {
  // From tables, to 60 decimals: half a unit of the last is below 2^-199.
  const Rational log_2 = Rational::parse("0.693147180559945309417232121458176568075500134360255254120680");
  const Rational log_10 = Rational::parse("2.302585092994045684017991454684364207601101488628772976033328");
  const auto check = [](ScalarKind kind, const Rational& x, const Rational& value) {
    CAPTURE(name_of(kind));
    CAPTURE(to_string(x));
    const Enclosure found = enclosed(kind, x);
    CHECK(found.low <= value + power(-199));
    CHECK(found.high >= value - power(-199));
    CHECK(found.high - found.low < power(-80));
  };
  check(ScalarKind::Log, 1, 0);
  check(ScalarKind::Log, 2, log_2);
  check(ScalarKind::Log, 10, log_10);
  check(ScalarKind::Log, 1'000'000'000, 9 * log_10);
  check(ScalarKind::Log, power(-159), -159 * log_2);
  check(ScalarKind::Log, power(1000), 1000 * log_2);
  check(ScalarKind::Log1p, 1, log_2);
  check(ScalarKind::Log1p, Rational(-1, 2), -log_2);
  check(ScalarKind::Softplus, 0, log_2);
  // log(1 + t) = t - t^2 / 2 + ...
  check(ScalarKind::Log1p, power(-100), power(-100) - power(-201));
  // Between x and x + e^-x, where e^-256 < 2^-369.
  check(ScalarKind::Softplus, 256, 256);
  check(ScalarKind::Softplus, -256, 0);
  check(ScalarKind::Softplus, 4000, 4000);
}

TEST_CASE("logarithms of what may not be positive, or is beyond doubles, are refused") {
  CHECK_THROWS_AS(enclosed(ScalarKind::Log, 0), Refused);
  CHECK_THROWS_AS(enclosed_function(ScalarKind::Log, {-1, 1}), Refused);
  CHECK_THROWS_AS(enclosed(ScalarKind::Log1p, -1), Refused);
  CHECK_THROWS_AS(enclosed(ScalarKind::Log, power(2000)), Refused);
}
