#include "graph/tie.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/error.h"

using namespace crease;

TEST_CASE("ties print and read back") {
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::min_norm, Tie::trap, Tie::value(0.25),
                         Tie::value(0), Tie::value(1), Tie::value(1.0 / 3)})
    CHECK(parse_tie(to_string(tie)) == tie);
  CHECK(to_string(Tie::value(0.25)) == "value(0.25)");
  CHECK_FALSE(Tie::value(0) == Tie::left);
}

TEST_CASE("weights of the right slope") {
  CHECK(Tie::left.weight() == 0);
  CHECK(Tie::right.weight() == 1);
  CHECK(Tie::mid.weight() == 0.5);
  CHECK(Tie::value(0.7).weight() == 0.7);
}

TEST_CASE("a weight outside [0, 1] and an unknown rule are errors") {
  CHECK_THROWS_WITH_AS(Tie::value(1.5),
                       "Tie::value(1.5) is outside the slopes it lies between: want 0 <= s <= 1", Error);
  CHECK_THROWS_AS(Tie::value(-0.1), Error);
  CHECK_THROWS_AS(Tie::value(std::nan("")), Error);
  for (const char* text :
       {"", "Left", "value", "value()", "value(2)", "value(x)", "value(0.5", "value(0.5)x", "left "})
    CHECK_THROWS_AS(parse_tie(text), Error);
}
