// What a written file holds: its operators, names and values, and what is refused.
#include <doctest/doctest.h>

#include <frontends/onnx/onnx.pb.h>
#include <algorithm>

#include "frontends/file.h"
#include "frontends/layers.h"
#include "frontends/models.h"
#include "frontends/onnx.h"
#include "frontends/optimizers.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"
#include "tests/files.h"
#include "tests/frontends/onnx/networks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::thrown_by;

onnx::GraphProto written(const Graph& network) {
  onnx::ModelProto model;
  REQUIRE(model.ParseFromString(format_onnx(network)));
  return model.graph();
}

/// "Gemm Relu", constants left out.
std::string operators(const Graph& network) {
  std::string all;
  const onnx::GraphProto graph = written(network);
  for (const onnx::NodeProto& node : graph.node())
    if (node.op_type() != "Constant") all += (all.empty() ? "" : " ") + node.op_type();
  return all;
}

std::string operators(const std::vector<test::Network>& networks, std::string_view name) {
  for (const test::Network& network : networks)
    if (network.name == name) return operators(network.graph);
  return "no such network";
}

TEST_CASE("whole operations are written as one operator each") {
  const auto layers = test::written_layers(), movements = test::written_movements();
  CHECK(operators(layers, "mlp") == "Gemm Relu Gemm Relu Gemm");
  CHECK(operators(layers, "linear_stack") == "MatMul Add");
  CHECK(operators(layers, "softmax_head") == "Gemm Sigmoid Mul Gemm Softmax");
  CHECK(operators(layers, "image") ==
        "Conv BatchNormalization Relu MaxPool Conv Clip AveragePool Flatten Gemm");
  CHECK(operators(layers, "conv_transpose2d_layer") == "ConvTranspose");
  CHECK(operators(layers, "layer_norm_two") == "LayerNormalization");
  CHECK(operators(layers, "embedding") == "Gather");
  CHECK(operators(layers, "joined") == "Gemm Gemm Concat");
  CHECK(operators(layers, "parametric_relu") == "Unsqueeze PRelu");
  CHECK(operators(movements, "mean_named") == "ReduceMean");
  CHECK(operators(movements, "mean_positions") == "GlobalAveragePool");
  CHECK(operators(movements, "reshape_named") == "Reshape");
  CHECK(operators(movements, "transpose") == "Transpose");
  CHECK(operators(movements, "slice") == "Slice Slice");
  CHECK(operators(movements, "reverse") == "Slice");
  CHECK(operators(movements, "pad") == "Pad Pad");
  CHECK(operators(movements, "matmul_used_twice") == "MatMul Sin Add Add");
  CHECK(operators(movements, "einsum_turned") == "Gemm");
  CHECK(operators(movements, "einsum_batches") == "MatMul");
  CHECK(operators(movements, "three_factors") == "Einsum");
  CHECK(operators(movements, "pick") == "ArgMax Unsqueeze GatherElements Squeeze");
}

TEST_CASE("activations are operators where the standard has them") {
  const auto networks = test::written_operations();
  const std::vector<std::pair<std::string, std::string>> rows{{"relu", "Relu"},
                                                              {"relu6", "Clip"},
                                                              {"abs", "Abs"},
                                                              {"elu", "Elu"},
                                                              {"selu", "Selu"},
                                                              {"hard_swish", "HardSwish"},
                                                              {"hard_tanh", "Clip"},
                                                              {"soft_sign", "Softsign"},
                                                              {"softplus", "Softplus"},
                                                              {"sigmoid", "Sigmoid"},
                                                              {"tanh", "Tanh"},
                                                              {"sign", "Sign"},
                                                              {"leaky_relu", "LeakyRelu"},
                                                              {"prelu", "PRelu"},
                                                              {"erf", "Erf"},
                                                              {"less", "Less"},
                                                              {"where", "Where"},
                                                              {"matmul", "MatMul"},
                                                              {"matmul_transposed", "Gemm"},
                                                              {"silu", "Sigmoid Mul"},
                                                              {"mish", "Softplus Tanh Mul"}};
  for (const auto& [name, operator_name] : rows) {
    CAPTURE(name);
    CHECK(operators(networks, name + "-named-f32") == operator_name);
  }
}

TEST_CASE("parameters keep names and bits, inputs and outputs names, dimensions theirs") {
  const Graph network = crease::network(mlp({3, 4, 2}, relu), 3);
  const Graph again = parse_onnx(format_onnx(network), "m");
  REQUIRE(again.parameters().size() == network.parameters().size());
  for (const NodeId id : network.parameters()) {
    const Node& node = network.node(id);
    CHECK(again.find(node.name).node().value == node.value);
  }
  CHECK(again.find("x").shape() == Shape{"batch", 3});
  CHECK(again.result("logits").shape() == Shape{"batch", 2});
}

TEST_CASE("outputs that are inputs, parameters or one node have names of their own") {
  Graph graph;
  const Value x = graph.input("x", {"n"}), y = sin(x);
  graph.output("same", x);
  graph.output("first", y);
  graph.output("second", y);
  graph.output("x", x + 1);
  const Tensor values = Tensor::f32({2}, {1, 2});
  const Graph again = parse_onnx(format_onnx(graph), "m");
  const auto want = evaluate(graph, {{"x", values}}), got = evaluate(again, {{"x", values}});
  CHECK(got.at("same") == values);
  CHECK(got.at("second") == got.at("first"));
  CHECK(got.at("x_1") == want.at("x"));  // the format has one name for each value
}

TEST_CASE("what cannot be written is named at once, and no file is made") {
  Graph graph;
  const Value index = graph.input("index", {4}, Type::i64);
  const Value position = graph.input("position", {"time"}, Type::i64);
  const auto drawn = [](const ScanArguments& arguments) {
    Graph body = arguments.elements[0].graph();
    const Value next = arguments.carries[0] + body.random({4}, arguments.elements[0], 1);
    return ScanStep{.carries = {next}};
  };
  const Value states = scan({graph.constant(Tensor(Type::f32, {4}))}, {position}, {}, drawn).carries[0];
  const Value noise = graph.random({4}, graph.input("counter", {}, Type::i64), 1);
  const Op scatter{.name = "scatter",
                   .doc = "",
                   .loops = "b, b -> @1",
                   .body = [](Scalar a, Scalar) { return a; },
                   .combine = Combine::Sum,
                   .result = {6}};
  graph.output("states", sin(states));
  graph.output("counts", scatter(noise, index) * 2);
  const test::TemporaryFolder folder;
  const auto path = folder / "none.onnx";
  const std::string message = thrown_by([&] { write_onnx(path, graph); });
  CAPTURE(message);
  CHECK(holds(message, "scan: what cannot be written: "));
  CHECK(holds(message, "random numbers"));
  CHECK(holds(message, "sum at places that are looked up"));
  CHECK(!std::filesystem::exists(path));
}

TEST_CASE("a loop over time is one Scan, whatever results of it are wanted") {
  for (const test::Network& network : test::written_loops()) {
    CAPTURE(network.name);
    const onnx::GraphProto file = written(network.graph);
    const auto loops =
        std::ranges::count_if(file.node(), [](const auto& node) { return node.op_type() == "Scan"; });
    CHECK(loops == (network.name == "lstm_twice" ? 2 : 1));
    CHECK(holds(thrown_by([&] { parse_onnx(format_onnx(network.graph), "m"); }), "(Scan)"));
  }
}

TEST_CASE("a training step and a graph without outputs are refused with what to do") {
  Graph graph;
  const Value x = graph.input("x", {"n", 3});
  CHECK(holds(thrown_by([&] { format_onnx(graph); }), "has no outputs"));
  const Graph step = train_step(mean(linear(3, 1)(x)), sgd());
  CHECK(holds(thrown_by([&] { format_onnx(step); }), "[onnx] a training step is no network"));
}

}  // namespace
}  // namespace crease
