#include <cmath>

#include "graph/ops/cast.h"
#include "graph/ops/catalog.h"
#include "tests/frontends/onnx/networks.h"

namespace crease::test {
namespace {

/// Irregular numbers, and those at which activations have kinks.
Tensor numbers(Type type, std::vector<int64_t> sizes, int seed) {
  Tensor tensor(type, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double k = static_cast<double>(i) + 7 * seed;
    tensor.set(i, i % 5 == 4 ? static_cast<double>(i % 7) - 3 : 2.5 * std::sin(1.7 * k + 0.3 * seed));
  }
  return tensor;
}

/// Shapes of the operands: of fixed patterns those that fit, of others with broadcasting.
std::vector<Shape> shapes_of(const Op& op, const Dim& rows) {
  if (op.name == "matmul") return {{rows, 3}, {3, 5}};
  if (op.name == "matmul_transposed") return {{rows, 3}, {5, 3}};
  if (op.name == "batched_matmul") return {{rows, 4, 3}, {rows, 3, 5}};
  if (op.name == "outer") return {{rows}, {5}};
  std::vector<Shape> shapes{{rows, 3, 5}, {3, 1}, {5}};
  shapes.resize(static_cast<size_t>(op.body.arity));
  return shapes;
}

bool is_logic(const Op& op) { return op.name == "not" || op.name == "and" || op.name == "or"; }
bool is_positive(const Op& op) { return op.name == "log" || op.name == "log1p" || op.name == "sqrt"; }

Network network_of(const Op& op, const Dim& rows, Type type) {
  Network result{.name = op.name + (rows.is_symbol() ? "-named-" : "-known-") + std::string(to_string(type)),
                 .graph = {},
                 .inputs = {}};
  std::vector<Value> operands;
  const auto shapes = shapes_of(op, rows);
  for (size_t k = 0; k < shapes.size(); ++k) {
    const bool truth = is_logic(op) || (op.name == "where" && k == 0);
    std::vector<int64_t> sizes;
    for (const Dim& dim : shapes[k]) sizes.push_back(dim.is_symbol() ? 4 : dim.size());
    Tensor values = numbers(type, sizes, static_cast<int>(k) + 1);
    for (int64_t i = 0; i < values.count(); ++i)
      values.set(i, is_positive(op) ? std::abs(values.at(i)) + 0.01 : truth ? i % 3 == 0 : values.at(i));
    const std::string name = "x" + std::to_string(k);
    if (truth) values = values.converted(Type::boolean);
    operands.push_back(result.graph.input(name, shapes[k], values.type()));
    result.inputs.emplace(name, std::move(values));
  }
  result.graph.output("y", result.graph.apply(std::make_shared<const Op>(op), operands, {}));
  return result;
}

}  // namespace

std::vector<Network> written_operations() {
  std::vector<Network> networks;
  for (const CatalogRow& row : catalog())
    for (const Dim& rows : {Dim("batch"), Dim(4)})
      for (const Type type : {Type::f32, Type::f64}) networks.push_back(network_of(row.op, rows, type));
  return networks;
}

}  // namespace crease::test
