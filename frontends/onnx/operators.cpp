#include "frontends/onnx/operators.h"

#include <algorithm>

namespace crease::onnx {
namespace {

const std::map<std::string, OperatorRow>& rows() {
  static const std::map<std::string, OperatorRow> all = [] {
    std::map<std::string, OperatorRow> result;
    for (const auto kind :
         {elementwise_operators(), shape_operators(), movement_operators(), resize_operators(),
          product_operators(), reduction_operators(), normalisation_operators(), recurrent_operators()})
      for (const OperatorRow& row : kind) result.emplace(row.name, row);
    return result;
  }();
  return all;
}

}  // namespace

const OperatorRow* find_operator(const std::string& name) {
  const auto it = rows().find(name);
  return it == rows().end() ? nullptr : &it->second;
}

std::vector<std::string> operator_names() {
  std::vector<std::string> names;
  for (const auto& [name, row] : rows()) names.push_back(name);
  return names;
}

}  // namespace crease::onnx
