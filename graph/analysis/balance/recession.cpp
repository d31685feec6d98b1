// Directions in which an orbit has no minimum.
#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/strong_components.hpp>
#include <cmath>

#include "graph/analysis/balance/orbit.h"

namespace crease {
namespace {

/// Finds coordinates all of whose remaining terms have exponents of one sign, until there is none.
class OneSided {
 public:
  explicit OneSided(const Orbit& orbit) : orbit_(orbit), left_(orbit.terms.size(), true) {
    by_coordinate_.resize(static_cast<size_t>(orbit.coordinates));
    up_.resize(by_coordinate_.size());
    down_.resize(by_coordinate_.size());
    for (size_t m = 0; m < orbit.terms.size(); ++m)
      for (const auto& [k, coefficient] : orbit.terms[m].exponent) {
        by_coordinate_[static_cast<size_t>(k)].push_back(m);
        ++(coefficient > 0 ? up_ : down_)[static_cast<size_t>(k)];
      }
  }

  std::vector<Recession> run() {
    std::vector<int> queue(by_coordinate_.size());
    for (size_t k = 0; k < queue.size(); ++k) queue[k] = static_cast<int>(k);
    while (!queue.empty()) {
      const auto k = static_cast<size_t>(queue.back());
      queue.pop_back();
      if ((up_[k] == 0) == (down_[k] == 0)) continue;
      Recession found{.direction = {{static_cast<int>(k), up_[k] > 0 ? -1.0 : 1.0}}, .vanishing = {}};
      for (const size_t m : by_coordinate_[k])
        if (left_[m]) {
          found.vanishing.push_back(m);
          drop(m, queue);
        }
      result_.push_back(std::move(found));
    }
    return std::move(result_);
  }

  const std::vector<bool>& left() const { return left_; }

 private:
  const Orbit& orbit_;
  std::vector<bool> left_;
  std::vector<std::vector<size_t>> by_coordinate_;
  std::vector<int64_t> up_, down_;  // remaining terms that grow, or shrink, with a coordinate
  std::vector<Recession> result_;

  void drop(size_t m, std::vector<int>& queue) {
    left_[m] = false;
    for (const auto& [k, coefficient] : orbit_.terms[m].exponent) {
      --(coefficient > 0 ? up_ : down_)[static_cast<size_t>(k)];
      queue.push_back(k);
    }
  }
};

/// Each term one coordinate, or a difference c_a t_a - c_b t_b: then with s = c t a term t_a - t_b is an
/// edge, and exactly the edges between strong components can vanish.
class Differences {
 public:
  Differences(const Orbit& orbit, const std::vector<bool>& left)
      : orbit_(orbit), left_(left), scale_(static_cast<size_t>(orbit.coordinates), 0) {}

  std::vector<Recession> run() {
    if (!take_edges()) return {};
    using Digraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
    Digraph digraph(scale_.size() + 1);
    for (const auto& [from, to, m] : edges_) boost::add_edge(from, to, digraph);
    std::vector<size_t> component(scale_.size() + 1);
    boost::strong_components(digraph, component.data());
    // Components are numbered in reverse topological order: an edge between two leads to a smaller number.
    const size_t ground = component.back();
    Recession found;
    for (size_t k = 0; k < scale_.size(); ++k)
      if (scale_[k] > 0 && component[k] != ground)
        found.direction.emplace_back(
            static_cast<int>(k),
            (static_cast<double>(ground) - static_cast<double>(component[k])) / scale_[k]);
    for (const auto& [from, to, m] : edges_)
      if (component[from] != component[to]) found.vanishing.push_back(m);
    if (found.vanishing.empty()) return {};
    return {std::move(found)};
  }

 private:
  struct Edge {
    size_t from, to, term;
  };

  const Orbit& orbit_;
  const std::vector<bool>& left_;
  std::vector<double> scale_;  // size of each coordinate's coefficients; 0: not met
  std::vector<Edge> edges_;

  /// Whether all terms are edges: from the coordinate that grows to the one that shrinks.
  bool take_edges() {
    for (size_t m = 0; m < orbit_.terms.size(); ++m) {
      if (!left_[m]) continue;
      size_t from = scale_.size(), to = scale_.size();
      for (const auto& [k, coefficient] : orbit_.terms[m].exponent) {
        const auto place = static_cast<size_t>(k);
        size_t& end = coefficient > 0 ? from : to;
        if (end != scale_.size()) return false;
        end = place;
        if (scale_[place] == 0) scale_[place] = std::abs(coefficient);
        if (scale_[place] != std::abs(coefficient)) return false;
      }
      edges_.push_back({from, to, m});
    }
    return true;
  }
};

}  // namespace

std::vector<Recession> recessions(const Orbit& orbit) {
  OneSided one_sided(orbit);
  std::vector<Recession> result = one_sided.run();
  for (Recession& found : Differences(orbit, one_sided.left()).run()) result.push_back(std::move(found));
  return result;
}

}  // namespace crease
