#include "graph/analysis/scaling_certificate.h"

#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;
using Form = LinearForm<Rational>;

Json to_json(const Form& form) {
  Json terms = Json::array();
  for (const auto& [coordinate, coefficient] : form) terms.push_back({coordinate, to_string(coefficient)});
  return terms;
}

Form difference(Form a, const Form& b) {
  add_to(a, b, Rational(-1));
  return a;
}

bool all_empty(const std::vector<Form>& forms) {
  return std::ranges::all_of(forms, [](const Form& form) { return form.empty(); });
}

/// Exponents along each axis that add up to those of all entries, if there are such. The corner's own
/// exponent belongs to the first axis along which something changes.
std::vector<std::vector<Form>> along_axes(const std::vector<Form>& all, const std::vector<int64_t>& sizes) {
  std::vector<std::vector<Form>> axes;
  size_t stride = all.size();
  for (const int64_t size : sizes) {
    stride /= static_cast<size_t>(size);
    std::vector<Form> forms;
    for (size_t i = 0; i < static_cast<size_t>(size); ++i)
      forms.push_back(difference(all[i * stride], all[0]));
    axes.push_back(std::move(forms));
  }
  auto first = std::ranges::find_if(axes, [](const auto& forms) { return !all_empty(forms); });
  if (first == axes.end()) first = axes.begin();
  for (Form& form : *first) add_to(form, all[0], Rational(1));
  return axes;
}

bool adds_up(const std::vector<Form>& all, const std::vector<int64_t>& sizes,
             const std::vector<std::vector<Form>>& axes) {
  for (size_t element = 0; element < all.size(); ++element) {
    Form total;
    size_t rest = element;
    for (size_t axis = sizes.size(); axis-- > 0;) {
      add_to(total, axes[axis][rest % static_cast<size_t>(sizes[axis])], Rational(1));
      rest /= static_cast<size_t>(sizes[axis]);
    }
    if (total != all[element]) return false;
  }
  return true;
}

Json exponents_of(const std::vector<Form>& all, const std::vector<int64_t>& sizes) {
  const auto list = [](const std::vector<Form>& forms) {
    Json result = Json::array();
    for (const Form& form : forms) result.push_back(to_json(form));
    return result;
  };
  if (sizes.empty() || all.empty()) return {{"elements", list(all)}};
  const auto axes = along_axes(all, sizes);
  if (!adds_up(all, sizes, axes)) return {{"elements", list(all)}};
  Json result = Json::array();
  for (const auto& forms : axes) result.push_back(all_empty(forms) ? Json::array() : list(forms));
  return result;
}

}  // namespace

Certificate rescaling_certificate(const Graph& graph, const ScalingGroup& group) {
  Json json{{"cert", "graph-cert/1"},      {"kind", "rescaling-invariance"}, {"graph", digest(graph)},
            {"semantics", "real"},         {"dimension", group.dimension()}, {"exponents", Json::object()},
            {"independent", Json::array()}};
  for (const NodeId id : graph.parameters()) {
    const Node& node = graph.node(id);
    const auto exponents = group.exponents(id);
    const bool moves = std::ranges::any_of(exponents, [](const Form& form) { return !form.empty(); });
    if (moves) json["exponents"][node_key(graph, id)] = exponents_of(exponents, node.value.sizes());
  }
  for (const ScalingCoordinate& coordinate : group.coordinates())
    json["independent"].push_back({node_key(graph, coordinate.parameter), coordinate.element});
  return {.kind = "rescaling-invariance", .json = json.dump()};
}

}  // namespace crease
