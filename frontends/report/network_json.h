// A network as JSON that a page can compute with: what page/network.js reads.
#pragma once

#include <string>

#include "graph/graph.h"

namespace crease {

/// Nodes with loops, bodies and parameter values, named dimensions taken as 1; and the rescaling group: for
/// each parameter the exponent of every element in every coordinate. Where that would be more than
/// `limit` parameter elements, or the graph draws random numbers, an object {"reason": "..."} instead.
///
///   {"nodes": [{"role": "apply", "type": "f32", "sizes": [1, 4], "operands": [0, 2], "extents": [1, 4],
///               "reads": [[{"terms": [[0, 1]], "offset": 0, "lookup": -1}]], "write": [...],
///               "combine": "sum", "body": [["argument", 0], ["argument", 1], ["multiply", 0, 1]],
///               "kinks": [5, 7]}, {"role": "parameter", ..., "values": [...]}],
///    "outputs": [{"name": "y", "node": 9}],
///    "scaling": {"coordinates": ["%5[0]"], "parameters": [{"node": 1, "forms": [[[0, 1]]], "form": [0,
///    0]}]}}
///
/// A body is a list of instructions, operands being positions in the list; the last one is the value. Kinks
/// are the instructions whose sign tells on which side of a kink a point lies.
std::string network_json(const Graph& graph, int64_t limit = 50'000);

}  // namespace crease
