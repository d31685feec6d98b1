// A graph as an ONNX file: inputs and parameters, then what the outputs need.
#include <crease/version.h>
#include <frontends/onnx/onnx.pb.h>
#include <limits>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "frontends/onnx/write/graph_writer.h"
#include "graph/error.h"

namespace crease {
namespace {

using namespace onnx;

constexpr int64_t opset = 17, format = 8;  // what runtimes since 2022 read
constexpr int64_t most_bytes = std::numeric_limits<int32_t>::max();

/// Inputs, and those parameters that the outputs need.
void write_leaves(const Graph& network, GraphProto& file, Emitter& emit, GraphWriter& writer) {
  for (const NodeId id : network.inputs()) {
    const Node& node = network.node(id);
    const std::string name = emit.unique(node.name);
    writer.set_name(id, name);
    describe(*file.add_input(), name, node.type, node.shape);
    for (size_t axis = 0; axis < node.shape.size(); ++axis)
      if (node.shape[axis].is_symbol())
        emit.give_size(node.shape[axis].symbol(), name, static_cast<int64_t>(axis));
  }
  for (const NodeId id : writer.needed()) {
    const Node& node = network.node(id);
    if (node.role != Role::Parameter) continue;
    writer.set_name(id, emit.unique(node.name));
    emit.initializer(writer.name(id), node.value);
  }
}

void write_graph(const Graph& network, GraphProto& file) {
  expect(!network.outputs().empty(), "the graph has no outputs");
  file.set_name("crease");
  std::vector<NodeId> ends;
  for (const Output& output : network.outputs()) ends.push_back(output.node);
  Emitter emit(file);
  GraphWriter writer(network, ends, emit);
  write_leaves(network, file, emit, writer);
  std::vector<std::string> names;
  for (const Output& output : network.outputs()) names.push_back(emit.unique(output.name));
  writer.run(names, file);
}

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
    write_graph(network, *model.mutable_graph());
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
