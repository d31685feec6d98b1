#include <doctest/doctest.h>

#include "graph/scalar.h"

namespace crease {
namespace {

const Scalar x = Scalar::argument(0), y = Scalar::argument(1);

/// 0 or 1 by where x lies among the whole numbers below `length`: a choice in a choice in a choice.
Scalar choices(int length) {
  Scalar chain = x > 0;
  for (int k = 1; k < length; ++k) chain = select(x < -k, k % 2, chain);
  return chain;
}

}  // namespace

TEST_CASE("a chain of 100,000 choices is known to be a truth value, and finite, at every length") {
  Scalar chain = x > 0;
  int truths = 0, finite = 0;
  for (int k = 1; k < 100'000; ++k) {
    chain = select(x < -k, k % 2, chain);
    truths += (chain && chain).same(chain) ? 1 : 0;
    finite += (chain * 0).is_constant(0) ? 1 : 0;
  }
  CHECK(truths == 99'999);
  CHECK(finite == 99'999);
  CHECK(evaluate(chain, {.arguments = std::vector<double>{-50'000.5}}) == 0);
  CHECK(evaluate(chain, {.arguments = std::vector<double>{1}}) == 1);
}

TEST_CASE("choices whose branches mention the choice before twice are looked at once each") {
  Scalar chain = x > 0;
  for (int k = 1; k < 200; ++k) chain = select(x < -k, !chain, chain);  // 2^199 paths
  CHECK((chain && chain).same(chain));
  CHECK((!!chain).same(chain));
  CHECK((chain * 0).is_constant(0));
}

TEST_CASE("a choice between a truth value and another number is none") {
  const Scalar mixed = select(x > 0, y, 1);
  CHECK_FALSE((mixed && mixed).same(mixed));
  CHECK_FALSE((mixed * 0).is_constant(0));
  const Scalar large = select(x > 0, 3, 1);
  CHECK_FALSE((large && large).same(large));
  CHECK((large * 0).is_constant(0));
}

TEST_CASE("a chain of 30,000 choices is rewritten, differentiated, printed and read back") {
  const Scalar chain = choices(30'000);
  const Scalar moved = substitute(chain, std::vector<Scalar>{y});
  CHECK_FALSE(depends_on(moved, 0));
  CHECK(substitute(moved, std::vector<Scalar>{y, x}).same(chain));
  CHECK(slope(chain, 0, Side::Left).is_constant(0));
  CHECK(parse_scalar(to_string(chain)).same(chain));
}

TEST_CASE("a choice by any of 30,000 conditions is differentiated") {
  Scalar any = x < 0;
  for (int k = 1; k < 30'000; ++k) any = any || (Scalar::index(0) < -k);
  const Scalar left = slope(select(any, x, 0), 0, Side::Left);
  CHECK(evaluate(left, {.arguments = std::vector<double>{-1}, .labels = std::vector<double>{5}}) == 1);
  CHECK(evaluate(left, {.arguments = std::vector<double>{1}, .labels = std::vector<double>{5}}) == 0);
}

TEST_CASE("whether a far argument occurs is asked of each step once") {
  Scalar body = Scalar::argument(70);
  for (int k = 0; k < 200; ++k) body = body * body + k;  // 2^200 paths
  CHECK(arity(body) == 71);
  CHECK_FALSE(depends_on(body, 69));
  CHECK(depends_on(body, 70));
}

}  // namespace crease
