#include "jit/fuse_order.h"

#include <algorithm>
#include <map>

#include "jit/order.h"

namespace crease {
namespace {

Uses uses_of(const Kernels& program, const Kernel& kernel) {
  Uses uses;
  for (const Instruction& it : kernel.code)
    if (it.kind == InstructionKind::Read) uses.reads.insert(storage_of(program, it.buffer));
  for (const Store& store : kernel.stores) uses.writes.insert(storage_of(program, store.buffer));
  uses.step_loop = kernel.step_loop;
  for (int loop = kernel.step_loop; loop >= 0; loop = program.step_loops[static_cast<size_t>(loop)].parent)
    for (const auto& [next, carry] : program.step_loops[static_cast<size_t>(loop)].carries)
      uses.carries.insert(carry);
  return uses;
}

/// All that several kernels touch.
struct Touched {
  std::vector<bool> reads, writes;

  explicit Touched(size_t buffers) : reads(buffers), writes(buffers) {}
  void add(const Uses& uses) {
    for (const int storage : uses.reads) reads[static_cast<size_t>(storage)] = true;
    for (const int storage : uses.writes) writes[static_cast<size_t>(storage)] = true;
  }
  /// Whether a kernel must stay behind one of them, carries aside.
  bool bars(const Uses& later) const {
    const auto in = [](const std::vector<bool>& marks) {
      return [&marks](int storage) { return bool(marks[static_cast<size_t>(storage)]); };
    };
    return std::ranges::any_of(later.reads, in(writes)) || std::ranges::any_of(later.writes, in(writes)) ||
           std::ranges::any_of(later.writes, in(reads));
  }
};

}  // namespace

bool depends_by_carries(const Uses& later, const Uses& earlier) {
  return later.step_loop != earlier.step_loop &&
         (intersect(later.reads, earlier.carries) || intersect(later.writes, earlier.carries) ||
          intersect(later.carries, earlier.writes));
}

bool depends(const Uses& later, const Uses& earlier) {
  return depends_by_carries(later, earlier) || intersect(later.reads, earlier.writes) ||
         intersect(later.writes, earlier.writes) || intersect(later.writes, earlier.reads);
}

KernelOrder::KernelOrder(Kernels program)
    : program_(std::move(program)), readers_(program_.buffers.size()), writers_(program_.buffers.size()) {
  for (Kernel& kernel : std::exchange(program_.kernels, {})) numbers_.push_back(add(std::move(kernel)));
  set_places(0);
}

Kernels KernelOrder::take() {
  for (const size_t number : numbers_) program_.kernels.push_back(std::move(kernels_[number]));
  return std::move(program_);
}

void KernelOrder::replace(size_t place, Kernel with) {
  retire(numbers_[place]);
  numbers_[place] = add(std::move(with));
  set_places(place);
}

void KernelOrder::erase(size_t place) {
  retire(numbers_[place]);
  numbers_.erase(numbers_.begin() + static_cast<std::ptrdiff_t>(place));
  set_places(place);
}

void KernelOrder::merge(size_t p, size_t c, Kernel merged, const std::vector<bool>& after) {
  retire(numbers_[p]);
  retire(numbers_[c]);
  std::vector<size_t> order, behind;
  for (size_t k = p + 1; k < c; ++k) (after[k] ? behind : order).push_back(numbers_[k]);
  order.push_back(add(std::move(merged)));
  order.insert(order.end(), behind.begin(), behind.end());
  const auto at = numbers_.begin() + static_cast<std::ptrdiff_t>(p);
  numbers_.erase(std::ranges::copy(order, at).out);  // one place is left over
  set_places(p);
}

std::optional<std::vector<bool>> KernelOrder::kernels_behind(size_t p, size_t c) const {
  std::vector<size_t> behind{p};
  Touched touched(program_.buffers.size());
  touched.add(uses(p));
  std::vector<bool> after(c, false);
  for (size_t k = p + 1; k < c; ++k) {
    const auto carries = [&](size_t earlier) { return depends_by_carries(uses(k), uses(earlier)); };
    after[k] =
        touched.bars(uses(k)) || (!program_.step_loops.empty() && std::ranges::any_of(behind, carries));
    if (!after[k]) continue;
    if (depends(uses(c), uses(k))) return std::nullopt;
    behind.push_back(k);
    touched.add(uses(k));
  }
  return splits_loop(p, c, after) ? std::nullopt : std::optional(after);
}

bool KernelOrder::splits_loop(size_t p, size_t c, const std::vector<bool>& after) const {
  std::map<int, bool> side;
  for (size_t k = p + 1; k < c; ++k)
    for (int loop = kernel(k).step_loop; loop != kernel(p).step_loop && loop >= 0;
         loop = program_.step_loops[static_cast<size_t>(loop)].parent)
      if (side.emplace(loop, after[k]).first->second != after[k]) return true;
  return false;
}

std::vector<size_t> KernelOrder::places(const std::vector<size_t>& numbers) const {
  std::vector<size_t> result;
  for (const size_t number : numbers) result.push_back(places_[number]);
  return result;
}

size_t KernelOrder::add(Kernel kernel) {
  const size_t number = kernels_.size();
  const Uses& uses = uses_.emplace_back(uses_of(program_, kernel));
  for (const int storage : uses.reads) readers_[static_cast<size_t>(storage)].push_back(number);
  for (const int storage : uses.writes) writers_[static_cast<size_t>(storage)].push_back(number);
  kernels_.push_back(std::move(kernel));
  places_.push_back(0);
  return number;
}

void KernelOrder::retire(size_t number) {
  for (const int storage : uses_[number].reads) std::erase(readers_[static_cast<size_t>(storage)], number);
  for (const int storage : uses_[number].writes) std::erase(writers_[static_cast<size_t>(storage)], number);
  kernels_[number] = {};
}

void KernelOrder::set_places(size_t first) {
  for (size_t place = first; place < numbers_.size(); ++place) places_[numbers_[place]] = place;
}

}  // namespace crease
