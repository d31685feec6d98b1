#include "jit/phases.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "graph/rewrite/rewrite.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

constexpr int64_t most_phases = 16;  // of an operation: so many kernels

/// A dimension of the result that windows write at stride * window + tap + offset.
struct Windows {
  size_t dimension;
  int window, tap;  // labels; tap -1: each window writes one element
  int64_t stride, offset, taps, size;

  int64_t turns() const { return (size + stride - 1) / stride; }
};

/// The taps stride * m + first, `count` of them, reach the elements stride * q + phase of a dimension, from
/// window q - m + ahead.
struct Phase {
  int64_t first, count, ahead;
};

Phase phase_of(const Windows& windows, int64_t number) {
  const int64_t reached = number - windows.offset;
  const int64_t first = (reached % windows.stride + windows.stride) % windows.stride;
  return {first, std::max<int64_t>(0, (windows.taps - first + windows.stride - 1) / windows.stride),
          (reached - first) / windows.stride};
}

/// Finds the dimensions of an operation that windows write.
class Finder {
 public:
  Finder(const Graph& graph, const Node& node) : graph_(graph), node_(node), loops_(node.loops) {}

  std::vector<Windows> run() const {
    std::vector<Windows> found;
    int64_t phases = 1;
    if (std::ranges::any_of(loops_.write, [](const AffineIndex& index) { return index.lookup >= 0; }))
      return {};
    for (size_t d = 0; d < loops_.write.size(); ++d)
      if (const auto windows = windows_of(d)) {
        found.push_back(*windows);
        phases *= windows->stride;
      }
    return phases <= most_phases ? found : std::vector<Windows>{};
  }

 private:
  std::optional<Windows> windows_of(size_t dimension) const {
    const AffineIndex& index = loops_.write[dimension];
    const Dim& size = node_.shape[dimension];
    if (size.is_symbol() || index.terms.empty() || index.terms.size() > 2) return {};
    Windows windows{.dimension = dimension,
                    .window = -1,
                    .tap = -1,
                    .stride = 1,
                    .offset = index.offset,
                    .taps = 1,
                    .size = size.size()};
    for (const Term& term : index.terms) {
      if (is_elsewhere(term.label, dimension) || is_number(term.label) || extent(term.label).is_symbol())
        return {};
      (term.coefficient == 1 ? windows.tap : windows.window) = term.label;
      if (term.coefficient != 1) windows.stride = term.coefficient;
    }
    if (windows.stride < 2 || windows.window < 0) return {};
    if (index.terms.size() == 2 && windows.tap < 0) return {};
    if (windows.tap >= 0) windows.taps = extent(windows.tap).size();
    // The read of a window's own element leaves its tensor where there is no such window.
    return is_bounded(windows.window) ? std::optional(windows) : std::nullopt;
  }

  const Dim& extent(int label) const { return loops_.labels[static_cast<size_t>(label)].extent; }

  bool is_elsewhere(int label, size_t dimension) const {
    for (size_t d = 0; d < loops_.write.size(); ++d)
      if (d != dimension &&
          std::ranges::find(loops_.write[d].terms, label, &Term::label) != loops_.write[d].terms.end())
        return true;
    return false;
  }

  bool is_number(int label) const {
    return any_step(node_.op->body.expression, [&](const Scalar& step) {
      return step.kind() == ScalarKind::Index && step.position() == label;
    });
  }

  bool is_bounded(int label) const {
    for (size_t i = 0; i < loops_.reads.size(); ++i) {
      const Shape& shape = graph_.node(node_.operands[i]).shape;
      for (size_t d = 0; d < shape.size(); ++d)
        if (loops_.reads[i][d].plain_label() == label && loops_.reads[i][d].lookup < 0 &&
            shape[d] == extent(label))
          return true;
    }
    return false;
  }

  const Graph& graph_;
  const Node& node_;
  const Loops& loops_;
};

/// Makes the sums of one operation.
class Phases {
 public:
  Phases(Graph& to, const Node& node, const std::vector<Value>& operands, std::vector<Windows> windows)
      : to_(to), node_(node), operands_(operands), windows_(std::move(windows)) {}

  Value run() {
    const Scalar whole = element(0, {});
    const Value result = put_together(whole);
    const bool is_longer =
        std::ranges::any_of(windows_, [](const Windows& it) { return it.turns() * it.stride != it.size; });
    return is_longer ? beginning_of(result) : result;
  }

 private:
  /// The body of the operation that puts the sums together: chooses one by the numbers of the phases, which
  /// are the labels behind those of the dimensions.
  Scalar element(size_t number, std::vector<Phase> phases) {
    if (number == windows_.size()) {
      if (std::ranges::any_of(phases, [](const Phase& phase) { return phase.count == 0; })) return 0;
      sums_.push_back(sum_of(phases));
      return Scalar::argument(static_cast<int>(sums_.size()) - 1);
    }
    const Windows& windows = windows_[number];
    std::optional<Scalar> chosen;
    for (int64_t phase = 0; phase < windows.stride; ++phase) {
      std::vector<Phase> with = phases;
      with.push_back(phase_of(windows, phase));
      const Scalar one = element(number + 1, std::move(with));
      const Scalar label = Scalar::index(static_cast<int>(node_.shape.size() + number));
      chosen = chosen ? select(equal(label, static_cast<double>(phase)), one, *chosen) : one;
    }
    return *chosen;
  }

  /// Labels of windows and taps become q and m.
  Value sum_of(const std::vector<Phase>& phases) {
    Resolved resolved{node_.loops, shorter()};
    for (size_t i = 0; i < windows_.size(); ++i) {
      const Windows& windows = windows_[i];
      const auto label = [&](int number) -> Label& {
        return resolved.loops.labels[static_cast<size_t>(number)];
      };
      label(windows.window).extent = Dim(windows.turns());
      if (windows.tap >= 0) label(windows.tap).extent = Dim(phases[i].count);
      for (Access& read : resolved.loops.reads)
        for (AffineIndex& index : read) index = in_phase(index, windows, phases[i]);
      resolved.loops.write[windows.dimension] = {.terms = {{windows.window, 1}}};
    }
    return to_.apply_resolved(node_.op, std::move(resolved), operands_, node_.type, node_.where, node_.tie);
  }

  /// With window = q - m + ahead and tap = stride m + first.
  static AffineIndex in_phase(AffineIndex index, const Windows& windows, const Phase& phase) {
    const auto coefficient = [&](int label) {
      const auto found = std::ranges::find(index.terms, label, &Term::label);
      return found == index.terms.end() ? int64_t{0} : found->coefficient;
    };
    const int64_t of_window = coefficient(windows.window);
    const int64_t of_tap = windows.tap < 0 ? 0 : coefficient(windows.tap);
    index.offset += of_window * phase.ahead + of_tap * phase.first;
    if (windows.tap < 0) return index;
    std::erase_if(index.terms, [&](const Term& term) { return term.label == windows.tap; });
    const int64_t turn = windows.stride * of_tap - of_window;
    if (turn != 0) index.terms.push_back({windows.tap, turn});
    std::ranges::sort(index.terms, {}, &Term::label);
    return index;
  }

  /// The shape of one sum.
  Shape shorter() const {
    Shape shape = node_.shape;
    for (const Windows& windows : windows_) shape[windows.dimension] = Dim(windows.turns());
    return shape;
  }

  Value put_together(const Scalar& body) {
    Resolved resolved{{}, shorter()};
    for (const Dim& size : resolved.shape) add_plain_label(resolved.loops, size);
    const Access read = resolved.loops.write;
    for (const Windows& windows : windows_) {
      const int phase = static_cast<int>(resolved.loops.labels.size());
      resolved.loops.labels.push_back({fmt::format("phase{}", windows.dimension), Dim(windows.stride)});
      AffineIndex& place = resolved.loops.write[windows.dimension];
      place.terms = {{place.terms[0].label, windows.stride}, {phase, 1}};
      resolved.shape[windows.dimension] = Dim(windows.turns() * windows.stride);
    }
    resolved.loops.reads.assign(sums_.size(), read);
    Op op{.name = node_.op->name, .doc = "Elements of each phase."};
    op.body = Body(static_cast<int>(sums_.size()), body);
    return to_.apply_resolved(std::make_shared<Op>(std::move(op)), std::move(resolved), sums_, node_.type,
                              node_.where);
  }

  /// So many elements of each dimension as the operation has.
  Value beginning_of(const Value& longer) {
    Resolved resolved{{}, node_.shape};
    for (const Dim& size : node_.shape) add_plain_label(resolved.loops, size);
    resolved.loops.reads = {resolved.loops.write};
    Op op{.name = node_.op->name, .doc = "The first elements.", .body = [](Scalar x) { return x; }};
    return to_.apply_resolved(std::make_shared<Op>(std::move(op)), std::move(resolved), {longer}, node_.type,
                              node_.where);
  }

  static void add_plain_label(Loops& loops, const Dim& size) {
    const int label = static_cast<int>(loops.labels.size());
    loops.labels.push_back({fmt::format("d{}", label), size});
    loops.write.push_back({.terms = {{label, 1}}});
  }

  Graph& to_;
  const Node& node_;
  const std::vector<Value>& operands_;
  std::vector<Windows> windows_;
  std::vector<Value> sums_;
};

std::vector<Windows> windows_in(const Graph& graph, const Node& node) {
  if (node.role != Role::Apply || node.op->combine != Combine::Sum || !is_floating(node.type)) return {};
  return Finder(graph, node).run();
}

}  // namespace

Graph in_phases(const Graph& graph) {
  bool any = false;
  for (NodeId id = 0; id < graph.size() && !any; ++id) any = !windows_in(graph, graph.node(id)).empty();
  if (!any) return graph.handle();
  return rebuild_needed(graph,
                        [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
                          std::vector<Windows> windows = windows_in(graph, node);
                          return windows.empty() ? to.copy(node, operands)
                                                 : Phases(to, node, operands, std::move(windows)).run();
                        })
      .graph;
}

}  // namespace crease
