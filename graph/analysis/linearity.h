// Which values are affine in what, and as which exact affine map.
// Lattice, per node: degree in every input and parameter (see degree.h), and one of constant < affine < atom
// in the data, where an atom is an input or a node that is not affine in its own operands. Transfer:
// degree_of with atoms as variables and parameters as constants. Claims: degrees hold for all parameter
// values (structure); matrices for the present ones (values). It does not see that non-affine parts cancel:
// relu(z) - relu(-z) is not found affine. Certificate: "affine-collapse", re-derived by check(). Source:
// docs/analyses.md, frontier forms.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/degree.h"
#include "graph/analysis/finding.h"
#include "graph/analysis/rational.h"
#include "graph/graph.h"

namespace crease {

/// What a node is to its neighbours.
enum class Part : uint8_t {
  Constant,  // depends on parameters and constants only
  Affine,    // affine in its frontier, separately for each sample
  Atom,      // an input, random numbers, or not affine in its operands, or affine but mixing samples
};

/// The structure-level facts of a graph. Indexed by node.
struct Linearity {
  std::vector<NodeId> variables;             // all inputs, then all parameters
  std::vector<std::vector<Degree>> degrees;  // degrees[node][k]: in variables[k]
  std::vector<Piecewise> piecewise;          // in all inputs jointly
  std::vector<Part> parts;
  /// Nearest atoms that an affine node depends on, ascending; for an atom itself.
  std::vector<std::vector<NodeId>> frontiers;
  /// Affine nodes that an atom or an output needs: where a maximal affine sub-graph ends.
  std::vector<NodeId> sinks;
  /// How many sinks have the node in their affine sub-graph.
  std::vector<int> sink_uses;
  /// Why a node does not treat samples (rows of named dimensions) separately and alike: "combines over
  /// dimension batch"; empty if it does.
  std::vector<std::string> mixing;
  /// Whether that is a reduction over them: each sample is read alike, and all of them count.
  std::vector<bool> combines;

  /// Degree of `node` in variable `variable`. Errors: Error if it is not an input or parameter.
  Degree degree(NodeId node, NodeId variable) const;
};

/// Cost: one sweep, nodes * variables. Reads no parameter value.
Linearity linearity(const Graph& graph);

/// A sink as an exact affine map of its frontier, for one sample: with row-major elements,
/// sink[o] = sum over f and i of weights[f][i, o] * f[i] + offset[o].
struct AffineForm {
  NodeId sink = -1;
  std::vector<NodeId> frontier;
  std::vector<ExactMatrix> weights;  // [elements of the frontier node, elements of the sink]
  std::vector<Rational> offset;
  std::vector<NodeId> nodes;  // the affine sub-graph: affine nodes between frontier and sink, ascending
};

/// The affine nodes between the frontier (atoms, and nodes of `cut` other than the sink) and an affine node,
/// itself included; ascending.
std::vector<NodeId> affine_nodes(const Graph& graph, const Linearity& facts, NodeId sink,
                                 const std::vector<NodeId>& cut = {});

/// An affine form, or why there is none.
struct FormOrReason {
  std::optional<AffineForm> form;
  std::string reason;
};

/// The form of an affine node over its frontier, or over `cut`: nodes to stop at besides atoms.
/// Fails for coefficients without exact value (an irrational function of parameters, a named size, an
/// infinity) and for matrices with more than 2^26 elements.
FormOrReason affine_form(const Graph& graph, const Linearity& facts, NodeId sink,
                         const std::vector<NodeId>& cut = {});

/// Multiplications for one sample.
struct CollapseCost {
  int64_t before = 0;  // of all nodes of the affine sub-graph
  int64_t owned = 0;   // of those that no other sink uses
  int64_t dense = 0;   // of the collapsed form
  bool pays() const { return dense < owned; }
};
CollapseCost collapse_cost(const Graph& graph, const Linearity& facts, const AffineForm& form);

/// For a chain of layers with widths dims[0..L]: the boundaries to keep so that multiplications are fewest,
/// each segment being either left as it is (if it is one layer) or made one dense layer.
struct ChainPlan {
  std::vector<NodeId> nodes;  // at each boundary: frontier, ..., sink
  std::vector<int64_t> dims;  // elements at each boundary
  std::vector<size_t> keep;   // indices of the kept boundaries, from 0 to L
  int64_t multiplications = 0;
};
/// Nothing if the sub-graph of the form is no chain over one frontier node.
std::optional<ChainPlan> chain_plan(const Graph& graph, const Linearity& facts, const AffineForm& form);

/// Multiplications of one node for one sample: loop points times products that involve data.
int64_t multiplications(const Graph& graph, const Linearity& facts, NodeId node);

/// The findings: "affine" for each pair of output and input, "collapse" for each sink that an output or atom
/// needs.
struct LinearityOptions {
  /// Above this many elements of its matrices a sink is reported without them.
  int64_t matrix_limit = int64_t{1} << 22;
  /// Tries for a witness against affine-ness.
  int tries = 40;
};
std::vector<Finding> linearity_findings(const Graph& graph, const LinearityOptions& options = {});

}  // namespace crease
