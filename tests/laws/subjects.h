// What the laws range over: every operation of the catalogue and of the other families with operands that
// fit, and numbers to feed them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "graph/evaluate.h"
#include "graph/ops/catalog.h"

namespace crease::laws {

/// One operation applied to fresh inputs, named by their number in the graph.
struct Subject {
  std::string name;
  std::function<Value(Graph&)> build;
};

/// The elementwise operations of the catalogue over `size` elements. Floating inputs have type `type`.
std::vector<Subject> elementwise_subjects(const Dim& size, Type type = Type::f64);
/// All other operations, with an axis of `size`.
std::vector<Subject> structured_subjects(int64_t size, Type type = Type::f64);
/// Both.
std::vector<Subject> subjects(int64_t size, Type type = Type::f64);

/// Irregular numbers in (-2.5, 2.5) without zero: no kink is hit. Truth values and indices below 3 for other
/// types.
Bindings irregular(const Graph& graph, const Sizes& sizes = {});
/// The same with multiples of 1/2 in [-4, 4]: kinks and ties are hit all the time.
Bindings halves(const Graph& graph, const Sizes& sizes = {});

/// Points x at which a condition of kink_conditions holds, among the multiples of 1/4 in [-8, 8].
std::vector<double> kinks_of(const Scalar& body);

/// The body of one argument at x.
double at(const Scalar& body, double x);

}  // namespace crease::laws
