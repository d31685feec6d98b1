#include "jit/fuse.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "jit/fuse_kernels.h"
#include "jit/fuse_order.h"
#include "jit/fuse_scalars.h"
#include "jit/schedule.h"

namespace crease {
namespace {

/// Costs up to this are recomputed rather than stored.
constexpr double cheap = 6;

/// Reads of one element from which on a sum of products has its operand stored, whatever it costs.
constexpr double often = 8;

class Fuser {
 public:
  explicit Fuser(Kernels program) : order_(std::move(program)) {}

  Kernels run() {
    while (inline_all(is_movement)) {
    }
    bool changed = true;
    while (changed) {
      changed = false;
      while (merge_all()) changed = true;
      if (inline_all(is_simple_map)) changed = true;
    }
    return order_.take();
  }

 private:
  const Kernel& kernel(size_t k) const { return order_.kernel(k); }

  /// The first kernel behind c that reads what p writes; the number of kernels if there is none.
  size_t next_consumer(size_t p, size_t c) const {
    size_t next = order_.size();
    for (const int storage : order_.uses(p).writes)
      for (const size_t reader : order_.readers(storage))
        if (reader > c) next = std::min(next, reader);
    return next;
  }

  /// Whether a buffer is wanted only by the kernels that read it.
  bool is_internal(int buffer) const {
    return order_.program().buffers[static_cast<size_t>(buffer)].kind == BufferKind::Intermediate;
  }

  // ---- consumers into producers ----

  /// One sweep over all pairs; whether anything was merged. A merged kernel takes the producer's or a later
  /// place, so the sweep goes on from there; what it opened up further ahead is left to the next sweep.
  bool merge_all() {
    bool merged = false;
    for (size_t p = 0; p < order_.size(); ++p)
      for (size_t c = next_consumer(p, p); c < order_.size(); c = next_consumer(p, c))
        if (merge(p, c)) {
          merged = true;
          c = p;
        }
    return merged;
  }

  bool merge(size_t p, size_t c) {
    if (kernel(p).step_loop != kernel(c).step_loop) return false;
    const std::pair pair{order_.number(p), order_.number(c)};
    if (apart_.contains(pair)) return false;
    std::optional<Kernel> merged = merge_consumer(kernel(p), kernel(c), order_.program().buffers);
    if (!merged) {
      apart_.insert(pair);
      return false;
    }
    const std::optional<std::vector<bool>> after = order_.kernels_behind(p, c);
    if (!after) return false;
    drop_stores(*merged, p, c);
    remove_unneeded(*merged);
    order_.merge(p, c, std::move(*merged), *after);
    return true;
  }

  /// Stores of the merged kernel that nobody else reads are not needed.
  void drop_stores(Kernel& merged, size_t p, size_t c) const {
    std::erase_if(merged.stores, [&](const Store& store) {
      if (!is_internal(store.buffer) || merged.stores.size() == 1) return false;
      const std::vector<size_t> readers = order_.readers(store.buffer);
      return std::ranges::find(readers, c) != readers.end() &&
             std::ranges::all_of(readers, [&](size_t reader) { return reader == p || reader == c; });
    });
  }

  // ---- producers into consumers ----

  /// Goes once over all kernels; whether anything was inlined.
  template <class Wanted>
  bool inline_all(const Wanted& wanted) {
    bool inlined = false;
    for (size_t p = 0; p < order_.size();)
      if (wanted(kernel(p)) && inline_everywhere(p))
        inlined = true;  // another kernel stands at p now
      else
        ++p;
    return inlined;
  }

  bool inline_everywhere(size_t p) {
    const int buffer = kernel(p).stores[0].buffer;
    if (!is_internal(buffer)) return false;
    std::vector<size_t> readers = order_.readers(buffer);
    std::erase_if(readers, [&](size_t k) { return k <= p; });
    if (readers.empty() || order_.writers(buffer) != std::vector{p}) return false;
    const bool fits =
        std::ranges::all_of(readers, [&](size_t c) { return may_inline(p, c, buffer, readers.size()); });
    if (!fits) return false;
    for (const size_t c : readers) {
      Kernel consumer = inline_producer(kernel(p), kernel(c), buffer);
      remove_unneeded(consumer);
      order_.replace(c, std::move(consumer));
    }
    order_.erase(p);
    return true;
  }

  bool may_inline(size_t p, size_t c, int buffer, size_t readers) const {
    const Kernel& consumer = kernel(c);
    if (consumer.step_loop != kernel(p).step_loop) return false;  // a producer runs once
    // What the producer reads must still be there: nothing between may overwrite it (scatters do).
    for (const int storage : order_.uses(p).reads)
      if (std::ranges::any_of(order_.writers(storage), [&](size_t k) { return p < k && k < c; }))
        return false;
    const std::vector<uint64_t> loops = dependences(consumer);
    double turns = 0;
    for (size_t i = 0; i < consumer.code.size(); ++i) {
      const Instruction& it = consumer.code[i];
      if (it.kind != InstructionKind::Read || storage_of(order_.program(), it.buffer) != buffer) continue;
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

  KernelOrder order_;
  std::set<std::pair<size_t, size_t>> apart_;  // numbers of producer and consumer that do not merge
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
