#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "graph/error.h"
#include "tests/jit/contraction_setting.h"

using namespace crease;
using namespace crease::test;

namespace {

constexpr int64_t guard = 64;  // elements round each matrix that must keep their value

/// Small multiples of 1/8: every sum of fewer than 2^12 products is exact in f32, whatever its order.
template <class T>
std::vector<T> dyadic(int64_t count, int64_t seed) {
  std::vector<T> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<T>(static_cast<int64_t>((i * 37 + static_cast<size_t>(seed) * 11) % 29) - 14) / 8;
  return values;
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

/// Numbers whose sums are rounded.
template <class T>
Matrices<T> waves(const Setting& setting) {
  Matrices<T> data = matrices<T>(setting);
  for (size_t i = 0; i < data.a.size(); ++i) data.a[i] = std::sin(static_cast<T>(i));
  for (size_t i = 0; i < data.b.size(); ++i) data.b[i] = std::cos(static_cast<T>(3 * i));
  return data;
}

/// The result as documented: one chain, or the sum of four, each over its part of k.
template <class T>
std::vector<T> by_chains(const Setting& setting, const Matrices<T>& data, int64_t chains) {
  const ContractionSizes s = sizes_of(setting);
  std::vector<T> c = data.c;
  for (int64_t i = 0; i < s.m; ++i)
    for (int64_t j = 0; j < s.n; ++j) {
      std::array<T, 4> sums{};
      for (int64_t part = 0; part < chains; ++part)
        for (int64_t k = s.k * part / chains; k < s.k * (part + 1) / chains; ++k)
          sums[static_cast<size_t>(part)] = std::fma(
              data.a[static_cast<size_t>(i * s.a_row + k * s.a_column)],
              data.b[static_cast<size_t>(k * s.b_row + j * s.b_column)], sums[static_cast<size_t>(part)]);
      c[static_cast<size_t>(guard + i * s.c_row + j * s.c_column)] =
          (sums[0] + sums[1]) + (sums[2] + sums[3]);
    }
  return c;
}

template <class T>
void check_chains(const Setting& setting, int64_t chains) {
  const Matrices<T> data = waves<T>(setting);
  const std::vector<T> wanted = by_chains(setting, data, chains);
  CAPTURE(setting.sizes.m);
  CAPTURE(setting.sizes.n);
  CAPTURE(setting.sizes.k);
  CAPTURE(sizeof(T));
  if (setting.sizes.m > 1) CHECK(wanted != by_chains(setting, data, 5 - chains));
  for (const Machine& machine : widths()) {
    if (!machine.fma) continue;
    CAPTURE(machine.vector_bits);
    CHECK(by_machine_code(machine, setting, data) == wanted);
  }
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

TEST_CASE("a large operand of few rows may be streamed") {
  for (const Machine& machine : widths())
    for (const int rows_at_once : {1, 8, 16})
      for (const Size sizes : {Size{1, 1, 1}, {1, 40, 33}, {3, 16, 32}, {2, 37, 21}, {5, 3, 0}}) {
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

TEST_CASE("plans that are made, of narrow, of few rows turned round and of streamed products, are right") {
  const Setting narrow{.sizes = {256, 10, 20}, .a = {true, 0}};
  Setting known_depth = narrow, known_rows = narrow;
  known_depth.runtime_m = known_rows.runtime_k = true;
  known_depth.epilogue = ContractionCase::Epilogue::BiasRelu;
  check(host_machine(), known_depth);
  check(host_machine(), known_rows);
  for (const int64_t rows : {1, 3, 10, 20})
    check<float>(host_machine(), {.sizes = {rows, 70, 90}, .b = {true, 0}});
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

TEST_CASE("each sum is one chain of multiply-adds in the order of k, or four: the same bits in every plan") {
  const ContractionPlan tile{.tile_rows = 4, .tile_vectors = 1}, blocks{.tile_rows = 2, .row_block = 4},
      squares{.tile_rows = 4, .tile_vectors = 1, .squares = true};
  const ContractionPlan transposed{
      .tile_rows = 4, .tile_vectors = 1, .pack_a = true, .transposed = true, .scratch = {1, {}}};
  for (const int64_t k : {11, 12, 15, 17})
    for (const auto& [m, n] : {std::pair{1, 1}, {9, 16}, {9, 17}}) {
      const int64_t chains = k >= 12 && k <= 16 && n <= 16 ? 4 : 1;
      std::vector<Setting> settings(8, Setting{.sizes = {m, n, k}});
      settings[1].plan = tile;
      settings[2].plan = blocks;
      settings[3].runtime_m = true;
      settings[4].plan = transposed;
      for (size_t i : {5, 6, 7}) settings[i].b = {true, 2};
      settings[6].plan = squares;
      settings[7].runtime_m = settings[7].runtime_strides = true;
      if (chains == 1) settings.push_back({.sizes = {m, n, k}, .plan = ContractionPlan{.stream_rows = 2}});
      for (const Setting& setting : settings) {
        check_chains<float>(setting, chains);
        check_chains<double>(setting, chains);
      }
      check_chains<float>({.sizes = {m, n, k}, .runtime_k = true}, 1);
      check_chains<float>({.sizes = {m, n, k}, .runtime_n = true}, 1);
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
  refuses({.sizes = {4, 16, 12}, .plan = ContractionPlan{.stream_rows = 4}}, "one chain");
  const ContractionPlan squares{.tile_rows = 2, .squares = true};
  refuses({.sizes = sizes, .plan = squares}, "along a known k");
  refuses({.sizes = sizes, .b = {true, 0}, .runtime_k = true, .plan = squares}, "along a known k");
  ContractionCase integers = case_of({.sizes = sizes}, Type::i32);
  integers.plan = ContractionPlan{};
  CHECK_THROWS_WITH_AS(compile_contraction(host_machine(), integers), doctest::Contains("element type"), Bug);
}
