#include "graph/analysis/scaling.h"

#include <algorithm>
#include <cmath>

#include "graph/analysis/scaling_equations.h"
#include "graph/analysis/scaling_system.h"
#include "graph/error.h"

namespace crease {

std::string_view to_string(ScalingMode mode) {
  switch (mode) {
    case ScalingMode::Invariance: return "invariance";
    case ScalingMode::CommonOutputScale: return "common_output_scale";
    case ScalingMode::OutputEquivariance: return "output_equivariance";
    case ScalingMode::InputFree: return "input_free";
  }
  return "";
}

template <class Field>
struct GaugeGroup<Field>::Implementation {
  using Form = LinearForm<Field>;

  ScaleLayout layout;
  ScaleEquations<Field> equations;
  std::vector<int64_t> base;  // first unknown of each tensor, -1: none
  HomogeneousSystem<Field> system{0};
  std::vector<ScalingCoordinate> coordinates;

  Implementation(const Graph& graph, const ScalingOptions& options)
      : layout(scale_layout(graph, options)), equations(scale_equations<Field>(graph, layout)) {
    const int unknowns = number_unknowns(graph);
    system = HomogeneousSystem<Field>(unknowns + 1);  // the last one: the common output factor
    for (const auto& law : equations.laws)
      for (const Form& row : law.rows)
        for_spanning_points(columns_of(law, row, -1), law.labels,
                            [&](auto point) { add_equation(law, row, point); });
    pin_constants(graph);
    pin_loops(graph);
    bind_outputs(graph, options.mode, unknowns);
    system.solve();
    find_coordinates(graph);
  }

  /// Activations first, so that elimination expresses parameters by them and not the other way round.
  int number_unknowns(const Graph& graph) {
    base.assign(static_cast<size_t>(graph.size()), -1);
    int64_t next = 0;
    for (const bool weights : {false, true})
      for (NodeId id = 0; id < graph.size(); ++id) {
        const auto place = static_cast<size_t>(id);
        if (!layout.live[place] || layout.fixed[place] || equations.solved[place].by >= 0) continue;
        if (layout.weight[place] != weights) continue;
        base[place] = next;
        next += layout.count(id);
        expect(next < (int64_t{1} << 30), "[scaling] the graph has too many channels: more than 2^30");
      }
    return static_cast<int>(next);
  }

  /// The columns that a row mentions, but one.
  static std::vector<const ScaleColumn*> columns_of(const NodeLaw<Field>& law, const Form& row, int without) {
    std::vector<const ScaleColumn*> columns;
    for (const auto& [column, coefficient] : row)
      if (column != without) columns.push_back(&law.columns[static_cast<size_t>(column)]);
    return columns;
  }

  void add_equation(const NodeLaw<Field>& law, const Form& row, std::span<const int64_t> point) {
    Form form;
    for (const auto& [column, coefficient] : row) {
      const ScaleColumn& access = law.columns[static_cast<size_t>(column)];
      const int64_t scale_class = access.class_at(point);
      if (scale_class < 0) return;
      expand(access.tensor, scale_class, coefficient, form);
    }
    system.add(form);
  }

  /// form += factor * (exponent of a class), over the unknowns.
  void expand(NodeId tensor, int64_t scale_class, const Field& factor, Form& form) const {
    const auto place = static_cast<size_t>(tensor);
    if (layout.fixed[place] || !layout.live[place]) return;
    const SolvedWeight<Field>& solved = equations.solved[place];
    if (solved.by < 0) {
      add_to(form, Form{{static_cast<int>(base[place] + scale_class), Field(1)}}, factor);
      return;
    }
    const NodeLaw<Field>& law = equations.laws[static_cast<size_t>(solved.by)];
    std::vector<int64_t> point(law.labels.size(), 0);
    law.columns[static_cast<size_t>(solved.column)].set_point(scale_class, point);
    for (const auto& [column, coefficient] : solved.row) {
      const ScaleColumn& access = law.columns[static_cast<size_t>(column)];
      expand(access.tensor, access.class_at(point), factor * coefficient, form);
    }
  }

  /// Entries of constants that are not 0 keep their value; an entry 0 has any factor.
  void pin_constants(const Graph& graph) {
    for (NodeId id = 0; id < graph.size(); ++id) {
      const Node& node = graph.node(id);
      const auto place = static_cast<size_t>(id);
      if (node.role != Role::Constant || base[place] < 0) continue;
      for_elements(layout.sizes[place], [&](int64_t element, std::span<const int64_t> index) {
        if (node.value.at(element) == 0) return;
        system.add(Form{{static_cast<int>(base[place] + layout.class_of(id, index)), Field(1)}});
      });
    }
  }

  /// Every element of a tensor gets the same factor, `to`; an empty form keeps its value.
  void bind(const Graph& graph, NodeId tensor, const Form& to) {
    if (!is_floating(graph.node(tensor).type)) return;
    for (int64_t c = 0; c < layout.count(tensor); ++c) {
      Form form;
      expand(tensor, c, Field(1), form);
      add_to(form, to, -Field(1));
      system.add(form);
    }
  }

  /// What a loop over time reads keeps its value.
  void pin_loops(const Graph& graph) {
    for (NodeId id = 0; id < graph.size(); ++id)
      if (layout.live[static_cast<size_t>(id)] && graph.node(id).role == Role::Scan)
        for (const NodeId operand : graph.node(id).operands) bind(graph, operand, {});
  }

  void bind_outputs(const Graph& graph, ScalingMode mode, int common) {
    if (mode == ScalingMode::OutputEquivariance) return;
    const Form factor = mode == ScalingMode::CommonOutputScale ? Form{{common, Field(1)}} : Form{};
    for (const Output& output : graph.outputs()) bind(graph, output.node, factor);
  }

  /// Goes through the parameters; each entry that can change independently of the earlier ones is a
  /// coordinate.
  void find_coordinates(const Graph& graph) {
    std::vector<int> carriers;
    for (const NodeId id : graph.parameters()) {
      const auto place = static_cast<size_t>(id);
      if (!layout.live[place] || layout.fixed[place]) continue;
      for_spanning_classes(id, [&](int64_t scale_class) {
        Form form;
        expand(id, scale_class, Field(1), form);
        const int carrier = system.observe(form);
        if (carrier < 0) return;
        carriers.push_back(carrier);
        coordinates.push_back({-1, {}, id, first_element(id, scale_class)});
      });
    }
    name_coordinates(graph, carriers);
  }

  /// Calls `visit` for classes of a parameter whose exponents span those of all its classes.
  template <class Visit>
  void for_spanning_classes(NodeId id, Visit&& visit) const {
    const SolvedWeight<Field>& solved = equations.solved[static_cast<size_t>(id)];
    const auto all = [&] {
      for (int64_t c = 0; c < layout.count(id); ++c) visit(c);
    };
    if (solved.by < 0) return all();
    const NodeLaw<Field>& law = equations.laws[static_cast<size_t>(solved.by)];
    const auto columns = columns_of(law, solved.row, -1);
    if (std::ranges::any_of(columns, [&](const ScaleColumn* column) {
          return equations.solved[static_cast<size_t>(column->tensor)].by >= 0;
        }))
      return all();
    for_spanning_points(columns, law.labels, [&](auto point) {
      visit(law.columns[static_cast<size_t>(solved.column)].class_at(point));
    });
  }

  int64_t first_element(NodeId id, int64_t scale_class) const {
    int64_t element = 0;
    const std::vector<int64_t> index = layout.index_of(id, scale_class);
    for (size_t axis = 0; axis < index.size(); ++axis)
      element = element * layout.sizes[static_cast<size_t>(id)][axis] + std::max<int64_t>(index[axis], 0);
    return element;
  }

  /// Names each coordinate by the last activation that it multiplies by itself: after relu, not before.
  void name_coordinates(const Graph& graph, const std::vector<int>& carriers) {
    for (NodeId id = 0; id < graph.size(); ++id) {
      const auto place = static_cast<size_t>(id);
      if (base[place] < 0) continue;
      for (int64_t c = 0; c < layout.count(id); ++c)
        if (const int k = coordinate_of(static_cast<int>(base[place] + c)); k >= 0)
          if (auto& it = coordinates[static_cast<size_t>(k)]; it.tensor < 0 || !layout.weight[place]) {
            it.tensor = id;
            it.index = layout.index_of(id, c);
          }
    }
    ensure(carriers.size() == coordinates.size(), "[scaling] a coordinate has no carrier");
  }

  /// The coordinate whose class holds the unknown, or -1.
  int coordinate_of(int unknown) {
    const Form form = system.in_coordinates(Form{{unknown, Field(1)}});
    if (form.size() != 1 || form.begin()->second != Field(1)) return -1;
    return form.begin()->first;
  }

  template <class Visit>
  static void for_elements(const std::vector<int64_t>& sizes, Visit&& visit) {
    const int64_t count = element_count(sizes);
    std::vector<int64_t> index(sizes.size(), 0);
    for (int64_t element = 0; element < count; ++element) {
      visit(element, std::span<const int64_t>(index));
      for (size_t axis = sizes.size(); axis-- > 0;) {
        if (++index[axis] < sizes[axis]) break;
        index[axis] = 0;
      }
    }
  }

  Form exponent_of_class(NodeId tensor, int64_t scale_class) {
    Form form;
    expand(tensor, scale_class, Field(1), form);
    return system.in_coordinates(form);
  }
};

template <class Field>
GaugeGroup<Field>::GaugeGroup(std::shared_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}

template <class Field>
int GaugeGroup<Field>::dimension() const {
  return static_cast<int>(implementation_->coordinates.size());
}

template <class Field>
const std::vector<ScalingCoordinate>& GaugeGroup<Field>::coordinates() const {
  return implementation_->coordinates;
}

template <class Field>
std::vector<LinearForm<Field>> GaugeGroup<Field>::exponents(NodeId tensor) const {
  Implementation& parts = *implementation_;
  const auto place = static_cast<size_t>(tensor);
  std::vector<LinearForm<Field>> result;
  if (!parts.layout.live[place]) return result;
  std::vector<LinearForm<Field>> by_class;
  for (int64_t c = 0; c < parts.layout.count(tensor); ++c)
    by_class.push_back(parts.exponent_of_class(tensor, c));
  Implementation::for_elements(parts.layout.sizes[place], [&](int64_t, std::span<const int64_t> index) {
    result.push_back(by_class[static_cast<size_t>(parts.layout.class_of(tensor, index))]);
  });
  return result;
}

template <class Field>
LinearForm<Field> GaugeGroup<Field>::exponent(NodeId tensor, std::span<const int64_t> index) const {
  return implementation_->exponent_of_class(tensor, implementation_->layout.class_of(tensor, index));
}

template class GaugeGroup<Rational>;
template class GaugeGroup<Parity2>;

bool has_loop(const Graph& graph) {
  return std::ranges::any_of(ancestors(graph, roots(graph)),
                             [&](NodeId id) { return graph.node(id).role == Role::Scan; });
}

ScalingGroup scaling_group(const Graph& graph, const ScalingOptions& options) {
  return ScalingGroup(std::make_shared<ScalingGroup::Implementation>(graph, options));
}

SignGroup sign_group(const Graph& graph, const ScalingOptions& options) {
  return SignGroup(std::make_shared<SignGroup::Implementation>(graph, options));
}

Graph rescaled(const Graph& graph, const ScalingGroup& group, std::span<const double> t) {
  expect(static_cast<int>(t.size()) == group.dimension(), "[rescaled] got {} coordinates, want {}", t.size(),
         group.dimension());
  Graph result = graph;
  for (const NodeId id : graph.parameters()) {
    const auto exponents = group.exponents(id);
    Tensor value = graph.node(id).value;
    for (size_t i = 0; i < exponents.size(); ++i) {
      double exponent = 0;
      for (const auto& [k, coefficient] : exponents[i])
        exponent += coefficient.to_double() * t[static_cast<size_t>(k)];
      if (exponent != 0)
        value.set(static_cast<int64_t>(i), value.at(static_cast<int64_t>(i)) * std::exp2(exponent));
    }
    result.set_parameter(graph.node(id).name, value);
  }
  return result;
}

}  // namespace crease
