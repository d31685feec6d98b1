// Every layer, activation, loss and optimizer against PyTorch: torch.json beside this file, which
// torch_reference.py computes in f64 and writes with twelve digits.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "autodiff/reverse.h"
#include "frontends/file.h"
#include "frontends/layers/attention.h"
#include "frontends/layers/combine.h"
#include "frontends/layers/convolution.h"
#include "frontends/layers/normalisation.h"
#include "frontends/layers/random.h"
#include "frontends/layers/recurrent.h"
#include "frontends/losses.h"
#include "frontends/optimizers.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/catalog.h"
#include "graph/ops/reduction.h"
#include "jit/program.h"
#include "tests/files.h"

namespace crease {
namespace {

using Json = nlohmann::json;

const Json& part(const std::string& name) {
  static const Json all = Json::parse(read_file(test::source_file("tests/frontends/reference/torch.json")));
  return all.at(name);
}

Tensor tensor_of(const Json& written) {
  const auto sizes = written.at("sizes").get<std::vector<int64_t>>();
  return Tensor::f64(sizes, written.at("data").get<std::vector<double>>());
}

/// Written with twelve digits, 5e-13 of each number, and two ways of adding up a few hundred terms in f64.
void check_close(const Tensor& got, const Json& want, const std::string& what, double tolerance = 1e-11) {
  CAPTURE(what);
  const Tensor wanted = tensor_of(want);
  REQUIRE(got.sizes() == wanted.sizes());
  for (int64_t i = 0; i < got.count(); ++i) {
    CAPTURE(i);
    CHECK(std::abs(got.at(i) - wanted.at(i)) <= tolerance * std::max(1.0, std::abs(wanted.at(i))));
  }
}

/// "query.weight" of "multi_head_attention.query.weight": parameters without the name of the layer.
std::string short_name(const std::string& name) { return name.substr(name.find('.') + 1); }

/// A case of the file as a graph: the result y of x, and the gradients of sum(y c).
struct Trial {
  const Json& wanted;
  Graph graph;
  Value x, y;
  Bindings inputs;

  explicit Trial(const Json& wanted_, Type type = Type::f64) : wanted(wanted_) {
    const Tensor input = tensor_of(wanted.at("x")).converted(type);
    Shape shape(input.sizes().begin(), input.sizes().end());
    x = graph.input("x", shape, type);
    inputs = {{"x", input}};
  }

  void set_parameters(const char* group) {
    if (!wanted.contains(group)) return;
    for (const NodeId id : graph.parameters()) {
      const std::string name = graph.node(id).name;
      if (wanted.at(group).contains(short_name(name)))
        graph.set_parameter(name, tensor_of(wanted.at(group).at(short_name(name))));
    }
  }

  /// By the interpreter and by machine code.
  void check() {
    std::vector<std::pair<std::string, Value>> outputs{{"y", y}};
    std::vector<Value> variables;
    if (wanted.contains("dx")) variables.push_back(x), outputs.emplace_back("x", Value());
    for (const auto& [name, value] : wanted.at("gradients").items()) {
      variables.push_back(parameter(name));
      outputs.emplace_back(name, Value());
    }
    const Value loss = sum(y * graph.constant(tensor_of(wanted.at("c"))));
    const std::vector<Value> gradients = grad(loss, variables);
    for (size_t i = 0; i < gradients.size(); ++i) outputs[i + 1].second = gradients[i];
    const Graph whole = extract(outputs);
    Program program = compile(whole);
    for (const auto& results : {evaluate(whole, inputs), program(inputs)}) {
      check_close(results.at("y"), wanted.at("y"), "y");
      if (wanted.contains("dx")) check_close(results.at("x"), wanted.at("dx"), "dx");
      for (const auto& [name, gradient] : wanted.at("gradients").items())
        check_close(results.at(name), gradient, name);
    }
  }

 private:
  Value parameter(const std::string& name) const {
    for (const NodeId id : graph.parameters())
      if (short_name(graph.node(id).name) == name) return graph.value(id);
    FAIL("no parameter ", name);
    return {};
  }
};

struct Case {
  std::string name;
  Layer layer;
  Mode mode = Mode::Evaluation;
  Type type = Type::f64;
};

/// All cases of a part of the file, and no other.
void check_part(const std::string& name, const std::vector<Case>& cases) {
  CHECK(part(name).size() == cases.size());
  for (const Case& it : cases) {
    CAPTURE(it.name);
    Trial trial(part(name).at(it.name), it.type);
    trial.y = it.layer(trial.x, it.mode);
    trial.set_parameters("parameters");
    trial.set_parameters("state");
    trial.check();
  }
}

}  // namespace

TEST_CASE("linear layers and convolutions and their gradients are those of PyTorch") {
  const ConvLayerOptions one{.stride = {2}, .padding = {3}, .dilation = {2}, .groups = 2};
  const ConvLayerOptions two{.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2};
  const ConvTransposeOptions one_back{
      .stride = {3}, .padding = {1}, .dilation = {2}, .output_padding = {2}, .groups = 2};
  const ConvTransposeOptions two_back{
      .stride = {2, 3}, .padding = {1, 0}, .dilation = {1, 2}, .output_padding = {1, 0}, .groups = 2};
  check_part("convolutions", {{"linear", linear(4, 5)},
                              {"conv1d", conv1d(4, 3, 3)},
                              {"conv1d stride padding dilation groups", conv1d(4, 6, 3, one)},
                              {"conv2d", conv2d(4, 3, {2, 3})},
                              {"conv2d stride padding dilation groups", conv2d(4, 6, {3, 2}, two)},
                              {"conv2d depthwise", conv2d(4, 4, {3, 3}, {.padding = {1}, .groups = 4})},
                              {"conv_transpose1d", conv_transpose1d(4, 6, 3, {.shape = one_back})},
                              {"conv_transpose2d", conv_transpose2d(4, 2, {3, 2}, {.shape = two_back})}});
}

TEST_CASE("pooling and maxout and their gradients are those of PyTorch") {
  const PoolOptions one{.window = {3}, .stride = {2}, .padding = {1}};
  const PoolOptions two{.window = {3, 2}, .stride = {2, 1}, .padding = {1, 0}};
  check_part("pools", {{"max_pool1d", max_pool1d(one)},
                       {"max_pool2d", max_pool2d({.window = {2}})},
                       {"max_pool2d stride padding", max_pool2d(two)},
                       {"average_pool1d", average_pool1d(one)},
                       {"average_pool2d stride padding", average_pool2d(two)},
                       {"global_max_pool", global_max_pool()},
                       {"global_average_pool", global_average_pool()},
                       {"maxout", maxout(2)},
                       {"maxout of channels", maxout(2, 1)}});
}

TEST_CASE("normalisations and their gradients are those of PyTorch") {
  check_part("norms", {{"batch_norm training", batch_norm(4), Mode::Training},
                       {"batch_norm training, vectors", batch_norm(4), Mode::Training},
                       {"batch_norm evaluation", batch_norm(4)},
                       {"layer_norm", layer_norm({2, 5})},
                       {"group_norm", group_norm(2, 4)}});
}

TEST_CASE("running moments after a step are those of PyTorch") {
  for (const char* name : {"batch_norm training", "batch_norm training, vectors"}) {
    Trial trial(part("norms").at(name));
    trial.y = batch_norm(4)(trial.x, Mode::Training);
    trial.set_parameters("parameters");
    trial.set_parameters("state");
    Program program = compile(train_step(mean(trial.y * trial.y), sgd()));
    program(trial.inputs);
    for (const auto& [moment, value] : trial.wanted.at("next").items())
      check_close(program.parameter("batch_norm." + moment), value, moment);
  }
}

TEST_CASE("recurrent layers, attention and embeddings and their gradients are those of PyTorch") {
  LstmOptions reversed;
  reversed.reverse = true;
  check_part("sequences", {{"rnn", rnn(3, 4)},
                           {"rnn reversed", rnn(3, 4, {.reverse = true})},
                           {"gru", gru(3, 4)},
                           {"lstm", lstm(3, 4)},
                           {"lstm reversed", lstm(3, 4, reversed)},
                           {"multi_head_attention", multi_head_attention(6, 2)},
                           {"multi_head_attention causal", multi_head_attention(6, 2, {.causal = true})},
                           {"embedding", embedding(4, 5, {.type = Type::f64}), Mode::Evaluation, Type::i64}});
}

TEST_CASE("activations and their slopes are those of PyTorch") {
  std::vector<Case> cases{
      {"leaky_relu", leaky_relu(0.1)},
      {"clip", clip(-0.5, 2)},
      {"randomised_relu", randomised_relu()},
      {"parametric_relu", parametric_relu(4)},
      {"softmax", [](const Value& x) { return softmax(x); }},
      {"log_softmax", [](const Value& x) { return log_softmax(x); }},
      {"hardmax", [](const Value& x) { return hardmax(x); }},
  };
  for (const Op* op : activations())
    if (op->name != "identity") cases.push_back({op->name, *op});
  check_part("activations", cases);
}

TEST_CASE("losses and their gradients are those of PyTorch") {
  using Loss = std::function<Value(const Value& x, const Value& target)>;
  const CrossEntropyOptions options{.label_smoothing = 0.125, .class_weights = {0.5, 1, 2, 0.25, 1.5}};
  const auto entropy = [](const Value& x, const Value& t) { return softmax_cross_entropy(x, t); };
  const std::vector<std::tuple<std::string, Loss, Type>> losses{
      {"mse", [](const Value& x, const Value& t) { return mse(x, t); }, Type::f64},
      {"mae", [](const Value& x, const Value& t) { return mae(x, t); }, Type::f64},
      {"huber", [](const Value& x, const Value& t) { return huber(x, t, 0.75); }, Type::f64},
      {"hinge", [](const Value& x, const Value& t) { return hinge(x, t); }, Type::f64},
      {"multiclass_hinge", [](const Value& x, const Value& t) { return multiclass_hinge(x, t); }, Type::i64},
      {"binary_cross_entropy", [](const Value& x, const Value& t) { return binary_cross_entropy(x, t); },
       Type::f64},
      {"binary_cross_entropy weighted",
       [](const Value& x, const Value& t) { return binary_cross_entropy(x, t, 3); }, Type::f64},
      {"softmax_cross_entropy", entropy, Type::i64},
      {"softmax_cross_entropy smoothed and weighted",
       [&](const Value& x, const Value& t) { return softmax_cross_entropy(x, t, options); }, Type::i64},
      {"kl_divergence", [](const Value& x, const Value& t) { return kl_divergence(t, x); }, Type::f64}};
  CHECK(part("losses").size() == losses.size());
  for (const auto& [name, loss, type] : losses) {
    CAPTURE(name);
    Trial trial(part("losses").at(name));
    const Tensor target = tensor_of(trial.wanted.at("target")).converted(type);
    trial.y = loss(trial.x, trial.graph.constant(target));
    trial.check();
  }
}

TEST_CASE("three steps of every optimizer are those of PyTorch") {
  const std::vector<std::pair<std::string, Optimizer>> optimizers{
      {"sgd", sgd({.learning_rate = 0.03125})},
      {"sgd decay", sgd({.learning_rate = 0.03125, .weight_decay = 0.25})},
      {"momentum", momentum({.learning_rate = 0.03125, .momentum = 0.75, .weight_decay = 0.125})},
      {"nesterov", nesterov({.learning_rate = 0.03125, .momentum = 0.75})},
      {"adagrad", adagrad({.learning_rate = 0.125, .weight_decay = 0.125})},
      {"rmsprop", rmsprop({.learning_rate = 0.0625, .decay = 0.875})},
      {"rmsprop momentum",
       rmsprop({.learning_rate = 0.0625, .decay = 0.875, .momentum = 0.5, .weight_decay = 0.125})},
      {"adam", adam({.learning_rate = 0.125, .beta1 = 0.875, .beta2 = 0.75})},
      {"adamw", adamw({.learning_rate = 0.125, .beta1 = 0.875, .beta2 = 0.75, .weight_decay = 0.25})}};
  CHECK(part("optimizers").size() == optimizers.size());
  for (const auto& [name, optimizer] : optimizers) {
    CAPTURE(name);
    const Json& wanted = part("optimizers").at(name);
    Graph graph;
    const Value p = graph.parameter("p", tensor_of(wanted.at("start")));
    const Value inner = p * p - 2;
    const Value slope = graph.constant(tensor_of(wanted.at("slope")));
    Program program = compile(train_step(sum(inner * inner + slope * p), optimizer));
    for (const Json& after : wanted.at("steps")) {
      program({});
      // The bias corrections of Adam are scalars in f32, as the rate is; the three steps have the size 1/8.
      check_close(program.parameter("p"), after, "p", name.starts_with("adam") ? 3.0 / 8 * 0x1p-23 : 1e-11);
    }
  }
}

}  // namespace crease
