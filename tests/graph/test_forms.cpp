#include "graph/scalar/forms.h"

#include <doctest/doctest.h>

using namespace crease;

namespace {

const Scalar x = Scalar::argument(0), y = Scalar::argument(1);

Dependence on_x(const Scalar& body) { return dependence(body, {true, false}); }

}  // namespace

TEST_CASE("forms: dependence tells sums of multiples from pieces of them and from everything else") {
  CHECK(on_x(exp(y) / y) == Dependence::None);
  CHECK(on_x(x - x) == Dependence::Affine);
  CHECK(on_x(exp(y) * x / y - (y + x)) == Dependence::Affine);
  CHECK(on_x(max(x, y) * 2.0) == Dependence::Piecewise);
  CHECK(on_x(select(y < 0.0, x, -x)) == Dependence::Piecewise);
  CHECK(on_x(select(x < 0.0, y, -y)) == Dependence::Other);
  CHECK(on_x(max(x * x, y)) == Dependence::Other);
  CHECK(on_x(y / x) == Dependence::Other);
  CHECK(on_x(floor(x) + x) == Dependence::Other);
}

TEST_CASE("forms: dependence looks at each step once, however often it is mentioned") {
  Scalar body = x;
  for (int i = 0; i < 200; ++i) body = body - max(body, y);
  CHECK(on_x(body) == Dependence::Piecewise);
}

TEST_CASE("forms: a body mentions labels where any of its steps does") {
  CHECK(mentions_labels(x + exp(Scalar::index(1))));
  CHECK_FALSE(mentions_labels(x + exp(y)));
  CHECK(label_count(x * Scalar::index(70) + Scalar::index(1)) == 71);
}
