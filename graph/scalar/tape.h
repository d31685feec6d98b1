// A scalar expression as straight-line instructions: how the interpreter runs a body many times.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "graph/scalar.h"

namespace crease {

/// Number of terms of a kind: 0 for leaves, 1 to 3 else.
int term_count(ScalarKind kind);

/// The nodes of an expression in evaluation order: each once, terms before their users.
std::vector<Scalar> topological(const Scalar& expression);

/// Straight-line form of one expression. T is double or float: every intermediate is a T (transcendental ones
/// are computed in double and rounded once); or int64_t, which wraps, where every step keeps integers.
template <class T>
class Tape {
 public:
  /// `size` gives Size leaves, read once here.
  explicit Tape(const Scalar& expression, const std::function<double(const std::string&)>& size = {});
  T run(const T* arguments, const int64_t* labels);

 private:
  struct Instruction {
    ScalarKind kind;
    int position;
    int terms[3];
  };
  std::vector<Instruction> code_;
  std::vector<T> registers_;  // constants are set once, the rest is scratch
};

}  // namespace crease
