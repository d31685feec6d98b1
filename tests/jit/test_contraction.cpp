#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "graph/error.h"
#include "jit/contraction.h"
#include "jit/emit/standalone.h"
#include "jit/machine.h"

using namespace crease;

namespace {

constexpr int64_t guard = 64;  // elements round each matrix that must keep their value

struct Size {
  int64_t m, n, k;
};

/// Small multiples of 1/8: every sum of fewer than 2^12 products is exact in f32, whatever its order.
template <class T>
std::vector<T> dyadic(int64_t count, int64_t seed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(static_cast<int64_t>((i * 37 + static_cast<size_t>(seed) * 11) % 29) - 14) / 8;
  return values;
}

/// Which way a matrix lies: row by row or column by column, with `gap` unused elements between lines.
struct Layout {
  bool by_columns = false;
  int64_t gap = 0;
  int64_t row_stride(int64_t, int64_t columns) const { return by_columns ? 1 : columns + gap; }
  int64_t column_stride(int64_t rows, int64_t) const { return by_columns ? rows + gap : 1; }
  int64_t elements(int64_t rows, int64_t columns) const {
    return by_columns ? columns * (rows + gap) : rows * (columns + gap);
  }
};

struct Setting {
  Size sizes;
  Layout a = {}, b = {}, c = {};
  bool runtime_m = false, runtime_n = false, runtime_k = false, runtime_strides = false;
  bool prologues = false;
  bool rounded = false;  // to bfloat16, which dyadic() fits
  ContractionCase::Epilogue epilogue = ContractionCase::Epilogue::Store;
  std::optional<ContractionPlan> plan = {};
};

ContractionSizes sizes_of(const Setting& setting) {
  const auto [m, n, k] = setting.sizes;
  return {m,
          n,
          k,
          setting.a.row_stride(m, k),
          setting.a.column_stride(m, k),
          setting.b.row_stride(k, n),
          setting.b.column_stride(k, n),
          setting.c.row_stride(m, n),
          setting.c.column_stride(m, n)};
}

Extent named(bool runtime, int64_t value, const char* name) {
  return runtime ? Extent{1, {name}} : Extent{value, {}};
}

ContractionCase case_of(const Setting& setting, Type type) {
  const ContractionSizes s = sizes_of(setting);
  const auto stride = [&](int64_t value) {
    return named(setting.runtime_strides && value != 1, value, "stride");
  };
  return {.facts = {.type = type,
                    .m = named(setting.runtime_m, s.m, "m"),
                    .n = named(setting.runtime_n, s.n, "n"),
                    .k = named(setting.runtime_k, s.k, "k"),
                    .a_row = stride(s.a_row),
                    .a_column = stride(s.a_column),
                    .b_row = stride(s.b_row),
                    .b_column = stride(s.b_column),
                    .rounded = setting.rounded,
                    .prologue = setting.prologues},
          .c_row = stride(s.c_row),
          .c_column = stride(s.c_column),
          .epilogue = setting.epilogue,
          .scale = -0.5,
          .prologues = setting.prologues,
          .plan = setting.plan};
}

template <class T>
struct Matrices {
  std::vector<T> a, b, c, bias;
};

template <class T>
Matrices<T> matrices(const Setting& setting) {
  const auto [m, n, k] = setting.sizes;
  return {dyadic<T>(setting.a.elements(m, k), 1), dyadic<T>(setting.b.elements(k, n), 2),
          dyadic<T>(setting.c.elements(m, n) + 2 * guard, 3), dyadic<T>(std::max(m, n), 4)};
}

template <class T>
T combined(const Setting& setting, T before, T sum, T bias) {
  switch (setting.epilogue) {
    case ContractionCase::Epilogue::Store: return sum;
    case ContractionCase::Epilogue::Add: return before - sum / 2;
    case ContractionCase::Epilogue::BiasRelu: return std::max(sum + bias, T(0));
  }
  return 0;
}

template <class T>
std::vector<T> by_plain_loops(const Setting& setting, const Matrices<T>& data) {
  const ContractionSizes s = sizes_of(setting);
  std::vector<T> c = data.c;
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      T sum = 0;
      for (int64_t k = 0; k < s.k; ++k) {
        T a = data.a[static_cast<size_t>(i * s.a_row + k * s.a_column)];
        T b = data.b[static_cast<size_t>(k * s.b_row + j * s.b_column)];
        if (setting.prologues) a = std::max(a, T(0)), b = b + b;
        sum += a * b;
      }
      T& element = c[static_cast<size_t>(guard + i * s.c_row + j * s.c_column)];
      element = combined(setting, element, sum, data.bias[static_cast<size_t>(j)]);
    }
  return c;
}

template <class T>
std::vector<T> by_machine_code(const Machine& machine, const Setting& setting, const Matrices<T>& data) {
  const ContractionSizes s = sizes_of(setting);
  const NativeFunction function =
      compile_contraction(machine, case_of(setting, std::is_same_v<T, float> ? Type::f32 : Type::f64));
  std::vector<T> c = data.c;
  std::vector<T> scratch(static_cast<size_t>((s.k + 1) * 16 * 64 / 2));
  reinterpret_cast<ContractionFunction>(function.address())(data.a.data(), data.b.data(), c.data() + guard,
                                                            data.bias.data(), scratch.data(), &s);
  return c;
}

template <class T>
void check(const Machine& machine, const Setting& setting) {
  CAPTURE(setting.sizes.m);
  CAPTURE(setting.sizes.n);
  CAPTURE(setting.sizes.k);
  CAPTURE(machine.vector_bits);
  CAPTURE(sizeof(T));
  const Matrices<T> data = matrices<T>(setting);
  CHECK((by_machine_code(machine, setting, data) == by_plain_loops(setting, data)));
}

void check(const Machine& machine, const Setting& setting) {
  check<float>(machine, setting);
  check<double>(machine, setting);
}

/// Every vector width this machine has.
std::vector<Machine> widths() {
  std::vector<Machine> machines;
  for (int bits = 128; bits <= host_machine().vector_bits; bits *= 2)
    machines.push_back(with_vector_bits(host_machine(), bits));
  return machines;
}

}  // namespace

TEST_CASE("a contraction equals plain loops on odd shapes at every vector width") {
  for (const Machine& machine : widths())
    for (const Size sizes : {Size{1, 1, 1}, {1, 17, 3}, {3, 10, 7}, {13, 33, 5}, {29, 50, 18}, {2, 64, 1}})
      check(machine, {.sizes = sizes});
}

TEST_CASE("a contraction over nothing gives zeros, and one without elements touches nothing") {
  for (const Size sizes : {Size{5, 20, 0}, {0, 20, 4}, {5, 0, 4}}) {
    check(host_machine(), {.sizes = sizes});
    check(host_machine(), {.sizes = sizes, .runtime_m = true, .runtime_k = true});
  }
}

TEST_CASE("rows, columns or the depth of a contraction may be known only when it runs") {
  for (const Size sizes : {Size{1, 35, 9}, {7, 35, 9}, {31, 16, 1}, {40, 70, 4}}) {
    check(host_machine(), {.sizes = sizes, .runtime_m = true});
    check(host_machine(), {.sizes = sizes, .runtime_n = true});
    check(host_machine(), {.sizes = sizes, .runtime_k = true});
  }
}

TEST_CASE("strides may be known only when a contraction runs") {
  check(host_machine(),
        {.sizes = {11, 37, 6}, .a = {false, 3}, .b = {false, 2}, .c = {false, 1}, .runtime_strides = true});
  check(host_machine(), {.sizes = {11, 37, 6},
                         .a = {true, 3},
                         .b = {true, 2},
                         .c = {true, 1},
                         .runtime_m = true,
                         .runtime_n = true,
                         .runtime_k = true,
                         .runtime_strides = true});
}

TEST_CASE("operands of a contraction may lie either way round, with gaps") {
  for (const Machine& machine : widths())
    for (const bool a : {false, true})
      for (const bool b : {false, true})
        check(machine, {.sizes = {14, 35, 21}, .a = {a, 2}, .b = {b, 3}, .c = {a != b, 1}});
}

TEST_CASE("a packed operand may have any depth, known or not") {
  for (const int64_t k : {1, 15, 16, 33})
    for (const bool runtime : {false, true})
      check(host_machine(), {.sizes = {9, 45, k}, .b = {true, 0}, .runtime_k = runtime});
  check(host_machine(), {.sizes = {9, 45, 17}, .b = {true, 1}, .runtime_n = true});
}

TEST_CASE("vectors may run along the rows of the result, and it is turned round in time") {
  const ContractionPlan in_place{.tile_rows = 4, .tile_vectors = 2, .transposed = true};
  const ContractionPlan packed{
      .tile_rows = 4, .tile_vectors = 2, .pack_a = true, .transposed = true, .scratch = {1, {}}};
  for (const Machine& machine : widths()) {
    check(machine, {.sizes = {50, 10, 12}, .a = {true, 1}, .c = {false, 2}, .plan = in_place});
    check(machine, {.sizes = {50, 10, 12}, .a = {false, 1}, .runtime_m = true, .plan = packed});
  }
  check(host_machine(), {.sizes = {3, 1, 5}, .a = {true, 0}, .runtime_m = true, .plan = in_place});
  check(host_machine(), {.sizes = {64, 21, 7}, .a = {false, 0}, .plan = packed});
}

TEST_CASE("a product that is turned round passes each of its vectors on once") {
  const ContractionPlan plan{.tile_rows = 4, .tile_vectors = 2, .transposed = true};
  for (const Machine& machine : widths())
    for (const bool runtime : {false, true})
      check(machine, {.sizes = {51, 10, 12},
                      .a = {true, 1},
                      .runtime_m = runtime,
                      .epilogue = ContractionCase::Epilogue::Add,
                      .plan = plan});
}

TEST_CASE("a narrow product of a transposed matrix is planned transposed") {
  const Machine machine = host_machine();
  const ContractionFacts facts{.m = {256, {}},
                               .n = {10, {}},
                               .k = {1, {"batch"}},
                               .a_row = {1, {}},
                               .a_column = {256, {}},
                               .b_row = {10, {}},
                               .b_column = {1, {}}};
  const ContractionPlan plan = plan_contraction(facts, machine);
  if (machine.lanes(4) == 16) CHECK(plan.transposed);
  CHECK(!plan.pack_a);
  check(machine, {.sizes = {256, 10, 20}, .a = {true, 0}, .runtime_k = true});
  check(machine, {.sizes = {256, 10, 20},
                  .a = {true, 0},
                  .runtime_m = true,
                  .epilogue = ContractionCase::Epilogue::BiasRelu});
}

TEST_CASE("epilogues see every sum once, with its place") {
  for (const auto epilogue : {ContractionCase::Epilogue::Add, ContractionCase::Epilogue::BiasRelu})
    for (const Machine& machine : widths()) {
      check(machine, {.sizes = {21, 41, 8}, .epilogue = epilogue});
      check(machine, {.sizes = {21, 41, 8}, .c = {true, 3}, .runtime_m = true, .epilogue = epilogue});
    }
}

TEST_CASE("prologues change every element of both operands as it is loaded") {
  for (const Machine& machine : widths())
    check(machine, {.sizes = {21, 41, 8}, .runtime_m = true, .prologues = true});
}

TEST_CASE("any plan gives the same sums") {
  for (const int rows : {1, 2, 5, 8})
    for (const int vectors : {1, 2, 3})
      for (const bool packed : {false, true})
        for (const int64_t block : {int64_t{0}, int64_t{2} * rows})
          check<float>(
              host_machine(),
              {.sizes = {23, 51, 6},
               .plan = ContractionPlan{
                   .tile_rows = rows, .tile_vectors = vectors, .pack_b = packed, .row_block = block}});
}

TEST_CASE("an operand that lies the other way round may be turned round in squares") {
  const ContractionPlan plan{.tile_rows = 4, .tile_vectors = 1, .squares = true, .ahead = 7};
  ContractionPlan transposed = plan;
  transposed.transposed = true;
  for (const Machine& machine : widths())
    for (const int64_t depth : {0, 1, 3, 8, 16, 17, 70})
      for (const int64_t columns : {1, 5, 16, 21}) {
        check(machine, {.sizes = {2, columns, depth}, .b = {true, 3}, .c = {false, 2}, .plan = plan});
        check(machine, {.sizes = {9, columns, depth},
                        .b = {true, 0},
                        .runtime_m = true,
                        .runtime_n = true,
                        .epilogue = ContractionCase::Epilogue::Add,
                        .plan = plan});
        check(machine, {.sizes = {columns, 6, depth}, .a = {false, 1}, .plan = transposed});
      }
  check(host_machine(), {.sizes = {5, 37, 40}, .b = {true, 2}, .runtime_strides = true, .plan = plan});
}

TEST_CASE("few rows times a transposed matrix are planned in squares, many or half vectors are not") {
  const auto planned = [](Size sizes) {
    const Setting setting{.sizes = sizes, .b = {true, 0}};
    return plan_contraction(case_of(setting, Type::f32).facts, host_machine());
  };
  const int lanes = host_machine().lanes(4);
  for (const int64_t rows : {1, 3}) CHECK(planned({rows, 1000, 1000}).squares);
  CHECK(!planned({lanes, 1000, 1000}).squares);
  CHECK(!planned({256, 256, 256}).squares);
  for (const int64_t rows : {1, 3, 10, 20})
    check<float>(host_machine(), {.sizes = {rows, 70, 90}, .b = {true, 0}});
}

TEST_CASE("a large operand of few rows may be streamed") {
  for (const Machine& machine : widths())
    for (const int rows_at_once : {1, 8, 16})
      for (const Size sizes : {Size{1, 1, 1}, {1, 40, 33}, {3, 16, 8}, {2, 37, 21}, {5, 3, 0}}) {
        const ContractionPlan plan{.stream_rows = rows_at_once};
        check(machine, {.sizes = sizes, .plan = plan});
        check(machine, {.sizes = sizes,
                        .a = {true, 1},
                        .b = {false, 2},
                        .c = {false, 3},
                        .runtime_k = true,
                        .epilogue = ContractionCase::Epilogue::Add,
                        .plan = plan});
      }
}

TEST_CASE("few rows are streamed past, more the larger the operand is") {
  const auto streamed = [](Size sizes) {
    return plan_contraction(case_of({.sizes = sizes}, Type::f32).facts, host_machine()).stream_rows > 0;
  };
  CHECK(streamed({1, 3000, 3000}));
  CHECK(streamed({6, 3000, 3000}));
  CHECK(!streamed({32, 3000, 3000}));
  CHECK(!streamed({1, 64, 64}));
  CHECK(!streamed({1, 16, 200000}));  // a tile reads all of a row at once
  CHECK(!streamed({1, 200000, 16}));
  CHECK(!streamed({16, 1000000, 64}));  // nor has the second cache room for the sums
  for (const int64_t rows : {2, 7}) check<float>(host_machine(), {.sizes = {rows, 1500, 1500}});
}

TEST_CASE("asking for rows ahead touches no memory behind a matrix") {
  for (const Machine& machine : widths())
    for (const bool across : {false, true})
      check<float>(machine,
                   {.sizes = {9, 40, 12},
                    .a = {across, 1},
                    .plan = ContractionPlan{
                        .tile_rows = 4, .tile_vectors = 2, .ahead = 1 << 20, .scalars_ahead = 1 << 20}});
}

TEST_CASE("lines of the second cache are asked for where two units of 512 bits wait for them") {
  Machine machine = host_machine();
  machine.l1_bytes = 32 << 10;
  machine.l2_bytes = 1 << 20;
  const auto planned = [&](int units, Size sizes, bool across, int bits = 512) {
    machine.vector_bits = bits;
    machine.vector_registers = 32;
    machine.fma_per_cycle = units;
    return plan_contraction(case_of({.sizes = sizes, .a = {across, 0}}, Type::f32).facts, machine);
  };
  const ContractionPlan weights = planned(2, {256, 256, 900}, true),
                        forward = planned(2, {256, 256, 900}, false);
  CHECK(weights.ahead > 0);
  CHECK(weights.scalars_ahead > 0);
  CHECK(forward.ahead > 0);
  CHECK(forward.scalars_ahead == 0);  // sixteen k in one line
  CHECK(planned(2, {64, 64, 64}, true).ahead == 0);
  CHECK(planned(2, {256, 256, 900}, true, 256).ahead == 0);
  CHECK(planned(1, {256, 256, 900}, true).ahead == 0);
  CHECK(planned(1, {256, 256, 900}, true).scalars_ahead == 0);
}

TEST_CASE("operands in bfloat16 are multiplied in pairs or one by one, whichever a processor does faster") {
  Machine machine = host_machine();
  machine.tiles = Tiles::None;
  for (const bool fast : {false, true})
    for (const bool across : {false, true})
      for (const Size sizes : {Size{1, 1, 1}, {13, 33, 5}, {29, 50, 18}, {40, 70, 101}}) {
        machine.fast_pairs = fast;
        Setting setting{.sizes = sizes, .a = {across, 1}, .b = {false, 2}, .rounded = true};
        setting.plan = plan_contraction(case_of(setting, Type::f32).facts, machine);
        CHECK(setting.plan->pairs == (fast && multiplies_bf16(machine)));
        check<float>(machine, setting);
      }
}

TEST_CASE("each sum is one chain of fused multiply-adds in the order of k at every width") {
  const Setting setting{.sizes = {9, 40, 57}};
  const Setting streamed{.sizes = {9, 40, 57}, .plan = ContractionPlan{.stream_rows = 2}};
  const Setting turned{.sizes = {9, 40, 57},
                       .b = {true, 0},
                       .plan = ContractionPlan{.tile_rows = 4, .tile_vectors = 1, .squares = true}};
  Matrices<float> data = matrices<float>(setting), turned_data = data;
  for (size_t i = 0; i < data.a.size(); ++i) data.a[i] = std::sin(static_cast<float>(i));
  for (size_t i = 0; i < data.b.size(); ++i) data.b[i] = std::cos(static_cast<float>(3 * i));
  std::vector<float> wanted = data.c;
  for (size_t i = 0; i < 9; ++i)
    for (size_t j = 0; j < 40; ++j) {
      float sum = 0;
      for (size_t k = 0; k < 57; ++k) sum = std::fma(data.a[i * 57 + k], data.b[k * 40 + j], sum);
      wanted[guard + i * 40 + j] = sum;
    }
  turned_data.a = data.a;
  for (size_t k = 0; k < 57; ++k)
    for (size_t j = 0; j < 40; ++j) turned_data.b[j * 57 + k] = data.b[k * 40 + j];
  for (const Machine& machine : widths()) {
    if (!machine.fma) continue;
    CAPTURE(machine.vector_bits);
    CHECK((by_machine_code(machine, setting, data) == wanted));
    CHECK((by_machine_code(machine, turned, turned_data) == wanted));
    CHECK((by_machine_code(machine, streamed, data) == wanted));
  }
}

TEST_CASE("the plain instruction set is enough for a contraction") {
  const Machine machine = baseline_machine(host_machine());
  check(machine, {.sizes = {13, 33, 5}});
  check(machine, {.sizes = {13, 33, 5}, .b = {true, 1}, .c = {true, 0}, .runtime_m = true});
}

TEST_CASE("a machine with 16 registers of 256 bits runs the same contractions") {
  Machine machine = host_machine();
  if (!machine.has("avx2") || !machine.has("fma")) return;
  machine.name = "haswell";
  machine.features.clear();
  machine.vector_bits = 256;
  machine.vector_registers = 16;
  check(machine, {.sizes = {13, 33, 5}});
  check(machine, {.sizes = {13, 33, 9}, .b = {true, 1}, .c = {true, 0}, .runtime_m = true});
  check(machine, {.sizes = {40, 5, 9}, .a = {true, 0}, .runtime_m = true});
}

TEST_CASE("a plan fits the registers and is not wider than the matrix") {
  for (const Machine& machine : widths())
    for (const int64_t n : {1, 10, 16, 64, 100, 256, 1000}) {
      const ContractionFacts facts{.m = {128, {}},
                                   .n = {n, {}},
                                   .k = {256, {}},
                                   .a_row = {256, {}},
                                   .a_column = {1, {}},
                                   .b_row = {n, {}},
                                   .b_column = {1, {}}};
      const ContractionPlan plan = plan_contraction(facts, machine);
      CAPTURE(n);
      CAPTURE(to_string(plan));
      CHECK(plan.tile_rows * plan.tile_vectors + plan.tile_vectors <= machine.vector_registers);
      CHECK(plan.tile_rows >= 1);
      CHECK((plan.tile_vectors - 1) * machine.lanes(4) < (plan.transposed ? 128 : n));
      CHECK(estimated_cycles(facts, plan, machine) > 0);
    }
}

TEST_CASE("the text of a plan names all it decides") {
  CHECK(to_string(ContractionPlan{.tile_rows = 14, .tile_vectors = 2, .pack_b = true, .row_block = 28}) ==
        "tile 14x2, b packed, blocks of 28 rows");
  CHECK(to_string(ContractionPlan{.tile_rows = 10, .tile_vectors = 1, .pack_a = true, .transposed = true}) ==
        "tile 10x1, transposed, a packed");
  CHECK(to_string(ContractionPlan{.tile_rows = 10, .tile_vectors = 1, .squares = true, .ahead = 64}) ==
        "tile 10x1, in squares, 64 rows ahead");
  CHECK(to_string(ContractionPlan{.tile_rows = 14, .tile_vectors = 2, .ahead = 8, .scalars_ahead = 9}) ==
        "tile 14x2, 8 rows ahead, scalars 9 ahead");
  CHECK(to_string(ContractionPlan{.stream_rows = 8}) == "streamed by 8 rows");
}

TEST_CASE("a contraction that contradicts its plan is refused") {
  const auto refuses = [](const Setting& setting, const char* message) {
    const ContractionCase wanted = case_of(setting, Type::f32);
    CHECK_THROWS_WITH_AS(compile_contraction(host_machine(), wanted), doctest::Contains(message), Bug);
  };
  const Size sizes{4, 16, 4};
  refuses({.sizes = sizes, .b = {true, 0}, .plan = ContractionPlan{}}, "not contiguous");
  refuses({.sizes = sizes, .plan = ContractionPlan{.transposed = true}}, "not contiguous");
  refuses({.sizes = sizes, .prologues = true, .plan = ContractionPlan{.pack_b = true}}, "prologues");
  refuses({.sizes = sizes, .b = {true, 0}, .plan = ContractionPlan{.stream_rows = 4}}, "streamed");
  refuses({.sizes = sizes, .runtime_m = true, .plan = ContractionPlan{.stream_rows = 4}}, "streamed");
  const ContractionPlan squares{.tile_rows = 2, .squares = true};
  refuses({.sizes = sizes, .plan = squares}, "along a known k");
  refuses({.sizes = sizes, .b = {true, 0}, .runtime_k = true, .plan = squares}, "along a known k");
  ContractionCase integers = case_of({.sizes = sizes}, Type::i32);
  integers.plan = ContractionPlan{};
  CHECK_THROWS_WITH_AS(compile_contraction(host_machine(), integers), doctest::Contains("element type"), Bug);
}
