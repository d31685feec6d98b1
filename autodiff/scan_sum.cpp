#include "autodiff/scan_sum.h"

#include <algorithm>

#include "graph/scalar/forms.h"

namespace crease {
namespace {

/// A name that no label has.
std::string new_name(const std::vector<Label>& labels) {
  std::string name = "step";
  while (std::ranges::find(labels, name, &Label::name) != labels.end()) name += '_';
  return name;
}

void shift_labels(Access& access) {
  for (AffineIndex& index : access)
    for (Term& term : index.terms) ++term.label;
}

}  // namespace

bool is_sum_of_products(const Node& node) {
  return node.role == Role::Apply && node.op->combine == Combine::Sum && node.operands.size() == 2 &&
         multiplied_operands(node.op->body.expression);
}

Value sum_over_steps(Graph& graph, const Node& node, const std::vector<OuterOperand>& operands,
                     const Dim& length, const std::source_location& where) {
  Resolved resolved{.loops = node.loops, .shape = node.shape};
  Loops& loops = resolved.loops;
  loops.labels.insert(loops.labels.begin(), {new_name(loops.labels), length});
  shift_labels(loops.write);
  std::vector<Value> values;
  for (size_t k = 0; k < operands.size(); ++k) {
    shift_labels(loops.reads[k]);
    if (operands[k].stacked) loops.reads[k].insert(loops.reads[k].begin(), AffineIndex{.terms = {{0, 1}}});
    values.push_back(operands[k].value);
  }
  return graph.apply_resolved(node.op, std::move(resolved), values, node.type, where, node.tie);
}

}  // namespace crease
