#include "graph/scalar.h"

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>

#include "graph/error.h"

using namespace crease;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

const Scalar x = Scalar::argument(0), y = Scalar::argument(1), z = Scalar::argument(2);

double at(const Scalar& expression, std::vector<double> arguments) {
  return evaluate(expression, {.arguments = arguments});
}

bool same_bits(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string parse_error(std::string_view text) {
  try {
    parse_scalar(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

void check_round_trip(const Scalar& expression) {
  const std::string text = to_string(expression);
  CAPTURE(text);
  CHECK(parse_scalar(text).same(expression));
}

}  // namespace

TEST_CASE("structurally equal scalars are one node, on any thread") {
  CHECK(max(x, 0).same(max(x, 0)));
  CHECK_FALSE(max(x, 0).same(max(y, 0)));
  CHECK_FALSE(Scalar(0.0).same(Scalar(-0.0)));
  CHECK(Scalar(not_a_number).same(Scalar(not_a_number)));
  CHECK_FALSE((x - y).same(y - x));
  CHECK(Scalar::size("batch").same(Scalar::size("batch")));
  CHECK_FALSE(Scalar::size("batch").same(Scalar::size("time")));
  std::array<const ScalarNode*, 4> found{};
  std::array<std::thread, 4> threads;
  for (size_t i = 0; i < threads.size(); ++i)
    threads[i] = std::thread([&found, i] { found[i] = (exp(x * 3.25) + Scalar::index(2)).id(); });
  for (std::thread& thread : threads) thread.join();
  CHECK((found[0] == found[1] && found[1] == found[2] && found[2] == found[3]));
}

TEST_CASE("construction simplifies neutral elements, double negation and equal branches") {
  CHECK((x * 1).same(x));
  CHECK((1 * x).same(x));
  CHECK((x + 0).same(x));
  CHECK((x - 0).same(x));
  CHECK((x / 1).same(x));
  CHECK((-(-x)).same(x));
  CHECK((!!(x < y)).same(x < y));
  CHECK(max(x, x).same(x));
  CHECK(select(x < y, z, z).same(z));
  CHECK(select(1, x, y).same(x));
  CHECK(select(0, x, y).same(y));
  CHECK(select(!(x < y), x, z).same(select(x < y, z, x)));
  CHECK((x / 4).same(x * 0.25));
  CHECK((x < x).is_constant(0));
  CHECK((Scalar(2) * 3 + 4).is_constant(10));
  CHECK(max(0, x).same(max(x, 0)));
}

TEST_CASE("construction does not simplify what infinities and NaN forbid") {
  CHECK(std::isnan(at(x * 0, {inf})));
  CHECK(std::isnan(at(x * 0, {not_a_number})));
  CHECK(std::isnan(at(x - x, {inf})));
  CHECK(std::isnan(at(x / x, {0})));
  CHECK_FALSE(equal(x, x).is_constant(1));
  CHECK_FALSE((x <= x).is_constant(1));
  CHECK((Scalar::index(0) * 0).is_constant(0));
  CHECK(at(0 - x, {0.0}) == 0);
}

TEST_CASE("values follow IEEE, with NaN through max and min and false comparisons") {
  for (const Scalar& e : {max(x, y), min(x, y)}) {
    CHECK(std::isnan(at(e, {not_a_number, 1})));
    CHECK(std::isnan(at(e, {1, not_a_number})));
  }
  CHECK(at(x < y, {not_a_number, 1}) == 0);
  CHECK(at(x <= y, {not_a_number, not_a_number}) == 0);
  CHECK(at(equal(x, y), {not_a_number, not_a_number}) == 0);
  CHECK(at(equal(x, y), {0.0, -0.0}) == 1);
  CHECK(at(1 / x, {-0.0}) == -inf);
  CHECK(at(max(x, y), {-inf, 3}) == 3);
  CHECK(at(select(x < y, x, y), {not_a_number, 2}) == 2);
  CHECK(at(select(x < 0, log(x), x), {2}) == 2);
  CHECK(at(!x, {0}) == 1);
  CHECK(at(x && y, {3, 0}) == 0);
  CHECK(at(x || y, {3, 0}) == 1);
  CHECK(at(floor(x), {-0.5}) == -1);
  CHECK(same_bits(at(sqrt(x), {-0.0}), -0.0));
  CHECK(std::isnan(at(sqrt(x), {-1})));
  CHECK(std::isnan(at(abs(x), {not_a_number})));
}

TEST_CASE("sigmoid and softplus do not overflow, and propagate NaN") {
  CHECK(at(sigmoid(x), {-1000}) == 0);
  CHECK(at(sigmoid(x), {1000}) == 1);
  CHECK(at(sigmoid(x), {-700}) > 0);
  CHECK(at(softplus(x), {1000}) == 1000);
  CHECK(at(softplus(x), {-1000}) == 0);
  CHECK(at(softplus(x), {-700}) > 0);
  CHECK(at(softplus(x), {inf}) == inf);
  CHECK(at(softplus(x), {-inf}) == 0);
  CHECK(std::isnan(at(softplus(x), {not_a_number})));
  CHECK(std::isnan(at(sigmoid(x), {not_a_number})));
}

TEST_CASE("single precision rounds after every operation") {
  const std::array<double, 1> big{16777216};
  CHECK(evaluate_f32(x + 1 - x, {.arguments = big}) == 0);
  CHECK(evaluate(x + 1 - x, {.arguments = big}) == 1);
  const std::array<double, 1> one{1};
  CHECK(evaluate_f32(x * 0.1, {.arguments = one}) == static_cast<double>(0.1F));
}

TEST_CASE("labels and sizes are leaves") {
  const std::array<double, 2> labels{4, 7};
  const Scalar e = Scalar::index(1) * Scalar::size("batch") + x;
  const std::array<double, 1> arguments{0.5};
  CHECK(evaluate(e, {.arguments = arguments, .labels = labels, .size = [](const std::string& s) {
                       return s == "batch" ? 3.0 : -1.0;
                     }}) == 21.5);
}

TEST_CASE("arity and dependence see every argument, beyond the 63rd too") {
  CHECK(arity(Scalar(3)) == 0);
  CHECK(arity(x + z) == 3);
  CHECK(depends_on(x + z, 2));
  CHECK_FALSE(depends_on(x + z, 1));
  const Scalar far = x + Scalar::argument(70);
  CHECK(arity(far) == 71);
  CHECK(depends_on(far, 70));
  CHECK_FALSE(depends_on(far, 64));
  CHECK_FALSE(depends_on_arguments(Scalar::index(0) + 1));
}

TEST_CASE("substitution replaces arguments and labels at once") {
  const std::array<Scalar, 2> swapped{y, x};
  CHECK(substitute(x - y, swapped).same(y - x));
  const std::array<Scalar, 1> zero{Scalar(0)};
  CHECK(substitute(max(x, 1), zero).is_constant(1));
  const std::array<Scalar, 1> labels{Scalar::index(3) * 2};
  CHECK(substitute(Scalar::index(0) + x, std::array<Scalar, 1>{y}, labels).same(Scalar::index(3) * 2 + y));
}

TEST_CASE("one-sided slopes at the kinks of one argument") {
  struct Row {
    Scalar body;
    double at, left, right, mid, quarter, min_norm;
  };
  const Scalar leaky = max(x, 0) + 0.125 * min(x, 0);
  const std::array rows{
      Row{max(x, 0), 0, 0, 1, 0.5, 0.25, 0},
      Row{max(0, x), 0, 0, 1, 0.5, 0.25, 0},
      Row{min(x, 0), 0, 1, 0, 0.5, 0.75, 0},
      Row{max(0, -x), 0, -1, 0, -0.5, -0.75, 0},
      Row{abs(x), 0, -1, 1, 0, -0.5, 0},
      Row{-abs(x), 0, 1, -1, 0, 0.5, 0},
      Row{leaky, 0, 0.125, 1, 0.5625, 0.34375, 0.125},
      Row{min(max(x, -1), 1), 1, 1, 0, 0.5, 0.75, 0},
      Row{min(max(x, -1), 1), -1, 0, 1, 0.5, 0.25, 0},
      Row{max(2 * x, x), 0, 1, 2, 1.5, 1.25, 1},
      Row{max(x, 2 * x), 0, 1, 2, 1.5, 1.25, 1},
      Row{max(-2 * x, -3 * x), 0, -3, -2, -2.5, -2.75, -2},
      Row{select(x > 0, x, 0), 0, 0, 1, 0.5, 0.25, 0},
      Row{select(x >= 0, x, 0), 0, 0, 1, 0.5, 0.25, 0},
      Row{select(x < 0, 0, x), 0, 0, 1, 0.5, 0.25, 0},
      Row{select(!(0 < x), 0, x), 0, 0, 1, 0.5, 0.25, 0},
      Row{select(x > 0 && x < 1, x, 0), 0, 0, 1, 0.5, 0.25, 0},
      Row{select(equal(x, 0), 5 * x, x), 0, 1, 1, 1, 1, 1},
      Row{max(x * x, x), 1, 1, 2, 1.5, 1.25, 1},
      Row{abs(max(x, 0) - max(-x, 0)), 0, -1, 1, 0, -0.5, 0},
      Row{max(x, 0) - max(-x, 0), 0, 1, 1, 1, 1, 1},
      Row{x + max(-x, 0), 0, 0, 1, 0.5, 0.25, 0},
      Row{max(max(x, 0), x - 1), 0, 0, 1, 0.5, 0.25, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(to_string(row.body));
    CHECK(at(slope(row.body, 0, Side::Left), {row.at}) == row.left);
    CHECK(at(slope(row.body, 0, Side::Right), {row.at}) == row.right);
    CHECK(at(slope(row.body, 0, Tie::left), {row.at}) == row.left);
    CHECK(at(slope(row.body, 0, Tie::right), {row.at}) == row.right);
    CHECK(at(slope(row.body, 0, Tie::mid), {row.at}) == row.mid);
    CHECK(at(slope(row.body, 0, Tie::value(0.25)), {row.at}) == row.quarter);
    CHECK(at(slope(row.body, 0, Tie::min_norm), {row.at}) == row.min_norm);
  }
}

TEST_CASE("a tie of two arguments: left gives max the second and min the first") {
  struct Row {
    Tie tie;
    double first;
  };
  for (const Row& row : {Row{Tie::left, 0}, Row{Tie::right, 1}, Row{Tie::mid, 0.5},
                         Row{Tie::value(0.25), 0.25}, Row{Tie::min_norm, 0.5}}) {
    CAPTURE(to_string(row.tie));
    CHECK(at(slope(max(x, y), 0, row.tie), {2, 2}) == row.first);
    CHECK(at(slope(max(x, y), 1, row.tie), {2, 2}) == 1 - row.first);
    CHECK(at(slope(min(x, y), 0, row.tie), {2, 2}) == 1 - row.first);
    CHECK(at(slope(min(x, y), 1, row.tie), {2, 2}) == row.first);
  }
  CHECK(at(slope(max(x, y), 0, Side::Left), {3, 2}) == 1);
  CHECK(at(slope(max(x, y), 0, Side::Right), {1, 2}) == 0);
}

TEST_CASE("where slopes agree every tie uses them, also infinite ones") {
  CHECK(at(slope(sqrt(x), 0, Tie::mid), {0}) == inf);
  CHECK(at(slope(sqrt(max(x, 0)), 0, Tie::right), {0}) == inf);
  CHECK(at(slope(max(x, 0) - max(x, 0), 0, Tie::mid), {0}) == 0);
}

TEST_CASE("trap selects nothing at a kink and is harmless on smooth bodies") {
  CHECK_THROWS_WITH_AS(slope(max(x, 0), 0, Tie::trap),
                       "Tie::trap selects no derivative at a kink of max(x0, 0)", Error);
  CHECK(slope(x * x, 0, Tie::trap).same(x + x));
}

TEST_CASE("jumps and comparisons have slope 0") {
  for (const Scalar& body : {floor(x), x < 0, select(x > 0, 1, 0), equal(x, 0) * 3})
    for (const Side side : {Side::Left, Side::Right}) CHECK(at(slope(body, 0, side), {0}) == 0);
}

TEST_CASE("a branch not taken is a structural zero, never 0 * infinity") {
  const Scalar body = select(x > 0, log(x), 0);
  CHECK(at(slope(body, 0, Side::Left), {-1}) == 0);
  CHECK(at(slope(body, 0, Side::Left), {0}) == 0);
  const Scalar root = select(x > 0, sqrt(x), 0);
  CHECK(at(slope(root, 0, Side::Left), {0}) == 0);
  CHECK(at(slope(y * 0, 0, Side::Left), {3, inf}) == 0);
}

TEST_CASE("directional derivatives follow the tangent's sign") {
  const auto along = [](const Scalar& body, double at_x, double d) {
    return at(directional(body, 1), {at_x, d});
  };
  CHECK(along(max(x, 0), 0, 1) == 1);
  CHECK(along(max(x, 0), 0, -1) == 0);
  CHECK(along(max(x, 0), 0, 0) == 0);
  CHECK(along(abs(x), 0, -3) == 3);
  CHECK(along(abs(x), -2, -3) == 3);
  CHECK(along(max(x, 0) - max(-x, 0), 0, -2) == -2);
  CHECK(along(min(max(x, 0), 6), 6, 1) == 0);
  CHECK(along(min(max(x, 0), 6), 6, -1) == -1);
  CHECK(along(floor(x), 1, -1) == 0);
  CHECK(along(select(x > 0, x, 0), 0, 2) == 2);
  CHECK(along(select(x >= 0, 2 * x, x), 0, -2) == -2);
  CHECK(along(sqrt(x), 0, 1) == inf);
  CHECK(along(sqrt(x), 0, 0) == 0);
  CHECK(along(sqrt(x * x), 3, -1) == -1);
}

TEST_CASE("directional derivatives of quotients, with a denominator that stands still or is 0") {
  const Scalar d = directional(x / y, 2);
  CHECK(at(d, {3, 2, 1, 0}) == 0.5);
  CHECK(at(d, {3, 2, 0, 1}) == -0.75);
  CHECK(at(d, {3, 2, 2, 1}) == 0.25);
  CHECK(at(d, {3, 0, 0, 0}) == 0);
  CHECK(at(directional(x / 0, 1), {3, 0}) == 0);
}

TEST_CASE("directional derivatives of max at a tie take the greater tangent") {
  const Scalar d = directional(max(x, y), 2);
  CHECK(at(d, {1, 1, 2, 3}) == 3);
  CHECK(at(d, {1, 1, -2, -3}) == -2);
  CHECK(at(d, {2, 1, -2, 3}) == -2);
  const Scalar least = directional(min(x, y), 2);
  CHECK(at(least, {1, 1, 2, 3}) == 2);
}

TEST_CASE("kinks of a body are named, none for smooth ones") {
  CHECK(kink_conditions(x * x + exp(x)).empty());
  CHECK(kink_conditions(max(x, 0)).size() == 1);
  CHECK(kink_conditions(max(x, 0) + max(x, 0) * 2).size() == 1);
  CHECK(kink_conditions(min(max(x, -1), 1)).size() == 2);
  CHECK(kink_conditions(max(Scalar::index(0), 3) * x).empty());
  CHECK(at(kink_conditions(max(x, y))[0], {2, 2}) == 1);
  CHECK(at(kink_conditions(floor(x))[0], {2}) == 1);
  CHECK(at(kink_conditions(floor(x))[0], {2.5}) == 0);
}

TEST_CASE("printed scalars read back as the same node") {
  const Scalar shared = exp(x) + y;
  for (const Scalar& e : {max(x, 0),
                          -x * 3,
                          (x - y) - z,
                          x - (y - z),
                          x / y / z,
                          x / (y * z),
                          -(x + y),
                          -(-2.5 * x),
                          select(x < y, x, -0.0),
                          Scalar(inf),
                          Scalar(-inf),
                          Scalar(not_a_number),
                          Scalar(-0.0),
                          Scalar(0.1),
                          x * 1e-300,
                          x * 1e22,
                          x + -1.5,
                          shared * shared,
                          sigmoid(shared) - shared,
                          Scalar::size("batch") * Scalar::index(11),
                          !(x < y) && equal(x, z),
                          x - -0.0,
                          -0.0 - x,
                          x * -1.0,
                          max(-x, x),
                          abs(abs(x) + shared),
                          log1p(expm1(x)),
                          erf(tanh(sin(cos(floor(sqrt(softplus(log(x)))))))),
                          x * (y * z),
                          (x * y) * z,
                          x + (y + z)})
    check_round_trip(e);
}

TEST_CASE("slopes and directional derivatives print and read back") {
  const Scalar swish = x * min(max(x + 3, 0), 6) / 6;
  for (const Scalar& body : {swish, max(x, y) * select(x < y, exp(x), z), x * tanh(softplus(x))}) {
    check_round_trip(slope(body, 0, Tie::mid));
    check_round_trip(slope(body, 0, Tie::min_norm));
    check_round_trip(directional(body, 3));
  }
}

TEST_CASE("bodies deeper than any stack print and read back") {
  for (const int steps : {99, 100, 101, 257, 300, 40'000}) {
    Scalar functions = x, signs = x, quotients = x;
    for (int k = 0; k < steps; ++k) {
      functions = tanh(functions);
      signs = -(y * signs + 1);
      quotients = 1 / (y - quotients);
    }
    for (const Scalar& e : {functions, signs, quotients}) CHECK(parse_scalar(to_string(e)).same(e));
  }
}

TEST_CASE("text of scalars is read as written, errors name the column") {
  CHECK(parse_scalar(" max( x0 , 0 )*2 - - x1 ").same(max(x, 0) * 2 + y));
  CHECK(parse_scalar("{t0 = exp(x0); t0/(1 + t0)}").same(exp(x) / (1 + exp(x))));
  CHECK(parse_scalar("-0").same(Scalar(-0.0)));
  CHECK(parse_scalar("-inf").same(Scalar(-inf)));
  CHECK(contains(parse_error("max(x0, )"), "want an expression at column 9, got ')'"));
  CHECK(contains(parse_error("max(x0)"), "2 terms of max, not 1"));
  CHECK(contains(parse_error("x0 x1"), "want the end at column 4"));
  CHECK(contains(parse_error("frob(x0)"), "want an expression at column 1, got 'frob(x0)'"));
  CHECK(contains(parse_error(""), "want an expression at column 1, got 'the end'"));
  CHECK(contains(parse_error("(x0"), "want ')' at column 4"));
  CHECK(contains(parse_error("{t0 = x0 t0}"), "want ';'"));
  CHECK(contains(parse_error("constant(1)"), "want an expression"));
  CHECK(contains(parse_error(std::string(10000, '(')), "fewer than 256"));
  CHECK(contains(parse_error(std::string(10000, '-')), "fewer than 256"));
  CHECK(contains(parse_error("x99999999999"), "want an expression"));
}

TEST_CASE("numbers that count as true are no truth values") {
  for (const double number : {-3.0, 0.0, 0.5, 1.0, 2.0}) {
    const double truth = number != 0 ? 1 : 0;
    for (const Scalar& same : {x && x, x || x, !!x, x && 1, x || 0, x && 0.5})
      CHECK(at(same, {number}) == truth);
    CHECK(at(substitute(x && y, std::array{x, x}), {number}) == truth);
  }
  CHECK((!!(x < y)).same(x < y));
  CHECK(((x < y) && 1).same(x < y));
}

TEST_CASE("a kind with the wrong number of terms is our mistake") {
  CHECK_THROWS_AS(make_scalar(ScalarKind::Max, {x}), Bug);
  CHECK_THROWS_AS(evaluate(x + y, {.arguments = std::array<double, 1>{1}}), Bug);
  CHECK_THROWS_AS(x.constant(), Bug);
  CHECK_THROWS_AS(substitute(y, std::array<Scalar, 1>{x}), Bug);
}
