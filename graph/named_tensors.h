// Tensors by name: what a graph is fed and answers, its parameters, what a file holds.
#pragma once

#include <map>
#include <source_location>
#include <string>
#include <utility>

#include "graph/tensor.h"

namespace crease {

/// A map whose `at` says which names there are.
class NamedTensors : public std::map<std::string, Tensor> {
 public:
  using map::map;
  NamedTensors() = default;
  NamedTensors(std::map<std::string, Tensor> tensors) : map(std::move(tensors)) {}

  /// Errors: Error listing the names, with the line of the call.
  Tensor& at(const std::string& name, std::source_location where = std::source_location::current());
  const Tensor& at(const std::string& name,
                   std::source_location where = std::source_location::current()) const;
};

}  // namespace crease
