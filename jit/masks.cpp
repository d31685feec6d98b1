#include "jit/masks.h"

#include <algorithm>
#include <map>
#include <optional>

namespace crease {
namespace {

/// Comparisons that replace one number: with more, bits and their code cost more than the number.
constexpr size_t most_masks = 4;
/// Instructions that may move with a comparison.
constexpr int most_moved = 12;

const Instruction& at(const Kernel& kernel, int instruction) {
  return kernel.code[static_cast<size_t>(instruction)];
}

/// Whether each dimension has loops of its own, or one element.
bool is_plain(const Place& place, const Kernel& kernel) {
  return std::ranges::all_of(place,
                             [&](const Position& p) { return counted(p, kernel.loops) || p == Position{}; });
}

/// A truth value made of reads at one place and constants.
struct Comparison {
  int instruction;
  Place place;  // of the reads of the number, over the reader's loops
};

/// What a kernel makes of the number that it reads from `buffer`.
class Reader {
 public:
  Reader(const Kernel& kernel, int buffer) : kernel_(kernel), buffer_(buffer), users_(kernel.code.size()) {
    for (size_t i = 0; i < kernel.code.size(); ++i) {
      const Instruction& it = kernel.code[i];
      for (int operand : it.operands) users_[static_cast<size_t>(operand)].push_back(static_cast<int>(i));
      for (const Position& position : it.place) mark_final(position.value);
      if (it.kind == InstructionKind::Read && !it.operands.empty()) mark_final(it.operands[0]);
    }
    for (const Reduction& it : kernel.reductions) mark_final(it.value), mark_final(it.condition);
    for (const Store& it : kernel.stores) {
      mark_final(it.value), mark_final(it.condition);
      for (const Position& position : it.place) mark_final(position.value);
    }
  }

  /// The comparisons that are all the kernel wants of the number; none if it wants more.
  std::optional<std::vector<Comparison>> comparisons() {
    for (size_t i = 0; i < kernel_.code.size(); ++i) {
      const Instruction& it = kernel_.code[i];
      if (it.kind != InstructionKind::Read || it.buffer != buffer_) continue;
      if (!it.operands.empty() || !is_plain(it.place, kernel_) || !cover(static_cast<int>(i), it.place))
        return {};
    }
    return std::move(found_);
  }

 private:
  void mark_final(int instruction) {
    if (instruction >= 0) final_.push_back(instruction);
  }
  bool is_final(int instruction) const { return std::ranges::find(final_, instruction) != final_.end(); }

  /// Whether an instruction needs nothing but numbers at plain places and constants.
  bool is_movable(int instruction, const Place& place, int& budget) const {
    const Instruction& it = at(kernel_, instruction);
    if (it.kind == InstructionKind::Constant) return true;
    if (it.kind == InstructionKind::Read)
      return it.operands.empty() && is_plain(it.place, kernel_) &&
             (it.buffer != buffer_ || it.place == place);
    if (it.kind != InstructionKind::Compute && it.kind != InstructionKind::Convert) return false;
    if (--budget < 0) return false;
    return std::ranges::all_of(it.operands, [&](int operand) { return is_movable(operand, place, budget); });
  }
  bool is_movable_truth(int instruction, const Place& place) const {
    int budget = most_moved;
    return at(kernel_, instruction).type == Type::boolean && is_movable(instruction, place, budget);
  }

  /// Whether everything that `instruction` is used for passes through comparisons, which are collected.
  bool cover(int instruction, const Place& place) {
    int budget = most_moved;
    if (!is_movable(instruction, place, budget)) return false;
    const std::vector<int>& users = users_[static_cast<size_t>(instruction)];
    const auto is_truth = [&](int user) { return is_movable_truth(user, place); };
    // As far up as truth values go: one mask for a conjunction.
    if (is_truth(instruction) && (is_final(instruction) || !std::ranges::all_of(users, is_truth))) {
      if (std::ranges::find(found_, instruction, &Comparison::instruction) == found_.end())
        found_.push_back({instruction, place});
      return true;
    }
    if (is_final(instruction) || users.empty()) return false;
    return std::ranges::all_of(users, [&](int user) { return cover(user, place); });
  }

  const Kernel& kernel_;
  int buffer_;
  std::vector<std::vector<int>> users_;
  std::vector<int> final_;  // used for something else than an instruction's operand
  std::vector<Comparison> found_;
};

/// Which kernels touch each buffer, ascending.
struct Touching {
  std::vector<std::vector<size_t>> readers, writers;

  explicit Touching(const Kernels& program)
      : readers(program.buffers.size()), writers(program.buffers.size()) {
    for (size_t k = 0; k < program.kernels.size(); ++k) add(program.kernels[k], k);
  }

  void add(const Kernel& kernel, size_t k) {
    for (const Instruction& it : kernel.code)
      if (it.kind == InstructionKind::Read) insert(readers, it.buffer, k);
    for (const Store& store : kernel.stores) insert(writers, store.buffer, k);
  }

 private:
  static void insert(std::vector<std::vector<size_t>>& lists, int buffer, size_t k) {
    if (static_cast<size_t>(buffer) >= lists.size()) lists.resize(static_cast<size_t>(buffer) + 1);
    std::vector<size_t>& list = lists[static_cast<size_t>(buffer)];
    const auto at = std::ranges::lower_bound(list, k);
    if (at == list.end() || *at != k) list.insert(at, k);
  }
};

/// Buffers that others are views of.
std::vector<bool> viewed(const Kernels& program) {
  std::vector<bool> result(program.buffers.size());
  for (const Buffer& it : program.buffers)
    if (it.alias >= 0) result[static_cast<size_t>(it.alias)] = true;
  return result;
}

class Masker {
 public:
  explicit Masker(Kernels program)
      : program_(std::move(program)), touching_(program_), viewed_(viewed(program_)) {}

  Kernels run() {
    const int count = static_cast<int>(program_.buffers.size());
    for (int buffer = 0; buffer < count; ++buffer) replace(buffer);
    return std::move(program_);
  }

 private:
  /// A comparison in the kernel that reads, and the same one in the kernel that makes the number.
  struct Cut {
    size_t reader;
    Comparison comparison;
    int truth;
  };

  Kernel& kernel(size_t k) { return program_.kernels[k]; }
  const Buffer& buffer(int number) const { return program_.buffers[static_cast<size_t>(number)]; }

  bool is_candidate(int number) const {
    const Buffer& it = buffer(number);
    return it.kind == BufferKind::Intermediate && it.type != Type::boolean && it.alias < 0 &&
           !it.shape.empty() && !viewed_[static_cast<size_t>(number)];
  }

  /// The kernel that stores all of a buffer by one plain store.
  std::optional<size_t> maker_of(int number) const {
    std::optional<size_t> maker;
    for (const size_t k : touching_.writers[static_cast<size_t>(number)])
      for (const Store& store : program_.kernels[k].stores) {
        if (store.buffer != number) continue;
        const bool plain = store.combine == Combine::Assign && store.condition < 0 &&
                           is_plain(store.place, program_.kernels[k]);
        if (maker || !plain) return {};
        maker = k;
      }
    return maker;
  }

  bool reads(size_t k, int number) const {
    return std::ranges::any_of(program_.kernels[k].code, [&](const Instruction& it) {
      return it.kind == InstructionKind::Read && it.buffer == number;
    });
  }

  void replace(int number) {
    if (!is_candidate(number)) return;
    const std::optional<size_t> maker = maker_of(number);
    if (!maker || reads(*maker, number)) return;
    Kernel making = kernel(*maker);
    std::vector<Cut> cuts;
    for (const size_t k : touching_.readers[static_cast<size_t>(number)]) {
      if (!reads(k, number)) continue;
      auto comparisons = Reader(kernel(k), number).comparisons();
      if (k < *maker || !comparisons || kernel(k).step_loop != kernel(*maker).step_loop) return;
      for (Comparison& it : *comparisons) {
        const std::optional<int> truth = moved(making, *maker, k, it, number);
        if (!truth) return;
        cuts.push_back({k, std::move(it), *truth});
      }
    }
    std::vector<int> truths;
    for (const Cut& cut : cuts)
      if (std::ranges::find(truths, cut.truth) == truths.end()) truths.push_back(cut.truth);
    if (cuts.empty() || truths.size() > most_masks) return;
    if (is_contraction(kernel(*maker)) && !is_contraction(making)) return;
    commit(number, *maker, std::move(making), cuts);
  }

  /// The store of the maker gives way to stores of truth values; readers read those.
  void commit(int number, size_t maker, Kernel making, const std::vector<Cut>& cuts) {
    const auto store = std::ranges::find(making.stores, number, &Store::buffer);
    const Place place = store->place;
    making.stores.erase(store);
    std::map<int, int> masks;
    for (const Cut& cut : cuts) {
      const auto [mask, fresh] = masks.emplace(cut.truth, static_cast<int>(program_.buffers.size()));
      if (fresh) {
        making.stores.push_back({.buffer = mask->second, .place = place, .value = cut.truth});
        program_.buffers.push_back(mask_of(number, masks.size()));
      }
      Instruction& it = kernel(cut.reader).code[static_cast<size_t>(cut.comparison.instruction)];
      it = {.kind = InstructionKind::Read,
            .type = Type::boolean,
            .buffer = mask->second,
            .place = cut.comparison.place};
    }
    kernel(maker) = std::move(making);
    remove_unneeded(kernel(maker));
    for (const Cut& cut : cuts) {
      remove_unneeded_once(cut, cuts);
      touching_.add(kernel(cut.reader), cut.reader);
    }
    touching_.add(kernel(maker), maker);
  }

  /// Numbers of instructions change, so only after the last cut of a reader.
  void remove_unneeded_once(const Cut& cut, const std::vector<Cut>& cuts) {
    const Cut& last = *std::find_if(cuts.rbegin(), cuts.rend(),
                                    [&](const Cut& other) { return other.reader == cut.reader; });
    if (&last == &cut) remove_unneeded(kernel(cut.reader));
  }

  Buffer mask_of(int number, size_t count) const {
    const Buffer& it = buffer(number);
    const std::string name = it.name + (count == 1 ? ".mask" : ".mask" + std::to_string(count));
    return {.name = name, .type = Type::boolean, .shape = it.shape, .node = it.node};
  }

  using Moves = std::vector<std::pair<Position, Position>>;  // the reader's -> the maker's

  /// The comparison inside the maker, which gets what it lacks; none if it cannot have it.
  std::optional<int> moved(Kernel& making, size_t maker, size_t reader, const Comparison& it, int number) {
    const Store& store = *std::ranges::find(making.stores, number, &Store::buffer);
    Moves moves;
    for (size_t d = 0; d < store.place.size(); ++d) {
      if (it.place[d] == Position{}) continue;
      if (store.place[d] == Position{} ||
          std::ranges::find(moves, it.place[d], &Moves::value_type::first) != moves.end())
        return {};
      moves.emplace_back(it.place[d], store.place[d]);
    }
    return moved(making, maker, kernel(reader), it.instruction, number, moves);
  }

  std::optional<int> moved(Kernel& making, size_t maker, const Kernel& reader, int instruction, int number,
                           const Moves& moves) {
    Instruction copy = at(reader, instruction);
    if (copy.kind == InstructionKind::Read) {
      const auto own = std::ranges::find(making.stores, copy.buffer, &Store::buffer);
      for (Position& position : copy.place) {
        if (position == Position{}) continue;
        const auto to = std::ranges::find(moves, position, &Moves::value_type::first);
        if (to == moves.end()) return {};
        position = to->second;
      }
      if (own != making.stores.end())
        return own->place == copy.place ? std::optional(own->value) : std::nullopt;
      if (!is_made_before(copy.buffer, maker)) return {};
    }
    for (int& operand : copy.operands) {
      const std::optional<int> to = moved(making, maker, reader, operand, number, moves);
      if (!to) return {};
      operand = *to;
    }
    return append(making, std::move(copy));
  }

  bool is_made_before(int number, size_t maker) const {
    const int storage = storage_of(program_, number);
    for (size_t k = maker; k < program_.kernels.size(); ++k)
      for (const Store& store : program_.kernels[k].stores)
        if (storage_of(program_, store.buffer) == storage) return false;
    return true;
  }

  Kernels program_;
  Touching touching_;  // or touched, before it was changed
  std::vector<bool> viewed_;
};

// ---- bits ----

/// Whether the lanes spread this term's loop, alone or as a digit.
bool is_spread(const Term& term, const KernelSchedule& plan) {
  return plan.vector_loop >= 0 && (term.label == plan.vector_loop ||
                                   plan.absorbed_by[static_cast<size_t>(term.label)] == plan.vector_loop);
}

bool is_whole_bytes(const KernelSchedule& plan, const Place& place) {
  const bool direct = !plan.contraction || !plan.contraction->plan.transposed;
  return direct && plan.lanes % 8 == 0 &&
         std::ranges::all_of(place.back().terms, [&](const Term& term) { return is_spread(term, plan); }) &&
         std::ranges::find(place.back().terms, Term{plan.vector_loop, 1}) != place.back().terms.end();
}

bool moves_lanes(const Place& place, const KernelSchedule& plan) {
  return std::ranges::any_of(place, [&](const Position& p) {
    return std::ranges::any_of(p.terms, [&](const Term& term) { return is_spread(term, plan); });
  });
}

/// Short rows that make whole vectors together: padding each would keep the loops over them apart.
bool has_short_rows(const Shape& shape) {
  if (shape.size() < 2 || shape[shape.size() - 2].is_symbol()) return false;
  const int64_t row = shape.back().size();
  return row < 16 && 16 % std::max<int64_t>(row, 1) == 0 && row * shape[shape.size() - 2].size() % 16 == 0;
}

/// If nothing is a view of it.
bool may_be_bits(const Buffer& it) {
  return it.kind == BufferKind::Intermediate && it.type == Type::boolean && it.alias < 0 &&
         !it.shape.empty() && !it.shape.back().is_symbol() && !has_short_rows(it.shape);
}

}  // namespace

bool serves_bits(const Kernel& kernel, const KernelSchedule& plan, int buffer) {
  const bool reads = std::ranges::all_of(kernel.code, [&](const Instruction& it) {
    if (it.kind != InstructionKind::Read || it.buffer != buffer) return true;
    if (!it.operands.empty() || !is_plain(it.place, kernel)) return false;
    return !moves_lanes(it.place, plan) || is_whole_bytes(plan, it.place);
  });
  return reads && std::ranges::all_of(kernel.stores, [&](const Store& it) {
           return it.buffer != buffer || (it.combine == Combine::Assign && it.condition < 0 &&
                                          is_plain(it.place, kernel) && is_whole_bytes(plan, it.place));
         });
}

Kernels store_masks(Kernels program) { return Masker(std::move(program)).run(); }

Schedule schedule_bits(Kernels& program, const Machine& machine, Threads threads) {
  const std::vector<bool> has_views = viewed(program);
  for (size_t b = 0; b < has_views.size(); ++b)
    program.buffers[b].bits = !has_views[b] && may_be_bits(program.buffers[b]);
  const Touching touching(program);
  // Rows of bits are padded, which changes how loops run: what does not fit goes back to bytes, until all
  // fit.
  while (true) {
    Schedule plan = schedule(program, machine, threads);
    bool fits = true;
    for (size_t b = 0; b < has_views.size(); ++b) {
      Buffer& buffer = program.buffers[b];
      const auto serves = [&](size_t k) {
        return serves_bits(program.kernels[k], plan.kernels[k], static_cast<int>(b));
      };
      if (!buffer.bits || (std::ranges::all_of(touching.readers[b], serves) &&
                           std::ranges::all_of(touching.writers[b], serves)))
        continue;
      fits = buffer.bits = false;
    }
    if (fits) return plan;
  }
}

}  // namespace crease
