// The kernels of a program while they are being fused. Private to fusion.
#pragma once

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "jit/kernel.h"

namespace crease {

/// Storages that a kernel touches.
struct Uses {
  std::set<int> reads, writes;
  std::set<int> carries = {};  // of the loops that it is in: those change with each turn
  int step_loop = -1;
};

/// Whether `later` must stay behind `earlier` for what a loop of one of them carries: it writes its carries,
/// also those that none of its kernels touches.
bool depends_by_carries(const Uses& later, const Uses& earlier);
/// Whether `later` must stay behind `earlier`.
bool depends(const Uses& later, const Uses& earlier);

/// Kernels in places 0, 1, ... Each has a number, too, which it keeps wherever it goes; one that has changed
/// gets a new number. Cost of a change: of the kernel, and a few cycles for each place behind it.
class KernelOrder {
 public:
  explicit KernelOrder(Kernels program);
  /// The program, with the kernels as they stand now. Ends the object's use.
  Kernels take();

  /// Its kernels are not there meanwhile.
  const Kernels& program() const { return program_; }
  size_t size() const { return numbers_.size(); }
  size_t number(size_t place) const { return numbers_[place]; }
  const Kernel& kernel(size_t place) const { return kernels_[numbers_[place]]; }
  const Uses& uses(size_t place) const { return uses_[numbers_[place]]; }

  /// Places of the kernels that read or write a storage, in no order.
  std::vector<size_t> readers(int storage) const { return places(readers_[static_cast<size_t>(storage)]); }
  std::vector<size_t> writers(int storage) const { return places(writers_[static_cast<size_t>(storage)]); }

  /// By place before c > p, which kernels need p or one that does, for merge(p, c). None if c needs one of
  /// those, or if kernels of a step loop between the two would go to different sides.
  std::optional<std::vector<bool>> kernels_behind(size_t p, size_t c) const;

  void replace(size_t place, Kernel with);
  void erase(size_t place);
  /// `merged` instead of the kernels at p and c > p: behind those between them, but before those that `after`
  /// (by place) names.
  void merge(size_t p, size_t c, Kernel merged, const std::vector<bool>& after);

 private:
  bool splits_loop(size_t p, size_t c, const std::vector<bool>& after) const;
  std::vector<size_t> places(const std::vector<size_t>& numbers) const;
  size_t add(Kernel kernel);
  void retire(size_t number);
  void set_places(size_t first);

  Kernels program_;
  std::vector<size_t> numbers_;  // by place
  // By number:
  std::vector<Kernel> kernels_;
  std::vector<Uses> uses_;
  std::vector<size_t> places_;
  // By storage: numbers.
  std::vector<std::vector<size_t>> readers_, writers_;
};

}  // namespace crease
