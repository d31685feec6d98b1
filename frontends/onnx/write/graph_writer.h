// The nodes of a graph, one after the other: those of a network, or of the body of a loop in it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "frontends/onnx/write/labelled.h"

namespace crease::onnx {

class GraphWriter {
 public:
  /// What is needed for the values of `ends`.
  GraphWriter(const Graph& graph, std::vector<NodeId> ends, Emitter& emit);

  /// The nodes that are needed, ascending.
  const std::vector<NodeId>& needed() const { return needed_; }
  const std::string& name(NodeId id) const { return names_[static_cast<size_t>(id)]; }
  /// Inputs and parameters have names before all else is written.
  void set_name(NodeId id, const std::string& name) { names_[static_cast<size_t>(id)] = name; }

  /// Writes the nodes, and the ends as outputs of these names. Errors: one Error with all nodes that cannot
  /// be written.
  void run(const std::vector<std::string>& outputs, GraphProto& file);

 private:
  void write(NodeId id);
  void write_operation(NodeId id);
  void write_loop(NodeId id);
  struct LoopResults {
    std::vector<NodeId> nodes = {};
    std::vector<int> results = {};  // of the loop, in the order of the file
  };
  LoopResults results_of(NodeId id) const;
  void write_body(const Node& loop, const LoopResults& wanted, GraphProto& body) const;
  void refuse(NodeId id, const std::string& reason);
  void expect_written(const std::set<std::string>& used) const;
  void name_results(const std::vector<std::string>& outputs, GraphProto& file);

  const Graph& graph_;
  std::vector<NodeId> ends_, needed_;
  Emitter& emit_;
  std::vector<std::string> names_;  // by node
  std::vector<int> uses_;
  std::vector<std::pair<std::string, std::string>> problems_;  // by the name in place of the value
};

}  // namespace crease::onnx
