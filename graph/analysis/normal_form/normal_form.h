// The canonical form of piecewise linear networks: every element as an affine combination of inputs and of
// relus of such combinations, with equal, opposite and parallel relus made one. So relu(z) - relu(-z) is z,
// max(z, z) is z, |z| is relu(z) + relu(-z), and parallel neurons are one.
// Lattice: none; equality of normal forms proves equality of functions, and not the other way round (deciding
// that is coNP-hard). Claim: for these parameters, all inputs. Certificates: "affine-collapse" and
// "unit-verdicts" with RELU steps, replayed by check(). Source: docs/analyses.md, normal form.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/normal_form/forms.h"
#include "graph/graph.h"

namespace crease {

struct NormalFormOptions {
  /// Networks with more loop points (for one sample) are not looked at.
  int64_t point_limit = int64_t{1} << 20;
  /// The forms kept may have this many terms in all.
  int64_t term_limit = int64_t{1} << 23;
  /// Operations on short rational numbers that take as long as the sums of forms and the relus of them: some
  /// ten seconds.
  int64_t work_limit = 60'000'000;
  /// Bounds of combinations over a box: relus are decided there. Without one, for all inputs.
  FormBounder bounder = {};
  /// Relus next to earlier ones: see Variables. With it, roots are rational numbers next to them, too.
  NearFinder near = {};
};

/// The forms of all nodes that the outputs need, for one sample.
struct NormalForm {
  Variables variables;
  std::map<NodeId, std::vector<Combination>> forms;
  std::vector<NodeId> order;                              // nodes with forms made by a step, ascending
  std::map<NodeId, std::vector<UnitDecision>> decisions;  // of nodes with relus or calls, in order
  std::map<NodeId, std::vector<UnitName>> names;          // of these relus and calls
  std::set<NodeId> enclosed;   // constants whose elements are numbers next to the true ones
  std::set<NodeId> nearly;     // maps of one operand that read such constants
  std::vector<NodeId> leaves;  // nodes whose elements stand for themselves
  std::string reason = {};     // why there is none: too large; else empty

  /// Relus that the outputs still depend on.
  int64_t live_relus(const Graph& graph) const;
};
NormalForm normal_form(const Graph& graph, const NormalFormOptions& options = {});

/// Shape of a form as a function of the leaves: relu of a convex form is convex.
enum class FormShape : uint8_t { Constant, Affine, Convex, Concave, Unknown };
std::string_view to_string(FormShape shape);
std::vector<FormShape> shapes_of(const NormalForm& normal, NodeId node);

/// Claims that a node is the affine map of leaves that its form is, over `box` (a JSON object as text) if it
/// is not empty. Errors: Error if it is none.
Certificate affine_certificate(const Graph& graph, const NormalForm& normal, NodeId sink,
                               const std::string& box = {});
/// Claims what became of every relu, over `box` (a JSON object as text) if it is not empty: "DEAD", "ACTIVE",
/// "ATOM" or ["SAME", unit, factor].
Certificate units_certificate(const Graph& graph, const NormalForm& normal, const std::string& box = {});

/// "a1[2]", or "a1[2].1" for a further part: how certificates name a unit.
std::string unit_key(const Graph& graph, const UnitName& name);
/// The steps of a proof that derives the forms of `wanted`, as a JSON list, and the leaves that they read.
/// `with_bounds`: BOUND steps before those of relus; else bounds that need lines are part of these.
struct ProofSteps {
  std::string steps;
  std::vector<NodeId> leaves;
};
ProofSteps proof_steps(const Graph& graph, const NormalForm& normal, const std::vector<NodeId>& wanted,
                       bool with_bounds = true);

/// "affine" for outputs that are affine though they contain relus, and one finding of relus that are merged,
/// dead or always active for all inputs, if any.
std::vector<Finding> normal_form_findings(const Graph& graph, const NormalFormOptions& options = {});

}  // namespace crease
