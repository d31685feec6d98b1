// A network of many narrow layers with random weights: exact numbers grow long in it.
#pragma once

#include <functional>

#include "graph/graph.h"

namespace crease::test {

/// From "x" [batch, 4] through layers of 4 units to "y".
Graph deep_network(int layers, const std::function<Value(const Value&)>& activation);

}  // namespace crease::test
