#include "jit/fuse.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "jit/fuse_kernels.h"
#include "jit/fuse_scalars.h"
#include "jit/order.h"
#include "jit/schedule.h"

namespace crease {
namespace {

/// Costs up to this are recomputed rather than stored.
constexpr double cheap = 6;

/// Reads of one element from which on a sum of products has its operand stored, whatever it costs.
constexpr double often = 8;

/// Storages that a kernel touches.
struct Uses {
  int64_t version = 0;  // of the kernel: another number once it has changed
  std::set<int> reads, writes;
  std::set<int> carries = {};  // of the loops that it is in: those change with each turn
  int step_loop = -1;
};

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

/// Whether `later` must stay behind `earlier` for what a loop of one of them carries: it writes its carries,
/// also those that none of its kernels touches.
bool depends_by_carries(const Uses& later, const Uses& earlier) {
  return later.step_loop != earlier.step_loop &&
         (intersect(later.reads, earlier.carries) || intersect(later.writes, earlier.carries) ||
          intersect(later.carries, earlier.writes));
}

/// Whether `later` must stay behind `earlier`.
bool depends(const Uses& later, const Uses& earlier) {
  return depends_by_carries(later, earlier) || intersect(later.reads, earlier.writes) ||
         intersect(later.writes, earlier.writes) || intersect(later.writes, earlier.reads);
}

/// Which kernels read and write each storage, by position, ascending.
struct Touching {
  std::vector<std::vector<size_t>> readers, writers;

  Touching(size_t buffers, const std::vector<Uses>& uses) : readers(buffers), writers(buffers) {
    for (size_t k = 0; k < uses.size(); ++k) {
      for (const int storage : uses[k].reads) readers[static_cast<size_t>(storage)].push_back(k);
      for (const int storage : uses[k].writes) writers[static_cast<size_t>(storage)].push_back(k);
    }
  }
};

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

double points(const Kernel& kernel, uint64_t loops) {
  double count = 1;
  for (size_t l = 0; l < kernel.loops.size(); ++l)
    if ((loops >> l & 1) != 0) count *= estimate(kernel.loops[l].extent);
  return count;
}

class Fuser {
 public:
  explicit Fuser(Kernels program) : program_(std::move(program)) {
    for (const Kernel& kernel : program_.kernels) uses_.push_back(uses_now(kernel));
  }

  Kernels run() {
    const auto movement = [](const Kernel& kernel) { return is_movement(kernel); };
    while (inline_one(movement)) {
    }
    bool changed = true;
    while (changed) {
      changed = false;
      while (merge_all()) changed = true;
      const auto any = [](const Kernel& kernel) { return is_simple_map(kernel); };
      if (inline_one(any)) changed = true;
    }
    return std::move(program_);
  }

 private:
  Kernel& kernel(size_t k) { return program_.kernels[k]; }

  void replace(size_t k, Kernel with) {
    remove_unneeded(with);
    uses_[k] = uses_now(with);
    kernel(k) = std::move(with);
    touching_.reset();
  }

  void erase(size_t k) {
    program_.kernels.erase(program_.kernels.begin() + static_cast<std::ptrdiff_t>(k));
    uses_.erase(uses_.begin() + static_cast<std::ptrdiff_t>(k));
    touching_.reset();
  }

  /// Of a kernel that is new or has changed.
  Uses uses_now(const Kernel& kernel) {
    Uses uses = uses_of(program_, kernel);
    uses.version = next_version_++;
    return uses;
  }

  const Touching& touching() {
    if (!touching_) touching_.emplace(program_.buffers.size(), uses_);
    return *touching_;
  }

  /// The first kernel behind c that reads what p writes; the number of kernels if there is none.
  size_t next_consumer(size_t p, size_t c) {
    size_t next = program_.kernels.size();
    for (const int storage : uses_[p].writes) {
      const std::vector<size_t>& readers = touching().readers[static_cast<size_t>(storage)];
      const auto found = std::ranges::upper_bound(readers, c);
      if (found != readers.end()) next = std::min(next, *found);
    }
    return next;
  }

  /// Whether a buffer is wanted only by the kernels that read it.
  bool is_internal(int buffer) const {
    return program_.buffers[static_cast<size_t>(buffer)].kind == BufferKind::Intermediate;
  }

  // ---- consumers into producers ----

  /// One sweep over all pairs; whether anything was merged. A merged kernel takes the producer's or a later
  /// place, so the sweep goes on from there; what it opened up further ahead is left to the next sweep.
  bool merge_all() {
    bool merged = false;
    for (size_t p = 0; p < program_.kernels.size(); ++p)
      for (size_t c = next_consumer(p, p); c < program_.kernels.size(); c = next_consumer(p, c))
        if (merge(p, c)) {
          merged = true;
          c = p;
        }
    return merged;
  }

  /// Which of the kernels before c need p, or one that does; nothing if c needs one of those.
  std::optional<std::vector<bool>> kernels_behind(size_t p, size_t c) {
    std::vector<size_t> behind{p};
    Touched touched(program_.buffers.size());
    touched.add(uses_[p]);
    std::vector<bool> after(c, false);
    for (size_t k = p + 1; k < c; ++k) {
      const auto carries = [&](size_t earlier) { return depends_by_carries(uses_[k], uses_[earlier]); };
      after[k] =
          touched.bars(uses_[k]) || (!program_.step_loops.empty() && std::ranges::any_of(behind, carries));
      if (!after[k]) continue;
      if (depends(uses_[c], uses_[k])) return std::nullopt;
      behind.push_back(k);
      touched.add(uses_[k]);
    }
    return after;
  }

  bool merge(size_t p, size_t c) {
    if (kernel(p).step_loop != kernel(c).step_loop) return false;
    const std::pair versions{uses_[p].version, uses_[c].version};
    if (different_.contains(versions)) return false;
    std::optional<Kernel> merged = merge_consumer(kernel(p), kernel(c), program_.buffers);
    if (!merged) {
      different_.insert(versions);
      return false;
    }
    // Kernels between the two that need the producer must not feed the consumer.
    const std::optional<std::vector<bool>> between = kernels_behind(p, c);
    if (!between || splits_loop(p, c, *between)) return false;
    const std::vector<bool>& after = *between;
    drop_stores(*merged, p, c);

    std::vector<Kernel> kernels;
    std::vector<Uses> uses;
    const auto take = [&](size_t first, size_t last, auto wanted) {
      for (size_t k = first; k < last; ++k) {
        if (!wanted(k)) continue;
        kernels.push_back(std::move(kernel(k)));
        uses.push_back(std::move(uses_[k]));
      }
    };
    const auto all = [](size_t) { return true; };
    remove_unneeded(*merged);
    take(0, p, all);
    take(p + 1, c, [&](size_t k) { return !after[k]; });
    uses.push_back(uses_now(*merged));
    kernels.push_back(std::move(*merged));
    take(p + 1, c, [&](size_t k) { return after[k]; });
    take(c + 1, program_.kernels.size(), all);
    program_.kernels = std::move(kernels);
    uses_ = std::move(uses);
    touching_.reset();
    return true;
  }

  /// Whether kernels of a step loop between the two would go to different sides.
  bool splits_loop(size_t p, size_t c, const std::vector<bool>& after) {
    std::map<int, bool> side;
    for (size_t k = p + 1; k < c; ++k)
      for (int loop = kernel(k).step_loop; loop != kernel(p).step_loop && loop >= 0;
           loop = program_.step_loops[static_cast<size_t>(loop)].parent)
        if (side.emplace(loop, after[k]).first->second != after[k]) return true;
    return false;
  }

  /// Stores of the merged kernel that nobody else reads are not needed.
  void drop_stores(Kernel& merged, size_t p, size_t c) {
    std::erase_if(merged.stores, [&](const Store& store) {
      if (!is_internal(store.buffer)) return false;
      for (size_t k = 0; k < program_.kernels.size(); ++k)
        if (k != p && k != c && uses_[k].reads.contains(store.buffer)) return false;
      return merged.stores.size() > 1 && uses_[c].reads.contains(store.buffer);
    });
  }

  // ---- producers into consumers ----

  template <class Wanted>
  bool inline_one(const Wanted& wanted) {
    for (size_t p = 0; p < program_.kernels.size(); ++p)
      if (wanted(kernel(p)) && inline_everywhere(p)) return true;
    return false;
  }

  bool inline_everywhere(size_t p) {
    const int buffer = kernel(p).stores[0].buffer;
    if (!is_internal(buffer)) return false;
    std::vector<size_t> readers = touching().readers[static_cast<size_t>(buffer)];
    std::erase_if(readers, [&](size_t k) { return k <= p; });
    const std::vector<size_t>& writers = touching().writers[static_cast<size_t>(buffer)];
    if (readers.empty() || std::ranges::any_of(writers, [&](size_t k) { return k != p; })) return false;
    const bool fits =
        std::ranges::all_of(readers, [&](size_t c) { return may_inline(p, c, buffer, readers.size()); });
    if (!fits) return false;
    for (size_t c : readers) replace(c, inline_producer(kernel(p), kernel(c), buffer));
    erase(p);
    return true;
  }

  bool may_inline(size_t p, size_t c, int buffer, size_t readers) {
    const Kernel& consumer = kernel(c);
    if (consumer.step_loop != kernel(p).step_loop) return false;  // a producer runs once
    // What the producer reads must still be there: nothing between may overwrite it (scatters do).
    for (const int storage : uses_[p].reads) {
      const std::vector<size_t>& writers = touching().writers[static_cast<size_t>(storage)];
      const auto next = std::ranges::upper_bound(writers, p);
      if (next != writers.end() && *next < c) return false;
    }
    const std::vector<uint64_t> loops = dependences(consumer);
    double turns = 0;
    for (size_t i = 0; i < consumer.code.size(); ++i) {
      const Instruction& it = consumer.code[i];
      if (it.kind != InstructionKind::Read || storage_of(program_, it.buffer) != buffer) continue;
      if (it.buffer != buffer) return false;  // through an alias: other dimensions
      // What changes with an inner loop is read again in every turn of the outer ones.
      const uint64_t outer = (uint64_t{1} << consumer.outer) - 1;
      turns += points(consumer, (loops[i] & ~outer) != 0 ? loops[i] | outer : loops[i]);
    }
    if (is_movement(kernel(p))) return true;
    if (is_contraction(consumer) && feeds_product(consumer, buffer)) return false;
    const double cost = cost_per_point(kernel(p));
    const double made = points(kernel(p), ~uint64_t{0});
    // A convolution reads an element for every output channel and place of its kernel.
    if (sums_products(consumer) && turns > often * made) return false;
    const bool once = readers == 1 && turns <= made;
    return once || cost <= cheap;
  }

  static bool sums_products(const Kernel& kernel) {
    if (kernel.reductions.size() != 1 || kernel.reductions[0].combine != Combine::Sum) return false;
    const Instruction& value = kernel.code[static_cast<size_t>(kernel.reductions[0].value)];
    return value.kind == InstructionKind::Compute && value.function == ScalarKind::Multiply;
  }

  static bool feeds_product(const Kernel& kernel, int buffer) {
    const Instruction& product = kernel.code[static_cast<size_t>(kernel.reductions[0].value)];
    return std::ranges::any_of(product.operands, [&](int operand) {
      return kernel.code[static_cast<size_t>(read_of_factor(kernel, operand))].buffer == buffer;
    });
  }

  Kernels program_;
  std::vector<Uses> uses_;
  int64_t next_version_ = 0;
  std::set<std::pair<int64_t, int64_t>> different_;  // versions of producer and consumer that do not merge
  std::optional<Touching> touching_;                 // none: something has changed
};

}  // namespace

Kernels fuse(Kernels program) { return Fuser(gather_scalars(std::move(program))).run(); }

void name_kernels(Kernels& program, const Graph& graph) {
  for (Kernel& kernel : program.kernels) {
    std::string name;
    for (size_t i = 0; i < kernel.nodes.size() && i < 4; ++i) {
      const Node& node = graph.node(kernel.nodes[i]);
      name += (name.empty() ? "" : "_") + (node.op ? node.op->name : std::string(to_string(node.role)));
    }
    if (kernel.nodes.size() > 4) name += "_and_more";
    for (size_t i = 0; i < static_cast<size_t>(kernel.outer); ++i)
      name += (i == 0 ? "_" : "x") + to_string(kernel.loops[i].extent);
    std::ranges::replace(name, '*', '.');
    kernel.name = name;
  }
}

}  // namespace crease
