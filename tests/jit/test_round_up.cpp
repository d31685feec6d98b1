// Rounding::Up against exact rationals, at every level of the processor: nothing is less than the exact
// result, and nothing is more than one number above the least that is not.
#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "graph/rational.h"
#include "jit/program.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// Native and every level that this processor has.
std::vector<MachineLevel> levels() {
  std::vector<MachineLevel> result{MachineLevel::Native};
  const std::optional<MachineLevel> highest = level_of(host_machine());
  for (const MachineLevel level : {MachineLevel::V1, MachineLevel::V2, MachineLevel::V3, MachineLevel::V4})
    if (highest && level <= *highest) result.push_back(level);
  return result;
}

/// Whether the direction is part of the instructions.
bool is_least(MachineLevel level) {
  const Machine machine = at_level(host_machine(), level);
  return machine.has("avx512f") && machine.vector_bits == 512;
}

double below(double value, Type type) {
  constexpr double down = -std::numeric_limits<double>::infinity();
  if (type == Type::f64) return std::nextafter(value, down);
  return static_cast<double>(std::nextafter(static_cast<float>(value), static_cast<float>(down)));
}

/// `got` is the least number of the type that is not below `exact`, or the one after it.
void check_up(double got, const Rational& exact, Type type, bool least) {
  CAPTURE(got);
  if (std::isinf(got)) {
    CHECK(got > 0);
    const double most = type == Type::f64 ? std::numeric_limits<double>::max()
                                          : static_cast<double>(std::numeric_limits<float>::max());
    CHECK(Rational::of(below(most, type)) < exact);
    return;
  }
  CHECK(Rational::of(got) >= exact);
  double before = below(got, type);
  if (!least && std::isfinite(before)) before = below(before, type);
  if (std::isfinite(before)) CHECK(Rational::of(before) < exact);
}

/// Numbers of all magnitudes, whole ones, powers of two, subnormal ones, the greatest, 0 and -0.
Tensor numbers(Type type, int64_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  Tensor tensor(type, {count});
  const bool wide = type == Type::f64;
  const double most =
      wide ? std::numeric_limits<double>::max() : static_cast<double>(std::numeric_limits<float>::max());
  const double least = wide ? std::numeric_limits<double>::denorm_min()
                            : static_cast<double>(std::numeric_limits<float>::denorm_min());
  const std::array<double, 9> special{0, -0.0, 1, -1, most, -most, least, -least, 3 * least};
  for (int64_t i = 0; i < count; ++i) {
    double value = special[random() % special.size()];
    if (i % 4 == 1) value = static_cast<double>(random() % 2001) / 8 - 125;
    if (i % 4 >= 2) {
      const double scale = std::ldexp(1.0, static_cast<int>(random() % (i % 8 < 6 ? 40
                                                                        : wide    ? 600
                                                                                  : 80)) -
                                               (i % 8 < 6 ? 20
                                                : wide    ? 300
                                                          : 40));
      value = (static_cast<double>(random() % 1000003) / 500001 - 1) * scale;
    }
    tensor.set(i, value);
  }
  return tensor;
}

constexpr int64_t kCount = 403;  // not a whole number of vectors

/// Checks one operation of two operands on all levels, over all kinds of numbers.
void check_operation(
    const Op& op, const std::function<std::optional<Rational>(const Rational&, const Rational&)>& exactly) {
  for (const MachineLevel level : levels())
    for (const Type type : {Type::f32, Type::f64}) {
      CAPTURE(to_string(level));
      CAPTURE(to_string(type));
      Graph graph;
      graph.output("z", op(graph.input("x", {kCount}, type), graph.input("y", {kCount}, type)));
      Program program = compile(graph, {.level = level, .rounding = Rounding::Up});
      const Tensor x = numbers(type, kCount, 1), y = numbers(type, kCount, 2);
      const Tensor z = program({{"x", x}, {"y", y}}).at("z");
      for (int64_t i = 0; i < kCount; ++i) {
        CAPTURE(x.at(i));
        CAPTURE(y.at(i));
        const auto exact = exactly(Rational::of(x.at(i)), Rational::of(y.at(i)));
        if (exact) check_up(z.at(i), *exact, type, is_least(level));
      }
    }
}

}  // namespace

TEST_CASE("sums, differences, products and quotients are rounded up on every level") {
  check_operation(add, [](const Rational& a, const Rational& b) { return a + b; });
  check_operation(subtract, [](const Rational& a, const Rational& b) { return a - b; });
  check_operation(multiply, [](const Rational& a, const Rational& b) { return a * b; });
  check_operation(divide, [](const Rational& a, const Rational& b) {
    return b.is_zero() ? std::nullopt : std::optional(a / b);
  });
}

TEST_CASE("roots and conversions are rounded up on every level") {
  for (const MachineLevel level : levels()) {
    CAPTURE(to_string(level));
    Graph graph;
    const Value x = graph.input("x", {kCount}, Type::f64);
    graph.output("root", sqrt(abs(x)));
    const Value single = graph.input("s", {kCount}, Type::f32);
    const Op narrow{.name = "narrow", .body = [](Scalar v) { return v; }};
    graph.output("narrow", graph.apply_resolved(std::make_shared<const Op>(narrow),
                                                broadcast(std::vector<Shape>{{kCount}}), {x}, Type::f32, {}));
    graph.output("single", sqrt(abs(single)));
    Program program = compile(graph, {.level = level, .rounding = Rounding::Up});
    const Tensor numbers64 = numbers(Type::f64, kCount, 3), numbers32 = numbers(Type::f32, kCount, 4);
    const auto results = program({{"x", numbers64}, {"s", numbers32}});
    const auto check_root = [&](double got, double of, Type type) {
      const Rational square = Rational::of(std::abs(of));
      const Rational high = Rational::of(got);
      CHECK(high * high >= square);
      double before = below(got, type);
      if (!is_least(level)) before = below(before, type);
      if (before > 0) CHECK(Rational::of(before) * Rational::of(before) < square);
    };
    for (int64_t i = 0; i < kCount; ++i) {
      check_root(results.at("root").at(i), numbers64.at(i), Type::f64);
      check_root(results.at("single").at(i), numbers32.at(i), Type::f32);
      check_up(results.at("narrow").at(i), Rational::of(numbers64.at(i)), Type::f32, true);
    }
  }
}

TEST_CASE("sums of products are not below the exact ones, and exact where nothing is rounded") {
  constexpr int64_t rows = 7, inner = 45, columns = 37;
  for (const MachineLevel level : levels())
    for (const Type type : {Type::f32, Type::f64}) {
      CAPTURE(to_string(level));
      CAPTURE(to_string(type));
      Graph graph;
      const Value a = graph.input("a", {rows, inner}, type), b = graph.input("b", {inner, columns}, type);
      graph.output("c", matmul(a, b));
      graph.output("s", sum(a, {1}));
      Program program = compile(graph, {.level = level, .rounding = Rounding::Up});
      Tensor x = real(type, {rows, inner}, 5), y = real(type, {inner, columns}, 6);
      for (int64_t k = 0; k < inner; ++k) x.set(k, 0);  // a row of 0
      const auto results = program({{"a", x}, {"b", y}});
      const double epsilon = type == Type::f64 ? 0x1p-52 : 0x1p-23;
      for (int64_t i = 0; i < rows; ++i) {
        Rational sum = 0;
        for (int64_t k = 0; k < inner; ++k) sum += Rational::of(x.at(i * inner + k));
        CHECK(Rational::of(results.at("s").at(i)) >= sum);
        for (int64_t j = 0; j < columns; ++j) {
          Rational exact = 0, size = 0;
          for (int64_t k = 0; k < inner; ++k) {
            const Rational term = Rational::of(x.at(i * inner + k)) * Rational::of(y.at(k * columns + j));
            exact += term;
            size += term.abs();
          }
          const double got = results.at("c").at(i * columns + j);
          CHECK(Rational::of(got) >= exact);
          // Each of 45 steps (twice that without fused multiply-add) is off by at most two numbers.
          CHECK(Rational::of(got) <= exact + Rational::of(4 * (inner + 1) * epsilon) * size);
          if (i == 0) CHECK(got == 0);
        }
      }
    }
}

TEST_CASE("rounding up keeps infinities and NaN, and stops at the least finite number below") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN(), most = std::numeric_limits<double>::max();
  for (const MachineLevel level : levels()) {
    CAPTURE(to_string(level));
    Graph graph;
    const Value x = graph.input("x", {4}, Type::f64), y = graph.input("y", {4}, Type::f64);
    graph.output("sum", x + y);
    graph.output("product", x * y);
    graph.output("exp", exp(x));
    Program program = compile(graph, {.level = level, .rounding = Rounding::Up});
    const auto results = program({{"x", Tensor::f64({4}, {infinity, nan, -most, -infinity})},
                                  {"y", Tensor::f64({4}, {1, 1, -most, 1})}});
    CHECK(results.at("sum").at(0) == infinity);
    CHECK(std::isnan(results.at("sum").at(1)));
    CHECK(results.at("sum").at(2) == -most);
    CHECK(results.at("product").at(2) == infinity);
    CHECK(results.at("exp").at(0) == infinity);
    CHECK(std::isnan(results.at("exp").at(1)));
    CHECK(results.at("exp").at(3) >= 0);
    CHECK(results.at("exp").at(3) < 1e-300);
  }
}

TEST_CASE("constants are not folded to nearest where code rounds up") {
  Graph graph;
  const Value x = graph.input("x", {3}, Type::f64);
  const Value third = graph.constant(1.0, Type::f64) / graph.constant(3.0, Type::f64);
  graph.output("y", x * 0.0 + third);
  Program program = compile(graph, {.rounding = Rounding::Up});
  const double y = program({{"x", Tensor::f64({3}, {1, 2, 3})}}).at("y").at(0);
  CHECK(Rational::of(y) >= Rational(1, 3));
}

TEST_CASE("with AVX-512 the direction is embedded in the instructions") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 64}), w = graph.input("w", {64, 64});
  graph.output("y", matmul(x, w) + matmul(x, w) * 0.5);
  for (const MachineLevel level : levels()) {
    CAPTURE(to_string(level));
    const Program program = compile(graph, {.level = level, .rounding = Rounding::Up, .keep_dumps = true});
    const std::string& assembly = program.dumps().assembly;
    if (!is_least(level)) {
      CHECK(assembly.find("{ru-sae}") == std::string::npos);
      continue;
    }
    CHECK(assembly.find("{ru-sae}") != std::string::npos);
    CHECK(assembly.find("vfmadd") != std::string::npos);
  }
}
