// Across one kernel of a program: which values are kept, which are computed again, and the program that does
// so. Private to rematerialise.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "jit/kernel.h"
#include "jit/machine.h"

namespace crease {

class Recompute {
 public:
  /// A minimal cut, by the bytes kept, between what was computed before kernel `peak` and what is needed
  /// after it. Storages in `banned` are not computed again; `cheap_only`: nor are long sums.
  Recompute(const Kernels& program, const Sizes& sizes, size_t peak, bool cheap_only,
            const std::set<int>& banned);

  /// Storages that are computed again, ascending.
  const std::vector<int>& storages() const { return again_; }

  /// A program with copies, and by kernel the number of the one that it was or is a copy of.
  struct Result {
    Kernels program;
    std::vector<size_t> origins = {};
  };
  /// The program with a copy of the maker of each before its first later use. `may_copy(storage, maker, copy,
  /// position)` is asked before each; none if it refuses.
  using MayCopy = std::function<bool(int storage, size_t maker, const Kernel& copy, size_t position)>;
  std::optional<Result> applied(const MayCopy& may_copy) const;

  /// By storage: the kernels that write it.
  const std::vector<std::vector<size_t>>& makers() const { return makers_; }

 private:
  void find_fixed();
  void choose(const Sizes& sizes, bool cheap_only, const std::set<int>& banned);
  bool can_be_made(int storage) const;
  bool is_used_after(int storage) const;
  int outermost_loop(size_t kernel) const;

  const Kernels& program_;
  size_t peak_;
  std::vector<std::set<int>> reads_;         // by kernel
  std::vector<std::vector<size_t>> makers_;  // by storage
  std::vector<size_t> last_use_;             // by storage
  std::vector<bool> fixed_;                  // by storage: never copied
  std::vector<int> again_;
};

}  // namespace crease
