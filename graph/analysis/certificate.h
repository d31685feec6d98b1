// Makes certificates in the format graph-cert/1 and names nodes in them. What they say is re-derived by
// check().
//
//   {"cert": "graph-cert/1", "kind": "affine-collapse", "graph": "<digest>", "semantics": "real",
//    "claim": {"sink": "y", "frontier": ["x"], "W": {"x": [["2", "1/2"]]}, "b": ["7/2"]},
//    "steps": [{"rule": "AFFINE", "node": "h"}, {"rule": "AFFINE", "node": "y"}]}
//
// W has one row for each element of the sink and one column for each element of the frontier node, in
// row-major order of one sample. A matrix with more than 65,536 elements is given by the SHA-256 of its text
// instead:
// {"rows": 256, "columns": 784, "sha256": "..."}, the text being its numbers, each followed by a newline.
//
//   {..., "kind": "not-affine", "witness": {"output": "y", "output_index": 0, "a": ["-1", "0"], "b": ["1",
//   "0"],
//    "mid": ["0", "0"], "f_a": "17/4", "f_b": "-3/4", "f_mid": "5/2", "defect": "-3/2"}}
//
// Points list all inputs in the graph's order; defect = f_a + f_b - 2 f_mid, not 0. With "bits": 512 values
// are not exact: they are enclosed by multiples of 2^-512 with an error each, f_a, f_b and f_mid lie inside,
// and 0 is not among what the defect may be.
//
// Steps about relus make "affine-collapse" a proof over a box, or of a network that is affine though it has
// relus; "unit-verdicts" claims what the steps say of units:
//
//   {..., "kind": "unit-verdicts", "box": {"x": [["-1", "1"]]}, "claim": {"units": {"a[0]": "DEAD", ...}},
//    "steps": [{"rule": "AFFINE", "node": "z"},
//              {"rule": "BOUND", "node": "a", "index": 0, "l": "-3", "u": "-1",
//               "lower_proof": {"eliminate": [], "upper": {}, "lower": {}}, "upper_proof": {...}},
//              {"rule": "RELU", "node": "a", "elements": ["DEAD", "ACTIVE", "ATOM", ["SAME", "a[2]",
//              "-1"]]}]}
//
// A BOUND is about the argument of the relu, may be "-inf" or "inf", and is proved as check_bound.h says.
// Other piecewise linear nodes are sums of relus, see check_forms.h; "elements" lists them in order, and
// "part" (default 0) numbers those of one element. An unknown field is refused.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/linearity.h"

namespace crease {

/// The name by which certificates call a node: its own if no other node has it, else an output's, else "%7".
std::string node_key(const Graph& graph, NodeId id);
/// How sentences call a node: by the name of its output if it is one, else by its key, in quotes if that is
/// made of digits and would pass for a number.
std::string spoken(const Graph& graph, NodeId id);
/// The inverse of node_key. Errors: Error naming the key.
NodeId find_node(const Graph& graph, const std::string& key);

/// Exact numbers as certificates write them.
std::vector<std::string> texts(const std::vector<Rational>& numbers);

/// Claims an affine form.
Certificate affine_certificate(const Graph& graph, const AffineForm& form);

/// Three collinear points at which an output is not affine.
struct NotAffineWitness {
  NodeId output = -1;
  int64_t index = 0;                // element of the output
  std::vector<Rational> a, b, mid;  // elements of all inputs, in the graph's order
  Rational f_a, f_b, f_mid;
  int64_t bits = 0;  // values are enclosed by numbers of so many bits behind the point; 0: they are exact
};
Certificate not_affine_certificate(const Graph& graph, const NotAffineWitness& witness);

/// Above this many elements a matrix is given by its digest.
inline constexpr int64_t kInlineMatrixLimit = 65'536;

}  // namespace crease
