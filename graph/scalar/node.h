// The immutable node behind a Scalar. Private to graph/scalar*; other code uses the accessors of Scalar.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/scalar.h"

namespace crease {

struct ScalarNode {
  ScalarKind kind;
  double constant = 0;
  int position = 0;
  std::string symbol;
  std::vector<Scalar> terms;
  uint64_t arguments = 0;  // bit p: argument p occurs (positions from 63 up share the last bit)
  int labels = 0;          // 1 + the greatest label that occurs
  bool is_truth = false;   // always 0 or 1. Other numbers count as true where they are not 0, no more
  bool is_finite = false;  // never infinite or NaN
};

}  // namespace crease
