#include "jit/bounds_program.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <ranges>

#include "graph/error.h"
#include "graph/listed.h"

namespace crease {

namespace {

std::vector<Output> wanted_of(const Graph& graph, const BoundsOptions& options) {
  return options.wanted.empty() ? graph.outputs() : options.wanted;
}

Program compiled(const Graph& graph, const BoundsOptions& options) {
  CompileOptions compile_options = options.compile;
  compile_options.rounding = Rounding::Up;
  compile_options.subnormals = Subnormals::Keep;
  return compile(bounds_graph(graph, wanted_of(graph, options), options.type, options.lines),
                 compile_options);
}

/// The ends as numbers of a type, downward or upward.
Tensor outward(const Tensor& ends, Type type, bool up) {
  if (ends.type() == type) return ends;
  Tensor result = ends.converted(type);
  if (type == Type::f64) return result;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::span<float> values = result.write<float>();
  for (size_t i = 0; i < values.size(); ++i) {
    const double wanted = ends.at(static_cast<int64_t>(i)), got = static_cast<double>(values[i]);
    if (up ? got < wanted : got > wanted) values[i] = std::nextafter(values[i], up ? infinity : -infinity);
  }
  return result;
}

void check_box(const std::string& name, const TensorBounds& box) {
  expect(is_floating(box.low.type()) && is_floating(box.high.type()),
         "[bounds] box of '{}': got ends of type {} and {}, want f64 or f32", name, to_string(box.low.type()),
         to_string(box.high.type()));
  expect(box.low.sizes() == box.high.sizes(),
         "[bounds] box of '{}': got [{}] low and [{}] high ends, want one shape", name,
         fmt::join(box.low.sizes(), ", "), fmt::join(box.high.sizes(), ", "));
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < box.low.count(); ++i) {
    const double low = box.low.at(i), high = box.high.at(i);
    expect(low <= high && low < infinity && high > -infinity,
           "[bounds] box of '{}': got [{}, {}] at element {}, want numbers low <= high", name, low, high, i);
  }
}

}  // namespace

BoundsProgram::BoundsProgram(const Graph& graph, const BoundsOptions& options)
    : type_(options.type), program_(compiled(graph, options)) {
  std::vector<NodeId> ids;
  for (const Output& output : wanted_of(graph, options)) {
    results_.push_back(output.name);
    ids.push_back(output.node);
  }
  const std::vector<NodeId> needed = ancestors(graph, ids);
  for (const NodeId id : graph.inputs())
    if (is_floating(graph.node(id).type))
      inputs_.emplace(graph.node(id).name, std::ranges::binary_search(needed, id));
}

Boxes BoundsProgram::operator()(const Boxes& boxes, const Bindings& integers) {
  Bindings inputs = integers;
  for (const auto& [name, box] : boxes) {
    const auto input = inputs_.find(name);
    expect(input != inputs_.end(), "[bounds] no floating input '{}' to bound: the graph has {}", name,
           listed(std::views::keys(inputs_)));
    check_box(name, box);
    if (!input->second) continue;
    inputs.insert_or_assign(low_name(name), outward(box.low, type_, false));
    inputs.insert_or_assign(high_name(name), outward(box.high, type_, true));
  }
  for (const auto& [name, needed] : inputs_)
    expect(!needed || boxes.contains(name), "[bounds] no box for input '{}'", name);
  NamedTensors ends = program_(inputs);
  Boxes result;
  for (const std::string& name : results_)
    result.emplace(name, TensorBounds{ends.at(low_name(name)), ends.at(high_name(name))});
  return result;
}

}  // namespace crease
