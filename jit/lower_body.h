// Scalar bodies as typed instructions. Private to lowering.
#pragma once

#include <functional>
#include <map>

#include "jit/kernel.h"

namespace crease {

/// Adds scalar expressions to a kernel.
class BodyLowering {
 public:
  /// `arithmetic` is the type that numbers have (truth values are boolean); `argument` gives the instruction
  /// of an operand, of any type; `label` the position of a loop label.
  BodyLowering(Kernel& kernel, Type arithmetic, const Sizes& specialise, std::function<int(int)> argument,
               std::function<Position(int)> label);

  /// The instruction of an expression, converted to `type`.
  int lower(const Scalar& expression, Type type);

 private:
  int lower(const Scalar& expression);
  int make(const Scalar& expression);
  int comparison(ScalarKind kind, int a, int b);
  int number(const Scalar& expression) { return convert(kernel_, arithmetic_, lower(expression)); }
  int truth(const Scalar& expression) { return convert(kernel_, Type::boolean, lower(expression)); }

  Kernel& kernel_;
  Type arithmetic_;
  const Sizes& specialise_;
  std::function<int(int)> argument_;
  std::function<Position(int)> label_;
  std::map<const ScalarNode*, int> done_;
};

}  // namespace crease
