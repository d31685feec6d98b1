#include "frontends/onnx/write/graph_writer.h"

#include <frontends/onnx/onnx.pb.h>
#include <algorithm>

#include "frontends/onnx/write/kinds.h"
#include "graph/error.h"
#include "graph/listed.h"
#include "graph/scan.h"

namespace crease::onnx {
namespace {

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

std::vector<int> count_uses(const Graph& graph, const std::vector<NodeId>& needed,
                            const std::vector<NodeId>& ends) {
  std::vector<int> uses(static_cast<size_t>(graph.size()), 0);
  for (const NodeId id : needed)
    for (const NodeId operand : graph.node(id).operands) ++uses[static_cast<size_t>(operand)];
  for (const NodeId end : ends) ++uses[static_cast<size_t>(end)];
  return uses;
}

std::string kind_of(const Node& node) {
  if (node.role == Role::Scan) return "scan";
  return node.op ? node.op->name : std::string(to_string(node.role));
}

/// What its values are called after.
std::string base_name(const Node& node) { return node.name.empty() ? kind_of(node) : node.name; }

std::string describe_node(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  return fmt::format("%{} {}{}", id, kind_of(node), node.name.empty() ? "" : fmt::format(" '{}'", node.name));
}

}  // namespace

GraphWriter::GraphWriter(const Graph& graph, std::vector<NodeId> ends, Emitter& emit)
    : graph_(graph),
      ends_(std::move(ends)),
      needed_(ancestors(graph, ends_)),
      emit_(emit),
      names_(static_cast<size_t>(graph.size())),
      uses_(count_uses(graph, needed_, ends_)) {}

void GraphWriter::run(const std::vector<std::string>& outputs, GraphProto& file) {
  for (const NodeId id : needed_) write(id);
  name_results(outputs, file);
  expect_written(emit_.finish(outputs));
}

void GraphWriter::write(NodeId id) {
  const Node& node = graph_.node(id);
  emit_.begin(base_name(node));
  try {
    switch (node.role) {
      case Role::Input:
      case Role::Parameter: return;
      case Role::Constant: set_name(id, emit_.constant(node.value)); return;
      case Role::Random: refuse(id, "random numbers"); return;
      case Role::Scan: write_loop(id); return;
      case Role::Apply: write_operation(id); return;
    }
  } catch (const Error& error) {
    refuse(id, error.what());
  }
}

void GraphWriter::write_operation(NodeId id) {
  const Writing writing{emit_, graph_, graph_.node(id), names_, uses_};
  for (const Kind kind : kinds) {
    const auto written = kind(writing);
    if (!written) continue;
    set_name(id, *written);
    return;
  }
}

/// All final carries, as the format has it, and what nodes want stacked.
GraphWriter::LoopResults GraphWriter::results_of(NodeId id) const {
  const Scan& scan = *graph_.node(id).scan;
  LoopResults found;
  for (int k = 0; k < scan.carries; ++k) found.results.push_back(k);
  for (const NodeId sibling : siblings(graph_, id, graph_.size())) {
    if (!std::ranges::binary_search(needed_, sibling)) continue;
    found.nodes.push_back(sibling);
    const int result = graph_.node(sibling).result;
    if (!scan.is_final(result)) found.results.push_back(result);
  }
  return found;
}

/// Carries and elements of sequences are inputs of the body; invariants are values of the graph around it,
/// which the format lets the body read.
void GraphWriter::write_body(const Node& loop, const LoopResults& wanted, GraphProto& body) const {
  const Scan& scan = *loop.scan;
  const std::string base = base_name(loop);
  body.set_name(base);
  std::vector<NodeId> ends;
  for (const int result : wanted.results) ends.push_back(scan.source(result));
  Emitter emit(body, emit_);
  GraphWriter writer(scan.body, ends, emit);
  const std::vector<NodeId> inputs = scan.body.inputs();
  const int count = scan.carries + scan.sequences;
  const auto given = static_cast<size_t>(count);
  for (size_t k = 0; k < inputs.size(); ++k) {
    const Node& input = scan.body.node(inputs[k]);
    writer.set_name(inputs[k], k < given ? emit.unique(base + "/" + input.name) : name(loop.operands[k]));
    if (k < given) describe(*body.add_input(), writer.name(inputs[k]), input.type, input.shape);
  }
  std::vector<std::string> outputs;
  for (size_t k = 0; k < ends.size(); ++k) outputs.push_back(emit.unique(fmt::format("{}/next{}", base, k)));
  writer.run(outputs, body);
}

/// One node for all results of the loop.
void GraphWriter::write_loop(NodeId id) {
  if (!name(id).empty()) return;  // it came with another result
  const Node& node = graph_.node(id);
  const Scan& scan = *node.scan;
  expect(scan.sequences > 0, "a loop over time without a sequence");
  const LoopResults wanted = results_of(id);
  GraphProto body;
  write_body(node, wanted, body);
  const auto given = node.operands.begin() + scan.carries + scan.sequences;
  std::vector<std::string> operands;
  for (auto operand = node.operands.begin(); operand != given; ++operand) operands.push_back(name(*operand));
  const auto directions = [&](int64_t count) {
    return std::vector<int64_t>(static_cast<size_t>(count), scan.reverse ? 1 : 0);
  };
  const auto values =
      emit_.add_loop(operands, body, wanted.results.size(),
                     {{"num_scan_inputs", int64_t{scan.sequences}},
                      {"scan_input_directions", directions(scan.sequences)},
                      {"scan_output_directions", directions(std::ssize(wanted.results) - scan.carries)}});
  for (const NodeId result : wanted.nodes) {
    const auto place = std::ranges::find(wanted.results, graph_.node(result).result) - wanted.results.begin();
    set_name(result, values[static_cast<size_t>(place)]);
  }
}

/// A node stands in its place: what reads it and what it reads is looked at as well, and nothing is lost if
/// it is part of a whole that is written.
void GraphWriter::refuse(NodeId id, const std::string& reason) {
  std::vector<std::string> operands;
  for (const NodeId operand : graph_.node(id).operands) operands.push_back(name(operand));
  set_name(id, emit_.add("refused", operands));
  problems_.emplace_back(name(id), fmt::format("{}: {}", describe_node(graph_, id), reason));
}

void GraphWriter::expect_written(const std::set<std::string>& used) const {
  std::vector<std::string> problems;
  for (const auto& [value, problem] : problems_)
    if (used.contains(emit_.known_as(value))) problems.push_back(problem);
  expect(problems.empty(), "what cannot be written: {}", listed(problems));
}

/// Outputs by their names, which other nodes' results cannot have; then nodes by theirs.
void GraphWriter::name_results(const std::vector<std::string>& outputs, GraphProto& file) {
  for (size_t k = 0; k < outputs.size(); ++k) {
    const Node& node = graph_.node(ends_[k]);
    const std::string& result = name(ends_[k]);
    if (!emit_.rename(result, outputs[k])) emit_.rename(emit_.add("Identity", {result}), outputs[k]);
    describe(*file.add_output(), outputs[k], node.type, node.shape);
  }
  for (const NodeId id : needed_) {
    const Role role = graph_.node(id).role;
    if (role == Role::Apply || role == Role::Scan) emit_.name_after(name(id), base_name(graph_.node(id)));
  }
}

}  // namespace crease::onnx
