// Writes reports as pages for the test in a browser: pages FOLDER. Beside NAME.html lies NAME.json with
// inputs, the outputs of the interpreter at them, and what the page must show.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "frontends/crease.h"
#include "frontends/file.h"
#include "frontends/report/boxes.h"

using namespace crease;
using Json = nlohmann::ordered_json;

namespace {

struct Page {
  std::string name;
  Graph graph;
  std::string title;
};

Graph multilayer(std::vector<int64_t> widths, const Op& activation) {
  const int64_t inputs = widths.front();
  return network(mlp(widths, activation, {.bias_init = uniform(-1, 1)}), inputs);
}

/// Every kind of loop that the page must run: padding and strides, windows, lookups, an index of a maximum.
Graph image_network() {
  Graph graph;
  const Value image = graph.input("image", {"batch", 2, 7, 7});
  std::vector<float> weights;
  for (int i = 0; i < 54; ++i) weights.push_back(static_cast<float>(i * 5 % 17 - 8) / 8);
  const Value kernels = graph.parameter("kernels", Tensor::f32({3, 2, 3, 3}, weights));
  const Value maps = relu(conv2d(image, kernels, {.stride = {2}, .padding = {1}}));
  graph.output("maps", maps);
  graph.output("highest", max_pool2d(maps, {.window = {2}}));
  graph.output("where", argmax(maps, 1));
  return graph;
}

Graph smooth_network() {
  Graph graph;
  const Value x = graph.input("x", {5}, Type::f64);
  graph.output("y", gelu(x) + softplus_op(x) * sigmoid_op(x) - tanh_op(x) / (softplus_op(x) + 1.0) + silu(x));
  return graph;
}

Graph deep_network(int layers) {
  std::vector<int64_t> widths(static_cast<size_t>(layers) + 1, 3);
  return multilayer(widths, relu);
}

/// A name that would end a script, open a tag, or close an attribute if it were taken for markup. Names of
/// nodes are checked when they are given; those of a user's own operations are not.
Graph hostile_network() {
  const Op hostile{.name = "</script><img src=x onerror=problems.push('ran')>\"'&lt;<!--",
                   .doc = "max(x, 0)",
                   .body = [](Scalar x) { return max(x, 0); }};
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  graph.output("y", hostile(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, -2, 0.5F, 3})))));
  return graph;
}

/// Inputs, dyadic so that sums are exact, and the outputs that the interpreter gives.
Json expected(const Graph& graph) {
  Bindings bindings;
  Json inputs = Json::object(), outputs = Json::array();
  for (const NodeId id : graph.inputs()) {
    const Node& node = graph.node(id);
    std::vector<int64_t> sizes;
    for (const Dim& dim : node.shape) sizes.push_back(dim.is_symbol() ? 1 : dim.size());
    Tensor tensor(node.type, sizes);
    Json values = Json::array();
    for (int64_t i = 0; i < tensor.count(); ++i) {
      tensor.set(i, static_cast<double>((i * 7 + 3) % 16 - 8) / 8);
      values.push_back(tensor.at(i));
    }
    inputs[node.name] = values;
    bindings[node.name] = tensor;
  }
  std::vector<Value> wanted;
  for (const Output& output : graph.outputs()) wanted.push_back(graph.value(output.node));
  for (const Tensor& result : evaluate(graph, bindings, wanted)) {
    Json values = Json::array();
    for (int64_t i = 0; i < result.count(); ++i) values.push_back(result.at(i));
    outputs.push_back(values);
  }
  return {{"inputs", inputs}, {"outputs", outputs}};
}

void write(const std::filesystem::path& folder, const Page& page) {
  AnalyzeOptions options{.title = page.title};
  if (page.name == "digits" || page.name == "image") options.box = InputBox{.all = Interval{0, 1}};
  const Report report = analyze(page.graph, options);
  Json facts = expected(report.graph);
  facts["title"] = page.title;
  facts["findings"] = Json::parse(to_json(report)).at("findings").size();
  facts["nodes"] = report.graph.size();
  write_file_atomically(folder / (page.name + ".html"), to_html(report));
  write_file_atomically(folder / (page.name + ".json"), facts.dump());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: pages FOLDER\n");
    return 2;
  }
  const Page pages[] = {
      {"digits", multilayer({64, 16, 10}, relu), "digits"},
      {"plane", multilayer({2, 6, 4, 1}, relu), "a network of two inputs"},
      {"pieces", multilayer({2, 64, 1}, relu), "more linear pieces than are drawn"},
      {"linear", multilayer({4, 3, 2}, identity), "linear"},
      {"image", image_network(), "convolution"},
      {"smooth", smooth_network(), "smooth"},
      {"deep", deep_network(400), "400 layers"},
      {"hostile", hostile_network(), "<b>bold</b><script>problems.push('title ran')</script>"}};
  for (const Page& page : pages) write(arguments[1], page);
  return 0;
}
