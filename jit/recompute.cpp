#include "jit/recompute.h"

#include <algorithm>

#include "jit/min_cut.h"
#include "jit/order.h"

namespace crease {
namespace {

/// A sum of more terms than this is no cheap value.
constexpr int64_t most_cheap_terms = 16;

bool is_cheap(const Kernel& kernel, const Sizes& sizes) {
  int64_t terms = 1;
  for (size_t loop = static_cast<size_t>(kernel.outer); loop < kernel.loops.size(); ++loop)
    terms *= std::max<int64_t>(1, value_of(kernel.loops[loop].extent, sizes));
  return kernel.reductions.empty() || terms <= most_cheap_terms;
}

/// Puts copies of kernels into a program, and later kernels onto what the copies make.
class Copier {
 public:
  Copier(const Kernels& program, const std::vector<int>& again,
         const std::vector<std::vector<size_t>>& makers, const Recompute::MayCopy& may_copy)
      : program_(program), again_(again.begin(), again.end()), makers_(makers), may_copy_(may_copy) {
    result_.program = program;
    result_.program.kernels.clear();
  }

  /// Copies what kernels that read these storages want, before kernel `position`; false if that may not be.
  bool make(const std::set<int>& storages, size_t position) {
    return std::ranges::all_of(storages, [&](int storage) {
      return !again_.contains(storage) || copies_.contains(storage) || make_one(storage, position);
    });
  }

  void add(Kernel kernel, size_t origin) {
    result_.program.kernels.push_back(std::move(kernel));
    result_.origins.push_back(origin);
  }

  Kernel redirected(Kernel kernel) {
    for (Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) it.buffer = moved(it.buffer);
    return kernel;
  }

  Recompute::Result take() { return std::move(result_); }

 private:
  bool make_one(int storage, size_t position) {
    const size_t number = makers_[static_cast<size_t>(storage)].front();
    const Kernel& maker = program_.kernels[number];
    if (!make(storages_read(program_, maker), position)) return false;
    Kernel copy = maker;
    std::erase_if(copy.stores,
                  [&](const Store& store) { return storage_of(program_, store.buffer) != storage; });
    remove_unneeded(copy);
    if (!may_copy_(storage, number, copy, position)) return false;
    copy.name += "_again";
    copy = redirected(std::move(copy));
    copies_[storage] = new_buffer(storage, -1);
    for (Store& store : copy.stores) store.buffer = moved(store.buffer);
    add(std::move(copy), number);
    return true;
  }

  int new_buffer(int original, int alias) {
    Buffer buffer = result_.program.buffers[static_cast<size_t>(original)];
    buffer.name += "_again";
    buffer.alias = alias;
    result_.program.buffers.push_back(std::move(buffer));
    return static_cast<int>(result_.program.buffers.size()) - 1;
  }

  /// The same view of the copy, if there is one.
  int moved(int buffer) {
    const auto copy = copies_.find(storage_of(program_, buffer));
    if (copy == copies_.end()) return buffer;
    if (copy->first == buffer) return copy->second;
    const auto [view, is_new] = views_.emplace(buffer, -1);
    if (is_new) view->second = new_buffer(buffer, copy->second);
    return view->second;
  }

  const Kernels& program_;
  std::set<int> again_;
  const std::vector<std::vector<size_t>>& makers_;
  const Recompute::MayCopy& may_copy_;
  Recompute::Result result_;
  std::map<int, int> copies_;  // by storage
  std::map<int, int> views_;   // by buffer
};

}  // namespace

Recompute::Recompute(const Kernels& program, const Sizes& sizes, size_t peak, bool cheap_only,
                     const std::set<int>& banned)
    : program_(program),
      peak_(peak),
      makers_(program.buffers.size()),
      last_use_(program.buffers.size(), 0),
      fixed_(program.buffers.size(), false) {
  for (size_t k = 0; k < program.kernels.size(); ++k) {
    reads_.push_back(storages_read(program, program.kernels[k]));
    for (const int storage : reads_.back()) last_use_[static_cast<size_t>(storage)] = k;
    for (const int storage : storages_written(program, program.kernels[k]))
      makers_[static_cast<size_t>(storage)].push_back(k);
  }
  find_fixed();
  choose(sizes, cheap_only, banned);
}

/// Step loops divide or carry some storages, and some are read after the run.
void Recompute::find_fixed() {
  const auto fix = [&](int buffer) { fixed_[static_cast<size_t>(storage_of(program_, buffer))] = true; };
  for (size_t b = 0; b < program_.buffers.size(); ++b) {
    const Buffer& storage = program_.buffers[static_cast<size_t>(storage_of(program_, static_cast<int>(b)))];
    if (program_.buffers[b].element_of >= 0 || storage.kind != BufferKind::Intermediate)
      fix(static_cast<int>(b));
  }
  for (const StepLoop& loop : program_.step_loops)
    for (const auto& [next, value] : loop.carries) {
      fix(next);
      fix(value);
    }
  for (const Trap& trap : program_.traps) {
    fix(trap.position);
    std::ranges::for_each(trap.operands, fix);
  }
}

bool Recompute::is_used_after(int storage) const { return last_use_[static_cast<size_t>(storage)] > peak_; }

bool Recompute::can_be_made(int storage) const {
  const auto& makers = makers_[static_cast<size_t>(storage)];
  if (fixed_[static_cast<size_t>(storage)] || makers.size() != 1 || makers[0] >= peak_) return false;
  const Kernel& kernel = program_.kernels[makers[0]];
  if (kernel.step_loop >= 0 || is_scatter(kernel)) return false;
  const auto writes = [&](const Store& store) { return storage_of(program_, store.buffer) == storage; };
  return std::ranges::count_if(kernel.stores, writes) == 1 &&
         std::ranges::find_if(kernel.stores, writes)->combine == Combine::Assign;
}

/// Each storage is an edge from what it is made of to what it is needed for; its capacity is what it costs to
/// keep across the peak: nothing if it is there anyway.
void Recompute::choose(const Sizes& sizes, bool cheap_only, const std::set<int>& banned) {
  const int count = static_cast<int>(program_.buffers.size());
  const int source = 2 * count, sink = source + 1;
  FlowNetwork network(sink + 1);
  for (int storage = 0; storage < count; ++storage) {
    const Buffer& buffer = program_.buffers[static_cast<size_t>(storage)];
    const auto& makers = makers_[static_cast<size_t>(storage)];
    if (storage_of(program_, storage) != storage) continue;
    const bool in_arena = buffer.kind == BufferKind::Intermediate || buffer.kind == BufferKind::Carried;
    if (in_arena && (makers.empty() || makers.front() >= peak_)) continue;
    const bool at_peak = reads_[peak_].contains(storage);
    network.add_edge(2 * storage, 2 * storage + 1,
                     in_arena && !at_peak ? value_of(bytes_of(buffer), sizes) : 0);
    if (is_used_after(storage)) network.add_edge(2 * storage + 1, sink, FlowNetwork::unlimited);
    const bool makeable = !banned.contains(storage) && can_be_made(storage) &&
                          (!cheap_only || is_cheap(program_.kernels[makers.front()], sizes));
    if (!makeable) {
      network.add_edge(source, 2 * storage, FlowNetwork::unlimited);
      continue;
    }
    for (const int operand : reads_[makers.front()])
      network.add_edge(2 * operand + 1, 2 * storage, FlowNetwork::unlimited);
  }
  const std::vector<bool> side = network.sink_side(source, sink);
  for (int storage = 0; storage < count; ++storage)
    if (side[static_cast<size_t>(2 * storage)] && !makers_[static_cast<size_t>(storage)].empty())
      again_.push_back(storage);
}

int Recompute::outermost_loop(size_t kernel) const {
  int loop = program_.kernels[kernel].step_loop;
  while (loop >= 0 && program_.step_loops[static_cast<size_t>(loop)].parent >= 0)
    loop = program_.step_loops[static_cast<size_t>(loop)].parent;
  return loop;
}

std::optional<Recompute::Result> Recompute::applied(const MayCopy& may_copy) const {
  Copier copier(program_, again_, makers_, may_copy);
  for (size_t k = 0; k < program_.kernels.size(); ++k) {
    const int loop = outermost_loop(k);
    // What a kernel of a step loop wants is made before the loop.
    const bool inside = loop >= 0 && k > 0 && outermost_loop(k - 1) == loop;
    for (size_t user = k; !inside && k > peak_ && user < program_.kernels.size(); ++user) {
      if (user > k && (loop < 0 || outermost_loop(user) != loop)) break;
      if (!copier.make(reads_[user], k)) return {};
    }
    copier.add(k > peak_ ? copier.redirected(program_.kernels[k]) : program_.kernels[k], k);
  }
  return copier.take();
}

}  // namespace crease
