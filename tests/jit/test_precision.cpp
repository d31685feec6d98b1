#include "graph/precision.h"

#include <doctest/doctest.h>

#include <bit>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/rational.h"
#include "graph/rewrite/tidy.h"
#include "graph/scan.h"
#include "graph/text.h"
#include "graph/verify.h"
#include "jit/contraction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

constexpr double unit = 0x1p-24;  // of f32

/// y = x w, and the two products of its gradients.
Graph products(int64_t m, int64_t n, int64_t k, bool symbolic = false) {
  const Dim rows = symbolic ? Dim("batch") : Dim(m);
  Graph graph;
  const Value x = graph.input("x", {rows, k}), w = graph.input("w", {k, n}), g = graph.input("g", {rows, n});
  const Value y = matmul(x, w);
  graph.output("y", y);
  const std::vector<Value> gradients = grad(sum(y * g), std::vector{x, w});
  graph.output("dx", gradients[0]);
  graph.output("dw", gradients[1]);
  return graph;
}

Bindings data(int64_t m, int64_t n, int64_t k) {
  return {{"x", real(Type::f32, {m, k}, 1)},
          {"w", real(Type::f32, {k, n}, 2)},
          {"g", real(Type::f32, {m, n}, 3)}};
}

Tensor transposed(const Tensor& matrix) {
  const int64_t rows = matrix.sizes()[0], columns = matrix.sizes()[1];
  Tensor result(matrix.type(), {columns, rows});
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) result.set(j * rows + i, matrix.at(i * columns + j));
  return result;
}

/// One chain of multiply-adds in the order of k, each rounded to f32: products of bfloat16 are exact in f64.
Tensor chained(const Tensor& a, const Tensor& b) {
  const int64_t m = a.sizes()[0], k = a.sizes()[1], n = b.sizes()[1];
  Tensor result(Type::f32, {m, n});
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      float total = 0;
      for (int64_t l = 0; l < k; ++l) {
        const auto x = round_bf16(static_cast<float>(a.at(i * k + l)));
        total = std::fma(x, round_bf16(static_cast<float>(b.at(l * n + j))), total);
      }
      result.set(i * n + j, total);
    }
  return result;
}

/// The same in the tile registers of a processor that has them: 32 products at a time, those of even k apart
/// from those of odd k.
Tensor tiled(const Tensor& a, const Tensor& b) {
  const int64_t m = a.sizes()[0], k = a.sizes()[1], n = b.sizes()[1];
  Tensor result(Type::f32, {m, n});
  for (int64_t i = 0; i < m * n; ++i) {
    const auto factor_a = [&](size_t l) {
      return round_bf16(static_cast<float>(a.at(i / n * k + static_cast<int64_t>(l))));
    };
    const auto factor_b = [&](size_t l) {
      return round_bf16(static_cast<float>(b.at(static_cast<int64_t>(l) * n + i % n)));
    };
    float total = 0;
    for (size_t step = 0, end = static_cast<size_t>(k); step < end; step += 32)
      total = add_in_tile(total, step, std::min(end, step + 32), factor_a, factor_b);
    result.set(i, total);
  }
  return result;
}

/// Products are chains; on a processor with tiles they may be sums of tiles.
void check_product(const Tensor& got, const Tensor& a, const Tensor& b) {
  if (host_machine().tiles != Tiles::None)
    if (const Tensor tiles = tiled(a, b); got == tiles) return;
  check_close(got, chained(a, b));
}

std::map<std::string, Tensor> run(const Graph& graph, const Bindings& inputs, CompileOptions options) {
  options.contraction = Precision::Bf16;
  return compile(graph, options)(inputs);
}

void check_chains(const std::map<std::string, Tensor>& got, const Bindings& inputs) {
  const Tensor &x = inputs.at("x"), &w = inputs.at("w"), &g = inputs.at("g");
  check_product(got.at("y"), x, w);
  check_product(got.at("dx"), g, transposed(w));
  check_product(got.at("dw"), transposed(x), g);
}

std::vector<CompileOptions> every_level() {
  std::vector<CompileOptions> options;
  const MachineLevel levels[] = {MachineLevel::V1, MachineLevel::V2, MachineLevel::V3, MachineLevel::V4,
                                 MachineLevel::Native};
  for (const MachineLevel level : levels) try {
      at_level(host_machine(), level);
      options.push_back({.level = level});
    } catch (const Error&) {
      // a level that this processor lacks
    }
  return options;
}

}  // namespace

TEST_CASE("bfloat16 is the nearest number of eight bits, ties to even") {
  CHECK(round_bf16(1.0F) == 1.0F);
  CHECK(round_bf16(0x1.01p0F) == 1.0F);
  CHECK(round_bf16(0x1.03p0F) == 0x1.04p0F);
  CHECK(round_bf16(0x1.010002p0F) == 0x1.02p0F);
  CHECK(round_bf16(-0x1.03p0F) == -0x1.04p0F);
  CHECK(std::isinf(round_bf16(std::numeric_limits<float>::max())));
  CHECK(round_bf16(0x1.fefffep127F) == 0x1.fep127F);
  CHECK(std::isnan(round_bf16(std::numeric_limits<float>::signaling_NaN())));
  CHECK(std::isnan(round_bf16(std::bit_cast<float>(0x7f800001U))));
  CHECK(std::signbit(round_bf16(-0x1p-140F)));
  CHECK(round_bf16(-0x1p-140F) == 0.0F);
  CHECK(round_bf16(0x1p-126F) == 0x1p-126F);
}

TEST_CASE("machine code of every level rounds every kind of number as the interpreter does") {
  std::vector<uint32_t> patterns;
  for (uint32_t high = 0; high < 0x10000; high += 37)
    for (const uint32_t low : {0U, 1U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU})
      patterns.push_back(high << 16 | low);
  const auto n = static_cast<int64_t>(patterns.size());
  Tensor x(Type::f32, {n, 1}), one(Type::f32, {1, 1});
  for (int64_t i = 0; i < n; ++i)
    reinterpret_cast<float*>(x.mutable_data())[i] = std::bit_cast<float>(patterns[static_cast<size_t>(i)]);
  one.set(0, 1);
  Graph graph;
  graph.output("y",
               with_precision(matmul, Precision::Bf16)(graph.input("x", {n, 1}), graph.input("one", {1, 1})));
  for (const CompileOptions& options : every_level()) {
    CAPTURE(to_string(options.level));
    const Tensor y = compile(graph, options)({{"x", x}, {"one", one}}).at("y");
    for (int64_t i = 0; i < n; ++i) {
      const float value = reinterpret_cast<const float*>(x.data())[i];
      if (same_number(y.at(i), round_bf16(value))) continue;
      CAPTURE(value);
      CHECK(y.at(i) == static_cast<double>(round_bf16(value)));
      break;
    }
  }
}

TEST_CASE("all three products of training in bf16 are chains in the order of k, at every level") {
  const int64_t m = 33, n = 40, k = 67;
  const Bindings inputs = data(m, n, k);
  for (const CompileOptions& options : every_level()) {
    CAPTURE(to_string(options.level));
    check_chains(run(products(m, n, k), inputs, options), inputs);
  }
}

TEST_CASE("chains in bf16 are the same for every width, size, fusion and number of threads") {
  for (const auto& [m, n, k] :
       std::vector<std::array<int64_t, 3>>{{2, 2, 2}, {3, 5, 2}, {16, 16, 16}, {70, 17, 31}}) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    const Bindings inputs = data(m, n, k);
    check_chains(run(products(m, n, k), inputs, {.vector_bits = 128, .fuse = false}), inputs);
    check_chains(run(products(m, n, k, true), inputs, {.threads = 2, .split_all = true}), inputs);
  }
}

TEST_CASE("a product in bf16 may run along a named dimension, however long it is") {
  Graph graph;
  graph.output("y", matmul(graph.input("x", {6, "time"}), graph.input("w", {"time", 20})));
  for (const int64_t time : {0, 1, 16, 17, 33, 70}) {
    CAPTURE(time);
    const Bindings inputs{{"x", real(Type::f32, {6, time}, 1)}, {"w", real(Type::f32, {time, 20}, 2)}};
    for (const CompileOptions& options : every_level())
      check_product(run(graph, inputs, options).at("y"), inputs.at("x"), inputs.at("w"));
  }
}

TEST_CASE("rows beyond one block of the second cache are packed block by block") {
  const int64_t m = 1100, n = 20, k = 260;
  const Bindings inputs = data(m, n, k);
  check_chains(run(products(m, n, k, true), inputs, {.threads = 2, .split_all = true}), inputs);
}

TEST_CASE("a product in bf16 is within its bound of the exact product, in rationals") {
  const int64_t m = 24, n = 18, k = 300;
  const Bindings inputs = data(m, n, k);
  const Tensor got = run(products(m, n, k), inputs, {}).at("y");
  const Tensor &x = inputs.at("x"), &w = inputs.at("w");
  double greatest = 0;
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      Rational exact, magnitude;
      for (int64_t l = 0; l < k; ++l) {
        const Rational term = Rational::of(x.at(i * k + l)) * Rational::of(w.at(l * n + j));
        exact += term;
        magnitude += term.abs();
      }
      const double operand = 0x1p-8, two = 2 * operand + operand * operand;
      const double sums = static_cast<double>(k) * unit / (1 - static_cast<double>(k) * unit);
      const double bound = (two + (1 + two) * sums) * magnitude.to_double();
      const Rational error = Rational::of(got.at(i * n + j)) - exact;
      greatest = std::max(greatest, error.abs().to_double() / bound);
    }
  CHECK(greatest <= 1);
  CHECK(greatest > 1e-4);  // it does round
}

TEST_CASE("the interpreter has the same mode") {
  const int64_t m = 9, n = 7, k = 40;
  const Bindings inputs = data(m, n, k);
  const Graph graph = in_precision(tidy(products(m, n, k), Derivatives::Settled).graph, Precision::Bf16);
  const std::map<std::string, Tensor> want = evaluate(graph, inputs),
                                      got = run(products(m, n, k), inputs, {});
  const double terms = static_cast<double>(std::max(m, k));
  for (const char* name : {"y", "dx", "dw"}) check_close(got.at(name), want.at(name), terms, 9 * terms);
  const std::map<std::string, Tensor> plain = evaluate(products(m, n, k), inputs);
  double greatest = 0;
  for (int64_t i = 0; i < m * n; ++i)
    greatest = std::max(greatest, std::abs(want.at("y").at(i) - plain.at("y").at(i)));
  CHECK(greatest > 1e-3);
}

TEST_CASE(
    "products of a batch of matrices, of vectors and of elements that stand apart round their operands") {
  Graph graph;
  const Value x = graph.input("x", {3, 5, 21}), y = graph.input("y", {3, 21, 18});
  graph.output("batched", with_precision(batched_matmul, Precision::Bf16)(x, y));
  const Value v = graph.input("v", {1, 21}), w = graph.input("w", {21, 1});
  graph.output("vectors", with_precision(matmul, Precision::Bf16)(v, w));
  const Value a = graph.input("a", {21, 3, 5});
  graph.output("apart", with_precision(batched_matmul, Precision::Bf16)(transpose(a, {1, 2, 0}), y));
  const Bindings inputs{{"x", real(Type::f32, {3, 5, 21}, 1)},
                        {"y", real(Type::f32, {3, 21, 18}, 2)},
                        {"v", real(Type::f32, {1, 21}, 3)},
                        {"w", real(Type::f32, {21, 1}, 4)},
                        {"a", real(Type::f32, {21, 3, 5}, 5)}};
  check_both(graph, inputs, 21, 9 * 21);
}

TEST_CASE("a node's own precision comes before the program's, and derivatives have it") {
  Graph graph;
  const Value x = graph.parameter("x", real(Type::f32, {32, 48}, 1)),
              w = graph.parameter("w", real(Type::f32, {48, 16}, 2)),
              u = graph.parameter("u", real(Type::f32, {16, 16}, 3));
  const Value y = matmul(with_precision(matmul, Precision::F32)(x, w), u);
  const std::vector<Value> gradients = grad(sum(y * y), std::vector{x, w, u});
  graph.output("y", y);
  for (const Value& gradient : gradients) graph.output("d" + std::to_string(gradient.id()), gradient);
  const auto rounds = [](const Graph& of, Precision precision) {
    const Program program = compile(of, {.contraction = precision, .keep_dumps = true});
    return count_of(program.dumps().schedule, "a packed, b packed");
  };
  CHECK(rounds(graph, Precision::F32) == 0);
  CHECK(rounds(graph, Precision::Bf16) == 3);  // y, and the two products of its gradients
  const Program program = compile(graph, {.contraction = Precision::Bf16, .keep_dumps = true});
  const bool pairs = count_of(program.dumps().schedule, "bf16 pairs") == 3;
  CHECK(pairs == (host_machine().fast_pairs && multiplies_bf16(host_machine())));
  CHECK(pairs == (count_of(program.dumps().assembly, "vdpbf16ps") > 0));
}

TEST_CASE("the precision of an operation is part of its text and is kept by every pass") {
  Graph graph;
  const Value x = graph.input("x", {4, 8}), w = graph.input("w", {8, 4});
  graph.output("a", with_precision(matmul, Precision::Bf16)(x, w));
  graph.output("b", matmul(x, w));
  const Graph again = parse(to_string(graph));
  CHECK(to_string(again) == to_string(graph));
  CHECK(count_of(to_string(again), "operand_bits") == 1);
  CHECK(count_of(to_string(tidy(graph, Derivatives::Settled).graph), "operand_bits") == 1);
  const Graph all = in_precision(graph, Precision::Bf16);
  verify(all);
  CHECK(count_of(to_string(all), "operand_bits") == 2);
  CHECK(count_of(to_string(tidy(all, Derivatives::Settled).graph), "operand_bits") ==
        1);  // now the two are one
}

TEST_CASE("products in loops over time take the program's precision") {
  Graph graph;
  const Value x = graph.input("x", {5, 3, 8}), h = graph.input("h", {3, 8}), w = graph.input("w", {8, 8});
  const ScanResult loop = scan({h}, {x}, {w}, [](const ScanArguments& at) {
    const Value next = 0.25 * matmul(at.carries[0] + at.elements[0], at.invariants[0]);
    return ScanStep{{next}, {}};
  });
  graph.output("h", loop.carries[0]);
  const Bindings inputs{{"x", real(Type::f32, {5, 3, 8}, 1)},
                        {"h", real(Type::f32, {3, 8}, 2)},
                        {"w", real(Type::f32, {8, 8}, 3)}};
  const Tensor want = evaluate(in_precision(graph, Precision::Bf16), inputs).at("h");
  const Tensor plain = evaluate(graph, inputs).at("h");
  const Tensor got = run(graph, inputs, {}).at("h");
  // Sums that differ in the last bit may round to neighbours of eight bits in the next turn.
  check_close(got, want, 0x1p17, 1);
  double greatest = 0;
  for (int64_t i = 0; i < want.count(); ++i)
    greatest = std::max(greatest, std::abs(want.at(i) - plain.at(i)));
  CHECK(greatest > 1e-4);
}

TEST_CASE("bf16 is refused where every operation is to round up") {
  const char* message =
      "[compile] contractions in bf16 round to nearest: got Rounding::Up, want Rounding::Nearest";
  CHECK_THROWS_WITH_AS(compile(products(2, 2, 2), {.contraction = Precision::Bf16, .rounding = Rounding::Up}),
                       message, Error);
  Graph graph;
  const Value x = graph.input("x", {4, 4});
  graph.output("y", with_precision(matmul, Precision::Bf16)(x, x));
  CHECK_THROWS_WITH_AS(compile(graph, {.rounding = Rounding::Up}), message, Error);
}

TEST_CASE("splits of f32 are precisions of their own, and f32 for the interpreter") {
  const Graph graph = products(9, 7, 40);
  const Bindings inputs = data(9, 7, 40);
  const Tensor plain = evaluate(graph, inputs).at("y");
  for (const Precision precision : {Precision::F32Split3, Precision::F32Split}) {
    CHECK(parse_precision(to_string(precision)) == precision);
    const Op op = with_precision(with_precision(matmul, Precision::Bf16), precision);
    CHECK(precision_of(op) == precision);
    CHECK(precision_of(with_precision(op, Precision::F32)) == Precision::F32);
    const Graph split = in_precision(graph, precision);
    verify(split);
    CHECK(count_of(to_string(split), "operand_parts") == 3);
    CHECK(to_string(parse(to_string(split))) == to_string(split));
    check_close(evaluate(split, inputs).at("y"), plain);
    CHECK_THROWS_AS(compile(graph, {.contraction = precision, .rounding = Rounding::Up}), Error);
  }
  CHECK_THROWS_WITH_AS(parse_precision("fp8"),
                       "[precision] unknown precision of contractions: got 'fp8', want f32, bf16, f32_split3 "
                       "or f32_split",
                       Error);
}
