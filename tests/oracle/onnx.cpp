// oracle_onnx REFUSED FOLDER...: holds the reader of ONNX files against the standard's own tests of
// operators, folder by folder of each FOLDER: model.onnx, its inputs and its outputs. Each must come out
// right, or be refused as the file REFUSED says: lines "test part of the message", or "* part of the message"
// for any test. A line that is not needed any more is a failure as well.
#include <fmt/format.h>

#include <frontends/onnx/onnx.pb.h>
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "frontends/onnx/stored_tensor.h"
#include "graph/error.h"
#include "graph/evaluate.h"

namespace crease {
namespace {

using Path = std::filesystem::path;

/// Some of the answers were computed with fewer digits; the standard's own runner takes 1e-3.
constexpr double tolerance = 1e-4;

onnx::ModelProto read_model(const Path& path) {
  onnx::ModelProto model;
  expect(model.ParseFromString(read_file(path)), "no model");
  return model;
}

onnx::TensorProto stored(const Path& path) {
  onnx::TensorProto tensor;
  expect(tensor.ParseFromString(read_file(path)), "{} is no tensor", path.string());
  return tensor;
}

std::vector<onnx::TensorProto> stored(const Path& folder, const std::string& kind, int count) {
  std::vector<onnx::TensorProto> tensors;
  for (int k = 0; k < count; ++k) tensors.push_back(stored(folder / fmt::format("{}_{}.pb", kind, k)));
  return tensors;
}

/// Files of old versions list initializers among the inputs.
int input_count(const onnx::GraphProto& graph) {
  return static_cast<int>(std::ranges::count_if(graph.input(), [&](const onnx::ValueInfoProto& input) {
    return std::ranges::none_of(graph.initializer(),
                                [&](const auto& it) { return it.name() == input.name(); });
  }));
}

/// An operator's later inputs are parameters, shapes and axes, which a network has as initializers.
Graph with_initializers(onnx::ModelProto model, const std::vector<onnx::TensorProto>& inputs, size_t first) {
  for (size_t k = first; k < inputs.size(); ++k) {
    onnx::TensorProto* tensor = model.mutable_graph()->add_initializer();
    *tensor = inputs[k];
    tensor->set_name(model.graph().input(static_cast<int>(k)).name());
  }
  return parse_onnx(model.SerializeAsString(), "model.onnx");
}

std::string difference(const Tensor& got, const Tensor& want) {
  if (got.sizes() != want.sizes() || got.type() != want.type())
    return fmt::format("{}{} instead of {}{}", to_string(got.type()), to_string(got.sizes()),
                       to_string(want.type()), to_string(want.sizes()));
  for (int64_t i = 0; i < got.count(); ++i) {
    const double x = got.at(i), y = want.at(i);
    const bool close =
        x == y || (std::isnan(x) && std::isnan(y)) || std::abs(x - y) <= tolerance * (1 + std::abs(y));
    if (!close) return fmt::format("element {}: {} instead of {}", i, x, y);
  }
  return {};
}

/// What is wrong, or nothing. Errors: Error of what is refused.
std::string run(const Path& folder) {
  const onnx::ModelProto model = read_model(folder / "model.onnx");
  const Path data = folder / "test_data_set_0";
  const auto inputs = stored(data, "input", input_count(model.graph()));
  const auto outputs = stored(data, "output", model.graph().output_size());
  const auto attempt = [&](size_t first) {
    const Graph graph = with_initializers(model, inputs, first);
    Bindings bindings;
    const auto names = graph.inputs();
    for (size_t k = 0; k < names.size(); ++k)
      bindings[graph.node(names[k]).name] = onnx::read_tensor(inputs[k], {});
    const auto results = evaluate(graph, bindings);
    for (size_t k = 0; k < outputs.size(); ++k) {
      const std::string problem =
          difference(results.at(graph.outputs()[k].name), onnx::read_tensor(outputs[k], {}));
      if (!problem.empty()) return fmt::format("output {}: {}", k, problem);
    }
    return std::string();
  };
  // As they are; the first input alone; none. What fails in every way is told as it was the first time.
  std::exception_ptr first_error;
  for (const size_t first : {inputs.size(), size_t{1}, size_t{0}}) {
    try {
      return attempt(first);
    } catch (const Error&) {
      if (!first_error) first_error = std::current_exception();
    }
  }
  std::rethrow_exception(first_error);
}

bool has_known_operators(const Path& folder) {
  const auto known = onnx_operators();
  const onnx::ModelProto model = read_model(folder / "model.onnx");
  return std::ranges::all_of(model.graph().node(), [&](const onnx::NodeProto& node) {
    return node.domain().empty() && std::ranges::binary_search(known, node.op_type());
  });
}

/// What is refused, and whether a test was.
struct Refusal {
  std::string test, message;
  bool needed = false;
};

std::vector<Refusal> read_refusals(const Path& path) {
  std::vector<Refusal> refusals;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t blank = line.find(' ');
    refusals.push_back({.test = line.substr(0, blank), .message = line.substr(blank + 1)});
  }
  return refusals;
}

struct Count {
  int right = 0, refused = 0, wrong = 0, unknown = 0;
};

void check(const Path& folder, std::vector<Refusal>& refusals, Count& count) {
  const std::string name = folder.filename().string();
  std::string problem;
  try {
    problem = run(folder);
    if (problem.empty()) ++count.right;
  } catch (const Error& error) {
    const std::string message = error.what();
    const auto is_said = [&](const Refusal& refusal) {
      return (refusal.test == name || refusal.test == "*") &&
             message.find(refusal.message) != std::string::npos;
    };
    const auto it = std::ranges::find_if(refusals, is_said);
    if (it == refusals.end()) {
      problem = "refused: " + message;
    } else {
      it->needed = true;
      ++count.refused;
    }
  }
  if (problem.empty()) return;
  ++count.wrong;
  fmt::print("{}: {}\n", name, problem);
}

int check(const Path& list, const std::vector<Path>& roots) {
  std::vector<Refusal> refusals = read_refusals(list);
  Count count;
  for (const Path& root : roots)
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
      if (has_known_operators(entry.path()))
        check(entry.path(), refusals, count);
      else
        ++count.unknown;
    }
  for (const Refusal& refusal : refusals) {
    if (refusal.needed) continue;
    ++count.wrong;
    fmt::print("{}: not refused for '{}' any more\n", refusal.test, refusal.message);
  }
  fmt::print("{} right, {} refused as they should be, {} wrong, {} of operators that are not read\n",
             count.right, count.refused, count.wrong, count.unknown);
  return count.wrong == 0 && count.right > 0 ? 0 : 1;
}

}  // namespace
}  // namespace crease

int main(int count, char** arguments) {
  if (count < 3) {
    fmt::print(stderr, "usage: oracle_onnx REFUSED FOLDER...\n");
    return 2;
  }
  return crease::check(arguments[1], {arguments + 2, arguments + count});
}
