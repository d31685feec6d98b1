#include "jit/order.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "graph/error.h"
#include "jit/schedule.h"

namespace crease {
namespace {

/// The order of the kernels directly in one step loop (-1: in none); those of a loop inside are one unit.
class Order {
 public:
  Order(const Kernels& program, const std::vector<size_t>& kernels, int loop)
      : program_(program), users_(program.buffers.size(), 0), exists_(program.buffers.size(), false) {
    for (const size_t k : kernels) {
      const int inner = loop_below(program.kernels[k].step_loop, loop);
      if (inner < 0 || units_.empty() || units_.back().loop != inner) units_.push_back({.loop = inner});
      add(units_.back(), k);
    }
    for (Unit& unit : units_) add_carries(unit);
    done_.assign(units_.size(), false);
    for (const Unit& unit : units_)
      for (const int storage : unit.touches) ++users_[static_cast<size_t>(storage)];
    for (size_t u = 0; u < units_.size(); ++u)
      for (size_t before = 0; before < u; ++before)
        if (std::ranges::any_of(units_[before].writes,
                                [&](int s) { return units_[u].touches.contains(s); })) {
          ++units_[u].waits;
          units_[before].followers.push_back(u);
        }
  }

  std::vector<size_t> run() {
    std::vector<size_t> order;
    for (size_t count = 0; count < units_.size(); ++count) {
      const size_t next = choose();
      finish(next);
      const Unit& unit = units_[next];
      const auto kernels = unit.loop < 0 ? unit.kernels : Order(program_, unit.kernels, unit.loop).run();
      order.insert(order.end(), kernels.begin(), kernels.end());
    }
    return order;
  }

 private:
  /// One kernel, or all of a loop.
  struct Unit {
    int loop = -1;
    std::vector<size_t> kernels = {};
    std::set<int> reads = {}, writes = {}, touches = {};
    int waits = 0;                       // earlier units that must run first
    std::vector<size_t> followers = {};  // units that wait for this one
  };

  void add(Unit& unit, size_t k) const {
    unit.kernels.push_back(k);
    const std::set<int> reads = storages_read(program_, program_.kernels[k]);
    const std::set<int> writes = storages_written(program_, program_.kernels[k]);
    unit.reads.insert(reads.begin(), reads.end());
    unit.writes.insert(writes.begin(), writes.end());
    unit.touches.insert(reads.begin(), reads.end());
    unit.touches.insert(writes.begin(), writes.end());
  }

  /// At the end of each turn next values are copied to their carries: for others, the loop writes those.
  void add_carries(Unit& unit) const {
    for (size_t loop = 0; loop < program_.step_loops.size(); ++loop) {
      if (unit.loop < 0 || !is_within(program_, static_cast<int>(loop), unit.loop)) continue;
      for (const auto& [next, carry] : program_.step_loops[loop].carries) {
        unit.writes.insert(carry);
        unit.touches.insert(carry);
      }
    }
  }

  /// The loop directly inside `outer` that has `inner` in it, -1 if they are the same.
  int loop_below(int inner, int outer) const {
    int below = -1;
    for (; inner != outer; inner = program_.step_loops[static_cast<size_t>(inner)].parent) below = inner;
    return below;
  }

  /// Of the units that may run, the one that leaves the least memory in use.
  size_t choose() const {
    std::optional<size_t> best, fallback;
    double least = 0;
    for (size_t u = 0; u < units_.size(); ++u) {
      if (done_[u] || units_[u].waits > 0) continue;
      if (!fallback) fallback = u;
      const double growth = growth_of(units_[u]);
      if ((best && growth >= least) || overwrites_early(u)) continue;
      best = u;
      least = growth;
    }
    ensure(fallback.has_value(), "[order] kernels depend on each other in a circle");
    return best.value_or(*fallback);
  }

  void finish(size_t u) {
    done_[u] = true;
    for (const size_t follower : units_[u].followers) --units_[follower].waits;
    for (const int storage : units_[u].touches) {
      --users_[static_cast<size_t>(storage)];
      exists_[static_cast<size_t>(storage)] = true;
    }
  }

  /// Bytes of intermediates that the unit makes, less those that nobody needs after it.
  double growth_of(const Unit& unit) const {
    double bytes = 0;
    for (const int storage : unit.touches) {
      const Buffer& buffer = program_.buffers[static_cast<size_t>(storage)];
      if (buffer.kind != BufferKind::Intermediate) continue;
      const bool made = !exists_[static_cast<size_t>(storage)];
      const bool left = users_[static_cast<size_t>(storage)] == 1;
      if (made != left) bytes += (made ? 1 : -1) * estimate(bytes_of(buffer));
    }
    return bytes;
  }

  /// Writes the next value of a parameter or carry that a waiting unit still reads.
  bool overwrites_early(size_t u) const {
    return std::ranges::any_of(units_[u].writes, [&](int storage) {
      const int source = program_.buffers[static_cast<size_t>(storage)].source;
      for (size_t other = 0; source >= 0 && other < done_.size(); ++other)
        if (other != u && !done_[other] && units_[other].reads.contains(source)) return true;
      return false;
    });
  }

  const Kernels& program_;
  std::vector<Unit> units_;
  std::vector<bool> done_;
  std::vector<int> users_;    // by storage: units to come that touch it
  std::vector<bool> exists_;  // by storage: it has been written
};

}  // namespace

std::set<int> storages_read(const Kernels& program, const Kernel& kernel) {
  std::set<int> result;
  for (const Instruction& it : kernel.code)
    if (it.kind == InstructionKind::Read) result.insert(storage_of(program, it.buffer));
  // A combining store reads what it changes.
  for (const Store& store : kernel.stores)
    if (store.combine != Combine::Assign) result.insert(storage_of(program, store.buffer));
  return result;
}

std::set<int> storages_written(const Kernels& program, const Kernel& kernel) {
  std::set<int> result;
  for (const Store& store : kernel.stores) result.insert(storage_of(program, store.buffer));
  return result;
}

bool intersect(const std::set<int>& a, const std::set<int>& b) {
  return std::ranges::any_of(a, [&](int x) { return b.contains(x); });
}

void order_kernels(Kernels& program) {
  std::vector<size_t> all(program.kernels.size());
  std::iota(all.begin(), all.end(), size_t{0});
  const std::vector<size_t> order = Order(program, all, -1).run();
  std::vector<Kernel> kernels;
  for (const size_t k : order) kernels.push_back(std::move(program.kernels[k]));
  program.kernels = std::move(kernels);
}

}  // namespace crease
