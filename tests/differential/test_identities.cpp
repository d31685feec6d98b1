// Every row of the table of equations between kinked functions, at its kinks: values and directional
// derivatives agree always, selected slopes under the rules that the row names and under no other.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/identities.h"
#include "graph/rewrite/simplify.h"
#include "graph/verify.h"

using namespace crease;

namespace {

using Point = std::vector<double>;

/// On the kinks of some row, and beside them.
const std::vector<Point> points{{0, 0},  {1, 1}, {-1, -1},    {-1, 0}, {0, -1},
                                {1, -1}, {0, 2}, {0.5, 0.25}, {-3, 4}};
const std::vector<Tie> selecting{Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm};

using Side = Value (*)(const Value&);

/// The numbers; NaN, which equals nothing, as a number that no slope is.
Point list(const Tensor& tensor) {
  Point result;
  for (int64_t i = 0; i < tensor.count(); ++i)
    result.push_back(std::isnan(tensor.at(i)) ? 1e300 : tensor.at(i));
  return result;
}

/// Derivatives of sum(side(x)) at all points, one after the other.
template <class Derivative>
std::vector<Point> at_points(Side side, const Derivative& derivative) {
  std::vector<Point> results;
  for (const Point& point : points) {
    Graph graph;
    const Value x = graph.input("x", {2}, Type::f64);
    const Value wanted = derivative(sum(side(x)), x);
    results.push_back(list(evaluate(wanted, {{"x", Tensor::f64({2}, point)}})));
  }
  return results;
}

std::vector<Point> selected(Side side, const Tie& tie) {
  return at_points(side, [&](const Value& loss, const Value& x) { return grad(loss, x, {.tie = tie}); });
}

}  // namespace

TEST_CASE("both sides of an equation have one value, one directional derivative and one locked gradient") {
  for (const KinkIdentity& row : kink_identities()) {
    CAPTURE(std::string(row.text));
    const auto value = [](const Value& loss, const Value&) { return loss; };
    CHECK(at_points(row.before, value) == at_points(row.after, value));
    for (const Point& direction :
         {Point{1, 0}, Point{0, 1}, Point{-1, 0}, Point{0, -1}, Point{3, -2}, Point{-5, 7}}) {
      const auto tangent = [&](const Value& x) {
        return x.graph().handle().constant(Tensor::f64({2}, direction));
      };
      const auto along = [&](const Value& loss, const Value& x) {
        return directional_derivative(loss, x, tangent(x));
      };
      CHECK(at_points(row.before, along) == at_points(row.after, along));
      if (direction[0] == 0 || direction[1] == 0) continue;  // leaves ties undecided
      const auto locked = [&](const Value& loss, const Value& x) {
        return locked_grad(loss, {&x, 1}, {{tangent(x)}}).gradient[0];
      };
      CHECK(at_points(row.before, locked) == at_points(row.after, locked));
    }
  }
}

TEST_CASE("both sides select the same slopes under the rules that the row names, and under no other") {
  for (const KinkIdentity& row : kink_identities())
    for (const Tie& tie : selecting) {
      CAPTURE(std::string(row.text));
      CAPTURE(to_string(tie));
      CHECK((selected(row.before, tie) == selected(row.after, tie)) == is_free(row, tie));
      const std::optional<Tie> other = exchanged(tie);
      if (row.keeps_if_exchanged && other) CHECK(selected(row.before, tie) == selected(row.after, *other));
    }
}

TEST_CASE("an equation says what it keeps") {
  const auto kept = [](std::string_view text) {
    for (const KinkIdentity& row : kink_identities())
      if (row.text == text) return kept_gradients(row);
    return std::string("there is no such row");
  };
  CHECK(kept("max(x, x) = x") == "gradients under every rule but trap");
  CHECK(kept("relu(x) - relu(-x) = x") == "gradients under mid");
  CHECK(kept("sqrt(x x) = |x|") == "gradients under no rule");
  CHECK(exchanged(Tie::value(0.25)) == Tie::value(0.75));
  CHECK(exchanged(Tie::mid) == Tie::mid);
  CHECK_FALSE(exchanged(Tie::min_norm));
  CHECK_FALSE(exchanged(Tie::trap));
}

TEST_CASE("simplify never goes from one side to the other where that is not free") {
  for (const KinkIdentity& row : kink_identities())
    for (const Tie& tie : selecting) {
      CAPTURE(std::string(row.text));
      CAPTURE(to_string(tie));
      for (const Point& point : points) {
        Graph graph;
        graph.set_tie(tie);
        const Value x = graph.input("x", {2}, Type::f64);
        graph.output("loss", sum(row.before(x)));
        for (const auto& [derivatives, assume] : {std::pair{Derivatives::Open, Assume::Nothing},
                                                  {Derivatives::Open, Assume::Finite},
                                                  {Derivatives::Settled, Assume::Nothing},
                                                  {Derivatives::Settled, Assume::Finite}}) {
          const Graph simpler = simplify(graph, derivatives, assume).graph;
          const auto gradient = [&](const Graph& of) {
            return list(evaluate(grad(of.result("loss"), of.find("x")), {{"x", Tensor::f64({2}, point)}}));
          };
          CHECK(gradient(simpler) == gradient(graph));
        }
      }
    }
}

TEST_CASE("simplify uses the equations that shorten where they are free, and nowhere else") {
  const auto operations = [](const Graph& graph) {
    int count = 0;
    for (NodeId id = 0; id < graph.size(); ++id) count += graph.node(id).role == Role::Apply ? 1 : 0;
    return count;
  };
  for (const KinkIdentity& row : kink_identities())
    for (const Tie& tie : selecting)
      for (const bool own : {false, true}) {
        if (!row.shortens) continue;
        CAPTURE(std::string(row.text));
        CAPTURE(to_string(tie));
        CAPTURE(own);
        Graph graph, other;
        graph.output("y", row.before(graph.input("x", {3, 2})));
        other.output("y", row.after(other.input("x", {3, 2})));
        if (!own) graph.set_tie(tie);
        for (NodeId id = 0; own && id < graph.size(); ++id) graph.set_tie(graph.value(id), tie);
        const auto left = [&](Derivatives derivatives, Assume assume) {
          const Rewrite result = simplify(graph, derivatives, assume);
          CHECK_NOTHROW(verify_pass(graph, result, "simplify"));
          return operations(result.graph);
        };
        const int before = operations(graph), after = is_free(row, tie) ? operations(other) : before;
        CHECK(left(Derivatives::Settled, Assume::Finite) == after);
        CHECK(left(Derivatives::Open, Assume::Finite) == (own ? after : before));
        CHECK(left(Derivatives::Settled, Assume::Nothing) == before);
      }
}

TEST_CASE("an equation is not used where its kinks follow different rules") {
  Graph graph;
  const Value x = graph.input("x", {3}), positive = relu(x), negative = relu(-x);
  graph.set_tie(positive, Tie::mid);
  graph.set_tie(negative, Tie::left);
  graph.output("y", positive - negative);
  CHECK(simplify(graph, Derivatives::Settled, Assume::Finite).graph.size() == graph.size());
}
