// Products in tile registers. Everywhere with plain code in place of the instructions; where the processor
// has them, with the instructions as well.
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "graph/precision.h"
#include "graph/rational.h"
#include "jit/contraction_tiles.h"
#include "jit/emit/standalone.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

constexpr int64_t guard = 16;  // elements behind each row of the result that must keep their value
constexpr float untouched = 77;

/// One product, and how its matrices lie.
struct Setting {
  int64_t m, n, k;
  int parts = 1;  // 1: rounded
  bool a_by_columns = false, b_by_columns = false;
  int64_t gap = 0;  // every how many elements of a line there is one: both strides differ from 1
  bool runtime_m = false, runtime_n = false, runtime_k = false;
  ContractionCase::Epilogue epilogue = ContractionCase::Epilogue::Store;
  int64_t row_block = 0, depth_block = 0;  // 0: the plan's
};

struct Strides {
  int64_t row, column;
};

Strides strides_of(bool by_columns, int64_t gap, int64_t rows, int64_t columns) {
  const int64_t step = gap + 1;
  if (by_columns) return {step, rows * step + 3};
  return {columns * step + 3, step};
}

/// Numbers of 24 bits in [-2, 2].
std::vector<float> numbers(int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> result(static_cast<size_t>(count));
  for (float& x : result) x = (static_cast<float>(random() >> 8) * 0x1p-23F - 1) * 2;
  return result;
}

ContractionCase case_of(const Setting& it) {
  const auto size = [](bool runtime, int64_t value) {
    return runtime ? Extent{1, {"n"}} : Extent{value, {}};
  };
  const Strides a = strides_of(it.a_by_columns, it.gap, it.m, it.k),
                b = strides_of(it.b_by_columns, it.gap, it.k, it.n);
  return {.facts = {.m = size(it.runtime_m, it.m),
                    .n = size(it.runtime_n, it.n),
                    .k = size(it.runtime_k, it.k),
                    .a_row = {a.row, {}},
                    .a_column = {a.column, {}},
                    .b_row = {b.row, {}},
                    .b_column = {b.column, {}},
                    .rounded = it.parts == 1,
                    .parts = it.parts == 1 ? 0 : it.parts},
          .c_row = {it.n + guard, {}},
          .epilogue = it.epilogue,
          .scale = -0.5};
}

struct Matrices {
  std::vector<float> a, b, bias;
};

Matrices matrices(const Setting& it) {
  const Strides a = strides_of(it.a_by_columns, it.gap, it.m, it.k),
                b = strides_of(it.b_by_columns, it.gap, it.k, it.n);
  return {numbers((it.m + 1) * a.row + (it.k + 1) * a.column, 1),
          numbers((it.k + 1) * b.row + (it.n + 1) * b.column, 2), numbers(it.n, 3)};
}

/// The elements of a matrix in front of a page that cannot be read.
class Guarded {
 public:
  Guarded(const std::vector<float>& values, const Strides& strides, int64_t rows, int64_t columns) {
    const int64_t elements =
        rows > 0 && columns > 0 ? (rows - 1) * strides.row + (columns - 1) * strides.column + 1 : 0;
    const size_t used = static_cast<size_t>(elements) * sizeof(float);
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t readable = (used + page - 1) / page * page;
    bytes_ = readable + page;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory_ != MAP_FAILED);
    auto* const end = static_cast<std::byte*>(memory_) + readable;
    REQUIRE(mprotect(end, page, PROT_NONE) == 0);
    first_ = end - used;
    std::memcpy(first_, values.data(), used);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded() { munmap(memory_, bytes_); }
  const void* data() const { return first_; }

 private:
  void* memory_ = nullptr;
  std::byte* first_ = nullptr;
  size_t bytes_ = 0;
};

std::vector<float> run(const Machine& machine, const Setting& it, const Matrices& data) {
  ContractionCase product = case_of(it);
  product.plan = plan_tiles(product.facts, machine);
  REQUIRE(product.plan.has_value());
  if (it.row_block > 0) product.plan->row_block = it.row_block;
  if (it.depth_block > 0) product.plan->depth_block = it.depth_block;
  std::vector<float> c(static_cast<size_t>(it.m * (it.n + guard)), untouched);
  std::vector<float> scratch(static_cast<size_t>(product.plan->scratch.factor) + 16);
  void* aligned = scratch.data() + (16 - reinterpret_cast<uintptr_t>(scratch.data()) / 4 % 16) % 16;
  const ContractionSizes sizes{.m = it.m, .n = it.n, .k = it.k};
  const NativeFunction function = compile_contraction(machine, product);
  const Guarded a(data.a, strides_of(it.a_by_columns, it.gap, it.m, it.k), it.m, it.k),
      b(data.b, strides_of(it.b_by_columns, it.gap, it.k, it.n), it.k, it.n);
  reinterpret_cast<ContractionFunction>(function.address())(a.data(), b.data(), c.data(), data.bias.data(),
                                                            aligned, &sizes);
  return c;
}

std::vector<float> parts_of(float x, int parts) {
  std::vector<float> result;
  for (int part = 0; part < parts; ++part) {
    result.push_back(round_bf16(x));
    x -= result.back();
  }
  return result;
}

std::vector<std::vector<float>> parts_of(const std::vector<float>& line, int parts) {
  std::vector<std::vector<float>> result;
  for (const float x : line) result.push_back(parts_of(x, parts));
  return result;
}

/// An element as docs/numerics.md says: steps of 32 along k, products of parts from the smallest on, even and
/// odd products apart.
float element(const std::vector<std::vector<float>>& a, const std::vector<std::vector<float>>& b, int parts) {
  float total = 0;
  for (size_t step = 0; step < a.size(); step += 32)
    for (const PartProduct& product : part_products(parts))
      total = add_in_tile(
          total, step, std::min(a.size(), step + 32),
          [&](size_t k) { return a[k][static_cast<size_t>(product.a)]; },
          [&](size_t k) { return b[k][static_cast<size_t>(product.b)]; });
  return total;
}

std::vector<float> row_of_a(const Setting& it, const Matrices& data, int64_t i) {
  const Strides a = strides_of(it.a_by_columns, it.gap, it.m, it.k);
  std::vector<float> row;
  for (int64_t k = 0; k < it.k; ++k) row.push_back(data.a[static_cast<size_t>(i * a.row + k * a.column)]);
  return row;
}

std::vector<float> column_of_b(const Setting& it, const Matrices& data, int64_t j) {
  const Strides b = strides_of(it.b_by_columns, it.gap, it.k, it.n);
  std::vector<float> column;
  for (int64_t k = 0; k < it.k; ++k) column.push_back(data.b[static_cast<size_t>(k * b.row + j * b.column)]);
  return column;
}

float finished(const Setting& it, float sum, float bias) {
  switch (it.epilogue) {
    case ContractionCase::Epilogue::Store: return sum;
    case ContractionCase::Epilogue::Add: return untouched - sum / 2;
    case ContractionCase::Epilogue::BiasRelu: return std::max(sum + bias, 0.0F);
  }
  return 0;
}

/// Plain code for vectors of every width, and the processor's own tiles.
std::vector<Machine> machines() {
  std::vector<Machine> result;
  const Machine host = host_machine();
  if (host.tiles == Tiles::Native) result.push_back(host);
  for (const int bits : {128, 256, 512}) {
    if (bits > host.vector_bits) continue;
    result.push_back(with_vector_bits(host, bits));
    result.back().tiles = Tiles::Emulated;
  }
  return result;
}

void check(const Machine& machine, const Setting& it) {
  CAPTURE(it.m);
  CAPTURE(it.n);
  CAPTURE(it.k);
  CAPTURE(it.parts);
  CAPTURE(machine.vector_bits);
  const Matrices data = matrices(it);
  const std::vector<float> got = run(machine, it, data);
  std::vector<std::vector<std::vector<float>>> columns;
  for (int64_t j = 0; j < it.n; ++j) columns.push_back(parts_of(column_of_b(it, data, j), it.parts));
  for (int64_t i = 0; i < it.m; ++i) {
    const std::vector<std::vector<float>> row = parts_of(row_of_a(it, data, i), it.parts);
    for (int64_t j = 0; j < it.n + guard; ++j) {
      const auto column = static_cast<size_t>(j);
      float want = untouched;
      if (j < it.n) want = finished(it, element(row, columns[column], it.parts), data.bias[column]);
      const float value = got[static_cast<size_t>(i * (it.n + guard) + j)];
      if (value == want) continue;
      CAPTURE(i);
      CAPTURE(j);
      CHECK(value == want);
      return;
    }
  }
}

}  // namespace

TEST_CASE("products in tiles have the bits of their definition for every size") {
  for (const Machine& machine : machines())
    for (const auto& [m, n, k, parts] : std::vector<std::array<int, 4>>{
             {1, 1, 1, 3}, {3, 5, 2, 2}, {16, 16, 32, 1}, {17, 33, 31, 3}, {33, 17, 65, 2}, {40, 48, 100, 1}})
      check(machine, {.m = m, .n = n, .k = k, .parts = parts});
}

TEST_CASE("products in tiles have the bits of their definition for every layout and epilogue") {
  for (const Machine& machine : machines())
    for (const bool a_by_columns : {false, true})
      for (const bool b_by_columns : {false, true})
        check(machine, {.m = 37,
                        .n = 35,
                        .k = 45,
                        .parts = a_by_columns ? 3 : 1,
                        .a_by_columns = a_by_columns,
                        .b_by_columns = b_by_columns,
                        .epilogue = ContractionCase::Epilogue::Add});
}

TEST_CASE(
    "products in tiles may be of matrices whose elements stand apart, and of sizes known when they run") {
  for (const Machine& machine : machines())
    for (const int parts : {1, 3}) {
      check(machine, {.m = 21, .n = 18, .k = 35, .parts = parts, .b_by_columns = true, .gap = 2});
      check(machine, {.m = 70,
                      .n = 41,
                      .k = 37,
                      .parts = parts,
                      .runtime_m = true,
                      .runtime_n = true,
                      .epilogue = ContractionCase::Epilogue::BiasRelu,
                      .row_block = 32});
      check(machine, {.m = 0, .n = 4, .k = 3, .parts = parts, .runtime_m = true});
    }
}

TEST_CASE("products in tiles may run along a dimension whose size is known when they run, however long") {
  for (const Machine& machine : machines())
    for (const int64_t k : {0, 1, 32, 70, 200})
      check(machine, {.m = 37,
                      .n = 35,
                      .k = k,
                      .parts = k == 70 ? 1 : 3,
                      .a_by_columns = k != 32,
                      .runtime_k = true,
                      .row_block = 32,
                      .depth_block = k == 200 ? 64 : 0});
}

TEST_CASE("tiles are chosen where the model says that they pay") {
  Machine machine = host_machine();
  machine.tiles = Tiles::Native;
  const auto parts_chosen = [&](int64_t m, int64_t n, int64_t k, int parts) {
    ContractionFacts facts{.m = {m, {}},
                           .n = {n, {}},
                           .k = {k, {}},
                           .a_row = {k, {}},
                           .a_column = {1, {}},
                           .b_row = {n, {}},
                           .b_column = {1, {}},
                           .rounded = parts == 1,
                           .parts = parts == 1 ? 0 : parts};
    const ContractionPlan plan = plan_contraction(facts, machine);
    CHECK(estimated_cycles(facts, plan, machine) > 0);
    return plan.tile_parts;
  };
  CHECK(parts_chosen(512, 512, 512, 1) == 1);
  CHECK(parts_chosen(1024, 784, 784, 2) == 2);
  CHECK(parts_chosen(1024, 784, 784, 0) == 0);
  for (const int parts : {2, 3}) {
    CHECK(parts_chosen(1, 1000, 1000, parts) == 0);
    CHECK(parts_chosen(16, 16, 4, parts) == 0);
  }
  ContractionFacts facts = case_of({.m = 512, .n = 512, .k = 512, .parts = 3}).facts;
  facts.k = {1, {"k"}};
  CHECK(plan_tiles(facts, machine).has_value());
  facts.k = {0, {}};
  CHECK_FALSE(plan_tiles(facts, machine).has_value());
  facts.k = {512, {}};
  CHECK(plan_tiles(facts, machine).has_value());
  facts.prologue = true;
  CHECK_FALSE(plan_tiles(facts, machine).has_value());
  facts.prologue = false;
  machine.tiles = Tiles::None;
  CHECK_FALSE(plan_tiles(facts, machine).has_value());
}

TEST_CASE("errors in tiles are within their bounds of the exact product, in rationals") {
  // Bounds: docs/numerics.md.
  constexpr double kept[] = {0x1p-7 + 0x1p-16, 3.03 * 0x1p-16, 0x1.01p-23};
  for (const Machine& machine : machines())
    for (const int parts : {1, 2, 3}) {
      CAPTURE(parts);
      const Setting it{.m = 5, .n = 6, .k = 130, .parts = parts};
      const Matrices data = matrices(it);
      const std::vector<float> got = run(machine, it, data);
      const double roundings = 16 + static_cast<double>(part_products(parts).size()) * 5;  // steps of 32
      const double sums = roundings * 0x1p-24 / (1 - roundings * 0x1p-24);
      double greatest = 0;
      for (int64_t i = 0; i < it.m; ++i)
        for (int64_t j = 0; j < it.n; ++j) {
          const std::vector<float> a = row_of_a(it, data, i), b = column_of_b(it, data, j);
          Rational exact, magnitude;
          for (size_t k = 0; k < a.size(); ++k) {
            const Rational term = Rational::of(a[k]) * Rational::of(b[k]);
            exact += term;
            magnitude += term.abs();
          }
          const double bound = (kept[parts - 1] + (1 + 0x1p-5) * sums) * magnitude.to_double();
          const Rational error = Rational::of(got[static_cast<size_t>(i * (it.n + guard) + j)]) - exact;
          greatest = std::max(greatest, error.abs().to_double() / bound);
        }
      CHECK(greatest <= 1);
      CHECK(greatest > 1e-3);
    }
}

TEST_CASE("the error of f32_split is not above that of f32") {
  Machine machine = host_machine();
  machine.tiles = Tiles::Emulated;
  for (const int64_t k : {16, 64, 256, 1024, 4096}) {
    CAPTURE(k);
    const Setting it{.m = 16, .n = 16, .k = k, .parts = 3};
    const Matrices data = matrices(it);
    const std::vector<float> got = run(machine, it, data);
    double of_parts = 0, of_f32 = 0;
    for (int64_t i = 0; i < it.m; ++i)
      for (int64_t j = 0; j < it.n; ++j) {
        const std::vector<float> a = row_of_a(it, data, i), b = column_of_b(it, data, j);
        double exact = 0;  // products are exact in f64, and its sums 2^29 times more so than f32's
        float chain = 0;
        for (size_t l = 0; l < a.size(); ++l) {
          exact += static_cast<double>(a[l]) * static_cast<double>(b[l]);
          chain = std::fma(a[l], b[l], chain);
        }
        const double error = static_cast<double>(got[static_cast<size_t>(i * (it.n + guard) + j)]) - exact;
        of_parts += error * error;
        of_f32 += (static_cast<double>(chain) - exact) * (static_cast<double>(chain) - exact);
      }
    CHECK(of_f32 > 0);
    CHECK(of_parts <= of_f32);
  }
}

TEST_CASE("infinite operands give no finite number, and great finite ones no infinite parts") {
  for (const Machine& machine : machines())
    for (const int parts : {1, 2, 3}) {
      CAPTURE(parts);
      const Setting it{.m = 4, .n = 2, .k = 3, .parts = parts};
      Matrices data = matrices(it);
      const Strides a = strides_of(false, 0, it.m, it.k);
      const auto row = [&](int64_t i) { return data.a.data() + i * a.row; };
      row(0)[1] = INFINITY;
      row(1)[2] = std::numeric_limits<float>::quiet_NaN();
      row(2)[0] = std::numeric_limits<float>::max();
      std::ranges::fill(data.b, 0.25F);
      row(3)[0] = row(3)[1] = row(3)[2] = 0x1p-130F;
      const std::vector<float> got = run(machine, it, data);
      const auto value = [&](int64_t i) { return got[static_cast<size_t>(i * (it.n + guard))]; };
      CHECK_FALSE(std::isfinite(value(0)));
      CHECK(std::isnan(value(1)));
      if (parts == 1)
        CHECK(value(2) == INFINITY);  // as bfloat16 it is
      else
        CHECK(value(2) == doctest::Approx(0x1p126).epsilon(1e-4));
      CHECK(value(3) == 0);
    }
}
