// Networks that are written as ONNX, by name, with inputs: each operation and layer, and whole ones.
#pragma once

#include <string>
#include <vector>

#include "graph/evaluate.h"

namespace crease::test {

struct Network {
  std::string name;
  Graph graph;
  Bindings inputs;
};

/// Every operation of the catalogue: on named and on known sizes, in f32 and in f64.
std::vector<Network> written_operations();
/// Movement, reductions, windows and lookups.
std::vector<Network> written_movements();
/// Every layer, and networks of them, as they are, simplified and balanced.
std::vector<Network> written_layers();
/// Loops over time, which are written and not read.
std::vector<Network> written_loops();

}  // namespace crease::test
