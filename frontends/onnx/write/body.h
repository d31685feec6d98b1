// The scalar body of an operation as operators of ONNX: activations where it is some, else arithmetic.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "frontends/onnx/write/labelled.h"

namespace crease::onnx {

/// A value of the body: numbers of its type, or truth values (bool).
struct Computed {
  Labelled value;
  bool truth = false;
};

class BodyWriter {
 public:
  /// Operands are aligned to `order`, which all values are.
  BodyWriter(const Writing& writing, std::vector<Labelled> operands, std::vector<int> order);

  /// The arithmetic it is computed in: integers in i64, as crease does.
  Type type() const { return type_; }
  Computed compute(const Scalar& expression);
  Labelled as_number(const Computed& computed);
  Labelled as_truth(const Computed& computed);
  /// Appends an operator of these terms.
  Labelled add(const char* type, const std::vector<Labelled>& terms,
               const std::vector<Attribute>& attributes = {});

 private:
  Computed made(const Scalar& expression);
  Computed made_of_kind(const Scalar& expression);
  Computed argument(size_t k);
  Labelled position(int label);
  Labelled size(const std::string& symbol);
  Labelled number(double value) { return {writing_.emit.number(type_, value), {}}; }
  Labelled number_of(const Scalar& term) { return as_number(compute(term)); }
  Labelled truth_of(const Scalar& term) { return as_truth(compute(term)); }
  Labelled expm1(const Labelled& x);
  Labelled log1p(const Labelled& x);
  Labelled softplus(const Scalar& x);
  bool fits_first(const std::vector<Labelled>& terms) const;
  Labelled compared(const char* type, const char* swapped, const Scalar& expression);

  const Writing& writing_;
  std::vector<Labelled> operands_;
  std::vector<int> order_;
  Type type_;
  std::map<const ScalarNode*, Computed> done_;
};

}  // namespace crease::onnx
