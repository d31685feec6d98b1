// Interval bounds as a compiled program: where outputs can be while inputs are in a box, for a whole batch of
// boxes a call. What is claimed is what graph/analysis/bounds/bounds_graph.h claims.
#pragma once

#include "graph/analysis/bounds/bounds_graph.h"
#include "jit/program.h"

namespace crease {

struct BoundsOptions {
  /// Of the ends, and of the arithmetic: f64; f32 is faster and wider.
  Type type = Type::f64;
  /// Nodes to bound, with a name for each. Empty: the outputs of the graph.
  std::vector<Output> wanted = {};
  /// Whether linear bounds narrow the intervals.
  LineUse lines = LineUse::None;
  /// How to compile; `rounding` is set here.
  CompileOptions compile = {};
};

/// Ends of the elements of a tensor, shaped as that is: low <= x <= high.
struct TensorBounds {
  Tensor low, high;
};
/// By name.
using Boxes = std::map<std::string, TensorBounds>;

/// The compiled bounds of one graph, with the parameters that it had.
class BoundsProgram {
 public:
  /// Errors: those of bounds_graph and compile.
  explicit BoundsProgram(const Graph& graph, const BoundsOptions& options = {});

  /// Bounds of what is wanted. Floating inputs are given by boxes, the others by `integers`; those that are
  /// not needed may be left out. Ends of another floating type are converted outward.
  /// Errors: Error if a box is missing or unknown, of two shapes, empty (low > high), holds NaN, or has an
  /// infinite end on the wrong side; those of Program.
  Boxes operator()(const Boxes& boxes, const Bindings& integers = {});

  const Program& program() const { return program_; }

 private:
  Type type_;
  std::map<std::string, bool> inputs_;  // floating inputs of the graph: whether they are needed
  std::vector<std::string> results_;    // what is wanted
  Program program_;
};

}  // namespace crease
