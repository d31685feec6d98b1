// The laws of all nodes as equations between classes of elements: which ones are solved symbolically, which
// go to the system.
#pragma once

#include "graph/analysis/scaling_layout.h"

namespace crease {

/// The laws of one node. Rows are forms over column numbers, each 0 at every point of the loops.
template <class Field>
struct NodeLaw {
  std::vector<Label> labels;
  std::vector<ScaleColumn> columns;
  std::vector<LinearForm<Field>> rows;
};

/// A weight that is read once, by a law that determines it: columns[column] = row at each point.
template <class Field>
struct SolvedWeight {
  NodeId by = -1;  // the reader; -1: not solved
  int column = -1;
  LinearForm<Field> row;
};

template <class Field>
struct ScaleEquations {
  std::vector<NodeLaw<Field>> laws;         // by node; rows that solve a weight are taken out
  std::vector<SolvedWeight<Field>> solved;  // by node
};

/// Laws of the live nodes, with weights solved where one reader determines each entry exactly once.
template <class Field>
ScaleEquations<Field> scale_equations(const Graph& graph, const ScaleLayout& layout);

extern template ScaleEquations<Rational> scale_equations<Rational>(const Graph&, const ScaleLayout&);
extern template ScaleEquations<Parity2> scale_equations<Parity2>(const Graph&, const ScaleLayout&);

}  // namespace crease
