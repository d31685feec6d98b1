#include "graph/analysis/bounds/linear_bounds.h"

#include <algorithm>

#include "graph/analysis/bounds/backward.h"

namespace crease {

namespace {

size_t at(int stage) { return static_cast<size_t>(stage); }

/// Whether a narrower argument can change what is known of a curve.
bool is_undecided(const ScalarCurve& curve, const Interval& x) {
  if (x.is_point()) return false;
  if (!curve.table()) return true;
  return std::ranges::any_of(curve.table()->knots, [&](const Knot& knot) {
    const Interval place = enclose(knot.at);
    return x.low < place.high && place.low < x.high;
  });
}

/// One walk over the stages in order.
class Pass {
 public:
  Pass(StagedNetwork& network, const LineOptions& options, LinearBounds& report)
      : network_(network), options_(options), report_(report), backward_(network) {}

  void run(const std::vector<NodeId>& wanted) {
    mark(wanted);
    plan();
    for (int s = 0; s < count(); ++s) {
      forward(s);
      narrow(s);
      backward_.finish(s);
    }
  }

 private:
  int count() const { return static_cast<int>(network_.stages.size()); }
  Stage& stage(int s) { return network_.stages[at(s)]; }

  /// Which elements of which stages need bounds of their own.
  void mark(const std::vector<NodeId>& wanted) {
    wants_.resize(network_.stages.size());
    for (int s = 0; s < count(); ++s) {
      const Stage& reader = stage(s);
      if (reader.kind == StageKind::Curve) wants_[at(reader.source)].push_back(s);
      if (reader.kind != StageKind::Product) continue;
      wants_[at(reader.source)].push_back(-1);
      wants_[at(reader.right)].push_back(-1);
    }
    for (const NodeId id : wanted)
      if (const int s = network_.stage_of[static_cast<size_t>(id)]; s >= 0) wants_[at(s)].push_back(-1);
  }

  std::vector<int32_t> elements_of(int s) {
    std::vector<int32_t> result;
    const Stage& own = stage(s);
    if (own.kind == StageKind::Given || own.kind == StageKind::Curve) return result;
    for (int32_t i = 0; i < own.size(); ++i) {
      const Interval& x = own.bounds[static_cast<size_t>(i)];
      const bool needed = std::ranges::any_of(wants_[at(s)], [&](int reader) {
        return reader < 0 ? !x.is_point() : is_undecided(*stage(reader).curve(i), x);
      });
      if (needed) result.push_back(i);
    }
    return result;
  }

  /// How much work each bound may take, and whether three choices of lines are affordable.
  void plan() {
    double all = 0, rows = 0, behind = 0;
    for (int s = 0; s < count(); ++s) {
      behind += backward_.cost(s);
      if (wants_[at(s)].empty()) continue;
      rows += 2 * static_cast<double>(elements_of(s).size());
      all += 2 * static_cast<double>(elements_of(s).size()) * behind;
    }
    choices_ = all <= options_.choice_limit ? 3 : 1;
    if (all > options_.work_limit) allowance_ = options_.work_limit / std::max(rows, 1.0);
  }

  /// The stage down to which a bound of stage s is walked.
  int depth(int s) {
    double spent = 0;
    for (int k = s; k >= 0; --k) {
      spent += backward_.cost(k);
      if (spent > allowance_) return k + 1;
    }
    return 0;
  }

  /// Intervals from narrower sources.
  void forward(int s) {
    Stage& own = stage(s);
    if (own.kind == StageKind::Curve) {
      const Stage& source = stage(own.source);
      for (int64_t i = 0; i < own.size(); ++i) {
        Interval& x = own.bounds[static_cast<size_t>(i)];
        x = intersect(x, own.curve(i)->range(source.bounds[static_cast<size_t>(i)]));
      }
      return;
    }
    if (own.kind == StageKind::Affine || own.kind == StageKind::Product) backward_.forward(s, own.bounds);
  }

  void narrow(int s) {
    if (wants_[at(s)].empty()) return;
    const std::vector<int32_t> elements = elements_of(s);
    if (elements.empty()) return;
    const int last = depth(s);
    // Less than a curve and what it reads gives nothing that intervals do not.
    if (last > s - 2 && last > 0) {
      report_.complete = false;
      return;
    }
    report_.complete = report_.complete && last == 0;
    for (int choice = 0; choice < choices_; ++choice) {
      static constexpr double places[] = {0.5, 0.001, 0.999};
      const std::vector<Interval> found = backward_.bounds(s, elements, last, places[choice]);
      for (size_t k = 0; k < elements.size(); ++k) {
        Interval& x = stage(s).bounds[static_cast<size_t>(elements[k])];
        x = intersect(x, found[k]);
      }
      report_.bounded += static_cast<int64_t>(elements.size());
    }
    double work = 0;
    for (int k = last; k <= s; ++k) work += backward_.cost(k);
    report_.work += work * 2 * static_cast<double>(elements.size()) * choices_;
  }

  StagedNetwork& network_;
  const LineOptions& options_;
  LinearBounds& report_;
  Backward backward_;
  std::vector<std::vector<int>> wants_;  // by stage: curves that read it; -1: bounds are wanted anyway
  int choices_ = 1;
  double allowance_ = kInfinity;
};

}  // namespace

LinearBounds linear_bounds(StagedNetwork network, const std::vector<NodeId>& wanted,
                           const LineOptions& options) {
  LinearBounds result{.network = std::move(network)};
  Pass(result.network, options, result).run(wanted);
  return result;
}

}  // namespace crease
