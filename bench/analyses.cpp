// Time of analyses against depth and width, one line of JSON each on standard output:
//   {"kind": "sections", "depth", "width", "parameters", "section", "seconds"}
//   {"kind": "report", "network", "parameters", "box", "section", "seconds"}   section "all": the whole of
//   analyze()
//   {"kind": "bounds", "depth", "width", "parameters", "units", "method", "seconds", "units_per_second",
//    "multiply_adds", "forward_seconds", "forwards"}   forwards: how many compiled forward passes of one
//                                                      sample take as long
//   {"kind": "compiled bounds", "depth", "width", "parameters", "type", "boxes", "compile_seconds",
//   "seconds",
//    "units_per_second", "forward_seconds", "forwards"}   interval bounds of that many boxes by BoundsProgram
//                                                         beside a forward pass of as many samples
// Usage: analyses [--small | --report | --bounds]; the whole of it takes some minutes. --report: reports
// only, of a network with 100 layers, a wide one and a convolutional one, ten million parameters each.
// --bounds: bounds only.
#include <crease/crease.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "frontends/report/sections.h"
#include "graph/analysis/bounds/units.h"
#include "jit/bounds_program.h"

namespace {

using namespace crease;
using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

template <class Work>
double seconds(Work&& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The least of several runs, after one that is not counted.
template <class Work>
double least_seconds(const Work& work) {
  work();
  double least = seconds(work);
  for (int k = 0; k < 9; ++k) least = std::min(least, seconds(work));
  return least;
}

Graph chain(int depth, int64_t width) {
  std::vector<int64_t> sizes(static_cast<size_t>(depth) + 1, width);
  sizes.back() = 10;
  return network(mlp(sizes, relu, {.bias_init = uniform(-0.01, 0.01)}), width);
}

int64_t parameters_in(const Graph& graph) {
  int64_t count = 0;
  for (const NodeId id : graph.parameters()) count += graph.node(id).value.count();
  return count;
}

void print(const char* kind, int depth, int64_t width, const Graph& graph, const Json& rest) {
  Json line{{"kind", kind}, {"depth", depth}, {"width", width}, {"parameters", parameters_in(graph)}};
  line.update(rest);
  fmt::print("{}\n", line.dump());
  std::fflush(stdout);
}

/// "RESCALING: permutations".
std::string name_of(const ReportSection& section) {
  return fmt::format("{}{}{}", section.label, section.part.empty() ? "" : ": ", section.part);
}

void time_sections(int depth, int64_t width) {
  const Graph graph = analyzed_graph(chain(depth, width));
  for (const ReportSection& section : report_sections()) {
    if (section.find == nullptr) continue;
    const double spent = seconds([&] { section.find(graph, {}); });
    print("sections", depth, width, graph, {{"section", name_of(section)}, {"seconds", spent}});
  }
}

/// Bounds as a compiled program, of one box and of many, beside forward passes of as many samples.
void time_compiled_bounds(const Graph& graph, int depth, int64_t width, Type type, LineUse lines) {
  std::optional<BoundsProgram> bounds;
  const double made = seconds([&] { bounds.emplace(graph, BoundsOptions{.type = type, .lines = lines}); });
  Program program = compile(graph);
  const std::string input = graph.node(graph.inputs()[0]).name;
  for (const int64_t boxes : {1, 64}) {
    TensorBounds box{Tensor(type, {boxes, width}), Tensor(type, {boxes, width})};
    for (int64_t i = 0; i < box.low.count(); ++i) {
      box.low.set(i, -0.01);
      box.high.set(i, 0.01);
    }
    const Boxes given{{input, box}};
    const Bindings samples{{input, Tensor(Type::f32, {boxes, width})}};
    const double spent = least_seconds([&] { (*bounds)(given); });
    const double forward = least_seconds([&] { program(samples); });
    const auto units = static_cast<double>((depth - 1) * width * boxes);
    print("compiled bounds", depth, width, graph,
          {{"method", lines == LineUse::None ? "intervals" : "lines of the outputs"},
           {"type", to_string(type)},
           {"boxes", boxes},
           {"compile_seconds", made},
           {"seconds", spent},
           {"units_per_second", units / spent},
           {"forward_seconds", forward},
           {"forwards", spent / forward}});
  }
}

void time_bounds(int depth, int64_t width) {
  const Graph graph = analyzed_graph(chain(depth, width));
  Program program = compile(graph);
  const Bindings sample{{"x", Tensor(Type::f32, {1, width})}};
  program(sample);
  constexpr int runs = 10;
  const double forward = seconds([&] {
                           for (int k = 0; k < runs; ++k) program(sample);
                         }) /
                         runs;
  const InputBox box{.all = Interval{-0.01, 0.01}};
  const int64_t units = (depth - 1) * width;
  const std::vector<NodeId> wanted{graph.outputs()[0].node};
  const auto report = [&](const char* method, double spent, double work) {
    print("bounds", depth, width, graph,
          {{"units", units},
           {"method", method},
           {"seconds", spent},
           {"units_per_second", static_cast<double>(units) / spent},
           {"multiply_adds", work},
           {"forward_seconds", forward},
           {"forwards", spent / forward}});
  };
  report("intervals", seconds([&] { node_bounds(graph, box, wanted); }),
         2.0 * static_cast<double>(parameters_in(graph)));
  double work = 0;
  const double spent = seconds(
      [&] { work = linear_bounds(stages_of(graph, node_bounds(graph, box, wanted), wanted), wanted).work; });
  report("lines", spent, work);
  for (const Type type : {Type::f64, Type::f32})
    for (const LineUse lines : {LineUse::None, LineUse::Wanted})
      time_compiled_bounds(graph, depth, width, type, lines);
}

/// Every section of a report with its time, then the report at once, with its certificates checked.
void time_report(const char* name, const Graph& given, const std::optional<Interval>& all) {
  const Graph graph = analyzed_graph(given);
  const auto report = [&](std::string_view section, double spent) {
    const Json line{{"kind", "report"}, {"network", name},    {"parameters", parameters_in(graph)},
                    {"box", bool(all)}, {"section", section}, {"seconds", spent}};
    fmt::print("{}\n", line.dump());
    std::fflush(stdout);
  };
  AnalyzeOptions options;
  if (all) options.box = InputBox{.all = all};
  std::optional<BoxAnalysis> box;
  if (all) report("box", seconds([&] { box.emplace(graph, *options.box); }));
  for (const ReportSection& section : report_sections()) {
    if (section.find != nullptr && !all)
      report(name_of(section), seconds([&] { section.find(graph, options); }));
    if (section.find_in_box != nullptr && all)
      report(name_of(section), seconds([&] { section.find_in_box(*box); }));
  }
  report("all", seconds([&] { analyze(given, options); }));
}

/// Most of the parameters are in the dense layer behind the convolutions.
Graph convolutional() {
  const ConvLayerOptions same{.padding = {2}};
  return network(
      sequential(reshape_samples({1, 28, 28}), conv2d(1, 32, {5, 5}, same), relu, max_pool2d({.window = {2}}),
                 conv2d(32, 64, {5, 5}, same), relu, max_pool2d({.window = {2}}), flatten(),
                 linear(3136, 3000), relu, linear(3000, 10)),
      784);
}

void time_reports() {
  const std::pair<const char*, Graph> networks[] = {
      {"100 layers", chain(100, 316)},
      {"3 layers", network(mlp({784, 2800, 2800, 10}, relu), 784)},
      {"convolutional", convolutional()}};
  for (const auto& [name, graph] : networks)
    for (const bool box : {false, true})
      time_report(name, graph, box ? std::optional(Interval{-0.01, 0.01}) : std::nullopt);
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "--report") == 0) return time_reports(), 0;
  const bool bounds_only = count > 1 && std::strcmp(arguments[1], "--bounds") == 0;
  const bool small = count > 1 && std::strcmp(arguments[1], "--small") == 0;
  const std::vector<int> depths = small ? std::vector{2, 4} : std::vector{4, 16, 50, 100};
  const std::vector<int64_t> widths = small ? std::vector<int64_t>{16} : std::vector<int64_t>{64, 128, 316};
  for (const int depth : depths)
    for (const int64_t width : widths) {
      time_bounds(depth, width);
      if (!bounds_only) time_sections(depth, width);
    }
}
