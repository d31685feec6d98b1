// contraction [tune] [f64 | bf16 | f32_split3 | f32_split]: speed of matrix products of the sizes that
// training has, in GFLOP/s, as a share of the f32 multiply-add peak (f64: of half of that) measured in the
// same moments, and in bytes of matrices a second. `tune` also tries other register tiles than the model's
// choice; `bf16` rounds both
// operands to bfloat16, the splits take them apart on processors with matrix tiles, packing included in the
// time, and errors are shown first. Times are thread CPU times, the least of several interleaved repetitions,
// on one thread.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "graph/precision.h"
#include "graph/rational.h"
#include "jit/contraction.h"
#include "jit/contraction_tiles.h"
#include "jit/emit/standalone.h"
#include "jit/machine_limits.h"
#include "jit/processor_time.h"

namespace {

using namespace crease;

/// Memory aligned as the engine aligns it.
class Numbers {
 public:
  Numbers(Type type, int64_t count) : type_(type), memory_(static_cast<size_t>(count * size_of(type)) + 64) {
    for (int64_t i = 0; i < count; ++i) set(i, static_cast<double>(i % 7) / 8);
  }
  std::byte* data() { return memory_.data() + (64 - reinterpret_cast<uintptr_t>(memory_.data()) % 64) % 64; }
  double at(int64_t i) {
    return type_ == Type::f64 ? place<double>(i) : static_cast<double>(place<float>(i));
  }
  void set(int64_t i, double value) {
    if (type_ == Type::f64)
      place<double>(i) = value;
    else
      place<float>(i) = static_cast<float>(value);
  }

 private:
  template <class T>
  T& place(int64_t i) {
    return reinterpret_cast<T*>(data())[i];
  }

  Type type_;
  std::vector<std::byte> memory_;
};

constexpr Precision all_precisions[] = {Precision::F32, Precision::Bf16, Precision::F32Split3,
                                        Precision::F32Split};

enum class Form { AB, AtB, ABt };  // forward, weight gradient, input gradient

struct Size {
  Form form;
  int64_t m, n, k;
  Precision precision = Precision::F32;
  Type type = Type::f32;
};

constexpr Size sizes[] = {
    {Form::AB, 32, 10, 64},       {Form::AB, 32, 16, 16},       {Form::AB, 32, 64, 64},
    {Form::AB, 32, 256, 256},     {Form::AB, 32, 256, 784},     {Form::AB, 32, 784, 784},
    {Form::AB, 32, 1000, 1000},   {Form::AB, 128, 10, 128},     {Form::AB, 128, 128, 256},
    {Form::AB, 128, 256, 784},    {Form::AB, 128, 784, 256},    {Form::AB, 128, 1000, 1000},
    {Form::AB, 256, 256, 256},    {Form::AB, 1024, 64, 64},     {Form::AB, 1024, 784, 784},
    {Form::AB, 1024, 1024, 1024}, {Form::AB, 1, 64, 64},        {Form::AB, 1, 256, 10},
    {Form::AB, 1, 256, 784},      {Form::AB, 1, 1000, 1000},    {Form::AtB, 784, 256, 32},
    {Form::AtB, 784, 1024, 32},   {Form::AtB, 1024, 1024, 32},  {Form::AtB, 784, 256, 128},
    {Form::AtB, 256, 128, 128},   {Form::AtB, 64, 64, 128},     {Form::AtB, 16, 16, 32},
    {Form::AtB, 1000, 1000, 128}, {Form::AtB, 784, 256, 1024},  {Form::AtB, 128, 10, 128},
    {Form::AtB, 256, 10, 128},    {Form::AtB, 256, 768, 2048},  {Form::AtB, 256, 1024, 1024},
    {Form::AtB, 1024, 256, 1024}, {Form::AB, 1024, 1024, 256},  {Form::AB, 1024, 256, 1024},
    {Form::AB, 1024, 256, 256},   {Form::AtB, 256, 256, 1024},  {Form::ABt, 1024, 256, 256},
    {Form::ABt, 1024, 1024, 256}, {Form::ABt, 1024, 256, 1024}, {Form::ABt, 32, 256, 256},
    {Form::ABt, 128, 256, 128},   {Form::ABt, 128, 256, 256},   {Form::ABt, 128, 784, 256},
    {Form::ABt, 128, 64, 64},     {Form::ABt, 128, 1000, 1000}, {Form::ABt, 128, 128, 10},
    {Form::ABt, 1024, 784, 784},  {Form::ABt, 1, 256, 784},     {Form::ABt, 1, 1000, 1000},
    {Form::ABt, 4, 1000, 1000},   {Form::ABt, 10, 1000, 1000},  {Form::ABt, 12, 256, 256},
    {Form::ABt, 16, 1000, 1000},  {Form::ABt, 20, 1000, 1000},  {Form::AB, 512, 512, 512},
    {Form::AtB, 512, 512, 512},   {Form::ABt, 512, 512, 512},   {Form::AB, 2048, 2048, 2048},
    {Form::AB, 1, 4000, 4000},    {Form::AB, 4, 4000, 4000},    {Form::AB, 10, 4000, 4000},
    {Form::ABt, 1, 4000, 4000},
};

ContractionFacts facts_of(const Size& size) {
  const auto extent = [](int64_t value) { return Extent{value, {}}; };
  ContractionFacts facts{.type = size.type, .m = extent(size.m), .n = extent(size.n), .k = extent(size.k)};
  facts.rounded = size.precision == Precision::Bf16;
  facts.parts = split_parts(size.precision);
  facts.a_row = extent(size.form == Form::AtB ? 1 : size.k);
  facts.a_column = extent(size.form == Form::AtB ? size.m : 1);
  facts.b_row = extent(size.form == Form::ABt ? 1 : size.n);
  facts.b_column = extent(size.form == Form::ABt ? size.k : 1);
  return facts;
}

/// One product, compiled and ready to run.
class Product {
 public:
  Product(const Machine& machine, const Size& size, const ContractionPlan& plan)
      : size_(size),
        function_(compile_contraction(machine, {.facts = facts_of(size),
                                                .c_row = {size.n, {}},
                                                .epilogue = ContractionCase::Epilogue::BiasRelu,
                                                .plan = plan})),
        a_(size.type, size.m * size.k),
        b_(size.type, size.k * size.n),
        c_(size.type, size.m * size.n),
        bias_(size.type, size.n),
        scratch_(size.type, std::max<int64_t>(1, plan.scratch.factor)) {}

  double flops() const {
    return 2.0 * static_cast<double>(size_.m) * static_cast<double>(size_.n) * static_cast<double>(size_.k);
  }
  /// Seconds of one call, from enough calls to fill about `seconds`.
  double time(double seconds) {
    const auto calls = static_cast<int64_t>(std::max(1.0, seconds * 6e10 / flops()));
    const double start = thread_seconds();
    for (int64_t call = 0; call < calls; ++call) run();
    return (thread_seconds() - start) / static_cast<double>(calls);
  }
  /// The greatest error of a row of A B, of random numbers in [0, 1), over the exact value.
  double error() {
    std::mt19937 random(1);
    for (int64_t i = 0; i < size_.m * size_.k; ++i) a_.set(i, static_cast<double>(random() >> 8) * 0x1p-24);
    for (int64_t i = 0; i < size_.k * size_.n; ++i) b_.set(i, static_cast<double>(random() >> 8) * 0x1p-24);
    for (int64_t i = 0; i < size_.n; ++i) bias_.set(i, 0);
    run();
    double greatest = 0;
    for (int64_t j = 0; j < size_.n; ++j) {
      Rational exact;
      for (int64_t k = 0; k < size_.k; ++k)
        exact += Rational::of(a_.at(k)) * Rational::of(b_.at(k * size_.n + j));
      const Rational error = (Rational::of(c_.at(j)) - exact).abs() / exact;
      greatest = std::max(greatest, error.to_double());
    }
    return greatest;
  }

 private:
  void run() {
    reinterpret_cast<ContractionFunction>(function_.address())(a_.data(), b_.data(), c_.data(), bias_.data(),
                                                               scratch_.data(), nullptr);
  }

  Size size_;
  NativeFunction function_;
  Numbers a_, b_, c_, bias_, scratch_;
};

struct Speed {
  double gflops = 0, peak = 0;
};

/// The best of several short runs, each beside a run of the peak loop.
Speed measure(Product& product, const PeakMeter& peak, Type type) {
  const double gigaflops = type == Type::f64 ? 0.5e-9 : 1e-9;  // of half as many lanes
  Speed best;
  product.time(0.002);
  for (int repeat = 0; repeat < 12; ++repeat) {
    best.peak = std::max(best.peak, peak.flops() * gigaflops);
    best.gflops = std::max(best.gflops, product.flops() / product.time(0.004) * 1e-9);
  }
  return best;
}

void print(const Size& size, const ContractionPlan& plan, const Speed& speed, const char* note) {
  constexpr const char* names[] = {"A B", "A^T B", "A B^T"};
  const auto m = static_cast<double>(size.m), n = static_cast<double>(size.n),
             k = static_cast<double>(size.k);
  const double bytes_a_flop =
      static_cast<double>(size_of(size.type)) * (m * k + k * n + m * n) / (2 * m * n * k);
  fmt::print("{:5} {:5} {:5} {:5} {:8.1f} GFLOP/s {:5.1f} % of {:6.1f} {:6.1f} GB/s  {}{}\n",
             names[static_cast<int>(size.form)], size.m, size.n, size.k, speed.gflops,
             100 * speed.gflops / speed.peak, speed.peak, bytes_a_flop * speed.gflops, to_string(plan), note);
  std::fflush(stdout);
}

/// Tries other tiles of the chosen kind of plan, and prints the best if it is 3 % better.
void tune(const Machine& machine, const PeakMeter& peak, const Size& size, const ContractionPlan& chosen,
          const Speed& reached) {
  ContractionPlan best_plan = chosen;
  Speed best = reached;
  for (int vectors = 1; vectors <= 6; ++vectors)
    for (const int rows : {1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 16, 20, 24, 28}) {
      if (rows * vectors + vectors + 1 > machine.vector_registers || rows * vectors < 4) continue;
      ContractionPlan plan = chosen;
      plan.tile_rows = rows;
      plan.tile_vectors = vectors;
      plan.stream_rows = 0;
      if (plan.squares) (plan.transposed ? plan.pack_a : plan.pack_b) = true;
      plan.squares = false;
      plan.scratch.factor = size.k * vectors * machine.lanes(size_of(size.type));
      plan.row_block = plan.row_block / rows * rows;
      Product product(machine, size, plan);
      const Speed speed = measure(product, peak, size.type);
      if (speed.gflops / speed.peak > 1.03 * best.gflops / best.peak) best = speed, best_plan = plan;
    }
  if (best_plan != chosen) print(size, best_plan, best, "   <- better");
}

/// What splits of f32 into two or three bfloat16 numbers could reach: three products or six for one.
void print_peaks(const Machine& machine) {
  const PeakMeter f32(machine), bf16(machine, true);
  double plain = 0, pairs = 0;
  for (int repeat = 0; repeat < 50; ++repeat) {
    plain = std::max(plain, f32.flops() * 1e-9);
    pairs = std::max(pairs, bf16.flops() * 1e-9);
  }
  fmt::print("peak f32 {:.1f} GFLOP/s, bf16 {:.1f}; of that f32_split3 at most {:.1f}, f32_split {:.1f}\n",
             plain, pairs, pairs / 3, pairs / 6);
}

/// The bound of docs/numerics.md for sums of k products.
double error_bound(Precision precision, int64_t k, bool tiles) {
  const auto g = [](double roundings) { return roundings * 0x1p-24 / (1 - roundings * 0x1p-24); };
  if (precision == Precision::F32 || (precision != Precision::Bf16 && !tiles))
    return g(static_cast<double>(k));
  constexpr double u = 0x1p-8;
  if (!tiles) return 2 * u + u * u + (1 + u) * (1 + u) * g(static_cast<double>(k));
  const int parts = precision == Precision::Bf16 ? 1 : split_parts(precision);
  constexpr double left_out[] = {2 * u + u * u, 3.03 * 0x1p-16, 1.01 * 0x1p-23};
  const auto products = static_cast<double>(part_products(parts).size());
  return left_out[parts - 1] + (1 + 0x1p-5) * g(16 + products * std::ceil(static_cast<double>(k) / 32));
}

/// The precisions that this machine has code of its own for.
std::vector<Precision> precisions_of(const Machine& machine) {
  std::vector<Precision> result{Precision::F32, Precision::Bf16};
  if (machine.tiles != Tiles::None) result.insert(result.end(), {Precision::F32Split3, Precision::F32Split});
  return result;
}

/// Errors of all precisions against exact rationals, beside their bounds (docs/numerics.md).
void print_errors(const Machine& machine) {
  fmt::print("greatest relative error of a sum of k products of numbers in [0, 1), and its bound\n");
  for (const int64_t k : {16, 64, 256, 1024, 4096}) {
    fmt::print("{:5}", k);
    for (const Precision precision : precisions_of(machine)) {
      const Size size{.form = Form::AB, .m = 16, .n = 64, .k = k, .precision = precision};
      const std::optional<ContractionPlan> tiles = plan_tiles(facts_of(size), machine);
      Product product(machine, size, tiles.value_or(plan_contraction(facts_of(size), machine)));
      const double bound = error_bound(precision, k, tiles.has_value());
      fmt::print("  {} {:.2e} ({:.2e})", to_string(precision), product.error(), bound);
    }
    fmt::print("\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments + 1, arguments + count);
  const auto has = [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
  const Machine machine = host_machine();
  fmt::print("{}\n", to_string(machine));
  const PeakMeter peak(machine);
  if (has("bf16") && multiplies_bf16(machine)) print_peaks(machine);
  const auto wanted =
      std::ranges::find_if(all_precisions, [&](Precision precision) { return has(to_string(precision)); });
  const Precision precision = wanted == std::end(all_precisions) ? Precision::F32 : *wanted;
  if (precision != Precision::F32) print_errors(machine);
  if (split_parts(precision) > 0 && machine.tiles == Tiles::None) {
    fmt::print("{} skipped: no AMX\n", to_string(precision));
    return 0;
  }
  for (Size size : sizes) {
    size.precision = precision;
    if (has("f64")) size.type = Type::f64;
    const ContractionPlan plan = plan_contraction(facts_of(size), machine);
    Product product(machine, size, plan);
    const Speed speed = measure(product, peak, size.type);
    print(size, plan, speed, "");
    // Rounded operands are packed by blocks that follow from the tile.
    if (has("tune") && precision == Precision::F32) tune(machine, peak, size, plan, speed);
  }
}
