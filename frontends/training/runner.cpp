#include "frontends/training/runner.h"

#include "frontends/model.h"

namespace crease {

Runner::Runner(const Graph& graph, const RunnerOptions& options) : graph_(graph) {
  if (!options.interpret) {
    program_.emplace(compile(graph_, options.compile));
    return;
  }
  if (options.compile.contraction != Precision::F32)
    graph_ = in_precision(graph, options.compile.contraction);
}

NamedTensors Runner::operator()(const Bindings& inputs) {
  if (program_) return (*program_)(inputs);
  NamedTensors values = evaluate(graph_, inputs);
  for (const Update& update : graph_.updates()) {
    const std::string& name = graph_.node(update.parameter).name;
    graph_.set_parameter(name, values.at(name));
  }
  return values;
}

NamedTensors Runner::parameters() const { return program_ ? program_->parameters() : parameters_of(graph_); }

void Runner::set_parameter(const std::string& name, const Tensor& value) {
  if (program_) return program_->set_parameter(name, value);
  graph_.set_parameter(name, value);
}

void Runner::set_parameters(const NamedTensors& values) {
  for (const NodeId id : graph_.parameters()) {
    const auto found = values.find(graph_.node(id).name);
    if (found != values.end()) set_parameter(found->first, found->second);
  }
}

}  // namespace crease
