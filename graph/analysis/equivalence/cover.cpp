#include "graph/analysis/equivalence/cover.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/exact_lp.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

/// Reached a limit.
struct TooMuch {
  std::string reason;
};

class Search {
 public:
  Search(const Graph& graph, const NormalForm& normal, std::vector<Combination> wanted,
         const CoverLimits& limits)
      : graph_(graph), normal_(normal), wanted_(std::move(wanted)), limits_(limits) {
    for (const Combination& form : wanted_) collect(form);
  }

  size_t dimensions() const { return leaves_.size(); }
  const std::optional<std::map<int, Rational>>& counterexample() const { return counterexample_; }
  Json run() { return node(relus_.begin()); }

 private:
  using Iterator = std::set<int>::const_iterator;

  const Graph& graph_;
  const NormalForm& normal_;
  const std::vector<Combination> wanted_;
  const CoverLimits limits_;
  int64_t cells_ = 0, work_ = 0;
  std::set<int> relus_;               // those that matter, each after those in its argument
  std::map<int, size_t> leaves_;      // free variables, as coordinates
  std::map<int, Combination> value_;  // of decided relus, over leaves
  std::vector<LinearConstraint> constraints_;
  std::optional<std::map<int, Rational>> counterexample_;

  void collect(const Combination& form) {
    for (const auto& [variable, coefficient] : form.terms) {
      if (normal_.variables[variable].kind != VariableKind::Relu) {
        leaves_.try_emplace(variable, leaves_.size());
      } else if (relus_.insert(variable).second) {
        collect(normal_.variables[variable].arguments[0]);
      }
    }
  }

  /// A form over leaves alone.
  Combination reduced(const Combination& form) const {
    Combination result{.terms = {}, .constant = form.constant};
    for (const auto& [variable, coefficient] : form.terms) {
      const auto relu = value_.find(variable);
      const Combination term = relu == value_.end() ? Combination{{{variable, 1}}, 0} : relu->second;
      result = result + coefficient * term;
    }
    return result;
  }

  std::vector<Rational> coordinates(const Combination& form) const {
    std::vector<Rational> result(leaves_.size(), 0);
    for (const auto& [variable, coefficient] : form.terms) result[leaves_.at(variable)] = coefficient;
    return result;
  }

  /// form >= 0, as -form <= 0.
  LinearConstraint not_negative(const Combination& form) const {
    return {coordinates(Rational(-1) * form), form.constant};
  }

  /// Where a form is greatest in the cell.
  LpResult greatest(const Combination& form) {
    LpResult found = maximise(coordinates(form), constraints_);
    work_ += found.operations;
    if (work_ > limits_.work)
      throw TooMuch{
          fmt::format("cells of input space take more than {} operations on rational numbers; in a "
                      "program EquivalenceOptions::work_limit allows more",
                      limits_.work)};
    return found;
  }

  /// Multipliers that prove form <= 0 in the cell; nothing if it is positive somewhere.
  std::optional<Json> not_positive(const Combination& form) {
    const LpResult found = greatest(form);
    if (found.status != LpStatus::Optimal || (found.value + form.constant).sign() > 0) return {};
    Json multipliers = Json::object();
    for (size_t i = 0; i < found.duals.size(); ++i)
      if (!found.duals[i].is_zero()) multipliers[std::to_string(i)] = to_string(found.duals[i]);
    return multipliers;
  }

  /// The proof for the cell that the constraints leave, from this relu on.
  Json node(Iterator next) {
    Json decided = Json::array();
    for (; next != relus_.end(); ++next) {
      const Combination argument = reduced(normal_.variables[*next].arguments[0]);
      const std::string key = unit_key(graph_, normal_.variables[*next].name);
      if (auto dead = not_positive(argument)) {
        decided.push_back({key, "DEAD", *dead});
        value_[*next] = {};
      } else if (auto active = not_positive(Rational(-1) * argument)) {
        decided.push_back({key, "ACTIVE", *active});
        value_[*next] = argument;
      } else {
        Json result{{"decided", decided}, {"split", key}};
        for (const bool on : {true, false}) {
          result[on ? "active" : "dead"] = part(next, argument, on);
          if (counterexample_) break;
        }
        forget(next);
        return result;
      }
    }
    if (++cells_ > limits_.cells) throw TooMuch{fmt::format("there are more than {} cells", limits_.cells)};
    for (const Combination& form : wanted_) require_zero(reduced(form));
    return {{"decided", decided}};
  }

  Json part(Iterator next, const Combination& argument, bool on) {
    constraints_.push_back(not_negative(on ? argument : Rational(-1) * argument));
    value_[*next] = on ? argument : Combination{};
    Json result = node(std::next(next));
    constraints_.pop_back();
    forget(next);
    return result;
  }

  void forget(Iterator from) {
    for (auto it = from; it != relus_.end(); ++it) value_.erase(*it);
  }

  /// Where a form is not 0 in a cell with interior, some point of the cell shows it.
  void require_zero(const Combination& form) {
    if (form == Combination{} || counterexample_) return;
    for (const Rational sign : {1, -1}) {
      const Combination signed_form = sign * form;
      const LpResult found = greatest(signed_form);
      std::vector<Rational> x = found.x;
      if (found.status == LpStatus::Unbounded) {
        Rational length = 1;
        while ((at(signed_form, x) + length * at({signed_form.terms, 0}, found.ray)).sign() <= 0)
          length = length + length;
        for (size_t i = 0; i < x.size(); ++i) x[i] += length * found.ray[i];
      }
      if (x.empty() && !leaves_.empty()) continue;
      if (at(signed_form, x).sign() <= 0) continue;
      counterexample_.emplace();
      for (const auto& [variable, place] : leaves_) (*counterexample_)[variable] = x[place];
      return;
    }
  }

  Rational at(const Combination& form, const std::vector<Rational>& x) const {
    Rational result = form.constant;
    for (const auto& [variable, coefficient] : form.terms) result += coefficient * x[leaves_.at(variable)];
    return result;
  }
};

}  // namespace

Cover cover(const Graph& graph, const NormalForm& normal, const std::vector<NodeId>& wanted,
            const CoverLimits& limits) {
  std::vector<Combination> forms;
  for (const NodeId id : wanted)
    for (const Combination& form : normal.forms.at(id)) forms.push_back(form);
  Search search(graph, normal, std::move(forms), limits);
  constexpr size_t most_dimensions = 8;
  if (search.dimensions() > most_dimensions)
    return {.reason = fmt::format("cells are looked at in {} dimensions at most, these are {}",
                                  most_dimensions, search.dimensions())};
  try {
    Json tree = search.run();
    if (search.counterexample()) return {.counterexample = search.counterexample()};
    return {.proved = true, .tree = tree.dump()};
  } catch (const TooMuch& limit) {
    return {.reason = limit.reason};
  }
}

}  // namespace crease
