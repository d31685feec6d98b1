// ulp [--machine LEVEL] [STEP [FUNCTION...]]: largest error and speed of every elementary function. f32: over
// every STEP-th of all 2^32 floats (1, the default, means all of them) against the C library in f64; f64:
// over 2^24 / STEP random numbers of each of several ranges against the C library in long double. LEVEL: what
// the code may use of the processor, such as x86-64-v3.
#include "bench/ulp.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include "graph/error.h"
#include "jit/emit/standalone.h"
#include "jit/machine_level.h"

namespace {

using namespace crease;

constexpr ScalarKind functions[] = {ScalarKind::Exp,      ScalarKind::Expm1, ScalarKind::Log,
                                    ScalarKind::Log1p,    ScalarKind::Tanh,  ScalarKind::Sigmoid,
                                    ScalarKind::Softplus, ScalarKind::Erf,   ScalarKind::Sin,
                                    ScalarKind::Cos,      ScalarKind::Sqrt,  ScalarKind::Floor};

struct Worst {
  double ulp = 0;
  double at = 0;
};

template <class T, class Wide>
class Measurement {
 public:
  Measurement(const Machine& machine, ScalarKind function)
      : function_(function),
        code_(compile_map(machine, std::is_same_v<T, float> ? Type::f32 : Type::f64, function)) {}

  void add(const std::vector<T>& x) {
    std::vector<T> y(x.size());
    reinterpret_cast<MapFunction>(code_.address())(x.data(), y.data(), static_cast<int64_t>(x.size()));
    for (size_t i = 0; i < x.size(); ++i) {
      const double ulp = ulp_error<T, Wide>(y[i], reference<Wide>(function_, static_cast<Wide>(x[i])));
      if (ulp > worst_.ulp) worst_ = {ulp, static_cast<double>(x[i])};
    }
  }

  /// The least of several runs in the first cache.
  double nanoseconds_per_element() const {
    std::vector<T> x(1024), y(1024);
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<T>(0.003 * static_cast<double>(i) + 0.01);
    double best = 1e9;
    for (int run = 0; run < 20; ++run) {
      const auto start = std::chrono::steady_clock::now();
      for (int repeat = 0; repeat < 100; ++repeat)
        reinterpret_cast<MapFunction>(code_.address())(x.data(), y.data(), 1024);
      const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
      best = std::min(best, time.count() / 102400);
    }
    return best;
  }

  const Worst& worst() const { return worst_; }

 private:
  ScalarKind function_;
  NativeFunction code_;
  Worst worst_;
};

void print(const char* type, ScalarKind function, const Worst& worst, double nanoseconds) {
  fmt::print("{:9} {}  {:8.3f} ulp at {:<24.17g} {:6.3f} ns/element\n", name_of(function), type, worst.ulp,
             worst.at, nanoseconds);
  std::fflush(stdout);
}

void measure_f32(const Machine& machine, ScalarKind function, uint64_t step) {
  Measurement<float, double> measurement(machine, function);
  std::vector<float> x(1 << 16);
  for (uint64_t bits = 0; bits < (1ULL << 32);) {
    for (float& value : x) {
      value = std::bit_cast<float>(static_cast<uint32_t>(bits));
      bits += step;  // past the end it begins again, which does no harm
    }
    measurement.add(x);
  }
  print("f32", function, measurement.worst(), measurement.nanoseconds_per_element());
}

void measure_f64(const Machine& machine, ScalarKind function, uint64_t step) {
  Measurement<double, long double> measurement(machine, function);
  std::mt19937_64 random(1);
  std::vector<double> x(1 << 12);
  for (const double range : {1e-300, 1e-9, 0.1, 1.0, 10.0, 800.0, 1e7, 1e300})
    for (uint64_t done = 0; done < (1ULL << 21) / step; done += x.size()) {
      for (double& value : x) value = range * (2 * static_cast<double>(random()) / 0x1p64 - 1);
      measurement.add(x);
    }
  for (uint64_t done = 0; done < (1ULL << 24) / step; done += x.size()) {
    for (double& value : x) value = std::bit_cast<double>(random());
    measurement.add(x);
  }
  print("f64", function, measurement.worst(), measurement.nanoseconds_per_element());
}

bool is_wanted(ScalarKind function, std::span<char*> names) {
  return names.empty() ||
         std::ranges::any_of(names, [&](const char* name) { return name_of(function) == name; });
}

}  // namespace

int main(int count, char** arguments) try {
  std::span<char*> given(arguments + 1, static_cast<size_t>(count - 1));
  MachineLevel level = MachineLevel::Native;
  if (given.size() >= 2 && std::string_view(given[0]) == "--machine") {
    level = parse_machine_level(given[1]);
    given = given.subspan(2);
  }
  const uint64_t step = given.empty() ? 1 : std::max<uint64_t>(1, std::strtoull(given[0], nullptr, 10));
  const std::span<char*> names = given.subspan(std::min<size_t>(1, given.size()));
  const Machine machine = at_level(host_machine(), level);
  fmt::print("{}\n", to_string(machine));
  for (const ScalarKind function : functions)
    if (is_wanted(function, names)) measure_f32(machine, function, step);
  for (const ScalarKind function : functions)
    if (is_wanted(function, names)) measure_f64(machine, function, step);
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
