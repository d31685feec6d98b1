// Single kernels as native functions, without a graph: for tests and measurements of the emitters. No LLVM in
// this header.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "graph/scalar.h"
#include "jit/contraction.h"
#include "jit/machine.h"

namespace crease {

/// Owns a piece of native code.
class NativeFunction {
 public:
  struct Implementation;
  explicit NativeFunction(std::unique_ptr<Implementation> implementation);
  NativeFunction(NativeFunction&&) noexcept;
  NativeFunction& operator=(NativeFunction&&) noexcept;
  ~NativeFunction();
  void* address() const;
  /// LLVM's text of the module.
  const std::string& text() const;

 private:
  std::unique_ptr<Implementation> implementation_;
};

/// C = A B, or C += scale A B, or C = max(A B + bias, 0) with one bias a column. Extents and strides that
/// have names are read from ContractionSizes when the case runs, whatever the names; those of loops round k
/// must be numbers.
struct ContractionCase {
  enum class Epilogue : uint8_t { Store, Add, BiasRelu };
  ContractionFacts facts;
  Extent c_row, c_column = {1, {}};
  Epilogue epilogue = Epilogue::Store;
  double scale = 1;
  /// Multiply each element of A by whether it is positive, and of B by 2, as they are loaded.
  bool prologues = false;
  std::optional<ContractionPlan> plan = {};  // none: plan_contraction
};

/// What is known only when a case runs; entries that the facts know are ignored.
struct ContractionSizes {
  int64_t m, n, k, a_row, a_column, b_row, b_column, c_row, c_column;
};

using ContractionFunction = void (*)(const void* a, const void* b, void* c, const void* bias, void* scratch,
                                     const ContractionSizes* sizes);
using MapFunction = void (*)(const void* x, void* y, int64_t count);

/// The address is a ContractionFunction. `scratch`: plan.scratch elements.
NativeFunction compile_contraction(const Machine& machine, const ContractionCase& contraction);
/// y[i] = kind(x[i]) for a function of one argument; the address is a MapFunction. `count` must be a multiple
/// of the machine's lanes.
NativeFunction compile_map(const Machine& machine, Type type, ScalarKind kind);

/// Multiply-adds in registers only, as many independent ones as there is room for: what no code can exceed.
struct PeakLoop {
  NativeFunction function;  // the address is a PeakFunction
  double flops_per_pass;
};
/// `values`: room for one vector.
using PeakFunction = void (*)(void* values, int64_t passes);
/// `pairs`: of two bfloat16 products each (f32, machines with multiplies_bf16).
PeakLoop compile_peak(const Machine& machine, Type type, bool pairs = false);

}  // namespace crease
