// Gradients that say what they are: an element of a generalised gradient, and why, or that nothing is
// claimed. Sources: Clarke 1983; Nesterov 2005 and Khan and Barton 2015 (lexicographic derivatives);
// docs/kinks.md for the theorem behind own biases.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "autodiff/lock.h"
#include "autodiff/reverse.h"
#include "graph/analysis/finding.h"
#include "graph/evaluate.h"

namespace crease {

/// What is claimed of a gradient g of f at x, strongest first.
enum class GradientClaim : uint8_t {
  Smooth,         // no kink and no infinite slope was hit: the ordinary gradient
  BStatic,        // uniform left or right, every kink moved by a bias of its own: in the B-subdifferential
  BDirectional,   // the gradient of the smooth piece next to x in the directions: in the B-subdifferential
  ClarkeSingle,   // one kink of two sides was hit: in Clarke's subdifferential
  Partial,        // kinks that nothing decides: nothing is claimed
  Discontinuous,  // f is seen to jump at x, or as near to it as one likes: nothing is claimed
  NonLipschitz    // f depends on an infinite slope, or no number was met: nothing is claimed
};
/// "smooth", "b_static", "b_directional", "clarke_single", "partial", "discontinuous", "non_lipschitz".
std::string_view to_string(GradientClaim claim);

/// How kinks are treated. Selection: by the Tie rules. Direction: locked along directions. Automatic:
/// selection, and where its gradient cannot be certified, direction.
enum class Kinks : uint8_t { Selection, Direction, Automatic };

/// A comparison (or a point of a tied extremum) that sits on its kink.
struct KinkHit {
  NodeId node;
  int comparison;   // within the body, in order of evaluation; -1: a point of an extremum
  int64_t point;    // of the node's loops, row-major
  double tangent;   // one-sided derivative of the difference along the first direction; 0: not decided by it
  bool continuous;  // a max, min or extremum: its branches are what it compares
};

struct CertifiedGradient {
  double value = 0;
  std::vector<Tensor> gradient;  // one for each variable
  GradientClaim claim = GradientClaim::Partial;
  int64_t hits = 0;        // kinks that the point sits on
  int64_t unresolved = 0;  // of them, those that no direction decides and that matter
  /// directions[j][i] is the tangent of variable i; empty where none was needed.
  std::vector<std::vector<Tensor>> directions;
  /// The kinks hit, at most `most_recorded` of them; only where there was a direction.
  std::vector<KinkHit> kinks;
};

struct CertifyOptions {
  Kinks kinks = Kinks::Automatic;
  /// Rules of selection.
  GradOptions gradient = {};
  /// How many directions, drawn by the seed: odd multiples of 2^-10 in (-1, 1), the same on every machine.
  int directions = 3;
  uint64_t seed = 1;
  /// Directions to use instead.
  std::vector<std::vector<Tensor>> along = {};
  int64_t most_recorded = 1000;
};

/// The gradient of a scalar as a function of inputs and parameters, called again and again.
class CertifiedGradientFunction {
 public:
  /// Makes a graph callable: by the interpreter, or compiled.
  using Run = std::function<NamedTensors(const Bindings&)>;
  using Compile = std::function<Run(const Graph&)>;

  /// `wrt`: inputs and parameters. Errors: those of grad and locked_grad; Error for a variable that is
  /// computed, directions that do not fit, or a part that stop_gradient holds constant.
  CertifiedGradientFunction(const Value& loss, ValueSpan wrt, const CertifyOptions& options = {},
                            const Compile& compile = interpreted,
                            std::source_location where = std::source_location::current());
  // Copies only, as they cost as little as moves: what was moved from is the same function still.
  CertifiedGradientFunction(const CertifiedGradientFunction&) = default;
  CertifiedGradientFunction& operator=(const CertifiedGradientFunction&) = default;
  ~CertifiedGradientFunction() = default;

  /// Parameters may be bound like inputs; those that are not have their value in the graph. Errors: those of
  /// bind. Cost: that of grad where no kink is hit; else one more forward pass, `directions` tangent passes
  /// and a reverse pass, and an interpreted forward pass to list the kinks.
  CertifiedGradient operator()(const Bindings& at) const;

  static Run interpreted(const Graph& graph);

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_;
};

/// One call of the above.
CertifiedGradient certified_gradient(const Value& loss, ValueSpan wrt, const Bindings& at,
                                     const CertifyOptions& options = {},
                                     std::source_location where = std::source_location::current());

/// What check() accepts or refuses (kind "gradient"): the point, the directions, the kinks with their signs,
/// the gradient, all exactly. Errors: Error where a number is not finite.
Certificate gradient_certificate(const Value& loss, ValueSpan wrt, const Bindings& at,
                                 const CertifiedGradient& result);

}  // namespace crease
