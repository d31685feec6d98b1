#include <cmath>
#include <functional>

#include "frontends/losses.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "tests/frontends/layers/irregular.h"
#include "tests/frontends/onnx/networks.h"

namespace crease::test {
namespace {

struct Row {
  const char* name;
  Shape shape;
  std::function<Value(const Value& x)> function;
};

Value parameter(const Value& x, const char* name, std::vector<int64_t> sizes) {
  return x.graph().parameter(name, irregular(Type::f32, std::move(sizes), 5));
}

/// An operation of the given loops.
Value looped(const Value& x, const char* loops, const Body& body, Combine combine, const Shape& result = {},
             const std::map<std::string, Dim>& extents = {}) {
  const Op op{.name = "looped",
              .doc = "",
              .loops = loops,
              .body = body,
              .combine = combine,
              .extents = extents,
              .result = result};
  return op(x);
}

const Body same([](Scalar a) { return a; });

std::vector<Row> movements() {
  return {{"reshape", {2, 6}, [](const Value& x) { return reshape(x, {3, 4}); }},
          {"reshape_named", {"n", 2, 6}, [](const Value& x) { return reshape(x, {"n", 3, 4}); }},
          {"reshape_two_names", {"n", "m", 6}, [](const Value& x) { return reshape(x, {"n", "m", 2, 3}); }},
          {"reshape_moved_name", {1, "n", 6}, [](const Value& x) { return reshape(x, {"n", 2, 3}); }},
          {"flatten", {"n", 2, 3, 4}, [](const Value& x) { return flatten(x); }},
          {"unsqueeze", {"n", 3}, [](const Value& x) { return unsqueeze(unsqueeze(x, 1), -1); }},
          {"squeeze", {"n", 1, 3, 1}, [](const Value& x) { return squeeze(squeeze(x, 3), 1); }},
          {"transpose", {"n", 2, 3, 4}, [](const Value& x) { return transpose(x, {2, 0, 3, 1}); }},
          {"broadcast", {"n", 1, 3}, [](const Value& x) { return broadcast_to(x, {2, "n", 4, 3}); }},
          {"broadcast_named",
           {3},
           [](const Value& x) {
             const Value rows = x.graph().input("rows", {"n"});
             return broadcast_to(x, {"n", 3}) + unsqueeze(rows, 1);
           }},
          {"slice", {"n", 7, 5}, [](const Value& x) { return slice(slice(x, 1, 1, 6, 2), 2, 3, 5); }},
          {"reverse", {"n", 7}, [](const Value& x) { return reverse(x, 1); }},
          {"pad", {"n", 3, 2}, [](const Value& x) { return pad(pad(x, 1, 2, 1), 2, 0, 3); }},
          {"concat", {"n", 3}, [](const Value& x) { return concat({x, sin(x), x * x}, 1); }},
          {"stack", {"n", 3}, [](const Value& x) { return stack({x, sin(x)}, 1); }},
          {"diagonal", {4, 4}, [](const Value& x) { return looped(x, "i i -> i", same, Combine::Assign); }},
          {"trace", {"n", 4, 4}, [](const Value& x) { return looped(x, "n i i -> n", same, Combine::Sum); }},
          {"spread",
           {"n", 3},
           [](const Value& x) { return looped(x, "n i -> n 2*i+1", same, Combine::Assign, {"n", 8}); }},
          {"beyond",
           {"n", 5},
           [](const Value& x) {
             return looped(x, "n i-2 -> n i", same, Combine::Assign, {"n", 9}, {{"n", "n"}, {"i", 9}});
           }},
          {"cut",
           {"n", 5},
           [](const Value& x) { return looped(x, "n i -> n i-2", same, Combine::Assign, {"n", 2}); }},
          {"windows",
           {"n", 6},
           [](const Value& x) {
             return looped(x, "n i+2*k-1 -> n i k", same, Combine::Assign, {"n", 6, 2},
                           {{"n", "n"}, {"i", 6}, {"k", 2}});
           }},
          {"cast", {"n", 3}, [](const Value& x) { return cast(cast(x * 3, Type::i32), Type::f64); }},
          {"truth", {"n", 3}, [](const Value& x) { return cast(x, Type::boolean); }},
          {"integers",
           {"n", 3},
           [](const Value& x) { return cast(x * 100, Type::i64) * cast(x * 7, Type::i32) - 5; }},
          {"whole_numbers",
           {"n", 3},
           [](const Value& x) { return max(cast(x * 100, Type::i32), cast(x * 50, Type::i32)) < 20; }},
          {"iota",
           {"n", 3},
           [](const Value& x) {
             Graph graph = x.graph();
             return x + iota(graph, {"n", 3}, 1) * iota(graph, {"n", 3}, 1);
           }},
          {"zeros", {"n", 3}, [](const Value& x) { return x + zeros_like(x); }},
          {"named_zeros", {"n", 3}, [](const Value& x) { return zeros_like(x); }}};
}

std::vector<Row> reductions() {
  return {
      {"sum", {"n", 3, 4}, [](const Value& x) { return sum(x, {1}); }},
      {"sum_kept", {"n", 3, 4}, [](const Value& x) { return sum(x, {0, 2}, true); }},
      {"sum_all", {"n", 3, 4}, [](const Value& x) { return sum(x); }},
      {"product", {"n", 3, 4}, [](const Value& x) { return product(x, {2}); }},
      {"reduce_max", {"n", 3, 4}, [](const Value& x) { return reduce_max(x, {1, 2}); }},
      {"reduce_min", {"n", 3, 4}, [](const Value& x) { return reduce_min(x, {-1}, true); }},
      {"mean", {"n", 3, 4}, [](const Value& x) { return mean(x, {1, 2}); }},
      {"mean_named", {"n", 3, 4}, [](const Value& x) { return mean(x, {0, 1}, true); }},
      {"mean_positions", {"n", 2, 3, 4}, [](const Value& x) { return mean(x, {2, 3}, true); }},
      {"mean_all", {"n", 3, 4}, [](const Value& x) { return mean(x); }},
      {"norm2", {"n", 3, 4}, [](const Value& x) { return norm2(x, {1}); }},
      {"argmax", {"n", 5}, [](const Value& x) { return argmax(x); }},
      {"argmin", {"n", 5, 3}, [](const Value& x) { return argmin(x, 1); }},
      {"argmax_over_two",
       {"n", 3, 4},
       [](const Value& x) { return looped(x, "n i j -> n", same, Combine::ArgMax); }},
      {"maxout", {"n", 6}, [](const Value& x) { return maxout(x, 3); }},
      {"kth_smallest", {"n", 5}, [](const Value& x) { return kth_smallest(x, 2); }},
      {"scaled_by_size", {"n", 3}, [](const Value& x) { return scale_by_sizes(3, {"n", 3})(x); }},
      {"prelu_of_many",
       {"n"},
       [](const Value& x) { return prelu(x, unsqueeze(parameter(x, "slope", {3}), 1)); }},
      {"hardmax", {"n", 5}, [](const Value& x) { return hardmax(x); }},
      {"softmax", {"n", 5}, [](const Value& x) { return softmax(x); }},
      {"log_softmax", {"n", 3, 5}, [](const Value& x) { return log_softmax(x); }},
      {"gather",
       {"n", 3},
       [](const Value& x) {
         const Value index = cast(abs(x), Type::i32);
         return gather(parameter(x, "table", {3, 4}), index);
       }},
      {"pick", {"n", 4}, [](const Value& x) { return pick(x, argmax(x)); }},
      {"one_hot", {"n"}, [](const Value& x) { return one_hot(cast(abs(x), Type::i64), 3); }},
      {"cross_entropy", {"n", 4}, [](const Value& x) { return mean(softmax_cross_entropy(x, argmin(x))); }}};
}

std::vector<Row> products() {
  const auto with = [](const char* loops, const std::vector<int64_t>& sizes) {
    return [=](const Value& x) { return einsum(loops, {x, parameter(x, "w", sizes)}); };
  };
  return {{"einsum_matrix", {"n", 3}, with("n i, i j -> n j", {3, 5})},
          {"einsum_turned", {"n", 3}, with("n i, j i -> j n", {5, 3})},
          {"einsum_columns", {3, "n"}, with("i n, i j -> n j", {3, 5})},
          {"einsum_heads", {"n", 4, 2, 3}, with("n q h d, k h d -> n h q k", {6, 2, 3})},
          {"einsum_batches", {2, "n", 3}, with("h n i, h i j -> h n j", {2, 3, 5})},
          {"einsum_two_sums", {"n", 3, 4}, with("n i j, i j k -> n k", {3, 4, 5})},
          {"einsum_lone", {"n", 3, 4}, with("n i j, i k -> n k", {3, 5})},
          {"einsum_vector", {"n", 3}, with("n i, i -> n", {3})},
          {"three_factors",
           {"n", 3},
           [](const Value& x) {
             return einsum("n i, i j, j -> n", {x, parameter(x, "w", {3, 4}), parameter(x, "v", {4})});
           }},
          {"matmul_stack", {"n", 4, 3}, [](const Value& x) { return matmul(x, parameter(x, "w", {3, 5})); }},
          {"matmul_transposed_stack",
           {"n", 4, 3},
           [](const Value& x) { return matmul_transposed(x, parameter(x, "w", {5, 3})); }},
          {"matmul_bias",
           {"n", 3},
           [](const Value& x) { return matmul(x, parameter(x, "w", {3, 5})) + parameter(x, "b", {5}); }},
          {"matmul_used_twice", {"n", 3}, [](const Value& x) {
             const Value y = matmul(x, parameter(x, "w", {3, 5}));
             return y + parameter(x, "b", {5}) + sin(y);
           }}};
}

std::vector<Row> windows() {
  return {{"max_pool1d",
           {"n", 2, 9},
           [](const Value& x) { return max_pool1d(x, {.window = {3}, .stride = {2}, .padding = {1}}); }},
          {"max_pool2d", {"n", 2, 7, 8}, [](const Value& x) { return max_pool2d(x); }},
          {"average_pool1d", {"n", 2, 9}, [](const Value& x) { return average_pool1d(x, {.window = {3}}); }},
          {"average_pool2d",
           {"n", 2, 7, 8},
           [](const Value& x) {
             return average_pool2d(x, {.window = {2, 3}, .stride = {1, 2}, .padding = {1, 0}});
           }},
          {"conv1d", {"n", 2, 9}, [](const Value& x) { return conv1d(x, parameter(x, "w", {4, 2, 3}), {}); }},
          {"conv2d_all",
           {"n", 4, 9, 8},
           [](const Value& x) {
             return conv2d(x, parameter(x, "w", {6, 2, 3, 2}),
                           {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2});
           }},
          {"conv2d_depthwise",
           {"n", 4, 5, 5},
           [](const Value& x) {
             return conv2d(x, parameter(x, "w", {4, 1, 3, 3}), {.padding = {1}, .groups = 4});
           }},
          {"conv2d_one_tap",
           {"n", 4, 5, 5},
           [](const Value& x) { return conv2d(x, parameter(x, "w", {3, 4, 1, 1}), {}); }},
          {"conv2d_whole",
           {"n", 4, 3, 3},
           [](const Value& x) { return conv2d(x, parameter(x, "w", {3, 4, 3, 3}), {}); }},
          {"conv_transpose1d",
           {"n", 4, 5},
           [](const Value& x) {
             return conv_transpose1d(x, parameter(x, "w", {4, 2, 3}),
                                     {.stride = {2}, .padding = {1}, .output_padding = {1}, .groups = 2});
           }},
          {"conv_transpose2d", {"n", 4, 5, 4}, [](const Value& x) {
             return conv_transpose2d(x, parameter(x, "w", {4, 3, 3, 2}),
                                     {.stride = {2, 3}, .padding = {1, 0}, .dilation = {1, 2}});
           }}};
}

Network network_of(const Row& row) {
  Network result{.name = row.name, .graph = {}, .inputs = {}};
  std::vector<int64_t> sizes;
  for (const Dim& dim : row.shape) sizes.push_back(dim == Dim("n") ? 4 : dim.is_symbol() ? 2 : dim.size());
  const Value x = result.graph.input("x", row.shape);
  result.graph.output("y", row.function(x));
  for (const NodeId id : result.graph.inputs()) {
    const bool is_x = result.graph.node(id).name == "x";
    result.inputs.emplace(result.graph.node(id).name,
                          irregular(Type::f32, is_x ? sizes : std::vector<int64_t>{4}));
  }
  return result;
}

}  // namespace

std::vector<Network> written_movements() {
  std::vector<Network> networks;
  for (const auto& rows : {movements(), reductions(), products(), windows()})
    for (const Row& row : rows) networks.push_back(network_of(row));
  return networks;
}

}  // namespace crease::test
