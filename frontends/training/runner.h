// A graph that runs again and again and keeps its parameters: compiled, or by the interpreter.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "graph/evaluate.h"
#include "jit/program.h"

namespace crease {

struct RunnerOptions {
  CompileOptions compile = {};
  /// Run in the interpreter: slow, for systems that forbid machine code in new memory, and for tests.
  bool interpret = false;
};

class Runner {
 public:
  /// Errors: those of compile.
  explicit Runner(const Graph& graph, const RunnerOptions& options = {});

  /// Outputs by name; parameters with an update have their new value afterwards. Errors: those of bind.
  NamedTensors operator()(const Bindings& inputs);
  NamedTensors parameters() const;
  /// Errors: Error for an unknown name, a wrong type or shape.
  void set_parameter(const std::string& name, const Tensor& value);
  /// Sets those that the graph has; names that it has not are passed over.
  void set_parameters(const NamedTensors& values);
  /// What runs; null in the interpreter.
  const Program* program() const { return program_ ? &*program_ : nullptr; }

 private:
  Graph graph_;
  std::optional<Program> program_;  // none: interpret
};

}  // namespace crease
