#include "jit/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <set>

#include "graph/error.h"
#include "jit/order.h"

namespace crease {
namespace {

class Planner {
 public:
  Planner(const Kernels& program, const Schedule& schedule) : program_(program), schedule_(schedule) {}

  MemoryPlan run() {
    const size_t count = program_.buffers.size();
    first_.assign(count, -1);
    last_.assign(count, -1);
    plan_.in_place.assign(count, false);
    held_.assign(count, false);
    for (size_t b = 0; b < count; ++b) plan_.home.push_back(storage_of(program_, static_cast<int>(b)));
    for (size_t k = 0; k < program_.kernels.size(); ++k) see(k);
    for (int loop = static_cast<int>(program_.step_loops.size()) - 1; loop >= 0; --loop) place_carries(loop);
    for (int loop = static_cast<int>(program_.step_loops.size()) - 1; loop >= 0; --loop) hold(loop);
    for (size_t b = 0; b < count; ++b)
      if (program_.buffers[b].kind == BufferKind::Next && plan_.home[b] == static_cast<int>(b)) place_next(b);
    for (size_t k = 0; k < program_.kernels.size(); ++k) share(k);
    for (int& home : plan_.home) home = plan_.home[static_cast<size_t>(home)];
    add_slots();
    return std::move(plan_);
  }

 private:
  void touch(int buffer, size_t kernel) { extend(static_cast<size_t>(storage_of(program_, buffer)), kernel); }

  void extend(size_t storage, size_t kernel) {
    const int at = static_cast<int>(kernel);
    first_[storage] = first_[storage] < 0 ? at : std::min(first_[storage], at);
    last_[storage] = std::max(last_[storage], at);
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

  /// First kernel of a step loop, and the one after its last.
  std::pair<size_t, size_t> range_of(int loop) const {
    size_t first = program_.kernels.size(), end = 0;
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      if (is_within(program_, program_.kernels[k].step_loop, loop)) {
        first = std::min(first, k);
        end = k + 1;
      }
    return {first, end};
  }

  /// Next values that may overwrite what they follow within one turn.
  void place_carries(int loop) {
    const auto [begin, end] = range_of(loop);
    for (const auto& [next, value] : program_.step_loops[static_cast<size_t>(loop)].carries) {
      int last_read = -1, first_write = -1;
      for (size_t k = begin; k < end; ++k) {
        if (storages_read(program_, program_.kernels[k]).contains(value)) last_read = static_cast<int>(k);
        if (storages_written(program_, program_.kernels[k]).contains(next) && first_write < 0)
          first_write = static_cast<int>(k);
      }
      place(next, value, last_read <= first_write && first_write >= 0);
    }
  }

  /// What a step loop shares with its surroundings, or takes from turn to turn, lives as long as the loop.
  void hold(int loop) {
    const auto [begin, end] = range_of(loop);
    if (begin >= end) return;
    for (const auto& [next, carry] : program_.step_loops[static_cast<size_t>(loop)].carries)
      for (const int b : {next, carry})  // even one that no kernel reads is copied
        for (const size_t k : {begin, end - 1}) extend(static_cast<size_t>(b), k);
    for (size_t b = 0; b < first_.size(); ++b) {
      if (first_[b] < 0) continue;
      const bool outside = first_[b] < static_cast<int>(begin) || last_[b] >= static_cast<int>(end);
      const bool meets = first_[b] < static_cast<int>(end) && last_[b] >= static_cast<int>(begin);
      const bool kept =
          program_.buffers[b].kind == BufferKind::Carried || is_divided(loop, static_cast<int>(b));
      if (!meets || !(outside || kept)) continue;
      held_[b] = true;
      first_[b] = std::min(first_[b], static_cast<int>(begin));
      last_[b] = std::max(last_[b], static_cast<int>(end) - 1);
    }
  }

  /// Whether turns of the loop have their own elements of a storage.
  bool is_divided(int loop, int storage) const {
    for (size_t b = 0; b < program_.buffers.size(); ++b)
      if (program_.buffers[b].element_of == loop && storage_of(program_, static_cast<int>(b)) == storage)
        return true;
    return false;
  }

  void place_next(size_t next) {
    const int parameter = program_.buffers[next].source;
    place(static_cast<int>(next), parameter,
          last_[static_cast<size_t>(parameter)] <= first_[next] && first_[next] >= 0);
  }

  /// Lets `number` overwrite `parameter` if that is safe, `ordered` being whether reads come before writes.
  void place(int number, int parameter, bool ordered) {
    const auto next = static_cast<size_t>(number);
    bool safe =
        program_.buffers[next].shape == program_.buffers[static_cast<size_t>(parameter)].shape && ordered;
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
      if (!is_intermediate(store.buffer) || held_[static_cast<size_t>(store.buffer)] ||
          plan_.home[static_cast<size_t>(store.buffer)] != store.buffer ||
          first_[static_cast<size_t>(store.buffer)] != static_cast<int>(k))
        continue;
      for (const Instruction& it : kernel.code) {
        if (it.kind != InstructionKind::Read || it.place != store.place) continue;
        const Buffer& operand = program_.buffers[static_cast<size_t>(it.buffer)];
        if (operand.alias >= 0 || !is_intermediate(it.buffer) || held_[static_cast<size_t>(it.buffer)] ||
            operand.bits != result.bits || size_of(operand.type) != size_of(result.type) ||
            operand.shape != result.shape || !reads_only_at(kernel, it.buffer, store))
          continue;
        const int root = plan_.home[static_cast<size_t>(it.buffer)];
        if (last_[static_cast<size_t>(root)] != static_cast<int>(k) || held_[static_cast<size_t>(root)])
          continue;
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
      const bool in_arena = is_intermediate(static_cast<int>(b)) || buffer.kind == BufferKind::Carried;
      if (!in_arena || plan_.home[b] != static_cast<int>(b) || first_[b] < 0) continue;
      plan_.slots.push_back({static_cast<int>(b), bytes_of(buffer), first_[b], last_[b]});
    }
    plan_.table_size = static_cast<int>(program_.buffers.size());
    plan_.scratch.assign(schedule_.kernels.size(), -1);
    for (size_t k = 0; k < schedule_.kernels.size(); ++k) {
      const auto [type, elements] = schedule_.kernels[k].scratch();
      if (elements.factor == 0) continue;
      const int kernel = static_cast<int>(k);
      const Extent bytes{size_of(type) * schedule_.kernels[k].threads, {}};
      plan_.slots.push_back({plan_.table_size, bytes * elements, kernel, kernel});
      plan_.scratch[k] = plan_.table_size++;
    }
  }

  const Kernels& program_;
  const Schedule& schedule_;
  MemoryPlan plan_;
  std::vector<int> first_, last_;  // kernels that touch a storage
  std::vector<bool> held_;         // through a whole step loop: never shared inside it
};

int64_t round_up(int64_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

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
    expect(layout.bytes < most_bytes, "[bind] the arena has more than 2^62 bytes: want smaller dimensions");
    const auto at = std::ranges::upper_bound(placed, offset, {}, [&](size_t p) { return layout.offsets[p]; });
    placed.insert(at, i);
  }
  return layout;
}

void prefer_huge_pages(std::byte* begin, int64_t bytes) noexcept {
  constexpr uintptr_t page = uintptr_t{2} << 20;
  const auto first = (reinterpret_cast<uintptr_t>(begin) + page - 1) / page * page;
  const auto last = (reinterpret_cast<uintptr_t>(begin) + static_cast<uintptr_t>(bytes)) / page * page;
  if (first >= last) return;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
  // What has been touched is moved at once, where the kernel can (Linux 6.1, MADV_COLLAPSE).
  constexpr int collapse = 25;
  madvise(reinterpret_cast<void*>(first), last - first, collapse);
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
    if (program.buffers[b].source >= 0 && program.buffers[b].kind == BufferKind::Carried && !plan.in_place[b])
      text +=
          fmt::format("{} is copied to {} after each turn\n", name(buffer), name(program.buffers[b].source));
    if (program.buffers[b].kind == BufferKind::Next && !plan.in_place[b])
      text += fmt::format("{} changes places with {}\n", name(buffer), name(program.buffers[b].source));
  }
  return text;
}

}  // namespace crease
