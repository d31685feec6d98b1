// Compiled programs held against the reference interpreter.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "graph/evaluate.h"
#include "graph/graph.h"
#include "jit/program.h"
#include "tests/level.h"

namespace crease::test {

/// Multiples of 1/8 in [-2, 2]: sums and products of a few hundred of them are exact in f32.
inline Tensor dyadic(Type type, std::vector<int64_t> sizes, unsigned seed) {
  Tensor tensor(type, std::move(sizes));
  std::mt19937 random(seed);
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = static_cast<double>(static_cast<int>(random() % 33) - 16);
    tensor.set(i, is_floating(type) ? value / 8 : value);
  }
  return tensor;
}

/// Any values in [-3, 3].
inline Tensor real(Type type, std::vector<int64_t> sizes, unsigned seed) {
  Tensor tensor(type, std::move(sizes));
  std::mt19937 random(seed);
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, static_cast<double>(random() % 60001) / 10000.0 - 3.0);
  return tensor;
}

/// Integers in [low, high].
inline Tensor integers(Type type, std::vector<int64_t> sizes, int low, int high, unsigned seed) {
  Tensor tensor(type, std::move(sizes));
  std::mt19937 random(seed);
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)));
  return tensor;
}

/// Equal numbers (0 equals -0), NaN where NaN is wanted.
inline bool same_number(double got, double want) {
  return got == want || (std::isnan(got) && std::isnan(want));
}

/// Within `ulp` units in the last place of the type at the greater magnitude of `want` and `scale`.
inline bool close_number(double got, double want, Type type, double ulp, double scale = 0) {
  if (same_number(got, want)) return true;
  const double epsilon = type == Type::f64 ? std::numeric_limits<double>::epsilon()
                                           : static_cast<double>(std::numeric_limits<float>::epsilon());
  return std::abs(got - want) <= ulp * epsilon * std::max(std::abs(want), scale);
}

/// total + the products of factors `begin` to `end`, 32 at most, as a tile register adds them: those of even
/// numbers apart from those of odd ones.
template <class A, class B>
float add_in_tile(float total, size_t begin, size_t end, const A& a, const B& b) {
  float sums[2] = {};
  for (size_t k = begin; k < end; ++k) sums[k % 2] = std::fma(a(k), b(k), sums[k % 2]);
  return total + (sums[0] + sums[1]);
}

/// How often a text contains another one.
inline size_t count_of(const std::string& text, const std::string& what) {
  size_t found = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

/// ulp = 0: the same numbers.
inline void check_close(const Tensor& got, const Tensor& want, double ulp = 0, double scale = 0) {
  REQUIRE(got.type() == want.type());
  REQUIRE(got.sizes() == want.sizes());
  for (int64_t i = 0; i < want.count(); ++i) {
    if (close_number(got.at(i), want.at(i), want.type(), ulp, scale)) continue;
    CAPTURE(i);
    CAPTURE(got.at(i));
    CAPTURE(want.at(i));
    CHECK(false);
    return;
  }
}

/// Compiles, runs once, and compares every output and updated parameter with the interpreter.
inline void check_program(const Graph& graph, const Bindings& inputs, const CompileOptions& options = {},
                          double ulp = 0, double scale = 0) {
  const std::map<std::string, Tensor> want = evaluate(graph, inputs);
  Program program = compile(graph, at_test_level(options));
  const std::map<std::string, Tensor> got = program(inputs);
  for (const Output& output : graph.outputs()) {
    CAPTURE(output.name);
    check_close(got.at(output.name), want.at(output.name), ulp, scale);
  }
  for (const Update& update : graph.updates()) {
    const std::string& name = graph.node(update.parameter).name;
    CAPTURE(name);
    check_close(program.parameter(name), want.at(name), ulp, scale);
  }
}

/// With and without fusion.
inline void check_both(const Graph& graph, const Bindings& inputs, double ulp = 0, double scale = 0) {
  for (bool fuse : {false, true}) {
    CAPTURE(fuse);
    check_program(graph, inputs, {.fuse = fuse}, ulp, scale);
  }
}

}  // namespace crease::test
