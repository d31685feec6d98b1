// The checker's side of "rescaling-invariance": carries given exponents of parameters forward through every
// node, element by element, and refuses where they do not fit. Written apart from the analysis
// (scaling*.cpp): it solves nothing, it only adds and compares.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_any_points.h"
#include "graph/analysis/check_fields.h"
#include "graph/analysis/check_kinds.h"
#include "graph/analysis/check_replay.h"
#include "graph/scalar/forms.h"

namespace crease::checker {
namespace {

using Json = nlohmann::json;

/// Exponent of an element's factor: sum of coefficient * t_k, ascending k, no zeros. `zero`: the element is 0
/// whatever the data are, so that any factor may be said of it.
struct Scale {
  bool zero = false;
  std::vector<std::pair<int, Rational>> terms = {};
  bool is_one() const { return zero || terms.empty(); }
};

Scale sum(const Scale& a, const Scale& b, const Rational& factor) {
  if (a.zero || b.terms.empty()) return a;
  Scale result;
  auto i = a.terms.begin();
  auto j = b.terms.begin();
  while (i != a.terms.end() || j != b.terms.end()) {
    if (j == b.terms.end() || (i != a.terms.end() && i->first < j->first)) {
      result.terms.push_back(*i++);
    } else if (i == a.terms.end() || j->first < i->first) {
      result.terms.emplace_back(j->first, factor * j->second);
      ++j;
    } else {
      const Rational total = i->second + factor * j->second;
      if (!total.is_zero()) result.terms.emplace_back(i->first, total);
      ++i, ++j;
    }
  }
  return result;
}

/// Two values that must have one factor.
Scale same(const Scale& a, const Scale& b) {
  if (a.zero) return b;
  if (b.zero || a.terms == b.terms) return a;
  throw Refused("values with different factors are added or compared");
}

Scale one(const Scale& a) {
  if (!a.is_one()) throw Refused("a function that is not homogeneous gets a factor");
  return {};
}

Scale scale_of(const Scalar& e, std::span<const Scale> terms, std::span<const Scale> arguments) {
  switch (e.kind()) {
    case ScalarKind::Constant: return {.zero = e.constant() == 0 || std::isinf(e.constant())};
    case ScalarKind::Argument: return arguments[static_cast<size_t>(e.position())];
    case ScalarKind::Index:
    case ScalarKind::Size: return {};
    case ScalarKind::Negate: return terms[0];
    case ScalarKind::Add:
    case ScalarKind::Subtract:
    case ScalarKind::Max:
    case ScalarKind::Min: return same(terms[0], terms[1]);
    case ScalarKind::Multiply: {
      const Scale &a = terms[0], &b = terms[1];
      return a.zero || b.zero ? Scale{.zero = true} : sum(a, b, 1);
    }
    case ScalarKind::Divide: return sum(terms[0], terms[1], -1);
    case ScalarKind::Sqrt: {
      const Scale& a = terms[0];
      return a.zero ? a : sum({}, a, Rational(1, 2));
    }
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal: same(terms[0], terms[1]); return {};
    case ScalarKind::Select: one(terms[0]); return same(terms[1], terms[2]);
    case ScalarKind::And:
    case ScalarKind::Or: one(terms[0]); return one(terms[1]);
    case ScalarKind::Not:
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sin:
    case ScalarKind::Cos:
    case ScalarKind::Tanh:
    case ScalarKind::Sigmoid:
    case ScalarKind::Softplus:
    case ScalarKind::Erf:
    case ScalarKind::Floor: return one(terms[0]);
  }
  return {};
}

Scale scale_of(const Scalar& body, std::span<const Scale> arguments) {
  return fold_steps<Scale>(
      body, [&](const Scalar& e, std::span<const Scale> terms) { return scale_of(e, terms, arguments); });
}

using Scales = std::vector<Scale>;

/// Exponents of parameters by name, and how many coordinates they are forms over.
struct Claim {
  std::map<NodeId, Scales> parameters = {};
  int dimension = 0;
  std::optional<std::map<NodeId, Scales>> results = {};  // said of named results; absent: nothing is said
};

Scale parse_form(const Json& form) {
  Scale scale;
  for (const Json& term : form) {
    if (term.size() != 2) throw Refused("a term is not a coordinate and a number");
    scale.terms.emplace_back(term.at(0).get<int>(), Rational::parse(term.at(1).get<std::string>()));
  }
  const auto ascending = [](const auto& a, const auto& b) {
    return a.first < b.first && !b.second.is_zero();
  };
  for (size_t i = 1; i < scale.terms.size(); ++i)
    if (!ascending(scale.terms[i - 1], scale.terms[i])) throw Refused("a form is not in order");
  return scale;
}

NodeId parameter_node(const Graph& graph, const std::string& name) {
  const NodeId id = node_of_key(graph, name);
  if (graph.node(id).role != Role::Parameter) throw Refused(name + " is not a parameter");
  return id;
}

/// One list of forms for each axis (empty: no change along it); an element's exponent is their sum.
Scales by_axes(const Json& axes, const std::vector<int64_t>& sizes, const std::string& name) {
  if (axes.size() != sizes.size()) throw Refused("wrong number of axes for " + name);
  Scales scales(1);
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    std::vector<Scale> along;
    for (const Json& form : axes[axis]) along.push_back(parse_form(form));
    if (along.empty()) along.resize(static_cast<size_t>(sizes[axis]));
    if (along.size() != static_cast<size_t>(sizes[axis]))
      throw Refused("wrong number of exponents for " + name);
    Scales longer;
    for (const Scale& scale : scales)
      for (const Scale& more : along) longer.push_back(sum(scale, more, 1));
    scales = std::move(longer);
  }
  return scales;
}

Claim read_exponents(const Json& certificate, const Graph& graph) {
  Claim claim{.dimension = certificate.at("dimension").get<int>()};
  for (const auto& [name, given] : certificate.at("exponents").items()) {
    const NodeId id = parameter_node(graph, name);
    const Tensor& value = graph.node(id).value;
    Scales& scales = claim.parameters[id];
    if (given.is_array()) {
      scales = by_axes(given, value.sizes(), name);
      continue;
    }
    for (const Json& form : given.at("elements")) scales.push_back(parse_form(form));
    if (scales.size() != static_cast<size_t>(value.count()))
      throw Refused("wrong number of exponents for " + name);
  }
  return claim;
}

/// Exponents of elements in direction k: {"0": "1", "3": "-1"}.
void read_direction(const Json& entries, int k, size_t count, Scales& scales) {
  scales.resize(count);
  for (const auto& [element, exponent] : entries.items()) {
    size_t place = 0;
    const char* const end = element.data() + element.size();
    const auto read = std::from_chars(element.data(), end, place);
    if (read.ec != std::errc() || read.ptr != end || place >= count) throw Refused("no element " + element);
    const Rational value = Rational::parse(exponent.get<std::string>());
    auto& terms = scales[place].terms;
    if (!terms.empty() && terms.back().first == k) throw Refused("element " + element + " is named twice");
    if (!value.is_zero()) terms.emplace_back(k, value);
  }
}

/// A list of vectors, each with its exponents by parameter and element, and by result and element.
Claim read_basis(const Json& basis, const Graph& graph) {
  Claim claim{.dimension = static_cast<int>(basis.size())};
  claim.results.emplace();
  for (size_t k = 0; k < basis.size(); ++k) {
    require_fields(basis[k], {"params", "tensors"}, {});
    for (const auto& [name, entries] : basis[k].at("params").items()) {
      const NodeId id = parameter_node(graph, name);
      const auto count = static_cast<size_t>(graph.node(id).value.count());
      read_direction(entries, static_cast<int>(k), count, claim.parameters[id]);
    }
    for (const auto& [name, entries] : basis[k].at("tensors").items()) {
      const NodeId id = node_of_key(graph, name);
      const auto count = static_cast<size_t>(sample_size(graph.node(id).shape));
      read_direction(entries, static_cast<int>(k), count, (*claim.results)[id]);
    }
  }
  return claim;
}

/// Rank of forms, by elimination; stops at `enough`.
int rank(const std::vector<const Scale*>& forms, int enough) {
  std::map<int, Scale> rows;  // by pivot, whose coefficient is 1
  for (const Scale* form : forms) {
    Scale row = *form;
    while (!row.terms.empty()) {
      const auto [pivot, coefficient] = row.terms.front();
      const auto found = rows.find(pivot);
      if (found == rows.end()) {
        rows.emplace(pivot, sum({}, row, Rational(1) / coefficient));
        break;
      }
      row = sum(row, found->second, -coefficient);
    }
    if (static_cast<int>(rows.size()) == enough) break;
  }
  return static_cast<int>(rows.size());
}

void require_independent(const Json& certificate, const Claim& claim, const Graph& graph) {
  std::vector<const Scale*> forms;
  if (!claim.results && certificate.at("independent").size() > static_cast<size_t>(claim.dimension))
    throw Refused("more entries than coordinates are to show independence");
  if (!claim.results)
    for (const Json& entry : certificate.at("independent")) {
      const auto found = claim.parameters.find(parameter_node(graph, entry.at(0).get<std::string>()));
      const auto element = entry.at(1).get<size_t>();
      if (found == claim.parameters.end() || element >= found->second.size() || entry.size() != 2)
        throw Refused("no exponent for an entry that shows independence");
      forms.push_back(&found->second[element]);
    }
  else
    for (const auto& [id, scales] : claim.parameters)
      for (const Scale& scale : scales) forms.push_back(&scale);
  const int found = rank(forms, claim.dimension);
  if (found < claim.dimension)
    throw Refused("the directions are dependent: rank " + std::to_string(found) + ", claimed " +
                  std::to_string(claim.dimension));
}

/// Exponents of the terms of a node put together by element of its result.
class Combiner {
 public:
  Combiner(const Graph& graph, const Node& node, int64_t count)
      : node_(node),
        counted_(has_known_count(graph, node)),
        result_(static_cast<size_t>(count), Scale{.zero = node.op->combine != Combine::Product}),
        seen_(result_.size(), false) {}

  void add(int64_t element, const Scale& term) {
    const auto place = static_cast<size_t>(element);
    if (!is_floating(node_.type) && !compares()) one(term);
    if (node_.op->combine == Combine::Product) {
      const Scale factor = counted_ ? term : one(term);
      result_[place] = !seen_[place]                        ? factor
                       : result_[place].zero || factor.zero ? Scale{.zero = true}
                                                            : sum(result_[place], factor, 1);
    } else {
      result_[place] = seen_[place] ? same(result_[place], term) : term;
    }
    seen_[place] = true;
  }

  /// Integers and truth values are never rescaled.
  Scales take() {
    if (!is_floating(node_.type)) result_.assign(result_.size(), Scale{});
    return std::move(result_);
  }

 private:
  const Node& node_;
  const bool counted_;
  Scales result_;
  std::vector<bool> seen_;

  bool compares() const { return gives_position(node_.op->combine); }
};

/// Carries exponents from leaves to outputs.
class Carrier {
 public:
  Carrier(const Graph& graph, const Claim& claim)
      : graph_(graph), claim_(claim), scales_(static_cast<size_t>(graph.size())) {}

  void run() {
    std::vector<NodeId> results;
    for (const Output& output : graph_.outputs()) results.push_back(output.node);
    for (const NodeId id : ancestors(graph_, results)) {
      try {
        scales_[static_cast<size_t>(id)] = of(id);
        if (claim_.results) compare_results(id);
      } catch (const Refused& refused) {
        throw Refused(describe(graph_, id) + ": " + refused.what());
      }
    }
    for (const Output& output : graph_.outputs())
      for (const Scale& scale : scales_[static_cast<size_t>(output.node)])
        if (!scale.is_one()) throw Refused("output " + output.name + " gets a factor");
  }

 private:
  const Graph& graph_;
  const Claim& claim_;
  std::vector<Scales> scales_;

  /// What is said of a named result must be what follows from the parameters; nothing said is no factor.
  void compare_results(NodeId id) const {
    const Node& node = graph_.node(id);
    const Scales& derived = scales_[static_cast<size_t>(id)];
    const auto found = claim_.results->find(id);
    if (found == claim_.results->end() && (node.role != Role::Apply || node.name.empty())) return;
    for (size_t i = 0; i < derived.size(); ++i) {
      const Scale claimed = found == claim_.results->end() ? Scale{} : found->second[i];
      if (!derived[i].zero && derived[i].terms != claimed.terms)
        throw Refused("element " + std::to_string(i) + " has another factor than the certificate claims");
    }
  }

  Scales of(NodeId id) const {
    const Node& node = graph_.node(id);
    Scales scales(static_cast<size_t>(sample_size(node.shape)));
    if (node.role == Role::Apply) return carried(node, scales.size());
    if (node.role == Role::Scan) require_untouched(node);
    if (node.role == Role::Parameter && claim_.parameters.contains(id)) {
      scales = claim_.parameters.at(id);
      if (!is_floating(node.type))
        for (const Scale& scale : scales) one(scale);
    }
    if (node.role == Role::Constant && is_floating(node.type))
      for (size_t i = 0; i < scales.size(); ++i) scales[i].zero = node.value.at(static_cast<int64_t>(i)) == 0;
    return scales;
  }

  /// A loop over time gives the same values where it reads the same values; more is not known of it.
  void require_untouched(const Node& loop) const {
    for (const NodeId operand : loop.operands)
      for (const Scale& scale : scales_[static_cast<size_t>(operand)])
        if (!scale.is_one()) throw Refused("the loop over time reads what gets a factor");
  }

  Scales carried(const Node& node, size_t count) const {
    const AnyPoints points(graph_, node);
    if (points.count() > 1e8) throw Refused("more than 10^8 loop points: too many to check one by one");
    Combiner combiner(graph_, node, static_cast<int64_t>(count));
    Scales arguments(node.operands.size());
    points.each([&](std::span<const int64_t> reads, int64_t write) {
      for (size_t k = 0; k < reads.size(); ++k)
        arguments[k] = scales_[static_cast<size_t>(node.operands[k])][static_cast<size_t>(reads[k])];
      combiner.add(write, scale_of(node.op->body.expression, arguments));
    });
    return combiner.take();
  }
};

}  // namespace

std::string check_rescaling(const Json& certificate, const Graph& graph) {
  if (graph.outputs().empty()) throw Refused("the graph has no output");
  const bool by_vectors = certificate.contains("basis");
  if (by_vectors)
    require_fields(certificate, {"cert", "kind", "graph", "semantics", "basis"}, {});
  else
    require_fields(certificate,
                   {"cert", "kind", "graph", "semantics", "dimension", "exponents", "independent"}, {});
  const Claim claim =
      by_vectors ? read_basis(certificate.at("basis"), graph) : read_exponents(certificate, graph);
  require_independent(certificate, claim, graph);
  Carrier(graph, claim).run();
  return "a group of rescalings of dimension " + std::to_string(claim.dimension) +
         " leaves the outputs unchanged";
}

namespace {

/// The whole number that an exponent is at some coordinates.
int whole(const Scale& scale, const std::vector<Rational>& factors) {
  Rational exponent = 0;
  for (const auto& [k, coefficient] : scale.terms)
    exponent = exponent + coefficient * factors.at(static_cast<size_t>(k));
  constexpr int most = 4096;
  if (!exponent.is_integer() || exponent.abs() > Rational(most))
    throw Refused("a factor is no power of two, or beyond all numbers");
  return static_cast<int>(exponent.to_double());
}

}  // namespace

Graph moved_by(const Json& certificate, const Graph& graph, const std::vector<Rational>& factors) {
  const Claim claim = read_exponents(certificate, graph);
  if (factors.size() != static_cast<size_t>(claim.dimension)) throw Refused("wants one factor a coordinate");
  Graph moved = graph;
  for (const auto& [id, scales] : claim.parameters) {
    Tensor value = graph.node(id).value;
    for (int64_t i = 0; i < value.count(); ++i) {
      const double before = value.at(i);
      const int exponent = whole(scales[static_cast<size_t>(i)], factors);
      value.set(i, std::ldexp(before, exponent));
      if (std::isfinite(before) && std::ldexp(value.at(i), -exponent) != before)
        throw Refused("an entry of " + graph.node(id).name + " becomes too great or too small for its type");
    }
    moved.set_parameter(graph.node(id).name, std::move(value));
  }
  return moved;
}

}  // namespace crease::checker
