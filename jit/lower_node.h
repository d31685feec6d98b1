// The kernels of one node. Private to lowering.
#pragma once

#include <functional>

#include "jit/kernel.h"

namespace crease {

/// What lowering one node needs to know of the rest.
struct NodeSource {
  const Node& node;
  std::string name;                    // for the kernel
  std::vector<int> operands;           // buffers
  std::vector<const Tensor*> literal;  // of operands that are constants of one element, else null
  int result;                          // buffer
  const std::vector<Buffer>& buffers;  // shapes and types; dimensions already specialised
  Sizes specialise;
};

/// Kernels that compute an Apply or Random node, in order.
std::vector<Kernel> lower_node(const NodeSource& source);

/// Whether the node only gives its operand's memory another shape: same type, one contiguous bijection.
bool is_view(const NodeSource& source);

/// buffer `to` = buffer `from`, element by element.
Kernel copy_kernel(const std::vector<Buffer>& buffers, int from, int to, std::string name);

}  // namespace crease
