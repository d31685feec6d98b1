#include "graph/analysis/bounds/point_curves.h"

#include <set>

#include "graph/scalar/tape.h"

namespace crease {

ScalarCurve* CurvePool::of(const Scalar& body) {
  auto [place, fresh] = by_body_.try_emplace(body.id());
  if (fresh) place->second = &curves_.emplace_back(body);
  return place->second;
}

PointCurves::PointCurves(const Node& node, size_t varying, CurvePool& pool)
    : node_(node), varying_(varying), pool_(pool) {
  std::set<int> constants, labels;
  for (const Scalar& e : topological(node.op->body.expression)) {
    if (e.kind() == ScalarKind::Index) labels.insert(e.position());
    if (e.kind() == ScalarKind::Argument &&
        node.operands[static_cast<size_t>(e.position())] != node.operands[varying])
      constants.insert(e.position());
  }
  used_constants_.assign(constants.begin(), constants.end());
  used_labels_.assign(labels.begin(), labels.end());
}

ScalarCurve* PointCurves::at(std::span<const double> constants, std::span<const int64_t> labels) {
  if (only_ != nullptr) return only_;
  std::vector<double> key;
  for (const int k : used_constants_) key.push_back(constants[static_cast<size_t>(k)]);
  for (const int k : used_labels_) key.push_back(static_cast<double>(labels[static_cast<size_t>(k)]));
  auto [place, fresh] = known_.try_emplace(key);
  if (fresh) {
    std::vector<Scalar> arguments, label_values;
    for (size_t k = 0; k < node_.operands.size(); ++k)
      arguments.push_back(node_.operands[k] == node_.operands[varying_] ? Scalar::argument(0)
                                                                        : Scalar(constants[k]));
    for (const int64_t label : labels) label_values.emplace_back(static_cast<double>(label));
    place->second = pool_.of(substitute(node_.op->body.expression, arguments, label_values));
  }
  if (key.empty()) only_ = place->second;
  return place->second;
}

}  // namespace crease
