// The programs of README.md and docs/training.md, and the last of docs/loops.md, which stand there as here.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <future>

#include "frontends/crease.h"
#include "frontends/file.h"
#include "tests/files.h"

namespace crease {
namespace {

const Op bump{
    .name = "bump", .doc = "A triangle over [-1, 1].", .body = [](Scalar x) { return max(1 - abs(x), 0); }};

Layer low_rank(int64_t in, int64_t rank, int64_t out) {
  return Layer("low_rank", [=](const Value& x, LayerScope& scope) {
    const Value u = scope.parameter("u", {in, rank}, x.type(), glorot_uniform, {.in = in, .out = rank});
    const Value v = scope.parameter("v", {rank, out}, x.type(), glorot_uniform, {.in = rank, .out = out});
    return matmul(matmul(x, u), v);
  });
}

Value focal(const Value& logits, const Value& label) {
  const Value log_p = pick(log_softmax(logits), label), p = exp(log_p);
  return -((1 - p) * (1 - p) * log_p);
}

Tensor turned(const Tensor& weight) {
  Graph graph;
  return evaluate(transpose(graph.constant(weight)));
}

/// What `parameters` has of a network's own.
void check_has(const Graph& network, const std::map<std::string, Tensor>& parameters) {
  for (const auto& [name, value] : parameters_of(network)) CHECK(parameters.at(name) == value);
}

TEST_CASE("the program of README.md reports on the network that it trained") {
  Graph graph;
  Value x = graph.input("x", {"batch", 64}), label = graph.input("label", {"batch"}, Type::i32);
  auto net = sequential(linear(64, 64), relu, linear(64, 10));
  Value logits = net(x), loss = mean(softmax_cross_entropy(logits, label));
  Program step = compile(train_step(loss, adam()));  // forward, backward, update: one native call
  for (const Batch& batch : split(digits()).batches(32)) step({{"x", batch.x}, {"label", batch.y}});
  take_parameters(graph, step.parameters());  // until now the graph has the initial ones
  graph.output("logits", logits);

  const Report report = analyze(graph);
  check_has(report.graph, step.parameters());
  CHECK(predict(report.graph, split(digits()).test.x).sizes() == std::vector<int64_t>{359, 10});
}

TEST_CASE("two networks are trained against each other in one program") {
  Graph graph;
  Value real = graph.input("real", {"batch", 2}), noise = graph.input("noise", {"batch", 2});
  const Layer maker = mlp({2, 16, 2}, relu).named("maker"), judge = mlp({2, 16, 1}, relu).named("judge");
  Value made = maker(noise), told = judge(made);
  Value judge_loss = mean(softplus(-judge(real))) + mean(softplus(told)), maker_loss = mean(softplus(-told));
  const Graph first =
      train_step(judge_loss, adam({.learning_rate = 0.002}),
                 {.outputs = {{"maker_loss", maker_loss}}, .parameters = parameters_under(graph, "judge")});
  Program both = compile(train_step(first.result("maker_loss"), adam({.learning_rate = 0.001}),
                                    {.parameters = parameters_under(first, "maker"), .prefix = "maker."}));

  const auto points = [](double mean, uint64_t seed) {
    return normal(mean, 0.5)({.sizes = {64, 2}, .seed = seed});
  };
  for (uint64_t i = 0; i < 1500; ++i) both({{"real", points(2, 2 * i)}, {"noise", points(0, 2 * i + 1)}});
  take_parameters(graph, both.parameters());
  const Value middle = mean(made);
  CHECK(evaluate(middle, {{"noise", points(0, 1)}}).item() == doctest::Approx(2).epsilon(0.25));
}

TEST_CASE("a step written by hand goes on as the layer does") {
  Graph graph;
  const Value all = gru(3, 4).named("gru")(graph.input("x", {"batch", "time", 3}));
  const auto learned = parameters_of(graph);
  Graph one;
  Value x = one.input("x", {"batch", 3}), h = one.input("h", {"batch", 4});
  const auto of = [&](const std::string& name) { return one.parameter(name, learned.at("gru." + name)); };
  const auto gate = [](const Value& gates, int64_t number) {
    return slice(gates, 1, 4 * number, 4 * number + 4);
  };
  const Value before = matmul(x, of("weight")) + of("bias"), own = matmul(h, of("hidden_weight"));
  const Value reset = sigmoid(gate(before, 0) + gate(own, 0)), keep = sigmoid(gate(before, 1) + gate(own, 1));
  const Value fresh = tanh(gate(before, 2) + reset * (gate(own, 2) + of("hidden_bias")));
  one.output("h", (1 - keep) * fresh + keep * h);
  Program step = compile(one);  // h = step({{"x", ...}, {"h", h}}).at("h")

  const Tensor steps = normal(0, 1)({.sizes = {1, 5, 3}, .seed = 1});
  const Tensor states = evaluate(all, {{"x", steps}});
  Tensor state(Type::f32, {1, 4});
  for (int64_t t = 0; t < 5; ++t) {
    state = step({{"x", steps.reshaped({5, 3}).rows(t, t + 1)}, {"h", state}}).at("h");
    for (int64_t j = 0; j < 4; ++j)  // five steps of a few roundings each, numbers below 1
      CHECK(std::abs(state.at(j) - states.at(4 * t + j)) < 64 * 0x1p-24);
  }
}

TEST_CASE("data come from a table or are made") {
  const test::TemporaryFolder folder;
  const auto file = folder / "houses.csv";
  std::ofstream(file) << "rooms,area,price\n1,30,100.5\n2,50,180\n3,70,240\n2,45,150.25\n4,90,310\n";

  Split houses = standardise(split(read_csv(file, {.label = "price"}), 0.2));
  houses = with_validation(houses, 0.25);

  Dataset points{
      .x = uniform(-1, 1)({.sizes = {200, 2}, .seed = 1}), .y = Tensor(Type::f32, {200}), .name = "points"};
  for (int64_t i = 0; i < points.size(); ++i)
    points.y.set(i, std::abs(points.x.at(2 * i)) + std::abs(points.x.at(2 * i + 1)));
  validate(points);

  CHECK(houses.train.size() == 3);
  CHECK(houses.validation.size() == 1);
  const Graph start = network(mlp({2, 16, 1}, relu), 2, "height");
  const TrainResult result = train(start, {.train = points}, {.epochs = 20, .optimizer = adam()});

  CHECK(result.epochs.back().loss < result.epochs.front().loss);
  CHECK(start.result("height").shape() == Shape{"batch", 1});

  const Standardisation price = measure_targets(houses.train);
  const auto net = sequential(mlp({2, 16, 1}, relu), unstandardise(price));
  const Graph untrained = network(net, 2, "price");
  const TrainResult priced = train(untrained, houses,
                                   {.epochs = 100,
                                    .batch = 3,
                                    .optimizer = adam({.learning_rate = 0.01}),
                                    .loss = mse_in_deviations(price)});
  const Graph prices = trained_network(untrained, priced.checkpoint);
  fmt::print("{}\n", to_string(regression_fit(prices, houses.train)));

  CHECK(*regression_fit(prices, houses.train)[0].r_squared > 0.9);
}

TEST_CASE("a network is trained, saved, loaded, trained on and asked") {
  const test::TemporaryFolder temporary;
  const auto& folder = temporary.path();
  const Split data = split(digits());
  const auto net = sequential(linear(64, 32), relu, linear(32, 10));
  const Graph start = network(net, 64);
  const TrainResult result = train(start, data, {.epochs = 5, .batch = 32, .optimizer = adam()});
  const Graph trained = trained_network(start, result.checkpoint);
  const Evaluation found = evaluate_on(trained, data.test);  // loss, and accuracy where there are classes

  save_model(folder, {.network = trained, .info = {.data = "digits"}});
  save_checkpoint(folder, result.checkpoint);

  const Model model = load_model(folder);
  const TrainResult more =
      train(start, data, {.epochs = 8, .batch = 32, .optimizer = adam(), .resume = load_checkpoint(folder)});

  const Tensor logits = predict(model.network, data.test.x);  // in their order
  const std::vector<int64_t> classes = decisions(logits);     // of each row the greatest
  Program program = compile(model.network);                   // once, for any batch
  for (const int64_t count : {1, 7, 64}) program({{"x", data.test.x.rows(0, count)}}).at("logits");

  const auto answer = [](Program own, const Tensor& x) { return own({{"x", x}}).at("logits"); };
  const Tensor front = data.test.x.rows(0, 100), back = data.test.x.rows(100, 359);
  std::future<Tensor> first = std::async(std::launch::async, answer, program.clone(), front);
  std::future<Tensor> second = std::async(std::launch::async, answer, program.clone(), back);

  CHECK(*found.accuracy > 0.8);
  CHECK(more.epochs.size() == 3);
  CHECK(more.epochs.front().epoch == 6);
  CHECK(classes.size() == 359);
  CHECK(first.get() == logits.rows(0, 100));
  CHECK(second.get() == logits.rows(100, 359));
}

TEST_CASE("a network that differs in training is trained by both calls") {
  const Split data = split(digits());
  const auto net = sequential(low_rank(64, 8, 32), batch_norm(32), bump, dropout(0.1), linear(32, 10));
  const Graph used = network(net, 64), learning = network(net, 64, Type::f32, Mode::Training);
  const TrainResult result =
      train(used, data, {.epochs = 2, .optimizer = adam(), .training_network = learning, .loss = focal});

  CHECK(result.checkpoint.parameters.at("1.running_mean") != Tensor(Type::f32, {32}));
  const Graph trained = trained_network(used, result.checkpoint);
  const TrainResult tuned = train(trained, data, {.epochs = 1, .loss = focal});
  CHECK(tuned.checkpoint.parameters.at("1.running_mean") ==
        result.checkpoint.parameters.at("1.running_mean"));
}

TEST_CASE("a loop of one's own trains and gives the network out") {
  const Split data = split(digits());
  const auto net = sequential(linear(64, 32), batch_norm(32), relu, linear(32, 10));
  Graph graph;
  Value x = graph.input("x", {"batch", 64}), label = graph.input("label", {"batch"}, Type::i32);
  Value loss = mean(softmax_cross_entropy(net(x, Mode::Training), label));
  Program step = compile(train_step(loss, adam()));
  for (int64_t epoch = 0; epoch < 3; ++epoch)
    for (const Batch& batch : data.batches(32, {.epoch = epoch})) step({{"x", batch.x}, {"label", batch.y}});
  Value logits = net(x);  // the same parameters, as the network is used
  take_parameters(graph, step.parameters());
  Graph trained = extract({{"logits", logits}});  // without label, which only the loss reads

  CHECK(*evaluate_on(trained, data.test).accuracy > 0.7);
  check_has(trained, step.parameters());
  CHECK(trained.inputs().size() == 1);
}

TEST_CASE("weights of PyTorch are read") {
  const test::TemporaryFolder folder;
  const auto file = folder / "torch.safetensors";
  write_safetensors(file, {{"fc1.weight", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6})},
                           {"fc1.bias", Tensor::f32({2}, {0.5, -20})},
                           {"fc2.weight", Tensor::f32({1, 2}, {2, 3})},
                           {"fc2.bias", Tensor::f32({1}, {1})}});

  const auto theirs = read_safetensors(file).tensors;
  Graph ours = network(mlp({3, 2, 1}, relu), 3);
  set_parameters(ours, {{"0.weight", turned(theirs.at("fc1.weight"))},
                        {"0.bias", theirs.at("fc1.bias")},
                        {"2.weight", turned(theirs.at("fc2.weight"))},
                        {"2.bias", theirs.at("fc2.bias")}});

  CHECK(predict(ours, Tensor::f32({1, 3}, {1, 1, 1})) == Tensor::f32({1, 1}, {14}));
}

/// The blocks of C++ on a page.
std::vector<std::string> programs_in(const std::string& page) {
  constexpr std::string_view open = "```cpp\n", close = "```\n";
  std::vector<std::string> programs;
  for (size_t at = page.find(open); at != std::string::npos; at = page.find(open, at)) {
    at += open.size();
    const size_t end = page.find(close, at);
    REQUIRE(end != std::string::npos);
    programs.push_back(page.substr(at, end - at));
    at = end + close.size();
  }
  return programs;
}

std::string indented(const std::string& text) {
  std::string result;
  for (size_t at = 0, end = 0; at < text.size(); at = end) {
    end = text.find('\n', at) + 1;
    result += (end - at == 1 ? "" : "  ") + text.substr(at, end - at);
  }
  return result;
}

TEST_CASE("the programs of the pages are those of this file") {
  const auto lines = [](const char* name) { return read_file(test::source_file(name)); };
  const std::string here = lines("tests/frontends/test_pages.cpp");
  std::vector<std::string> snippets = programs_in(lines("docs/training.md"));
  snippets.push_back(programs_in(lines("docs/loops.md")).back());
  CHECK(snippets.size() >= 10);
  for (const std::string& snippet : snippets) {
    CAPTURE(snippet);
    CHECK((here.find(snippet) != std::string::npos || here.find(indented(snippet)) != std::string::npos));
  }
  const std::vector<std::string> readme = programs_in(lines("README.md"));
  REQUIRE(readme.size() == 1);
  const size_t begin = readme[0].find("  Graph graph;"), end = readme[0].find("  fmt::print(");
  REQUIRE(end != std::string::npos);
  CHECK(here.find(readme[0].substr(begin, end - begin)) != std::string::npos);
  CHECK(readme[0].substr(end).starts_with("  fmt::print(\"{}\\n\", analyze(graph));"));
}

}  // namespace
}  // namespace crease
