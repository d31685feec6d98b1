// Products whose sums go on over several loops: time and batch of matrices that lie in different orders,
// heads of attention, positions and samples of an image.
#include <array>
#include <cmath>
#include <vector>

#include "autodiff/reverse.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/machine.h"
#include "tests/jit/contraction_setting.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

constexpr int64_t rows = 23, columns = 37, depth = 5, inner = 2, outer = 3;

/// Steps of a matrix along its own direction, k, the inner and the outer loop round k.
struct Steps {
  int64_t own, k, inner, outer;
};
constexpr Steps a_in_place{1, inner* rows, rows, depth* inner* rows};
constexpr Steps a_by_rows{depth * inner * outer, inner, 1, depth* inner};
constexpr Steps b_in_place{1, columns, depth* columns, inner* depth* columns};
constexpr Steps b_by_columns{inner * depth, 1, depth, columns* inner* depth};

template <class T>
std::vector<T> waves(int64_t count, T step) {
  std::vector<T> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::sin(step * static_cast<T>(i));
  return values;
}

/// One chain of multiply-adds for each element, outer loop, inner loop, k.
template <class T>
std::vector<T> by_chains(const std::vector<T>& a, const std::vector<T>& b, const Steps& of_a,
                         const Steps& of_b) {
  std::vector<T> c(static_cast<size_t>(rows * columns));
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t n = 0; n < columns; ++n)
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < inner; ++i)
          for (int64_t k = 0; k < depth; ++k) {
            T& sum = c[static_cast<size_t>(m * columns + n)];
            sum = std::fma(
                a[static_cast<size_t>(m * of_a.own + k * of_a.k + i * of_a.inner + o * of_a.outer)],
                b[static_cast<size_t>(n * of_b.own + k * of_b.k + i * of_b.inner + o * of_b.outer)], sum);
          }
  return c;
}

template <class T>
void check_chains(const Steps& of_a, const Steps& of_b, const std::optional<ContractionPlan>& plan) {
  const auto extent = [](int64_t value) { return Extent{value, {}}; };
  ContractionFacts facts{.type = sizeof(T) == 4 ? Type::f32 : Type::f64,
                         .m = extent(rows),
                         .n = extent(columns),
                         .k = extent(depth),
                         .a_row = extent(of_a.own),
                         .a_column = extent(of_a.k),
                         .b_row = extent(of_b.k),
                         .b_column = extent(of_b.own)};
  facts.around = {{extent(outer), extent(of_a.outer), extent(of_b.outer)},
                  {extent(inner), extent(of_a.inner), extent(of_b.inner)}};
  const std::vector<T> a = waves<T>(rows * depth * inner * outer, T(0.7)),
                       b = waves<T>(columns * depth * inner * outer, T(1.3));
  const std::vector<T> wanted = by_chains(a, b, of_a, of_b);
  for (const Machine& machine : widths()) {
    if (!machine.fma) continue;
    CAPTURE(machine.vector_bits);
    CAPTURE(to_string(plan.value_or(plan_contraction(facts, machine))));
    const NativeFunction function =
        compile_contraction(machine, {.facts = facts, .c_row = extent(columns), .plan = plan});
    std::vector<T> c(wanted.size()), bias(columns), scratch(1 << 14);
    const ContractionSizes sizes{};
    reinterpret_cast<ContractionFunction>(function.address())(a.data(), b.data(), c.data(), bias.data(),
                                                              scratch.data(), &sizes);
    CHECK(c == wanted);
  }
}

void check_plan(const Steps& of_a, const Steps& of_b, const std::optional<ContractionPlan>& plan) {
  check_chains<float>(of_a, of_b, plan);
  check_chains<double>(of_a, of_b, plan);
}

size_t contractions(const Graph& graph) {
  return count_of(compile(graph, {.keep_dumps = true}).dumps().schedule, "contraction");
}

/// Sequences, sample by sample, that are multiplied time by time, and what the weights' gradient is then.
Graph sequences(bool named, Type type = Type::f32) {
  Graph graph;
  const Dim batch = named ? Dim("batch") : Dim(9);
  const Value x = graph.input("x", {batch, 11, 20}, type), dy = graph.input("dy", {11, batch, 33}, type);
  const Value weight = graph.input("weight", {20, 33}, type);
  const Value y = matmul(transpose(x, {1, 0, 2}), weight);
  const std::vector<Value> gradients = grad(sum(y * dy), std::vector<Value>{x, weight});
  graph.output("y", y);
  graph.output("dx", gradients[0]);
  graph.output("dweight", gradients[1]);
  return graph;
}

Bindings sequence_data(Type type = Type::f32) {
  return {{"x", dyadic(type, {9, 11, 20}, 1)},
          {"dy", dyadic(type, {11, 9, 33}, 2)},
          {"weight", dyadic(type, {20, 33}, 3)}};
}

}  // namespace

TEST_CASE("an element is one chain over all loops of the sum, whatever is packed, at every width") {
  for (const int tile : {1, 7}) {
    const ContractionPlan plain{.tile_rows = tile, .tile_vectors = 2};
    ContractionPlan packed = plain;
    packed.pack_b = true;
    check_plan(a_in_place, b_in_place, plain);
    check_plan(a_in_place, b_in_place, packed);
    check_plan(a_by_rows, b_by_columns, packed);
    ContractionPlan turned = plain;
    turned.transposed = true;
    check_plan(a_in_place, b_by_columns, turned);
    turned.pack_a = true;
    check_plan(a_by_rows, b_in_place, turned);
  }
  check_plan(a_in_place, b_in_place, {});
  check_plan(a_by_rows, b_by_columns, {});
}

TEST_CASE("scalars packed by blocks of rows give the same chains") {
  for (const int tile : {3, 8})
    for (const int64_t tiles : {1, 30}) {
      ContractionPlan plan{
          .tile_rows = tile, .tile_vectors = 2, .pack_scalars = true, .row_block = tiles * tile};
      check_plan(a_in_place, b_in_place, plan);
      plan.pack_b = true;
      check_plan(a_in_place, b_by_columns, plan);
      plan.pack_b = false;
      plan.transposed = true;
      check_plan(a_in_place, b_in_place, plan);
    }
  check_plan(a_in_place, b_in_place,
             ContractionPlan{.tile_rows = 23, .tile_vectors = 1, .pack_scalars = true, .row_block = 23});
}

TEST_CASE("scalars are packed where blocks of them would share a few sets of the second cache") {
  Machine machine = host_machine();
  machine.l2_bytes = 2 << 20;
  const auto packs = [&](Size sizes) {
    return plan_contraction(case_of({.sizes = sizes, .a = {true, 0}}, Type::f32).facts, machine).pack_scalars;
  };
  CHECK(packs({1024, 256, 1024}));
  CHECK(packs({256, 768, 2048}));
  CHECK(!packs({784, 256, 1024}));  // 49 lines apart: all sets
  CHECK(!packs({512, 512, 512}));   // stays in the second cache
}

TEST_CASE("gradients of sequences turned from samples to times are products") {
  for (const bool named : {false, true}) CHECK(contractions(sequences(named)) == 3);
  check_both(sequences(true), sequence_data());
  for (const int bits : {128, 256, 512})
    if (bits <= host_machine().vector_bits)
      check_program(sequences(false, Type::f64), sequence_data(Type::f64), {.vector_bits = bits});
  check_program(sequences(false), sequence_data(), {.threads = 3, .split_all = true});
}

TEST_CASE("heads of attention are summed by products, forward and for the gradients") {
  Graph graph;
  const Value x = graph.input("x", {2, 7, 24}), weight = graph.input("weight", {24, 24});
  const Value heads = transpose(reshape(matmul(x, weight), {2, 7, 3, 8}), {0, 2, 1, 3});
  const Value y = matmul(reshape(transpose(heads * heads, {0, 2, 1, 3}), {2, 7, 24}), weight);
  graph.output("y", y);
  graph.output("dweight", grad(sum(y), weight));
  check_both(graph, {{"x", integers(Type::f32, {2, 7, 24}, -1, 1, 1)},
                     {"weight", integers(Type::f32, {24, 24}, -1, 1, 2)}});
}

TEST_CASE("convolutions without padding, with windows of one element and more, equal the interpreter") {
  for (const int64_t window : {1, 3})
    for (const int64_t stride : {1, 2}) {
      const bool named = window == stride;
      CAPTURE(window);
      CAPTURE(stride);
      CAPTURE(named);
      Graph graph;
      const Value x = graph.input("x", {named ? Dim("batch") : Dim(2), 16, 6, 7});
      const Value kernel = graph.input("kernel", {24, 16, window, window});
      const Value y = conv2d(x, kernel, {.stride = {stride}});
      const std::vector<Value> gradients = grad(sum(y * y), std::vector<Value>{x, kernel});
      graph.output("y", y);
      graph.output("dx", gradients[0]);
      graph.output("dkernel", gradients[1]);
      for (const int bits : {128, host_machine().vector_bits})
        check_program(graph,
                      {{"x", integers(Type::f32, {2, 16, 6, 7}, -2, 2, 1)},
                       {"kernel", integers(Type::f32, {24, 16, window, window}, -2, 2, 2)}},
                      {.vector_bits = bits});
    }
}

TEST_CASE("the weights' gradient of windows of one element is summed sample by sample") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 32, 8, 8}), kernel = graph.input("kernel", {32, 32, 1, 1});
  const Value dy = graph.input("dy", {"batch", 32, 8, 8});
  graph.output("dkernel", grad(sum(conv2d(x, kernel) * dy), kernel));
  CHECK(count_of(compile(graph, {.keep_dumps = true}).dumps().schedule, "sums kept between passes") == 1);
}
