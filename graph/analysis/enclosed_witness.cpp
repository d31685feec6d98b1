#include "graph/analysis/enclosed_witness.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/analysis/ball/values.h"
#include "graph/analysis/check_replay.h"
#include "graph/analysis/points.h"

namespace crease {

namespace {

using checker::Ball;
using checker::BallArithmetic;
using checker::Integer;

class Search {
 public:
  Search(const Graph& graph, NodeId output, NodeId input) : graph_(graph), output_(output), input_(input) {}

  std::optional<NotAffineWitness> run(int tries) {
    std::mt19937_64 random(0);
    for (int k = 0; k < tries; ++k) {
      place(random, k == 0);
      if (with_enough_bits(graph_, output_, [&](int64_t bits) { return looked(bits); })) return found_;
    }
    return {};
  }

 private:
  const Graph& graph_;
  NodeId output_, input_;
  std::vector<std::vector<Rational>> points_;  // a, b and the middle
  std::optional<NotAffineWitness> found_;

  /// Multiples of 1/64, so that the middle is exactly halfway.
  void place(std::mt19937_64& random, bool at_zero) {
    points_.assign(3, {});
    for (const NodeId id : graph_.inputs())
      for (int64_t i = 0; i < sample_count(graph_.node(id).shape); ++i) {
        const auto number = [&] {
          return drawn(graph_.node(id).type, static_cast<int64_t>(random() % 129) - 64, Rational(1, 64));
        };
        const Rational middle = at_zero && id == input_ ? Rational(0) : number();
        const Rational step = id == input_ ? number() : Rational(0);
        points_[0].push_back(middle - step);
        points_[1].push_back(middle + step);
        points_[2].push_back(middle);
      }
  }

  Look looked(int64_t bits) {
    const BallArithmetic arithmetic(bits);
    const auto values = checker::ball_values(graph_, output_, points_, arithmetic);
    Look look;
    for (size_t e = 0; e < values[0].size(); ++e) {
      const Ball &a = values[0][e], &b = values[1][e], &middle = values[2][e];
      look.widest = std::max({look.widest, a.radius, b.radius, middle.radius});
      const double error = a.radius + b.radius + 2 * middle.radius;
      const Integer defect = a.middle + b.middle - 2 * middle.middle;
      // Twice as far from 0 as it may be off, so that rounded numbers tell too.
      if (!std::isfinite(2 * error) || Integer(abs(defect)) <= Integer(std::ceil(2 * error))) continue;
      found_ = NotAffineWitness{.output = output_,
                                .index = static_cast<int64_t>(e),
                                .a = points_[0],
                                .b = points_[1],
                                .mid = points_[2],
                                .f_a = arithmetic.short_number(a),
                                .f_b = arithmetic.short_number(b),
                                .f_mid = arithmetic.short_number(middle),
                                .bits = bits};
      look.tells = true;
      return look;
    }
    return look;
  }
};

}  // namespace

Rational drawn(Type type, int64_t integer, const Rational& unit) {
  if (is_floating(type)) return Rational(integer) * unit;
  if (type == Type::boolean) return integer & 1;
  return type == Type::u8 ? std::abs(integer) : integer;
}

bool is_enclosable(const Graph& graph, NodeId node) {
  constexpr int64_t most = int64_t{1} << 27;
  int64_t points = 0;
  for (const NodeId id : ancestors(graph, std::span(&node, 1))) {
    if (graph.node(id).role != Role::Apply) continue;
    if (has_lookup(graph.node(id))) return false;
    points += PointWalk(graph, id).count();
    if (points > most) return false;
  }
  return true;
}

bool with_enough_bits(const Graph& graph, NodeId node, const std::function<Look(int64_t)>& look) {
  constexpr int64_t least = 128, by_layer = 3, telling = 64, wide = 512;
  int64_t layers = 0;
  for (const NodeId id : ancestors(graph, std::span(&node, 1))) {
    const Node& each = graph.node(id);
    layers +=
        each.role == Role::Apply && each.op->combine == Combine::Sum && each.operands.size() > 1 ? 1 : 0;
  }
  const int64_t first = least + by_layer * layers;
  try {
    for (int64_t bits = first; bits > 0 && bits <= checker::kMostBits;) {
      const Look found = look(bits);
      if (found.tells) return true;
      if (!std::isfinite(found.widest) || found.widest == 0) return false;
      const int64_t wanted = std::ilogb(found.widest) + 1 + telling;
      // Where 64 bits say nothing, values may be far below 1: one more look.
      bits = wanted > bits ? wanted : bits == first ? first + wide : 0;
    }
  } catch (const checker::Refused&) {
    return false;
  }
  return false;
}

std::optional<NotAffineWitness> enclosed_witness(const Graph& graph, NodeId output, NodeId input) {
  if (!is_enclosable(graph, output)) return {};
  return Search(graph, output, input).run(2);
}

}  // namespace crease
