#include "tests/laws/subjects.h"

#include <cmath>
#include <map>
#include <set>

#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease::laws {
namespace {

Value input(Graph& graph, const Shape& shape, Type type) {
  return graph.input("x" + std::to_string(graph.inputs().size()), shape, type);
}

std::vector<Shape> shapes_of(const Op& op, const Dim& size) {
  const std::map<std::string, std::vector<Shape>> fixed{{"matmul", {{2, size}, {size, 3}}},
                                                        {"matmul_transposed", {{2, size}, {3, size}}},
                                                        {"batched_matmul", {{2, 3, size}, {2, size, 2}}},
                                                        {"outer", {{size}, {3}}}};
  if (const auto it = fixed.find(op.name); it != fixed.end()) return it->second;
  return std::vector<Shape>(static_cast<size_t>(op.body.arity), Shape{size});
}

std::vector<Type> types_of(const Op& op, Type type) {
  std::vector<Type> types(static_cast<size_t>(op.body.arity), type);
  const std::set<std::string> logical{"not", "and", "or"};
  if (logical.contains(op.name)) types.assign(types.size(), Type::boolean);
  if (op.name == "where") types[0] = Type::boolean;
  return types;
}

Subject catalogued(const Op& op, const Dim& size, Type type) {
  const auto build = [op, shapes = shapes_of(op, size), types = types_of(op, type)](Graph& graph) {
    std::vector<Value> operands;
    for (size_t k = 0; k < shapes.size(); ++k) operands.push_back(input(graph, shapes[k], types[k]));
    return graph.apply(std::make_shared<const Op>(op), operands, std::source_location::current());
  };
  return {op.name, build};
}

/// An operation of one operand of that shape.
Subject unary(const char* name, Shape shape, Type type, Value (*make)(const Value&)) {
  return {name, [=](Graph& graph) { return make(input(graph, shape, type)); }};
}

void add_reductions(std::vector<Subject>& list, int64_t n, Type type) {
  const Shape shape{3, n};
  list.push_back(unary("sum", shape, type, [](const Value& x) { return sum(x, {1}); }));
  list.push_back(unary("sum of columns", shape, type, [](const Value& x) { return sum(x, {0}, true); }));
  list.push_back(unary("sum of all", shape, type, [](const Value& x) { return sum(x); }));
  list.push_back(unary("mean", shape, type, [](const Value& x) { return mean(x, {-1}); }));
  list.push_back(unary("product", {n, 3}, type, [](const Value& x) { return product(x, {1}); }));
  list.push_back(unary("reduce_max", shape, type, [](const Value& x) { return reduce_max(x, {1}); }));
  list.push_back(
      unary("reduce_max of columns", shape, type, [](const Value& x) { return reduce_max(x, {0}); }));
  list.push_back(
      unary("reduce_min", shape, type, [](const Value& x) { return reduce_min(x, {0, 1}, true); }));
  list.push_back(unary("maxout", {n, 6}, type, [](const Value& x) { return maxout(x, 3); }));
  list.push_back(unary("max_pool1d", {2, 3, n + 3}, type, [](const Value& x) {
    return max_pool1d(x, {.window = {3}, .stride = {2}, .padding = {1}});
  }));
  list.push_back(unary("max_pool2d", {1, 2, 4, n + 1}, type, [](const Value& x) {
    return max_pool2d(x, {.window = {2, 2}, .stride = {1, 2}, .padding = {1, 0}});
  }));
  list.push_back(unary("average_pool2d", {1, 2, 4, n + 1}, type, [](const Value& x) {
    return average_pool2d(x, {.window = {3, 2}, .stride = {1}, .padding = {1}});
  }));
}

void add_movements(std::vector<Subject>& list, int64_t n, Type type) {
  list.push_back(unary("transpose", {2, n, 3}, type, [](const Value& x) { return transpose(x, {2, 0, 1}); }));
  list.push_back(unary("reshape", {n, 6}, type,
                       [](const Value& x) { return reshape(x, {2, 3 * x.shape()[0].size()}); }));
  list.push_back(unary("flatten", {2, n, 3}, type, [](const Value& x) { return flatten(x); }));
  list.push_back(unary("broadcast_to", {n, 1}, type,
                       [](const Value& x) { return broadcast_to(x, {2, x.shape()[0], 3}); }));
  list.push_back(unary("slice", {3, n + 2}, type,
                       [](const Value& x) { return slice(x, 1, 1, x.shape()[1].size(), 2); }));
  list.push_back(unary("pad", {n, 2}, type, [](const Value& x) { return pad(x, 0, 1, 2); }));
  list.push_back(unary("reverse", {2, n}, type, [](const Value& x) { return reverse(x, 1); }));
  list.push_back({"concat", [=](Graph& graph) {
                    const Value a = input(graph, {n, 2}, type), b = input(graph, {1, 2}, type);
                    return concat({a, b, a}, 0);
                  }});
}

void add_others(std::vector<Subject>& list, int64_t n, Type type) {
  list.push_back({"conv1d", [=](Graph& graph) {
                    return conv1d(input(graph, {2, 3, n + 3}, type), input(graph, {4, 3, 3}, type),
                                  {.stride = {2}, .padding = {1}});
                  }});
  list.push_back({"conv2d", [=](Graph& graph) {
                    return conv2d(input(graph, {1, 4, 5, n + 2}, type), input(graph, {2, 2, 2, 3}, type),
                                  {.stride = {1, 2}, .padding = {0, 1}, .dilation = {2, 1}, .groups = 2});
                  }});
  list.push_back({"conv_transpose1d", [=](Graph& graph) {
                    return conv_transpose1d(input(graph, {2, 3, n + 1}, type), input(graph, {3, 2, 3}, type),
                                            {.stride = {2}, .padding = {1}});
                  }});
  list.push_back({"conv_transpose2d", [=](Graph& graph) {
                    return conv_transpose2d(
                        input(graph, {1, 4, 3, n}, type), input(graph, {4, 1, 2, 3}, type),
                        {.stride = {1, 2}, .dilation = {2, 1}, .output_padding = {0, 1}, .groups = 2});
                  }});
  list.push_back({"gather", [=](Graph& graph) {
                    return gather(input(graph, {3, n}, type), input(graph, {4}, Type::i32));
                  }});
  list.push_back(
      {"pick", [=](Graph& graph) { return pick(input(graph, {n, 3}, type), input(graph, {n}, Type::i64)); }});
}

template <class Number>
Bindings bindings(const Graph& graph, const Sizes& sizes, Number number) {
  Bindings inputs;
  int64_t seed = 0;
  for (const NodeId id : graph.inputs()) {
    const Node& node = graph.node(id);
    Tensor tensor(node.type, sizes_of(node.shape, sizes));
    for (int64_t i = 0; i < tensor.count(); ++i, ++seed) {
      const bool truth = node.type == Type::boolean;
      tensor.set(i, is_floating(node.type) ? number(seed) : static_cast<double>(seed % (truth ? 2 : 3)));
    }
    inputs.emplace(node.name, tensor);
  }
  return inputs;
}

}  // namespace

std::vector<Subject> elementwise_subjects(const Dim& size, Type type) {
  std::vector<Subject> list;
  for (const CatalogRow& row : catalog())
    if (row.op.loops.empty()) list.push_back(catalogued(row.op, size, type));
  return list;
}

std::vector<Subject> structured_subjects(int64_t size, Type type) {
  std::vector<Subject> list;
  for (const CatalogRow& row : catalog())
    if (!row.op.loops.empty()) list.push_back(catalogued(row.op, size, type));
  add_reductions(list, size, type);
  add_movements(list, size, type);
  add_others(list, size, type);
  return list;
}

std::vector<Subject> subjects(int64_t size, Type type) {
  std::vector<Subject> list = elementwise_subjects(size, type);
  const std::vector<Subject> structured = structured_subjects(size, type);
  list.insert(list.end(), structured.begin(), structured.end());
  return list;
}

Bindings irregular(const Graph& graph, const Sizes& sizes) {
  return bindings(graph, sizes,
                  [](int64_t i) { return 2.5 * std::sin(12.9898 * static_cast<double>(i) + 1); });
}

Bindings halves(const Graph& graph, const Sizes& sizes) {
  return bindings(graph, sizes, [](int64_t i) { return static_cast<double>((i * 7 + 3) % 17 - 8) / 2; });
}

double at(const Scalar& body, double x) { return evaluate(body, {.arguments = {&x, 1}}); }

std::vector<double> kinks_of(const Scalar& body) {
  std::vector<double> points;
  const std::vector<Scalar> conditions = kink_conditions(body);
  for (int quarter = -32; quarter <= 32; ++quarter)
    for (const Scalar& condition : conditions)
      if (at(condition, quarter / 4.0) != 0 && (points.empty() || points.back() != quarter / 4.0))
        points.push_back(quarter / 4.0);
  return points;
}

}  // namespace crease::laws
