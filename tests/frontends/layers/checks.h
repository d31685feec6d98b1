// What every layer is held against: differences for its gradients, the interpreter for its compiled code.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "autodiff/reverse.h"
#include "frontends/layers.h"
#include "frontends/optimizers.h"
#include "graph/evaluate.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "jit/program.h"
#include "tests/frontends/layers/irregular.h"

namespace crease::test {

/// A layer on a constant input "x" with all floating parameters irregular, and a smooth function of its
/// result.
struct Trial {
  Graph graph;
  Value x, y, loss;
  Bindings inputs;

  Trial(const Layer& layer, const Shape& shape, const Tensor& input, Mode mode,
        bool keep_parameters = false) {
    x = graph.input("x", shape, input.type());
    y = layer(x, mode);
    int64_t seed = 2;
    for (const NodeId id : graph.parameters()) {
      const Node& node = graph.node(id);
      if (keep_parameters || !is_floating(node.type)) continue;
      graph.set_parameter(node.name, irregular(node.type, sizes_of(node.shape), ++seed));
    }
    loss = sum(multiply(sin(y), affine(0.25, 1)(y)));
    inputs = {{"x", input}};
  }

  /// Gradients of x and of every parameter that the loss depends on, against central differences.
  /// Error of a difference with step h: h^2 f'''/6 + eps |f| / h, about 1e-9 for h = 1e-5 and |f|, f''' up
  /// to 10.
  void check_gradients(double tolerance = 2e-6) {
    std::vector<Value> variables;
    if (is_floating(x.type())) variables.push_back(x);
    const NodeId root = loss.id();
    for (const NodeId id : ancestors(graph, std::span(&root, 1)))
      if (graph.node(id).role == Role::Parameter && is_floating(graph.node(id).type))
        variables.push_back(graph.value(id));
    const std::vector<Value> gradients = grad(loss, variables);
    const std::vector<Tensor> found = evaluate(graph, inputs, gradients);
    for (size_t v = 0; v < variables.size(); ++v) {
      const std::string name = variables[v].node().name;
      CAPTURE(name);
      for (int64_t i = 0; i < found[v].count(); ++i) {
        CAPTURE(i);
        const double difference = (moved(name, i, 1e-5) - moved(name, i, -1e-5)) / 2e-5;
        CHECK(std::abs(found[v].at(i) - difference) <= tolerance * std::max(1.0, std::abs(difference)));
      }
    }
  }

  /// The compiled program, forward and backward, against the interpreter. Error: a few hundred roundings.
  void check_compiled(double tolerance) {
    std::vector<std::pair<std::string, Value>> outputs{{"y", y}};
    const Graph step = train_step_or_forward(outputs);
    const auto want = evaluate(step, inputs);
    Program program = compile(step);
    const auto got = program(inputs);
    for (const auto& [name, tensor] : want) {
      CAPTURE(name);
      const Tensor mine = got.contains(name) ? got.at(name) : program.parameter(name);
      REQUIRE(mine.sizes() == tensor.sizes());
      for (int64_t i = 0; i < tensor.count(); ++i) {
        CAPTURE(i);
        CHECK(std::abs(mine.at(i) - tensor.at(i)) <= tolerance * std::max(1.0, std::abs(tensor.at(i))));
      }
    }
  }

 private:
  Graph train_step_or_forward(const std::vector<std::pair<std::string, Value>>& outputs) const {
    const NodeId root = loss.id();
    for (const NodeId id : ancestors(graph, std::span(&root, 1)))
      if (graph.node(id).role == Role::Parameter && is_floating(graph.node(id).type))
        return train_step(loss, sgd({.learning_rate = 0.01}), {.outputs = outputs});
    Graph extended = graph;
    const Value gradient = grad(extended.value(loss.id()), extended.value(x.id()));
    return extract({{"y", extended.value(y.id())}, {"gradient", gradient}});
  }

  double moved(const std::string& name, int64_t element, double step) {
    if (name == "x") {
      Bindings other = inputs;
      Tensor& tensor = other.at("x");
      tensor.set(element, tensor.at(element) + step);
      return evaluate(loss, other).item();
    }
    const Tensor old = graph.find(name).node().value;
    Tensor changed = old;
    changed.set(element, old.at(element) + step);
    graph.set_parameter(name, changed);
    const double result = evaluate(loss, inputs).item();
    graph.set_parameter(name, old);
    return result;
  }
};

/// Both checks for a layer: gradients in f64, compiled code in f32.
inline void check_layer(const std::function<Layer()>& make, const Shape& shape,
                        const std::vector<int64_t>& sizes, Mode mode = Mode::Evaluation,
                        bool keep_parameters = false) {
  Trial(make(), shape, irregular(Type::f64, sizes), mode, keep_parameters).check_gradients();
  Trial(make(), shape, irregular(Type::f32, sizes), mode, keep_parameters).check_compiled(2e-4);
}

inline void check_close(const Tensor& got, const std::vector<double>& want, double tolerance) {
  REQUIRE(got.count() == static_cast<int64_t>(want.size()));
  for (int64_t i = 0; i < got.count(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got.at(i) - want[static_cast<size_t>(i)]) <= tolerance);
  }
}

}  // namespace crease::test
