// Expressions that are one operator of ONNX: activations and the like, found by what they compute.
#pragma once

#include <optional>
#include <vector>

#include "frontends/onnx/write/emitter.h"
#include "graph/scalar.h"

namespace crease::onnx {

/// An operator that computes an expression of these terms. Numbers that are no attributes stand among them.
struct Form {
  const char* type;
  std::vector<Scalar> terms;
  std::vector<Attribute> attributes = {};
};

/// The operator that the expression as a whole is, if it is one in this type: an attribute holds an f32, and
/// a number of f64 that is none stays a term.
std::optional<Form> find_form(const Scalar& expression, Type type);

}  // namespace crease::onnx
