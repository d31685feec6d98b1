#include "jit/fuse_scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <unordered_map>

namespace crease {
namespace {

/// Shorter runs are left to the pairwise fusion, which also puts them into the loops that use them.
constexpr size_t least_run = 96;
/// Code generation takes longer than in proportion to the instructions of one block; 256 of them cost little
/// more each than one alone, and a finite search for equal instructions.
constexpr size_t chunk_instructions = 768;

bool is_scalar_buffer(const Kernels& program, int buffer) {
  const Buffer& it = program.buffers[static_cast<size_t>(buffer)];
  return it.shape.empty() && it.alias < 0;
}

/// One scalar from scalars, by no loop and without conditions.
bool is_scalar(const Kernels& program, const Kernel& kernel) {
  if (!kernel.loops.empty() || !kernel.reductions.empty() || kernel.stores.size() != 1) return false;
  const Store& store = kernel.stores[0];
  if (store.combine != Combine::Assign || store.condition >= 0 || !is_scalar_buffer(program, store.buffer))
    return false;
  return std::ranges::all_of(kernel.code, [&](const Instruction& it) {
    if (it.kind == InstructionKind::Read) return it.operands.empty() && is_scalar_buffer(program, it.buffer);
    return it.place.empty();
  });
}

size_t mixed(size_t hash, size_t value) { return (hash ^ value) * 0x9e3779b97f4a7c15ULL + (hash >> 29); }

/// Of what tells scalar instructions apart.
size_t hash_of(const Instruction& it) {
  size_t hash = mixed(static_cast<size_t>(it.kind) * 256 + static_cast<size_t>(it.type),
                      static_cast<size_t>(it.function));
  hash = mixed(hash, std::bit_cast<uint64_t>(it.constant));
  hash = mixed(hash, static_cast<size_t>(it.buffer));
  for (const Position& position : it.place) hash = mixed(hash, static_cast<size_t>(position.offset));
  for (const int operand : it.operands) hash = mixed(hash, static_cast<size_t>(operand));
  return hash;
}

class Gatherer {
 public:
  explicit Gatherer(Kernels program)
      : program_(std::move(program)),
        first_reader_(program_.buffers.size(), none),
        last_reader_(program_.buffers.size(), 0),
        place_(program_.buffers.size(), -1),
        chunk_of_(program_.buffers.size(), -1),
        value_(program_.buffers.size(), -1) {
    for (size_t k = 0; k < program_.kernels.size(); ++k)
      for (const Instruction& it : program_.kernels[k].code)
        if (it.kind == InstructionKind::Read) read_by(storage_of(program_, it.buffer), k);
  }

  Kernels run() {
    std::vector<Kernel> all = std::move(program_.kernels);
    program_.kernels.clear();
    for (size_t begin = 0; begin < all.size();) {
      size_t end = begin;
      while (end < all.size() && is_scalar(program_, all[end]) && all[end].step_loop == all[begin].step_loop)
        ++end;
      if (end - begin >= least_run)
        gather(all, begin, end);
      else
        for (end = std::max(end, begin + 1); begin < end; ++begin)
          program_.kernels.push_back(std::move(all[begin]));
      begin = end;
    }
    for (const auto& [type, pool] : pools_)
      program_.buffers[static_cast<size_t>(pool)].shape = {Dim(pool_size_[type])};
    return std::move(program_);
  }

 private:
  static constexpr size_t none = std::numeric_limits<size_t>::max();

  void read_by(int buffer, size_t kernel) {
    const auto at = static_cast<size_t>(buffer);
    first_reader_[at] = std::min(first_reader_[at], kernel);
    last_reader_[at] = std::max(last_reader_[at], kernel);
  }

  void gather(std::vector<Kernel>& all, size_t begin, size_t end) {
    while (begin < end) {
      size_t next = begin, count = 0;
      while (next < end && (next == begin || count + all[next].code.size() <= chunk_instructions))
        count += all[next++].code.size();
      chunk(all, begin, next, end);
      begin = next;
    }
  }

  /// Kernels [begin, next) of a run that ends at `end` as one, which takes their instructions.
  void chunk(std::vector<Kernel>& all, size_t begin, size_t next, size_t end) {
    ++chunk_;
    known_.clear();
    Kernel made{.step_loop = all[begin].step_loop};
    for (size_t k = begin; k < next; ++k) {
      std::vector<int> to;
      for (Instruction& it : all[k].code) to.push_back(moved(made, std::move(it), to));
      const auto stored = static_cast<size_t>(all[k].stores[0].buffer);
      value_[stored] = to[static_cast<size_t>(all[k].stores[0].value)];
      chunk_of_[stored] = chunk_;
      made.nodes.insert(made.nodes.end(), all[k].nodes.begin(), all[k].nodes.end());
    }
    for (size_t k = begin; k < next; ++k) store(made, all[k].stores[0].buffer, next, end);
    remove_unneeded(made);
    program_.kernels.push_back(std::move(made));
  }

  int moved(Kernel& made, Instruction it, const std::vector<int>& to) {
    for (int& operand : it.operands) operand = to[static_cast<size_t>(operand)];
    if (it.kind == InstructionKind::Read) {
      const auto buffer = static_cast<size_t>(it.buffer);
      if (chunk_of_[buffer] == chunk_) return value_[buffer];
      if (place_[buffer] >= 0) {
        it.buffer = pools_.at(it.type);
        it.place = {Position{.terms = {}, .offset = place_[buffer]}};
      }
    }
    return add(made, std::move(it));
  }

  /// append(made, instruction), which would look through the whole chunk each time.
  int add(Kernel& made, Instruction instruction) {
    const size_t hash = hash_of(instruction);
    const auto [first, last] = known_.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (made.code[static_cast<size_t>(it->second)] == instruction) return it->second;
    known_.emplace(hash, static_cast<int>(made.code.size()));
    made.code.push_back(std::move(instruction));
    return static_cast<int>(made.code.size()) - 1;
  }

  /// What kernels behind this chunk need: those of the run find it in the pool, others where it was.
  void store(Kernel& made, int buffer, size_t next, size_t end) {
    const auto at = static_cast<size_t>(buffer);
    const Buffer& it = program_.buffers[at];
    const bool wanted = first_reader_[at] != none && last_reader_[at] >= next;
    const bool outside = wanted && last_reader_[at] >= end;
    if (it.kind != BufferKind::Intermediate || outside) {
      made.stores.push_back({.buffer = buffer, .value = value_[at]});
      return;
    }
    if (!wanted) return;
    const Type type = it.type;
    const int pool = pool_of(type);  // may move the buffers, `it` among them
    place_[at] = pool_size_[type]++;
    made.stores.push_back(
        {.buffer = pool, .place = {Position{.terms = {}, .offset = place_[at]}}, .value = value_[at]});
  }

  int pool_of(Type type) {
    const auto [at, is_new] = pools_.emplace(type, static_cast<int>(program_.buffers.size()));
    if (is_new)
      program_.buffers.push_back({.name = fmt::format("scalars_{}", to_string(type)), .type = type});
    return at->second;
  }

  Kernels program_;
  std::vector<size_t> first_reader_, last_reader_;  // by storage: kernels of the program as it was
  std::vector<int64_t> place_;                      // by buffer: in the pool, -1: not there
  std::vector<int> chunk_of_, value_;               // by buffer: the chunk that computes it, and where there
  std::map<Type, int> pools_;
  std::map<Type, int64_t> pool_size_;
  std::unordered_multimap<size_t, int> known_;  // instructions of the chunk, by hash
  int chunk_ = 0;
};

}  // namespace

Kernels gather_scalars(Kernels program) { return Gatherer(std::move(program)).run(); }

}  // namespace crease
