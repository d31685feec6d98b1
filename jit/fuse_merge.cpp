#include <algorithm>

#include "jit/fuse_kernels.h"

namespace crease {
namespace {

/// Instructions beyond which code generation costs more than a pass over memory saves.
constexpr size_t greatest_kernel = 400;
/// The same for what follows a matrix product: it is emitted for every vector of a register tile.
constexpr size_t greatest_epilogue = 48;

class Merger {
 public:
  Merger(const Kernel& producer, const Kernel& consumer) : merged_(producer), consumer_(consumer) {
    map_.assign(consumer.loops.size(), {});
  }

  /// The consumer where its reads are stored.
  std::optional<Kernel> behind() {
    const bool product = is_contraction(merged_);
    if (!match_reads() || !fill_loops()) return std::nullopt;
    if (product && uses_inner_loops()) return std::nullopt;
    append_all();
    if ((product || is_contraction(consumer_)) && !is_contraction(merged_)) return std::nullopt;
    return std::move(merged_);
  }

  /// The second kernel where the first one reads what both read.
  std::optional<Kernel> beside(int buffer) {
    if (!match_shared(buffer) || !fill_loops()) return std::nullopt;
    append_all();
    return std::move(merged_);
  }

 private:
  bool fill_loops() { return covers_outer() && match_rest() && fits(); }

  void append_all() {
    append_code();
    for (Reduction reduction : consumer_.reductions) {
      reduction.value = to_[static_cast<size_t>(reduction.value)];
      if (reduction.condition >= 0) reduction.condition = to_[static_cast<size_t>(reduction.condition)];
      merged_.reductions.push_back(reduction);
    }
    for (Store store : consumer_.stores) {
      store.place = moved(store.place);
      store.value = to_[static_cast<size_t>(store.value)];
      merged_.stores.push_back(std::move(store));
    }
    merged_.nodes.insert(merged_.nodes.end(), consumer_.nodes.begin(), consumer_.nodes.end());
  }

  const Loop& loop(int number) const { return merged_.loops[static_cast<size_t>(number)]; }
  bool taken(int number) const {
    return std::ranges::any_of(map_, [&](const Position& to) {
      return std::ranges::find(to.terms, number, &Term::label) != to.terms.end();
    });
  }

  const Store* store_of(int buffer) const {
    const auto found = std::ranges::find(merged_.stores, buffer, &Store::buffer);
    return found == merged_.stores.end() ? nullptr : &*found;
  }

  bool match(int from, const Position& to) {
    Position& entry = map_[static_cast<size_t>(from)];
    if (!entry.terms.empty()) return entry == to;
    if (std::ranges::any_of(to.terms, [&](const Term& term) { return taken(term.label); }) ||
        counted(to, merged_.loops) != consumer_.loops[static_cast<size_t>(from)].extent)
      return false;
    entry = to;
    return true;
  }

  /// Every read of what the producer stores is at the element stored: that decides where loops go.
  bool match_reads() {
    for (const Instruction& it : consumer_.code) {
      const Store* store = it.kind == InstructionKind::Read ? store_of(it.buffer) : nullptr;
      if (store == nullptr) continue;
      for (size_t d = 0; d < it.place.size(); ++d) {
        const Position& to = store->place[d];
        const int from = plain_loop(it.place[d]);
        const bool first =
            it.place[d] == Position{} && plain_loop(to) >= 0 && loop(plain_loop(to)).extent.is(1);
        if (!first && (from < 0 || !match(from, to))) return false;
      }
    }
    return true;
  }

  const Instruction* read_of(const Kernel& kernel, int buffer) const {
    const auto found = std::ranges::find_if(kernel.code, [&](const Instruction& it) {
      return it.kind == InstructionKind::Read && it.buffer == buffer;
    });
    return found == kernel.code.end() ? nullptr : &*found;
  }

  /// Both read an element of the buffer in the same turn.
  bool match_shared(int buffer) {
    const Instruction *to = read_of(merged_, buffer), *from = read_of(consumer_, buffer);
    for (size_t d = 0; d < from->place.size(); ++d) {
      if (from->place[d] == Position{} && to->place[d] == Position{}) continue;
      const int loop = plain_loop(from->place[d]);
      if (loop < 0 || plain_loop(to->place[d]) < 0 || !match(loop, to->place[d])) return false;
    }
    return true;
  }

  bool covers_outer() const {
    for (int l = 0; l < merged_.outer; ++l)
      if (!taken(l) && !loop(l).extent.is(1)) return false;
    return true;
  }

  /// Loops of the consumer that no read decides go to the producer's free inner loops, in order; those of one
  /// turn become outer loops.
  bool match_rest() {
    for (size_t c = 0; c < map_.size(); ++c) {
      if (!map_[c].terms.empty()) continue;
      int free = -1;
      for (int l = 0; l < static_cast<int>(merged_.loops.size()) && free < 0; ++l)
        if (!taken(l) && loop(l).extent == consumer_.loops[c].extent) free = l;
      if (free < 0 && consumer_.loops[c].extent.is(1)) free = add_outer(consumer_.loops[c]);
      if (free < 0) return false;
      map_[c] = {.terms = {{free, 1}}};
    }
    return true;
  }

  int add_outer(const Loop& added) {
    const int at = merged_.outer++;
    merged_.loops.insert(merged_.loops.begin() + at, added);
    const auto shift = [&](Place& place) {
      for (Position& position : place)
        for (Term& term : position.terms)
          if (term.label >= at) ++term.label;
    };
    for (Instruction& it : merged_.code) shift(it.place);
    for (Store& store : merged_.stores) shift(store.place);
    shift(map_);
    return at;
  }

  /// Loops that the consumer sums over must be exactly the producer's inner ones; one that sums nothing goes
  /// over all inner loops or none.
  bool fits() const {
    size_t inside = 0;
    for (size_t c = 0; c < map_.size(); ++c) {
      const auto digits = map_[c].terms.size();
      const auto inner = static_cast<size_t>(std::ranges::count_if(
          map_[c].terms, [&](const Term& term) { return term.label >= merged_.outer; }));
      inside += inner;
      const bool sums = static_cast<int>(c) >= consumer_.outer;
      if (sums && (inner == 0 || digits > 1)) return false;
      if (!sums && inner > 0 && !consumer_.reductions.empty()) return false;
    }
    const size_t inner = merged_.loops.size() - static_cast<size_t>(merged_.outer);
    return inside == inner || (inside == 0 && consumer_.reductions.empty());
  }

  bool uses_inner_loops() const {
    return std::ranges::any_of(map_, [&](const Position& to) {
      return std::ranges::any_of(to.terms, [&](const Term& term) { return term.label >= merged_.outer; });
    });
  }

  Place moved(const Place& place) const {
    Place result;
    for (const Position& position : place) {
      Position to{.terms = {}, .offset = position.offset};
      for (const Term& term : position.terms)
        for (const Term& digit : map_[static_cast<size_t>(term.label)].terms)
          add_term(to, digit.label, term.coefficient * digit.coefficient);
      if (position.value >= 0) to.value = to_[static_cast<size_t>(position.value)];
      result.push_back(std::move(to));
    }
    return result;
  }

  void append_code() {
    const int reductions = static_cast<int>(merged_.reductions.size());
    for (const Instruction& it : consumer_.code) {
      Instruction copy = it;
      for (int& operand : copy.operands) operand = to_[static_cast<size_t>(operand)];
      copy.place = moved(copy.place);
      if (copy.reduction >= 0) copy.reduction += reductions;
      const Store* store = it.kind == InstructionKind::Read ? store_of(it.buffer) : nullptr;
      to_.push_back(store == nullptr ? append(merged_, std::move(copy)) : stored(*store, copy));
    }
  }

  /// The value that was stored, where a read of it was.
  int stored(const Store& store, const Instruction& read) {
    if (read.operands.empty()) return store.value;
    const int zero = constant(merged_, read.type, 0);
    return compute(merged_, read.type, ScalarKind::Select, {read.operands[0], store.value, zero});
  }

  Kernel merged_;
  const Kernel& consumer_;
  std::vector<Position> map_;  // consumer's loops -> producer's, of which one may be several digits
  std::vector<int> to_;        // consumer's instructions -> merged ones
};

}  // namespace

std::optional<Kernel> merge_consumer(const Kernel& producer, const Kernel& consumer,
                                     const std::vector<Buffer>& buffers) {
  const size_t greatest = is_contraction(producer) ? greatest_epilogue : greatest_kernel;
  if (producer.code.size() + consumer.code.size() > greatest) return std::nullopt;
  if (is_scatter(producer) || is_scatter(consumer)) return std::nullopt;
  // A read through an alias sees other dimensions than the store has.
  for (const Instruction& it : consumer.code) {
    if (it.kind != InstructionKind::Read) continue;
    int storage = it.buffer;
    while (buffers[static_cast<size_t>(storage)].alias >= 0)
      storage = buffers[static_cast<size_t>(storage)].alias;
    const bool stored = std::ranges::any_of(producer.stores, [&](const Store& store) {
      int other = store.buffer;
      while (buffers[static_cast<size_t>(other)].alias >= 0)
        other = buffers[static_cast<size_t>(other)].alias;
      return other == storage && store.buffer != it.buffer;
    });
    if (stored) return std::nullopt;
  }
  return Merger(producer, consumer).behind();
}

std::optional<Kernel> merge_sibling(const Kernel& first, const Kernel& second, int buffer) {
  if (first.code.size() + second.code.size() > greatest_kernel) return std::nullopt;
  return Merger(first, second).beside(buffer);
}

}  // namespace crease
