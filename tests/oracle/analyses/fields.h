// The fields, one function each; what they mean is in the file's own "notation".
#pragma once

#include "tests/oracle/analyses/field.h"

namespace crease::oracle {

void check_collapse(const Json& expected, const Network& network, Outcome& outcome);

void check_nodes(const Json& expected, const Network& network, Outcome& outcome);
void check_outputs(const Json& expected, const Network& network, Outcome& outcome);
void check_normal_form(const Json& expected, const Network& network, Outcome& outcome);
void check_live_relus(const Json& expected, const Network& network, Outcome& outcome);
void check_degrees(const Json& expected, const Network& network, Outcome& outcome);
void check_witness(const Json& expected, const Network& network, Outcome& outcome);

void check_curvature(const Json& expected, const Network& network, Outcome& outcome);
void check_normal_curvature(const Json& expected, const Network& network, Outcome& outcome);
void check_truth(const Json& expected, const Network& network, Outcome& outcome);
void check_region_bound(const Json& expected, const Network& network, Outcome& outcome);
void check_path_norm(const Json& expected, const Network& network, Outcome& outcome);
void check_data(const Json& expected, const Network& network, Outcome& outcome);
void check_lint(const Json& expected, const Network& network, Outcome& outcome);
void check_labels(const Json& expected, const Network& network, Outcome& outcome);
void check_separable_input(const Json& expected, const Network& network, Outcome& outcome);
void check_separable_hidden(const Json& expected, const Network& network, Outcome& outcome);

void check_invariance(const Json& expected, const Network& network, Outcome& outcome);
void check_common_scale(const Json& expected, const Network& network, Outcome& outcome);
void check_equivariance(const Json& expected, const Network& network, Outcome& outcome);
void check_tensor_invariance(const Json& expected, const Network& network, Outcome& outcome);
void check_tensor_equivariance(const Json& expected, const Network& network, Outcome& outcome);
void check_fixed_state(const Json& expected, const Network& network, Outcome& outcome);
void check_sign_dimension(const Json& expected, const Network& network, Outcome& outcome);
void check_sign_basis(const Json& expected, const Network& network, Outcome& outcome);
void check_sign_flips(const Json& expected, const Network& network, Outcome& outcome);
void check_rescaled(const Json& expected, const Network& network, Outcome& outcome);
void check_rescaled_outputs(const Json& expected, const Network& network, Outcome& outcome);
void check_noether(const Json& expected, const Network& network, Outcome& outcome);
void check_permutations(const Json& expected, const Network& network, Outcome& outcome);
void check_balance(const Json& expected, const Network& network, Outcome& outcome);
void check_functional_dimension(const Json& expected, const Network& network, Outcome& outcome);
void check_linear_units(const Json& expected, const Network& network, Outcome& outcome);
void check_conserved_matrix(const Json& expected, const Network& network, Outcome& outcome);
void check_seed_formula(const Json& expected, const Network& network, Outcome& outcome);

/// All fields of one pair of networks.
void check_pair(const Json& pair, Outcome& outcome);

void check_is_convolution(const Json& expected, const Network& network, Outcome& outcome);
void check_kernel(const Json& expected, const Network& network, Outcome& outcome);
void check_kernel_bias(const Json& expected, const Network& network, Outcome& outcome);
void check_stride(const Json& expected, const Network& network, Outcome& outcome);
void check_padding(const Json& expected, const Network& network, Outcome& outcome);
/// Remarks, which say nothing that could be checked.
void check_remark(const Json& expected, const Network& network, Outcome& outcome);
void check_box_units(const Json& expected, const Network& network, Outcome& outcome);
void check_box_outputs(const Json& expected, const Network& network, Outcome& outcome);
void check_box_counts(const Json& expected, const Network& network, Outcome& outcome);
void check_box_magnitudes(const Json& expected, const Network& network, Outcome& outcome);
void check_box_exact_magnitudes(const Json& expected, const Network& network, Outcome& outcome);
void check_box_overflow(const Json& expected, const Network& network, Outcome& outcome);
void check_box_reached(const Json& expected, const Network& network, Outcome& outcome);
void check_box_simplified(const Json& expected, const Network& network, Outcome& outcome);

}  // namespace crease::oracle
