#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "bench/ulp.h"
#include "graph/error.h"
#include "jit/emit/standalone.h"
#include "jit/machine.h"
#include "jit/machine_level.h"

using namespace crease;

namespace {

/// Largest errors allowed, in ulp.
struct Bound {
  ScalarKind function;
  double f32, f64;
};

// Those of docs/numerics.md, which were found with fused multiply-add.
constexpr Bound bounds[] = {
    {ScalarKind::Exp, 1, 1},      {ScalarKind::Expm1, 1.5, 1.5}, {ScalarKind::Log, 1, 1},
    {ScalarKind::Log1p, 1.5, 1},  {ScalarKind::Tanh, 1.5, 3},    {ScalarKind::Sigmoid, 2, 2.5},
    {ScalarKind::Softplus, 2, 2}, {ScalarKind::Erf, 1.1, 4},     {ScalarKind::Sin, 0.51, 2.5},
    {ScalarKind::Cos, 0.51, 2.5}, {ScalarKind::Sqrt, 0.5, 0.5},  {ScalarKind::Floor, 0, 0},
};

template <class T>
constexpr Type type_of = std::is_same_v<T, float> ? Type::f32 : Type::f64;

template <class T>
using Wider = std::conditional_t<std::is_same_v<T, float>, double, long double>;

/// Applies the compiled function; `x` may have any length.
template <class T>
std::vector<T> apply(const Machine& machine, ScalarKind function, std::vector<T> x) {
  const NativeFunction code = compile_map(machine, type_of<T>, function);
  const size_t count = x.size();
  x.resize((count + 15) / 16 * 16, T(0.5));
  std::vector<T> y(x.size());
  reinterpret_cast<MapFunction>(code.address())(x.data(), y.data(), static_cast<int64_t>(x.size()));
  y.resize(count);
  return y;
}

/// Numbers of every size and sign, dense where the functions bend.
template <class T>
std::vector<T> samples() {
  std::mt19937_64 random(1);
  std::vector<T> x;
  for (const double range : {1e-30, 1e-3, 1.0, 4.0, 30.0, 100.0, 800.0, 1e6, 1e9})
    for (int i = 0; i < 400; ++i)
      x.push_back(static_cast<T>(range * (static_cast<double>(random()) / 0x1p63 - 1)));
  for (int i = 0; i < 4000; ++i) {
    if constexpr (std::is_same_v<T, float>)
      x.push_back(std::bit_cast<float>(static_cast<uint32_t>(random())));
    else
      x.push_back(std::bit_cast<double>(random()));
  }
  return x;
}

/// Zeros, infinities, NaN, least and largest numbers, and neighbours of the ends of each function's domain.
template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> x = {0,
                      Limits::infinity(),
                      Limits::quiet_NaN(),
                      Limits::denorm_min(),
                      Limits::min() / 2,
                      Limits::min(),
                      Limits::max(),
                      Limits::epsilon(),
                      T(0.5),
                      T(1),
                      T(1.5),
                      T(88.72284),
                      T(88.73),
                      T(103.9),
                      T(104),
                      T(709.78),
                      T(709.79),
                      T(745.2),
                      T(1) / Limits::epsilon()};
  for (size_t i = 0, count = x.size(); i < count; ++i) {
    x.push_back(std::nextafter(x[i], Limits::infinity()));
    x.push_back(std::nextafter(x[i], T(0)));
  }
  for (size_t i = 0, count = x.size(); i < count; ++i) x.push_back(-x[i]);
  return x;
}

template <class T>
void check(const Machine& machine, ScalarKind function, double bound, const std::vector<T>& x) {
  const std::vector<T> y = apply(machine, function, x);
  double worst = 0;
  T at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double ulp = ulp_error<T, Wider<T>>(y[i], reference<Wider<T>>(function, x[i]));
    if (ulp > worst) worst = ulp, at = x[i];
  }
  CAPTURE(name_of(function));
  CAPTURE(machine.vector_bits);
  CAPTURE(at);
  CHECK(worst <= bound);
}

template <class T>
void check_same_bits(ScalarKind function, const Machine& one, const Machine& other, std::vector<T> x) {
  std::erase_if(x, [](T value) { return std::isnan(value); });
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  const auto same = [](T a, T b) {
    return std::bit_cast<Bits>(a) == std::bit_cast<Bits>(b) || (std::isnan(a) && std::isnan(b));
  };
  CAPTURE(name_of(function));
  CHECK(std::ranges::equal(apply(one, function, x), apply(other, function, x), same));
}

Machine avx2_machine() {
  Machine machine = host_machine();
  machine.name = "haswell";
  machine.features.clear();
  machine.vector_bits = 256;
  machine.vector_registers = 16;
  return machine;
}

}  // namespace

TEST_CASE("elementary functions stay within their ulp") {
  const Machine machine = host_machine();
  if (!machine.fma) return;
  for (const Bound& bound : bounds) {
    check<float>(machine, bound.function, bound.f32, samples<float>());
    check<double>(machine, bound.function, bound.f64, samples<double>());
  }
}

TEST_CASE("elementary functions are right at every special value") {
  const Machine machine = host_machine();
  for (const Bound& bound : bounds) {
    check<float>(machine, bound.function, std::max(1.0, bound.f32), special_values<float>());
    check<double>(machine, bound.function, std::max(1.0, bound.f64), special_values<double>());
  }
}

TEST_CASE("elementary functions give the same bits at every vector width") {
  const Machine machine = host_machine();
  for (const Bound& bound : bounds)
    for (int bits = 128; bits < machine.vector_bits; bits *= 2) {
      CAPTURE(bits);
      check_same_bits(bound.function, machine, with_vector_bits(machine, bits), samples<float>());
    }
}

TEST_CASE("e^x has the same bits with and without an instruction that scales, down to the least number") {
  if (level_of(host_machine()) != MachineLevel::V4) return;
  std::mt19937_64 random(2);
  for (const ScalarKind function : {ScalarKind::Exp, ScalarKind::Sigmoid, ScalarKind::Softplus}) {
    const auto check = [&]<class T>(T least, T greatest) {
      std::vector<T> x = special_values<T>();
      for (int i = 0; i < 20000; ++i)
        x.push_back(least + (greatest - least) * static_cast<T>(static_cast<double>(random()) / 0x1p64));
      check_same_bits(function, host_machine(), avx2_machine(), std::move(x));
    };
    check(-105.0F, -85.0F);
    check(-90.0F, 90.0F);
    check(-750.0, -705.0);
    check(-710.0, 711.0);
  }
}

TEST_CASE("elementary functions need no more than AVX2") {
  if (!host_machine().has("avx2") || !host_machine().has("fma")) return;
  const Machine machine = avx2_machine();
  for (const Bound& bound : bounds) {
    check<float>(machine, bound.function, std::max(1.0, bound.f32), special_values<float>());
    check<double>(machine, bound.function, bound.f64, samples<double>());
  }
}

TEST_CASE("the plain instruction set is enough for elementary functions, at an ulp or two more") {
  const Machine machine = baseline_machine(host_machine());
  for (const Bound& bound : bounds) {
    const double exact = bound.f32 <= 0.5 ? bound.f32 : bound.f32 + 2;
    check<float>(machine, bound.function, exact, samples<float>());
    check<float>(machine, bound.function, std::max(1.0, exact), special_values<float>());
    check<double>(machine, bound.function, bound.f64 <= 0.5 ? bound.f64 : bound.f64 + 2, samples<double>());
  }
}

TEST_CASE("what is not an elementary function is refused") {
  CHECK_THROWS_WITH_AS(compile_map(host_machine(), Type::f32, ScalarKind::Add), doctest::Contains("got add"),
                       Bug);
}
