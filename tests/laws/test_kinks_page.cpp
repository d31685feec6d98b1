// The tables of docs/kinks.md are what the catalogue and the table of equations say.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdlib>

#include "autodiff/directional.h"
#include "autodiff/ties.h"
#include "frontends/file.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/identities.h"
#include "tests/files.h"
#include "tests/laws/subjects.h"

namespace crease {
namespace {

using List = std::vector<double>;

const std::vector<Tie> rules{Tie::left, Tie::right, Tie::mid, Tie::min_norm};
constexpr const char* systems[] = {"pytorch", "jax", "tensorflow", "tinygrad", "mlx"};

/// A slope as a fraction with a small denominator, else with four digits.
std::string number(double value) {
  for (int denominator = 1; denominator <= 16; ++denominator) {
    const double numerator = value * denominator;
    if (std::abs(numerator - std::round(numerator)) > 1e-12) continue;
    const auto whole = static_cast<int>(std::round(numerator));
    return denominator == 1 ? fmt::format("{}", whole) : fmt::format("{}/{}", whole, denominator);
  }
  return fmt::format("{:.4g}", value);
}

std::string numbers(const List& list) {
  std::vector<std::string> texts;
  for (const double value : list) texts.push_back(number(value));
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// An operation at one of its kinks: a function of the operands, each with one element, and where they are.
struct Place {
  std::string operation, where;
  std::function<Value(Graph&, const std::vector<Value>&)> apply;
  List at;
};

struct Made {
  Graph graph;
  std::vector<Value> operands;
  Value y;
  Bindings inputs;
};

Made make(const Place& place) {
  Graph graph;
  std::vector<Value> operands;
  Bindings inputs;
  for (const double value : place.at) {
    const std::string name = "x" + std::to_string(operands.size());
    operands.push_back(graph.input(name, {1}, Type::f64));
    inputs.emplace(name, Tensor::f64({1}, {value}));
  }
  const Value y = place.apply(graph, operands);
  return {graph.handle(), operands, sum(y), inputs};
}

std::string slopes(const Place& place, const GradOptions& options) {
  const Made made = make(place);
  List list;
  for (const Tensor& slope : evaluate(made.graph, made.inputs, grad(made.y, made.operands, options)))
    list.push_back(slope.item());
  return numbers(list);
}

/// f'(x; d e) for d = -1 and 1 in the first operand.
std::string limits(const Place& place) {
  List list;
  for (const double direction : {-1.0, 1.0}) {
    const Made made = make(place);
    const Value d = made.graph.handle().constant(Tensor::f64({1}, {direction}));
    list.push_back(evaluate(directional_derivative(made.y, made.operands[0], d), made.inputs).item());
  }
  return numbers(list);
}

std::string row(const Place& place) {
  std::string text = fmt::format("| {} | {} |", place.operation, place.where);
  for (const Tie& tie : rules) text += fmt::format(" {} |", slopes(place, {.tie = tie}));
  text += fmt::format(" {} |", limits(place));
  for (const char* system : systems) {
    const TieTable table = *ties::named(system);
    const bool is_known = table.by_operation.contains(place.operation) || place.operation == "relu" ||
                          place.operation == "leaky_relu";
    text += fmt::format(" {} |", is_known ? slopes(place, {.table = table}) : "");
  }
  return text + "\n";
}

/// The kinks and jumps of the maps of one argument, of those at multiples of 1/4, where the derivative is not
/// one number on both sides.
std::vector<Place> maps() {
  std::vector<Place> places;
  for (const CatalogRow& entry : catalog()) {
    if (!entry.op.loops.empty() || entry.op.body.arity != 1 || entry.op.type != ResultType::Promoted)
      continue;
    for (const double at : laws::kinks_of(entry.op.body.expression)) {
      if (entry.name == "floor" && at != 0) continue;  // all integers alike
      places.push_back({entry.name,
                        fmt::format("x = {}", number(at)),
                        [op = entry.op](Graph& graph, const std::vector<Value>& x) {
                          return graph.apply(std::make_shared<const Op>(op), x,
                                             std::source_location::current());
                        },
                        {at}});
    }
  }
  return places;
}

/// Ties of several arguments, of value 1.
std::vector<Place> ties_of_arguments() {
  const auto of_vector = [](Value (*f)(const Value&)) {
    return [f](Graph&, const std::vector<Value>& x) { return f(concat(x, 0)); };
  };
  const auto of_pair = [](Value (*f)(const Value&, const Value&)) {
    return [f](Graph&, const std::vector<Value>& x) { return f(x[0], x[1]); };
  };
  const List two{1, 1}, three{1, 1, 1};
  return {
      {"maximum", "a = b", of_pair([](const Value& a, const Value& b) { return max(a, b); }), two},
      {"minimum", "a = b", of_pair([](const Value& a, const Value& b) { return min(a, b); }), two},
      {"prelu",
       "x = 0, slope 1/4",
       of_pair([](const Value& x, const Value& a) { return prelu(x, a); }),
       {0, 0.25}},
      {"reduce_max", "three tied", of_vector([](const Value& x) { return reduce_max(x); }), three},
      {"reduce_min", "three tied", of_vector([](const Value& x) { return reduce_min(x); }), three},
      {"maxout", "three tied", of_vector([](const Value& x) { return maxout(x, 3); }), three},
      {"max_pool1d", "three tied",
       of_vector([](const Value& x) { return max_pool1d(reshape(x, {1, 1, 3}), {.window = {3}}); }), three},
      {"max_pool2d", "three tied",
       of_vector([](const Value& x) { return max_pool2d(reshape(x, {1, 1, 1, 3}), {.window = {1, 3}}); }),
       three},
      {"kth_smallest", "median of three tied", of_vector([](const Value& x) { return kth_smallest(x, 1); }),
       three}};
}

std::string operations() {
  std::string text =
      "| operation | at | left | right | mid | min_norm | exact along -1, +1 | PyTorch | JAX | TensorFlow | "
      "tinygrad "
      "| MLX |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (const Place& place : maps()) text += row(place);
  for (const Place& place : ties_of_arguments()) text += row(place);
  return text;
}

std::string equations() {
  std::string text =
      "| equation | keeps, beside values and directional derivatives | and if the other side is taken after "
      "it | if |\n"
      "| --- | --- | --- | --- |\n";
  for (const KinkIdentity& identity : kink_identities()) {
    std::string written(identity.text);
    for (size_t at = 0; (at = written.find('|', at)) != std::string::npos; at += 2)
      written.replace(at, 1, "\\|");
    text += fmt::format("| {} | {} | {} | {} |\n", written, kept_gradients(identity),
                        identity.keeps_if_exchanged ? "left, right, value(s)" : "", identity.condition);
  }
  return text;
}

/// The page with what stands between the marks of a table replaced.
std::string with_table(const std::string& page, const std::string& name, const std::string& table) {
  const std::string start = "<!-- " + name + ": generated -->\n", end = "<!-- end of " + name + " -->";
  const size_t from = page.find(start), to = page.find(end);
  if (from == std::string::npos || to == std::string::npos) return "the page has no table '" + name + "'";
  return page.substr(0, from + start.size()) + table + page.substr(to);
}

TEST_CASE("the tables of docs/kinks.md say what the catalogue and the equations say") {
  const auto path = test::source_file("docs/kinks.md");
  const std::string page = read_file(path);
  const std::string wanted =
      with_table(with_table(page, "operations", operations()), "equations", equations());
  if (std::getenv("CREASE_UPDATE_GOLDEN") != nullptr) write_file_atomically(path, wanted);
  CHECK(wanted == page);
}

}  // namespace
}  // namespace crease
