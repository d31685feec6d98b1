#include "tests/oracle/analyses/fields.h"

#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/rational.h"

namespace crease::oracle {

std::span<const Field> network_fields() {
  static constexpr Field rows[] = {
      {"collapse", check_collapse},
      {"class/nodes", check_nodes},
      {"class/output_structural", check_outputs},
      {"class/output_affine_by_crnf", check_normal_form},
      {"class/crnf_live_atoms", check_live_relus},
      {"class/degree_wrt", check_degrees},
      {"class/nonaffine_witness", check_witness},
      {"class/crnf_output_curvature", check_normal_curvature},
      {"class/truth", check_truth},
      {"region_upper_bound", check_region_bound},
      {"path_norm", check_path_norm},
      {"data", check_data},
      {"lint", check_lint},
      {"extra/labels", check_labels},
      {"extra/input", check_separable_input},
      {"extra/hidden", check_separable_hidden},
      {"symmetry/invariance", check_invariance},
      {"symmetry/common_output_scale", check_common_scale},
      {"symmetry/output_equivariance", check_equivariance},
      {"symmetry/per_tensor_invariance", check_tensor_invariance},
      {"symmetry/per_tensor_output_equivariance", check_tensor_equivariance},
      {"symmetry/invariance_state_fixed_dim", check_fixed_state},
      {"symmetry/sign_dim", check_sign_dimension},
      {"symmetry/sign_basis", check_sign_basis},
      {"symmetry/sign_checked", check_sign_flips},
      {"symmetry/test_vector", check_rescaled},
      {"symmetry/equivariance_checked", check_rescaled_outputs},
      {"symmetry/gradient_and_noether", check_noether},
      {"extra/is_single_conv", check_is_convolution},
      {"extra/kernel", check_kernel},
      {"extra/bias", check_kernel_bias},
      {"extra/stride", check_stride},
      {"extra/pad", check_padding},
      {"extra/reason", check_remark},
      {"extra/note", check_remark},
      {"box/units", check_box_units},
      {"box/outputs", check_box_outputs},
      {"box/counts", check_box_counts},
      {"box/node_abs_max_ibp", check_box_magnitudes},
      {"box/node_abs_max_exact", check_box_exact_magnitudes},
      {"box/fp16_first_possible_overflow", check_box_overflow},
      {"box/fp16_first_reachable_overflow", check_box_reached},
      {"box/simplified", check_box_simplified},
      {"symmetry/permutations", check_permutations},
      {"symmetry/balance_float", check_balance},
      {"functional_dimension", check_functional_dimension},
      {"extra/gl_blocks", check_linear_units},
      {"extra/conserved_matrix", check_conserved_matrix},
      {"extra/seed000_formula", check_seed_formula},
  };
  return rows;
}

void check_remark(const Json& expected, const Network&, Outcome& outcome) {
  outcome.check(expected.is_string(), "is no text");
}

std::string Network::name(NodeId id) const {
  std::string reshaped;
  for (const auto& [name, value] : built.values) {
    if (value.id() == id) return name;
    const Node& node = value.node();
    if (node.role == Role::Apply && node.op->name == "reshape" && node.operands[0] == id) reshaped = name;
  }
  return reshaped;
}

std::map<NodeId, ExactValues> Network::inputs_at(const Json& point) const {
  const std::vector<Rational> all = numbers(point);
  std::map<NodeId, ExactValues> inputs;
  auto next = all.begin();
  for (const NodeId input : built.graph.inputs()) {
    const int64_t count = sample_count(built.graph.node(input).shape);
    expect(all.end() - next >= count, "[oracle] a point has {} elements", all.size());
    inputs[input] = {next, next + count};
    next += count;
  }
  return inputs;
}

std::optional<ExactValues> Network::outputs_at(const Graph& graph,
                                               const std::map<NodeId, ExactValues>& inputs) const {
  std::vector<NodeId> ids;
  for (const Output& output : graph.outputs()) ids.push_back(output.node);
  const auto values = evaluate_exactly(graph, inputs, ids);
  if (!values) return {};
  ExactValues all;
  for (const NodeId id : ids) all.insert(all.end(), values->at(id).begin(), values->at(id).end());
  return all;
}

Rational number(const Json& text) { return Rational::parse(text.get<std::string>()); }

std::vector<Rational> numbers(const Json& list) {
  std::vector<Rational> result;
  for (const Json& entry : list) result.push_back(number(entry));
  return result;
}

}  // namespace crease::oracle
