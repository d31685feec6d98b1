// "symmetry": the groups of rescalings and of signs, compared as row spaces, and what their elements do.
#include <cmath>

#include "graph/analysis/exact.h"
#include "graph/analysis/scaling.h"
#include "graph/error.h"
#include "tests/oracle/analyses/fields.h"
#include "tests/oracle/analyses/rows.h"

namespace crease::oracle {
namespace {

/// Positions of the parameters' entries in one flat order, then those of the outputs.
struct Flat {
  std::map<std::string, int64_t> base;
  int64_t count = 0;
};

Flat flat_order(const Network& network) {
  Flat flat;
  for (const Json& parameter : network.json.at("params")) {
    flat.base[parameter.at("name")] = flat.count;
    flat.count += static_cast<int64_t>(parameter.at("data").size());
  }
  return flat;
}

bool is_inert(const Network& network, const std::string& parameter, size_t entry) {
  const auto found = network.built.inert.find(parameter);
  return found != network.built.inert.end() && found->second.contains(static_cast<int64_t>(entry));
}

/// One row a coordinate of the group: exponents of the parameters' entries, then of the outputs' elements.
/// Entries that are structurally absent are left out.
template <class Group>
std::vector<Row> rows_of(const Network& network, const Group& group, bool with_outputs) {
  const Flat flat = flat_order(network);
  std::vector<Row> rows(static_cast<size_t>(group.dimension()));
  for (const std::string& name : network.built.parameters) {
    const auto exponents = group.exponents(network.built.graph.find(name).id());
    for (size_t i = 0; i < exponents.size(); ++i)
      for (const auto& [coordinate, coefficient] : exponents[i])
        if (!is_inert(network, name, i))
          rows[static_cast<size_t>(coordinate)][flat.base.at(name) + static_cast<int64_t>(i)] =
              as_rational(coefficient);
  }
  int64_t base = flat.count;
  for (const Output& output : network.built.graph.outputs()) {
    if (!with_outputs) break;
    const auto exponents = group.exponents(output.node);
    for (size_t i = 0; i < exponents.size(); ++i)
      for (const auto& [coordinate, coefficient] : exponents[i])
        rows[static_cast<size_t>(coordinate)][base + static_cast<int64_t>(i)] = as_rational(coefficient);
    base += static_cast<int64_t>(exponents.size());
  }
  return rows;
}

/// The rows that the file lists. Without "outputs", every output keeps its value. Errors: Error for anything
/// else than one integer an element.
std::vector<Row> expected_rows(const Json& basis, const Flat& flat, bool with_outputs) {
  std::vector<Row> rows;
  for (const Json& vector : basis) {
    Row& row = rows.emplace_back();
    const Json& outputs = vector.at("outputs");
    expect(vector.size() == 2 && (outputs.is_null() || (with_outputs && outputs.is_array())),
           "[oracle] a row of the basis has other fields than 'params' and 'outputs', or wrong ones");
    for (const auto& [name, entries] : vector.at("params").items())
      for (const auto& [entry, exponent] : entries.items())
        row[flat.base.at(name) + std::stoll(entry)] = Rational(exponent.get<int64_t>());
    for (size_t i = 0; i < outputs.size(); ++i)
      if (const auto exponent = outputs[i].get<int64_t>(); exponent != 0)
        row[flat.count + static_cast<int64_t>(i)] = Rational(exponent);
  }
  return rows;
}

void compare(const std::vector<Row>& got, const std::vector<Row>& want, int64_t dimension, Field2 field,
             Outcome& outcome) {
  outcome.check(rank(got, field) == dimension, "dimension is {}, want {}", rank(got, field), dimension);
  std::vector<Row> together = got;
  together.insert(together.end(), want.begin(), want.end());
  outcome.check(rank(want, field) == dimension && rank(together, field) == dimension,
                "the row spaces differ");
}

void check_group(const Json& expected, const Network& network, ScalingMode mode, Outcome& outcome) {
  const bool outputs = mode != ScalingMode::Invariance;
  const ScalingGroup group = scaling_group(network.built.graph, {.mode = mode});
  compare(rows_of(network, group, outputs), expected_rows(expected.at("basis"), flat_order(network), outputs),
          expected.at("dim"), Field2::No, outcome);
}

/// Rows by tensor: one column for each parameter, then one for each output.
void check_tensors(const Json& expected, const Network& network, ScalingMode mode, Outcome& outcome) {
  const Graph& graph = network.built.graph;
  const ScalingGroup group = scaling_group(graph, {mode, ScalingUnit::Tensor});
  std::vector<NodeId> tensors;
  for (const Json& name : expected.at("params")) tensors.push_back(graph.find(name).id());
  for (const Json& name : expected.at("outputs")) tensors.push_back(network.id(name));
  std::vector<Row> got(static_cast<size_t>(group.dimension())), want;
  for (size_t k = 0; k < tensors.size(); ++k) {
    const auto exponents = group.exponents(tensors[k]);
    for (const auto& [coordinate, coefficient] : exponents.at(0))
      got[static_cast<size_t>(coordinate)][static_cast<int64_t>(k)] = coefficient;
  }
  for (const Json& vector : expected.at("basis")) {
    Row& row = want.emplace_back();
    for (size_t k = 0; k < vector.size(); ++k)
      if (const auto exponent = vector[k].get<int64_t>(); exponent != 0)
        row[static_cast<int64_t>(k)] = Rational(exponent);
  }
  compare(got, want, expected.at("dim"), Field2::No, outcome);
}

std::vector<Row> sign_rows(const Network& network) {
  return rows_of(network, sign_group(network.built.graph), false);
}

/// The network with every entry of its parameters multiplied by factor(name, entry).
template <class Factor>
Graph with_factors(const Network& network, const Factor& factor) {
  Graph graph = network.built.graph;
  for (const std::string& name : network.built.parameters) {
    Tensor value = graph.find(name).node().value;
    for (int64_t i = 0; i < value.count(); ++i) value.set(i, value.at(i) * factor(name, i));
    graph.set_parameter(name, value);
  }
  return graph;
}

}  // namespace

void check_invariance(const Json& expected, const Network& network, Outcome& outcome) {
  check_group(expected, network, ScalingMode::Invariance, outcome);
}
void check_common_scale(const Json& expected, const Network& network, Outcome& outcome) {
  check_group(expected, network, ScalingMode::CommonOutputScale, outcome);
}
void check_equivariance(const Json& expected, const Network& network, Outcome& outcome) {
  check_group(expected, network, ScalingMode::OutputEquivariance, outcome);
}
void check_tensor_invariance(const Json& expected, const Network& network, Outcome& outcome) {
  check_tensors(expected, network, ScalingMode::Invariance, outcome);
}
void check_tensor_equivariance(const Json& expected, const Network& network, Outcome& outcome) {
  check_tensors(expected, network, ScalingMode::OutputEquivariance, outcome);
}

/// The elements of the group that keep every statistic: "state" parameters.
void check_fixed_state(const Json& expected, const Network& network, Outcome& outcome) {
  const std::vector<Row> rows = rows_of(network, scaling_group(network.built.graph), false);
  const Flat flat = flat_order(network);
  std::vector<Row> state(rows.size());
  for (const Json& parameter : network.json.at("params")) {
    if (parameter.at("kind") != "state") continue;
    const int64_t first = flat.base.at(parameter.at("name"));
    const int64_t last = first + static_cast<int64_t>(parameter.at("data").size());
    for (size_t k = 0; k < rows.size(); ++k)
      for (const auto& [column, value] : rows[k])
        if (column >= first && column < last) state[k][column] = value;
  }
  const int64_t dimension = rank(rows, Field2::No) - rank(state, Field2::No);
  outcome.check(dimension == expected, "dimension is {}, want {}", dimension, expected.dump());
}

void check_sign_dimension(const Json& expected, const Network& network, Outcome& outcome) {
  const int64_t dimension = rank(sign_rows(network), Field2::Yes);
  outcome.check(dimension == expected, "dimension is {}, want {}", dimension, expected.dump());
}

void check_sign_basis(const Json& expected, const Network& network, Outcome& outcome) {
  const Flat flat = flat_order(network);
  std::vector<Row> want;
  for (const Json& vector : expected) {
    Row& row = want.emplace_back();
    for (const auto& [name, entries] : vector.items())
      for (const Json& entry : entries) row[flat.base.at(name) + entry.get<int64_t>()] = Rational(1);
  }
  compare(sign_rows(network), want, static_cast<int64_t>(want.size()), Field2::Yes, outcome);
}

void check_sign_flips(const Json& expected, const Network& network, Outcome& outcome) {
  outcome.check(expected == true, "want true");
  const SignGroup group = sign_group(network.built.graph);
  for (int k = 0; k < group.dimension(); ++k) {
    const Graph flipped = with_factors(network, [&](const std::string& name, int64_t entry) {
      const auto form = group.exponents(network.built.graph.find(name).id()).at(static_cast<size_t>(entry));
      const bool odd = std::ranges::any_of(form, [&](const auto& term) { return term.first == k; });
      return odd ? -1.0 : 1.0;
    });
    for (const Json& sample : network.json.at("data")) {
      const auto point = network.inputs_at(sample);
      outcome.check(network.outputs_at(flipped, point) == network.outputs_at(network.built.graph, point),
                    "flip {} changes an output", k);
    }
  }
}

void check_rescaled(const Json& expected, const Network& network, Outcome& outcome) {
  const Json& symmetry = network.json.at("expected").at("symmetry");
  const auto t = expected.at("t").get<std::vector<int64_t>>();
  const Graph scaled = with_factors(network, [&](const std::string& name, int64_t entry) {
    int64_t exponent = 0;
    for (size_t k = 0; k < t.size(); ++k) {
      const Json& entries = symmetry.at("invariance").at("basis")[k].at("params").value(name, Json::object());
      exponent += t[k] * entries.value(std::to_string(entry), int64_t{0});
    }
    return std::exp2(static_cast<double>(exponent));
  });
  for (const auto& [name, data] : expected.at("rescaled_params").items())
    outcome.check(exact_values(scaled.find(name).node().value) == numbers(data), "{} differs", name);
  for (const Json& point : expected.at("points")) {
    const auto inputs = network.inputs_at(point.at("x"));
    const auto before = network.outputs_at(network.built.graph, inputs);
    outcome.check(before && before == network.outputs_at(scaled, inputs), "an output changes");
    outcome.check(before == numbers(point.at("y")), "an output has another value");
  }
}

/// Every element of the group multiplies each output by its own factor, exactly.
void check_rescaled_outputs(const Json& expected, const Network& network, Outcome& outcome) {
  outcome.check(expected == true, "want true");
  const Graph& graph = network.built.graph;
  const ScalingGroup group = scaling_group(graph, {.mode = ScalingMode::OutputEquivariance});
  std::vector<double> t;
  for (int k = 0; k < group.dimension(); ++k) t.push_back(2 * (k % 3) - 2);
  const auto exponent = [&](const LinearForm<Rational>& form) {
    Rational sum;
    for (const auto& [k, coefficient] : form) sum += coefficient * Rational::of(t[static_cast<size_t>(k)]);
    return sum.to_double();
  };
  const Graph scaled = rescaled(graph, group, t);
  for (const Json& sample : network.json.at("data")) {
    const auto point = network.inputs_at(sample);
    auto want = network.outputs_at(graph, point);
    size_t next = 0;
    for (const Output& output : graph.outputs())
      for (const auto& form : group.exponents(output.node)) {
        if (want) want->at(next) *= Rational::of(std::exp2(exponent(form)));
        ++next;
      }
    outcome.check(network.outputs_at(scaled, point) == want, "an output is not multiplied by its factor");
  }
}

}  // namespace crease::oracle
