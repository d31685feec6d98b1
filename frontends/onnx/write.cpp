// A graph as an ONNX file: inputs and parameters, then node by node.
#include <crease/version.h>
#include <frontends/onnx/onnx.pb.h>
#include <limits>
#include <set>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "frontends/onnx/stored_tensor.h"
#include "frontends/onnx/write/kinds.h"
#include "graph/error.h"
#include "graph/listed.h"

namespace crease {
namespace {

using namespace onnx;

constexpr int64_t opset = 17, format = 8;  // what runtimes since 2022 read
constexpr int64_t most_bytes = std::numeric_limits<int32_t>::max();

/// The first kind that fits writes the node.
constexpr Kind kinds[] = {write_softmax,
                          write_normalisation,
                          write_concat,
                          write_mean,
                          write_biased,
                          [](const Writing& writing) { return write_convolution(writing, ""); },
                          write_pool,
                          [](const Writing& writing) { return write_product(writing, ""); },
                          [](const Writing& writing) { return std::optional(write_elements(writing)); }};

void describe(ValueInfoProto& info, const std::string& name, Type type, const Shape& shape) {
  info.set_name(name);
  TypeProto::Tensor& tensor = *info.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(number_of(type));
  tensor.mutable_shape();
  for (const Dim& dim : shape) {
    auto& stored = *tensor.mutable_shape()->add_dim();
    if (dim.is_symbol())
      stored.set_dim_param(dim.symbol());
    else
      stored.set_dim_value(dim.size());
  }
}

std::vector<int> count_uses(const Graph& graph) {
  std::vector<int> uses(static_cast<size_t>(graph.size()), 0);
  for (NodeId id = 0; id < graph.size(); ++id)
    for (const NodeId operand : graph.node(id).operands) ++uses[static_cast<size_t>(operand)];
  for (const Output& output : graph.outputs()) ++uses[static_cast<size_t>(output.node)];
  return uses;
}

class Writer {
 public:
  Writer(const Graph& network, GraphProto& file)
      : network_(network),
        file_(file),
        emit_(file),
        names_(static_cast<size_t>(network.size())),
        uses_(count_uses(network)) {}

  void run() {
    expect(!network_.outputs().empty(), "the graph has no outputs");
    file_.set_name("crease");
    std::vector<NodeId> ends;
    for (const Output& output : network_.outputs()) ends.push_back(output.node);
    const std::vector<NodeId> needed = ancestors(network_, ends);
    for (const NodeId id : network_.inputs()) write_input(id);
    for (const NodeId id : needed)
      if (network_.node(id).role == Role::Parameter) write_parameter(id);
    for (const Output& output : network_.outputs()) outputs_.push_back(emit_.unique(output.name));
    for (const NodeId id : needed) write_node(id);
    name_results(needed);
    expect_written(emit_.finish(outputs_));
  }

 private:
  std::string& name(NodeId id) { return names_[static_cast<size_t>(id)]; }

  void write_input(NodeId id) {
    const Node& node = network_.node(id);
    name(id) = emit_.unique(node.name);
    describe(*file_.add_input(), name(id), node.type, node.shape);
    for (size_t axis = 0; axis < node.shape.size(); ++axis)
      if (node.shape[axis].is_symbol())
        emit_.give_size(node.shape[axis].symbol(), name(id), static_cast<int64_t>(axis));
  }

  void write_parameter(NodeId id) {
    const Node& node = network_.node(id);
    name(id) = emit_.unique(node.name);
    emit_.initializer(name(id), node.value);
  }

  void write_node(NodeId id) {
    const Node& node = network_.node(id);
    switch (node.role) {
      case Role::Input:
      case Role::Parameter: return;
      case Role::Constant: name(id) = emit_.constant(node.value); return;
      case Role::Random: refuse(id, "random numbers"); return;
      case Role::Scan: refuse(id, "a loop over time"); return;
      case Role::Apply: break;
    }
    emit_.begin(node.name.empty() ? node.op->name : node.name);
    const Writing writing{emit_, network_, node, names_, uses_};
    try {
      for (const Kind kind : kinds) {
        const auto written = kind(writing);
        if (!written) continue;
        name(id) = *written;
        return;
      }
    } catch (const Error& error) {
      refuse(id, error.what());
    }
  }

  /// A node stands in its place: what reads it and what it reads is looked at as well, and nothing is lost
  /// if it is part of a whole that is written.
  void refuse(NodeId id, const std::string& reason) {
    std::vector<std::string> operands;
    for (const NodeId operand : network_.node(id).operands) operands.push_back(name(operand));
    name(id) = emit_.add("refused", operands);
    problems_.emplace_back(name(id), fmt::format("{}: {}", describe_node(id), reason));
  }

  void expect_written(const std::set<std::string>& used) const {
    std::vector<std::string> problems;
    for (const auto& [value, problem] : problems_)
      if (used.contains(emit_.known_as(value))) problems.push_back(problem);
    expect(problems.empty(), "what cannot be written: {}", listed(problems));
  }

  std::string describe_node(NodeId id) const {
    const Node& node = network_.node(id);
    const std::string what = node.op ? node.op->name : std::string(to_string(node.role));
    return fmt::format("%{} {}{}", id, what, node.name.empty() ? "" : fmt::format(" '{}'", node.name));
  }

  /// Outputs by their names, which other nodes' results cannot have; then nodes by theirs.
  void name_results(const std::vector<NodeId>& needed) {
    for (size_t k = 0; k < outputs_.size(); ++k) {
      const Node& node = network_.node(network_.outputs()[k].node);
      const std::string& result = name(network_.outputs()[k].node);
      if (!emit_.rename(result, outputs_[k])) emit_.rename(emit_.add("Identity", {result}), outputs_[k]);
      describe(*file_.add_output(), outputs_[k], node.type, node.shape);
    }
    for (const NodeId id : needed) {
      const Node& node = network_.node(id);
      if (node.role == Role::Apply) emit_.name_after(name(id), node.name.empty() ? node.op->name : node.name);
    }
  }

  const Graph& network_;
  GraphProto& file_;
  Emitter emit_;
  std::vector<std::string> names_;  // by node
  std::vector<int> uses_;
  std::vector<std::string> outputs_;
  std::vector<std::pair<std::string, std::string>> problems_;  // by the name in place of the value
};

}  // namespace

std::string format_onnx(const Graph& network) {
  expect(network.updates().empty(),
         "[onnx] a training step is no network: write the graph that it was made of, with its parameters "
         "taken over by take_parameters");
  ModelProto model;
  model.set_ir_version(format);
  model.set_producer_name("crease");
  model.set_producer_version(CREASE_VERSION);
  model.add_opset_import()->set_version(opset);
  try {
    Writer(network, *model.mutable_graph()).run();
  } catch (const Error& error) {
    fail("[onnx] {}", error.what());
  }
  const auto bytes = static_cast<int64_t>(model.ByteSizeLong());
  expect(bytes <= most_bytes,
         "[onnx] {} bytes: the format has at most {}; tensors beside the file are not written", bytes,
         most_bytes);
  return model.SerializeAsString();
}

void write_onnx(const std::filesystem::path& path, const Graph& network) {
  write_file_atomically(path, format_onnx(network));
}

}  // namespace crease
