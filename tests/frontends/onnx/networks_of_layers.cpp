#include "frontends/layers.h"

#include <functional>

#include "frontends/layers/attention.h"
#include "frontends/layers/combine.h"
#include "frontends/layers/convolution.h"
#include "frontends/layers/normalisation.h"
#include "frontends/layers/random.h"
#include "frontends/losses.h"
#include "frontends/models.h"
#include "graph/analysis/balance/balance.h"
#include "graph/ops/activation.h"
#include "graph/rewrite/collapse.h"
#include "graph/rewrite/simplify.h"
#include "graph/rewrite/simplify_units.h"
#include "graph/rewrite/tidy.h"
#include "tests/frontends/layers/irregular.h"
#include "tests/frontends/onnx/networks.h"

namespace crease::test {
namespace {

struct Row {
  const char* name;
  Layer layer;
  Shape shape;
  Type type = Type::f32;
};

Tensor input_of(const Shape& shape, Type type) {
  std::vector<int64_t> sizes;
  for (const Dim& dim : shape) sizes.push_back(dim.is_symbol() ? 3 : dim.size());
  Tensor tensor = irregular(Type::f32, sizes);
  if (is_floating(type)) return tensor.converted(type);
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i * 5 % 7));
  return tensor.converted(type);
}

/// Moments and variances are not negative.
void set_parameters(Graph& graph) {
  int64_t seed = 2;
  for (const NodeId id : graph.parameters()) {
    const Node& node = graph.node(id);
    if (!is_floating(node.type)) continue;
    Tensor values = irregular(node.type, sizes_of(node.shape), ++seed);
    for (int64_t i = 0; i < values.count(); ++i)
      values.set(i, node.name.ends_with("variance") ? std::abs(values.at(i)) + 0.1 : values.at(i) / 2);
    graph.set_parameter(node.name, values);
  }
}

Network network_of(const Row& row) {
  Network result{.name = row.name, .graph = {}, .inputs = {}};
  const Value x = result.graph.input("x", row.shape, row.type);
  result.graph.output("y", row.layer(x));
  set_parameters(result.graph);
  result.inputs = {{"x", input_of(row.shape, row.type)}};
  return result;
}

Layer transformer_block(int64_t features, int64_t heads, bool causal) {
  return sequential(
      residual(sequential(layer_norm({features}), multi_head_attention(features, heads, {.causal = causal}))),
      residual(sequential(layer_norm({features}), linear(features, 2 * features), gelu,
                          linear(2 * features, features))));
}

Layer image_network() {
  return sequential({conv2d(2, 4, {3, 3}, {.padding = {1}}), batch_norm(4), relu,
                     max_pool2d(PoolOptions{.window = {2}}), conv2d(4, 6, {3, 3}, {.groups = 2}), relu6,
                     average_pool2d(PoolOptions{.window = {2}, .stride = {1}}), flatten(), linear(24, 3)});
}

std::vector<Row> layers() {
  return {{"linear", linear(3, 5), {"n", 3}},
          {"linear_known", linear(3, 5), {4, 3}},
          {"linear_stack", linear(3, 5), {"n", 4, 3}},
          {"linear_f64", linear(3, 5), {"n", 3}, Type::f64},
          {"conv1d_layer", conv1d(2, 4, 3, {.stride = {2}, .padding = {1}}), {"n", 2, 9}},
          {"conv2d_layer",
           conv2d(4, 6, {3, 2}, {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2}),
           {"n", 4, 9, 8}},
          {"conv_transpose1d_layer", conv_transpose1d(4, 2, 3, {.shape = {.stride = {2}}}), {"n", 4, 5}},
          {"conv_transpose2d_layer",
           conv_transpose2d(4, 6, {3, 3}, {.shape = {.stride = {2}, .padding = {1}, .groups = 2}}),
           {"n", 4, 5, 4}},
          {"global_average", global_average_pool(), {"n", 4, 5, 4}},
          {"global_max", global_max_pool(), {"n", 4, 5, 4}},
          {"flatten_layer", flatten(), {"n", 4, 5, 4}},
          {"reshape_samples", reshape_samples({2, 10}), {"n", 4, 5}},
          {"maxout_layer", maxout(2), {"n", 6}},
          {"batch_norm", batch_norm(4), {"n", 4, 3, 3}},
          {"batch_norm_rows", batch_norm(4), {"n", 4}},
          {"batch_norm_last", batch_norm(4, {.axis = -1}), {"n", 3, 4}},
          {"batch_norm_plain", batch_norm(4, {.affine = false}), {"n", 4, 3}},
          {"batch_norm_f64", batch_norm(4), {"n", 4, 3}, Type::f64},
          {"layer_norm", layer_norm({4}), {"n", 3, 4}},
          {"layer_norm_two", layer_norm({3, 4}), {"n", 3, 4}},
          {"layer_norm_f64", layer_norm({4}), {"n", 3, 4}, Type::f64},
          {"layer_norm_plain", layer_norm({4}, {.affine = false}), {"n", 4}},
          {"group_norm", group_norm(2, 4), {"n", 4, 3, 3}},
          {"attention", multi_head_attention(8, 2), {"n", "time", 8}},
          {"causal_attention", multi_head_attention(8, 2, {.causal = true}), {"n", 5, 8}},
          {"causal_named_attention", multi_head_attention(8, 2, {.causal = true}), {"n", "time", 8}},
          {"residual", residual(linear(3, 3)), {"n", 3}},
          {"joined", concat({linear(3, 2), linear(3, 4)}, 1), {"n", 3}},
          {"embedding", embedding(7, 4), {"n", 5}, Type::i64},
          {"dropout", sequential(linear(3, 4), dropout(0.5)), {"n", 3}},
          {"randomised_relu", randomised_relu(), {"n", 3}},
          {"parametric_relu", parametric_relu(4), {"n", 4, 3}},
          {"mlp", mlp({8, 16, 16, 3}, relu), {"n", 8}},
          {"mlp_fixed", mlp({8, 16, 3}, tanh_op), {4, 8}},
          {"softmax_head",
           sequential({linear(8, 16), silu, linear(16, 4), Layer([](const Value& x) { return softmax(x); })}),
           {"n", 8}},
          {"image", image_network(), {"n", 2, 10, 10}},
          {"transformer",
           sequential(embedding(7, 8), transformer_block(8, 2, true), layer_norm({8}), linear(8, 7)),
           {"n", 6},
           Type::i64},
          {"encoder",
           sequential(transformer_block(8, 2, false), transformer_block(8, 4, false)),
           {"n", "time", 8}}};
}

/// Changed as an owner would change them: rebalanced, merged, simplified.
std::vector<Network> changed() {
  std::vector<Network> networks;
  const auto put = [&](const Row& row, const char* how, const std::function<Graph(const Graph&)>& change) {
    Network network = network_of(row);
    network.name += std::string("_") + how;
    network.graph = change(network.graph);
    networks.push_back(std::move(network));
  };
  const auto balanced = [](const Graph& graph) {
    const ScalingGroup group = scaling_group(graph, {.fixed = running_statistics(graph)});
    return rescaled(graph, group, balance(graph, group).t);
  };
  const auto on_box = [](const Graph& graph) {
    return simplify_units(graph, {.all = Interval{-1, 1}}).graph;
  };
  for (const Row& row :
       std::vector<Row>{{"mlp", mlp({8, 16, 16, 3}, relu), {"n", 8}},
                        {"image", image_network(), {"n", 2, 10, 10}},
                        {"chain", sequential(linear(8, 4), linear(4, 8), linear(8, 3)), {"n", 8}},
                        {"convolutions",
                         sequential(conv2d(2, 3, {3, 3}, {.padding = {1}}), conv2d(3, 4, {3, 3})),
                         {"n", 2, 6, 6}}}) {
    put(row, "balanced", balanced);
    put(row, "collapsed", [](const Graph& graph) { return collapse(graph).graph; });
    put(row, "simplified", on_box);
    put(row, "tidied", [](const Graph& graph) { return tidy(graph, Derivatives::Settled).graph; });
  }
  return networks;
}

}  // namespace

std::vector<Network> written_layers() {
  std::vector<Network> networks;
  for (const Row& row : layers()) networks.push_back(network_of(row));
  std::ranges::move(changed(), std::back_inserter(networks));
  return networks;
}

}  // namespace crease::test
