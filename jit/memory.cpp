#include "jit/memory.h"

#include <algorithm>
#include <optional>
#include <set>

#include "graph/error.h"

namespace crease {
namespace {

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

class Order {
 public:
  explicit Order(const Kernels& program)
      : program_(program),
        done_(program.kernels.size(), false),
        waits_(done_.size(), 0),
        followers_(done_.size()),
        users_(program.buffers.size(), 0),
        exists_(program.buffers.size(), false) {
    for (const Kernel& kernel : program.kernels) {
      reads_.push_back(storages_read(program, kernel));
      writes_.push_back(storages_written(program, kernel));
      std::set<int> touched = reads_.back();
      touched.insert(writes_.back().begin(), writes_.back().end());
      for (int storage : touched) ++users_[static_cast<size_t>(storage)];
      touches_.push_back(std::move(touched));
    }
    for (size_t k = 0; k < done_.size(); ++k)
      for (size_t before = 0; before < k; ++before)
        if (std::ranges::any_of(writes_[before], [&](int s) { return touches_[k].contains(s); })) {
          ++waits_[k];
          followers_[before].push_back(k);
        }
  }

  std::vector<size_t> run() {
    std::vector<size_t> order;
    while (order.size() < done_.size()) {
      order.push_back(choose());
      finish(order.back());
    }
    return order;
  }

 private:
  /// Of the kernels that may run, the one that leaves the least memory in use.
  size_t choose() const {
    std::optional<size_t> best, fallback;
    double least = 0;
    for (size_t k = 0; k < done_.size(); ++k) {
      if (done_[k] || waits_[k] > 0) continue;
      if (!fallback) fallback = k;
      const double growth = growth_of(k);
      if ((best && growth >= least) || overwrites_early(k)) continue;
      best = k;
      least = growth;
    }
    ensure(fallback.has_value(), "[memory] kernels depend on each other in a circle");
    return best.value_or(*fallback);
  }

  void finish(size_t k) {
    done_[k] = true;
    for (size_t follower : followers_[k]) --waits_[follower];
    for (int storage : touches_[k]) {
      --users_[static_cast<size_t>(storage)];
      exists_[static_cast<size_t>(storage)] = true;
    }
  }

  /// Bytes of intermediates that the kernel makes, less those that nobody needs after it.
  double growth_of(size_t k) const {
    double bytes = 0;
    for (int storage : touches_[k]) {
      const Buffer& buffer = program_.buffers[static_cast<size_t>(storage)];
      if (buffer.kind != BufferKind::Intermediate) continue;
      if (!exists_[static_cast<size_t>(storage)]) bytes += estimate(bytes_of(buffer));
      if (users_[static_cast<size_t>(storage)] == 1) bytes -= estimate(bytes_of(buffer));
    }
    return bytes;
  }

  /// Writes the next value of a parameter that a waiting kernel still reads.
  bool overwrites_early(size_t k) const {
    return std::ranges::any_of(writes_[k], [&](int storage) {
      const int source = program_.buffers[static_cast<size_t>(storage)].source;
      for (size_t other = 0; source >= 0 && other < done_.size(); ++other)
        if (other != k && !done_[other] && reads_[other].contains(source)) return true;
      return false;
    });
  }

  const Kernels& program_;
  std::vector<std::set<int>> reads_, writes_, touches_;
  std::vector<bool> done_;
  std::vector<int> waits_;                      // earlier kernels that must run first
  std::vector<std::vector<size_t>> followers_;  // kernels that wait for this one
  std::vector<int> users_;                      // by storage: kernels to come that touch it
  std::vector<bool> exists_;                    // by storage: it has been written
};

class Planner {
 public:
  Planner(const Kernels& program, const Schedule& schedule) : program_(program), schedule_(schedule) {}

  MemoryPlan run() {
    const size_t count = program_.buffers.size();
    first_.assign(count, -1);
    last_.assign(count, -1);
    plan_.in_place.assign(count, false);
    for (size_t b = 0; b < count; ++b) plan_.home.push_back(storage_of(program_, static_cast<int>(b)));
    for (size_t k = 0; k < program_.kernels.size(); ++k) see(k);
    for (size_t b = 0; b < count; ++b)
      if (program_.buffers[b].kind == BufferKind::Next && plan_.home[b] == static_cast<int>(b)) place_next(b);
    for (size_t k = 0; k < program_.kernels.size(); ++k) share(k);
    for (int& home : plan_.home) home = plan_.home[static_cast<size_t>(home)];
    add_slots();
    return std::move(plan_);
  }

 private:
  void touch(int buffer, size_t kernel) {
    const auto storage = static_cast<size_t>(storage_of(program_, buffer));
    if (first_[storage] < 0) first_[storage] = static_cast<int>(kernel);
    last_[storage] = static_cast<int>(kernel);
  }

  void see(size_t k) {
    for (const Store& store : program_.kernels[k].stores) touch(store.buffer, k);
    for (const Instruction& it : program_.kernels[k].code)
      if (it.kind == InstructionKind::Read) touch(it.buffer, k);
  }

  /// Whether a store may overwrite what `kernel` reads of a storage: it reads only the element that it
  /// stores, and no later phase reads it again.
  bool reads_only_at(const Kernel& kernel, int storage, const Store& store) const {
    const std::vector<int> phase = phases(kernel);
    const auto of = [&](const Store& other) { return phase[static_cast<size_t>(other.value)]; };
    if (std::ranges::any_of(kernel.stores, [&](const Store& other) { return of(other) > of(store); }))
      return false;
    return std::ranges::all_of(kernel.code, [&](const Instruction& it) {
      if (it.kind != InstructionKind::Read || storage_of(program_, it.buffer) != storage) return true;
      return it.buffer == storage && it.place == store.place;
    });
  }

  void place_next(size_t next) {
    const int parameter = program_.buffers[next].source;
    bool safe = program_.buffers[next].shape == program_.buffers[static_cast<size_t>(parameter)].shape &&
                last_[static_cast<size_t>(parameter)] <= first_[next] && first_[next] >= 0;
    for (size_t k = 0; k < program_.kernels.size() && safe; ++k)
      for (const Store& store : program_.kernels[k].stores)
        if (store.buffer == static_cast<int>(next))
          safe = safe && static_cast<int>(k) == first_[next] &&
                 reads_only_at(program_.kernels[k], parameter, store);
        else if (storage_of(program_, store.buffer) == static_cast<int>(next))
          safe = false;
    plan_.in_place[next] = safe;
    if (safe) plan_.home[next] = parameter;
  }

  bool is_intermediate(int buffer) const {
    return program_.buffers[static_cast<size_t>(buffer)].kind == BufferKind::Intermediate;
  }

  /// Lets a result of kernel k take the memory of an operand that nobody needs afterwards.
  void share(size_t k) {
    const Kernel& kernel = program_.kernels[k];
    if (is_scatter(kernel)) return;
    for (const Store& store : kernel.stores) {
      const Buffer& result = program_.buffers[static_cast<size_t>(store.buffer)];
      if (!is_intermediate(store.buffer) || plan_.home[static_cast<size_t>(store.buffer)] != store.buffer ||
          first_[static_cast<size_t>(store.buffer)] != static_cast<int>(k))
        continue;
      for (const Instruction& it : kernel.code) {
        if (it.kind != InstructionKind::Read || it.place != store.place) continue;
        const Buffer& operand = program_.buffers[static_cast<size_t>(it.buffer)];
        if (operand.alias >= 0 || !is_intermediate(it.buffer) || operand.bits != result.bits ||
            size_of(operand.type) != size_of(result.type) || operand.shape != result.shape ||
            !reads_only_at(kernel, it.buffer, store))
          continue;
        const int root = plan_.home[static_cast<size_t>(it.buffer)];
        if (last_[static_cast<size_t>(root)] != static_cast<int>(k)) continue;
        plan_.home[static_cast<size_t>(store.buffer)] = root;
        last_[static_cast<size_t>(root)] = last_[static_cast<size_t>(store.buffer)];
        break;
      }
    }
    for (int& home : plan_.home) home = plan_.home[static_cast<size_t>(home)];
  }

  void add_slots() {
    for (size_t b = 0; b < program_.buffers.size(); ++b) {
      const Buffer& buffer = program_.buffers[b];
      if (!is_intermediate(static_cast<int>(b)) || plan_.home[b] != static_cast<int>(b) || first_[b] < 0)
        continue;
      plan_.slots.push_back({static_cast<int>(b), bytes_of(buffer), first_[b], last_[b]});
    }
    plan_.table_size = static_cast<int>(program_.buffers.size());
    plan_.scratch.assign(schedule_.kernels.size(), -1);
    for (size_t k = 0; k < schedule_.kernels.size(); ++k) {
      const auto& contraction = schedule_.kernels[k].contraction;
      if (!contraction || contraction->plan.scratch.factor == 0) continue;
      const int kernel = static_cast<int>(k);
      const Extent bytes{size_of(contraction->facts.type) * schedule_.kernels[k].threads, {}};
      plan_.slots.push_back({plan_.table_size, bytes * contraction->plan.scratch, kernel, kernel});
      plan_.scratch[k] = plan_.table_size++;
    }
  }

  const Kernels& program_;
  const Schedule& schedule_;
  MemoryPlan plan_;
  std::vector<int> first_, last_;  // kernels that touch a storage
};

int64_t round_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

void order_kernels(Kernels& program) {
  const std::vector<size_t> order = Order(program).run();
  std::vector<Kernel> kernels;
  for (size_t k : order) kernels.push_back(std::move(program.kernels[k]));
  program.kernels = std::move(kernels);
}

MemoryPlan plan_memory(const Kernels& program, const Schedule& schedule) {
  return Planner(program, schedule).run();
}

Layout lay_out(const MemoryPlan& plan, const Sizes& sizes) {
  Layout layout;
  std::vector<int64_t> bytes;
  for (const Slot& slot : plan.slots) bytes.push_back(round_up(value_of(slot.bytes, sizes)));
  std::vector<size_t> order(bytes.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, [&](size_t a, size_t b) { return bytes[a] > bytes[b]; });
  layout.offsets.assign(bytes.size(), 0);
  std::vector<size_t> placed;  // by offset
  for (size_t i : order) {
    int64_t offset = 0;
    for (size_t other : placed) {
      const bool together =
          plan.slots[i].first <= plan.slots[other].last && plan.slots[other].first <= plan.slots[i].last;
      if (!together || layout.offsets[other] + bytes[other] <= offset) continue;
      if (layout.offsets[other] >= offset + bytes[i]) break;
      offset = layout.offsets[other] + bytes[other];
    }
    layout.offsets[i] = offset;
    layout.bytes = std::max(layout.bytes, offset + bytes[i]);
    const auto at = std::ranges::upper_bound(placed, offset, {}, [&](size_t p) { return layout.offsets[p]; });
    placed.insert(at, i);
  }
  return layout;
}

std::string to_string(const MemoryPlan& plan, const Kernels& program) {
  std::string text;
  const auto name = [&](int buffer) { return program.buffers[static_cast<size_t>(buffer)].name; };
  const auto is_buffer = [&](int number) { return number < static_cast<int>(program.buffers.size()); };
  for (const Slot& slot : plan.slots)
    text += fmt::format("{}: {} bytes, kernels {} to {}\n",
                        is_buffer(slot.number) ? name(slot.number) : "scratch", to_string(slot.bytes),
                        slot.first, slot.last);
  for (size_t b = 0; b < plan.home.size(); ++b) {
    const int buffer = static_cast<int>(b);
    if (plan.home[b] != buffer) text += fmt::format("{} lies in {}\n", name(buffer), name(plan.home[b]));
    if (program.buffers[b].kind == BufferKind::Next && !plan.in_place[b])
      text += fmt::format("{} changes places with {}\n", name(buffer), name(program.buffers[b].source));
  }
  return text;
}

}  // namespace crease
