#include <doctest/doctest.h>

#include "graph/evaluate.h"
#include "tests/frontends/onnx/model.h"

namespace crease {
namespace {

using test::OnnxModel;

TEST_CASE("the size of a named dimension is a number of the network where a node computes with it") {
  OnnxModel model;
  model.input("x", {"n", "3"}).add("Shape", {"x"}, {"shape"}).add("Cast", {"shape"}, {"y"});
  model.attribute("to", int64_t{onnx::TensorProto::FLOAT}).output("y");
  const Graph graph = model.read();
  CHECK(evaluate(graph, {{"x", Tensor(Type::f32, {5, 3})}}).at("y") == Tensor::f32({2}, {5, 3}));
}

TEST_CASE("a range to a named size has as many elements") {
  OnnxModel model;
  model.input("x", {"n", "3"}).add("Shape", {"x"}, {"size"}).attribute("end", int64_t{1});
  model.initializer("zero", Tensor::i64({}, {0})).initializer("one", Tensor::i64({}, {1}));
  model.add("Squeeze", {"size"}, {"end"}).add("Range", {"zero", "end", "one"}).output("y");
  const Graph graph = model.read();
  CHECK(graph.result("y").shape() == Shape{"n"});
  CHECK(evaluate(graph, {{"x", Tensor(Type::f32, {4, 3})}}).at("y") == Tensor::i64({4}, {0, 1, 2, 3}));
}

TEST_CASE("elements are gathered one for each place of the index") {
  OnnxModel model;
  model.input("x", {"n", "3"}).input("k", {"n", "2"}, onnx::TensorProto::INT64);
  model.add("GatherElements", {"x", "k"}).attribute("axis", int64_t{1}).output("y");
  const auto y = evaluate(model.read(), {{"x", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6})},
                                         {"k", Tensor::i64({2, 2}, {2, 0, -1, 1})}});
  CHECK(y.at("y") == Tensor::f32({2, 2}, {3, 1, 6, 5}));
}

}  // namespace
}  // namespace crease
