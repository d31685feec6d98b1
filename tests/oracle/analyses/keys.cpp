// The keys that objects of the file may have, so that what no check reads is not passed over in silence.
#include "tests/oracle/analyses/field.h"

namespace crease::oracle {
namespace {

/// Objects at this path: segments of keys, lists left out, * for any one key. Keys: words, or * for any.
struct Keys {
  std::string_view path;
  std::string_view keys;
};

constexpr Keys kFile[] = {{"", "schema generated_by notation activations networks pairs"}};

constexpr Keys kNetwork[] = {
    {"", "id title why inputs params nodes shapes outputs box data expected"},
    {"inputs", "name shape"},
    {"params", "name shape data kind fixed_zero"},
    {"nodes", "name op in tw stride pad groups ta tb slope lo hi alpha beta k eps start stop c"},
    {"shapes", "*"},
    {"box", "*"},
};

constexpr Keys kExpected[] = {
    {"", "collapse class symmetry functional_dimension box path_norm lint extra data region_upper_bound"},
    {"collapse",
     "sink is_output frontier blocks bias affine_nodes mults_before mults_private mults_after_dense rank "
     "chain "
     "worthwhile_dense"},
    {"collapse/blocks", "*"},
    {"collapse/rank", "*"},
    {"collapse/chain", "dims best_mults keep_boundaries"},
    {"class",
     "nodes output_structural output_affine_by_crnf crnf_live_atoms crnf_output_curvature truth degree_wrt "
     "nonaffine_witness"},
    {"class/nodes", "*"},
    {"class/nodes/*", "structural poly_degree pwl curvature monotone"},
    {"class/output_structural", "*"},
    {"class/output_affine_by_crnf", "*"},
    {"class/crnf_output_curvature", "*"},
    {"class/truth", "all_space box note"},
    {"class/truth/*",
     "activation_regions linear_regions distinct_affine_maps affine W b convex concave monotone output_range "
     "lipschitz_inf"},
    {"class/degree_wrt", "*"},
    {"class/degree_wrt/*", "*"},
    {"class/nonaffine_witness", "output_index a b mid f_a f_b f_mid defect"},
    {"symmetry",
     "invariance sign_dim sign_basis common_output_scale output_equivariance per_tensor_invariance "
     "per_tensor_output_equivariance permutations test_vector equivariance_checked sign_checked "
     "gradient_and_noether balance_float invariance_state_fixed_dim"},
    {"symmetry/invariance", "dim basis"},
    {"symmetry/common_output_scale", "dim basis"},
    {"symmetry/output_equivariance", "dim basis"},
    {"symmetry/per_tensor_invariance", "dim params outputs basis"},
    {"symmetry/per_tensor_output_equivariance", "dim params outputs basis"},
    {"symmetry/*/basis", "params outputs"},
    {"symmetry/*/basis/params", "*"},
    {"symmetry/*/basis/params/*", "*"},
    {"symmetry/sign_basis", "*"},
    {"symmetry/permutations", "groups maxout_pieces order"},
    {"symmetry/permutations/groups", "tensors size"},
    {"symmetry/permutations/maxout_pieces", "node pieces units"},
    {"symmetry/test_vector", "t rescaled_params points"},
    {"symmetry/test_vector/rescaled_params", "*"},
    {"symmetry/test_vector/points", "x y"},
    {"symmetry/gradient_and_noether", "x loss grads grad_sq conserved"},
    {"symmetry/gradient_and_noether/grads", "*"},
    {"symmetry/gradient_and_noether/grad_sq", "*"},
    {"symmetry/gradient_and_noether/conserved", "Q dQ_over_eta2"},
    {"symmetry/balance_float", "attained sum_squares_before sum_squares_min"},
    {"functional_dimension",
     "parameters functional_dim lost explained_by_positive_scaling beyond_scaling note"},
    {"box",
     "units outputs counts simplified node_abs_max_ibp node_abs_max_exact fp16_first_possible_overflow "
     "fp16_first_reachable_overflow"},
    {"box/units",
     "node index exact ibp crown verdict dead_value dead_gradient_left_rule dead_gradient_right_rule"},
    {"box/units/verdict", "exact ibp crown"},
    {"box/outputs", "node index exact ibp crown"},
    {"box/counts", "exact ibp crown"},
    {"box/counts/*", "active inactive unstable saturated_left saturated_right linear"},
    {"box/node_abs_max_ibp", "*"},
    {"box/node_abs_max_exact", "*"},
    {"box/simplified", "exact ibp crown"},
    {"box/simplified/*", "live_units outputs affine"},
    {"box/simplified/*/live_units", "unit pre"},
    {"box/simplified/*/live_units/pre", "coef const"},
    {"box/simplified/*/live_units/pre/coef", "*"},
    {"box/simplified/*/outputs", "*"},
    {"box/simplified/*/outputs/*", "coef const"},
    {"box/simplified/*/outputs/*/coef", "*"},
    {"path_norm", "L1 L2_squared"},
    {"lint", "code node"},
    {"extra",
     "gl_blocks conserved_matrix is_single_conv kernel bias stride pad reason seed000_formula note labels "
     "input hidden"},
    {"extra/gl_blocks", "tensor n gl_dim with_translation_dim"},
    {"extra/conserved_matrix", "formula value gradient_identity"},
    {"extra/seed000_formula", "alpha product hidden_prefix_products_positive identity_holds_on_data points"},
    {"extra/seed000_formula/points", "x s rescaled_output equals_s_over_product"},
    {"extra/input", "separable w b farkas"},
    {"extra/hidden", "separable w b farkas"},
    {"data", "layers overall_zero_fraction samples"},
    {"data/layers", "*"},
    {"data/layers/*", "zero_fraction dead_on_data always_on_data"},
    {"region_upper_bound", "widths serra2018 montufar2017"},
};

constexpr Keys kPair[] = {
    {"", "id why a b verdict witness certificate expected_verdict reason"},
    {"witness", "*"},
    {"certificate", "perm scale sign meaning"},
};

/// Keys of outermost objects whose values have a table of their own, or none.
constexpr std::string_view kOnTheirOwn = "notation activations networks pairs expected a b";

bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = pattern.substr(0, pattern.find('/')),
                           got = path.substr(0, path.find('/'));
    if (wanted != "*" && wanted != got) return false;
    pattern.remove_prefix(std::min(pattern.size(), wanted.size() + 1));
    path.remove_prefix(std::min(path.size(), got.size() + 1));
  }
  return pattern.empty() && path.empty();
}

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::string_view first = words.substr(0, words.find(' '));
    if (first == word || first == "*") return true;
    words.remove_prefix(std::min(words.size(), first.size() + 1));
  }
  return false;
}

void collect(const Json& json, const std::string& path, std::span<const Keys> table,
             std::vector<std::string>& unknown) {
  if (json.is_array())
    for (const Json& entry : json) collect(entry, path, table, unknown);
  if (!json.is_object()) return;
  const auto row = std::ranges::find_if(table, [&](const Keys& keys) { return matches(keys.path, path); });
  if (row == table.end()) return unknown.push_back(path);
  for (const auto& [key, value] : json.items()) {
    const std::string below = path.empty() ? key : path + "/" + key;
    if (!has_word(row->keys, key))
      unknown.push_back(below);
    else if (!(path.empty() && has_word(kOnTheirOwn, key)))
      collect(value, below, table, unknown);
  }
}

}  // namespace

std::vector<std::string> unknown_keys(const Json& json, Described what) {
  std::vector<std::string> unknown;
  switch (what) {
    case Described::File: collect(json, "", kFile, unknown); break;
    case Described::Network: collect(json, "", kNetwork, unknown); break;
    case Described::Expected: collect(json, "", kExpected, unknown); break;
    case Described::Pair: collect(json, "", kPair, unknown); break;
  }
  return unknown;
}

}  // namespace crease::oracle
