// Everything the oracle asks of one expression, in one graph, run by the interpreter and compiled programs
// over all lengths.
#pragma once

#include "jit/program.h"
#include "tests/oracle/kinks/expression.h"
#include "tests/oracle/report.h"

namespace crease::oracle {

/// The rules that fields are named after: "left", ..., and "pytorch", ...
extern const std::vector<std::string> rule_names, framework_names;

/// One number for each output of `Derivatives`, lane for lane the same.
using Numbers = std::map<std::string, Point>;

/// One expression with its derivatives. Outputs: "value"; a gradient for each rule and framework;
/// "ieee" and "zero", left with these rules at infinite slopes; "one_sided", "locked" (the direction, then e1
/// .. en), "derivative" and "second" along the direction; totals "hits" and "unresolved" (of the direction
/// alone).
class Derivatives {
 public:
  /// Errors: Error if crease cannot build or differentiate the expression.
  Derivatives(const Json& expression, size_t variables, const Setting& setting = {});

  /// The numbers by every way to run (interpreter; compiled with optimisation 0 and 2, fused and not) and
  /// every length of lanes. Lanes that differ, and ways that fail, are failures in `report`.
  std::vector<Numbers> run(const Point& at, const Point& direction, const std::string& name, Report& report);
  /// The numbers of the interpreter, one lane.
  Numbers interpret(const Point& at, const Point& direction) const;
  /// Whether Tie::trap refuses a gradient at this point.
  bool traps(const Point& at);
  /// 0 where all steps are exact on dyadic numbers, else a few units in the last place.
  double tolerance() const { return expression_.is_dyadic() ? 0 : 8e-15; }

 private:
  void output(const std::string& name, std::span<const Value> values);
  Numbers read(const std::map<std::string, Tensor>& results, int64_t lanes, const std::string& name,
               Report& report) const;

  Json json_;
  Setting setting_;
  Expression expression_;
  std::map<std::string, std::vector<std::string>> outputs_;
  std::vector<Program> programs_;
};

}  // namespace crease::oracle
