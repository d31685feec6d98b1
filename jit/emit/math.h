// Elementary functions as vector code of our own: no calls, any vector width, NaN, infinities and signed
// zeros as the C library gives them.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include "graph/scalar.h"
#include "jit/machine.h"

namespace crease {

/// function(x) for Exp, Expm1, Log, Log1p, Sqrt, Sin, Cos, Tanh, Sigmoid, Softplus, Erf, Floor, where x is a
/// float or double or a vector of them. Accuracy in ulp is in the comment of each function in math.cpp.
/// Errors: Bug for any other function.
llvm::Value* emit_math(llvm::IRBuilder<>& builder, const Machine& machine, ScalarKind function,
                       llvm::Value* x);

}  // namespace crease
