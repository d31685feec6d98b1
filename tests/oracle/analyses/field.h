// What a field of the analyses oracle is, and the fields that there are.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

#include "graph/analysis/exact.h"
#include "graph/analysis/linearity.h"
#include "tests/graph/analysis/oracle_network.h"

namespace crease::oracle {

using Json = nlohmann::json;

/// A network of the file, built.
struct Network {
  explicit Network(const Json& description)
      : json(description), built(test::build_network(description)), facts(linearity(built.graph)) {}

  /// The node with this name in the file.
  NodeId id(const std::string& name) const { return built.values.at(name).id(); }
  /// The name of a node in the file, empty for nodes that the file has not.
  std::string name(NodeId id) const;

  /// A point of the file, which lists the elements of all inputs in order.
  std::map<NodeId, ExactValues> inputs_at(const Json& point) const;
  /// All elements of all outputs in order; nothing without a rational value. `graph`: this or another with
  /// the same nodes.
  std::optional<ExactValues> outputs_at(const Graph& graph,
                                        const std::map<NodeId, ExactValues>& inputs) const;

  const Json& json;
  test::OracleNetwork built;
  Linearity facts;
};

/// Whether one field of one case holds: the first thing that does not is kept.
class Outcome {
 public:
  template <class... Arguments>
  bool check(bool holds, fmt::format_string<Arguments...> what, Arguments&&... arguments) {
    if (!holds && failure_.empty()) failure_ = fmt::format(what, std::forward<Arguments>(arguments)...);
    return holds;
  }
  const std::string& failure() const { return failure_; }

 private:
  std::string failure_;
};

/// A field of a network's expectations, by its path: "collapse", "class/nodes".
struct Field {
  std::string_view path;
  void (*check)(const Json& expected, const Network& network, Outcome& outcome);
};
std::span<const Field> network_fields();

/// A field of an activation.
struct ActivationField {
  std::string_view name;
  void (*check)(const Json& expected, const Scalar& body, Outcome& outcome);
};
std::span<const ActivationField> activation_fields();
/// The body that the file names. Errors: Error for a name that is not known.
Scalar activation_body(const std::string& name);

/// What an object of the file describes.
enum class Described : uint8_t { File, Network, Expected, Pair };
/// Paths of keys, at any depth, that the schema does not have. The cases of a file, a network's expectations
/// and the networks of a pair are asked about on their own.
std::vector<std::string> unknown_keys(const Json& json, Described what);

/// Exact numbers of the file.
Rational number(const Json& text);
std::vector<Rational> numbers(const Json& list);

}  // namespace crease::oracle
