#include "jit/fuse_siblings.h"

#include <algorithm>
#include <utility>

#include "jit/fuse_kernels.h"
#include "jit/fuse_order.h"
#include "jit/schedule.h"

namespace crease {
namespace {

/// Sums that one pass makes: as many as keep a few vectors each in registers.
constexpr size_t most_sums = 6;

uint64_t loops_that_turn(const Kernel& kernel) {
  uint64_t loops = 0;
  for (size_t l = 0; l < kernel.loops.size(); ++l)
    if (!kernel.loops[l].extent.is(1)) loops |= uint64_t{1} << l;
  return loops;
}

/// The buffers of which a kernel with sums reads another element in every turn; none if it reads others that
/// are not far smaller, the same elements again and again.
std::vector<int> streams_of(const Kernel& kernel) {
  constexpr double far_smaller = 1.0 / 16;
  if (kernel.reductions.empty() || is_scatter(kernel)) return {};
  const std::vector<uint64_t> loops = dependences(kernel);
  const uint64_t all = loops_that_turn(kernel);
  std::vector<int> streams;
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    const Instruction& it = kernel.code[i];
    if (it.kind != InstructionKind::Read) continue;
    if ((loops[i] & all) == all && it.operands.empty())
      streams.push_back(it.buffer);
    else if (points(kernel, loops[i]) > far_smaller * points(kernel, all))
      return {};
  }
  return streams;
}

class Siblings {
 public:
  explicit Siblings(Kernels program) : order_(std::move(program)) {}

  Kernels run() {
    for (size_t p = 0; p < order_.size();)
      if (!merge_one(p)) ++p;  // another kernel stands at p now
    return order_.take();
  }

 private:
  bool merge_one(size_t p) {
    for (const int buffer : streams_of(order_.kernel(p))) {
      std::vector<size_t> readers = order_.readers(storage_of(order_.program(), buffer));
      std::ranges::sort(readers);
      for (const size_t c : readers)
        if (c > p && merge(p, c, buffer)) return true;
    }
    return false;
  }

  bool merge(size_t p, size_t c, int buffer) {
    const Kernel &first = order_.kernel(p), &second = order_.kernel(c);
    if (first.step_loop != second.step_loop || depends(order_.uses(c), order_.uses(p)) ||
        first.reductions.size() + second.reductions.size() > most_sums)
      return false;
    const std::vector<int> streams = streams_of(second);
    if (std::ranges::find(streams, buffer) == streams.end()) return false;
    std::optional<Kernel> merged = merge_sibling(first, second, buffer);
    if (!merged) return false;
    const std::optional<std::vector<bool>> after = order_.kernels_behind(p, c);
    if (!after) return false;
    order_.merge(p, c, std::move(*merged), *after);
    return true;
  }

  KernelOrder order_;
};

}  // namespace

Kernels merge_siblings(Kernels program) { return Siblings(std::move(program)).run(); }

}  // namespace crease
