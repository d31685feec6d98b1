#include "jit/fuse_recompute.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "jit/fuse_kernels.h"
#include "jit/fuse_order.h"
#include "jit/order.h"
#include "jit/schedule.h"

namespace crease {
namespace {

/// Cycles of one value up to which it is computed again, wherever it is read.
constexpr double most_cycles = 6;

/// What one store of a kernel writes, as a kernel of its own that reads what is in memory.
class MapOfStore {
 public:
  MapOfStore(const Kernel& kernel, const Store& store, const std::vector<Buffer>& buffers)
      : kernel_(kernel), store_(store), buffers_(buffers) {}

  std::optional<Kernel> run() {
    Place place;
    for (const Dim& dim : buffers_[static_cast<size_t>(store_.buffer)].shape) {
      const int loop = map_.outer++;
      map_.loops.push_back({fmt::format("d{}", loop), extent_of(dim)});
      place.push_back({.terms = {{loop, 1}}});
    }
    const std::optional<int> value = copied(store_.value);
    if (!value) return {};
    map_.stores.push_back({.buffer = store_.buffer, .place = std::move(place), .value = *value});
    map_.step_loop = kernel_.step_loop;
    return std::move(map_);
  }

 private:
  std::optional<int> copied(int instruction) {
    if (const Store* other = other_store_of(instruction)) return read_of(*other);
    Instruction copy = kernel_.code[static_cast<size_t>(instruction)];
    if (copy.kind == InstructionKind::Reduced || copy.kind == InstructionKind::Uniform) return {};
    if (copy.kind == InstructionKind::Read && is_written(copy.buffer)) return {};
    for (int& operand : copy.operands) {
      const std::optional<int> to = copied(operand);
      if (!to) return {};
      operand = *to;
    }
    std::optional<Place> place = moved(copy.place);
    if (!place) return {};
    copy.place = std::move(*place);
    return append(map_, std::move(copy));
  }

  const Store* other_store_of(int instruction) {
    const auto found = std::ranges::find_if(kernel_.stores, [&](const Store& other) {
      const Buffer& buffer = buffers_[static_cast<size_t>(other.buffer)];
      return other.value == instruction && other.buffer != store_.buffer && buffer.type != Type::boolean &&
             moved(other.place);
    });
    return found == kernel_.stores.end() ? nullptr : &*found;
  }

  int read_of(const Store& other) {
    return append(map_, {.kind = InstructionKind::Read,
                         .type = buffers_[static_cast<size_t>(other.buffer)].type,
                         .buffer = other.buffer,
                         .place = *moved(other.place)});
  }

  bool is_written(int buffer) const {
    return std::ranges::find(kernel_.stores, buffer, &Store::buffer) != kernel_.stores.end();
  }

  /// Over the loops of the map, which are the dimensions of the store.
  std::optional<Place> moved(const Place& place) {
    Place result;
    for (const Position& position : place) {
      std::optional<Position> to = moved(position);
      if (!to) return {};
      result.push_back(std::move(*to));
    }
    return result;
  }

  std::optional<Position> moved(const Position& position) {
    const auto same = std::ranges::find(store_.place, position);
    if (same != store_.place.end() && !position.terms.empty())
      return Position{.terms = {{static_cast<int>(same - store_.place.begin()), 1}}};
    Position result{.terms = {}, .offset = position.offset};
    for (const Term& term : position.terms) {
      if (kernel_.loops[static_cast<size_t>(term.label)].extent.is(1)) continue;
      const auto own = std::ranges::find(store_.place, Position{.terms = {{term.label, 1}}});
      if (own == store_.place.end()) return {};
      add_term(result, static_cast<int>(own - store_.place.begin()), term.coefficient);
    }
    if (position.value < 0) return result;
    const std::optional<int> value = copied(position.value);
    if (value) result.value = *value;
    return value ? std::optional(result) : std::nullopt;
  }

  const Kernel& kernel_;
  const Store& store_;
  const std::vector<Buffer>& buffers_;
  Kernel map_;
};

double bytes_of(Type type) { return type == Type::boolean ? 0.125 : static_cast<double>(size_of(type)); }

/// Whether a map reads about as many bytes as it makes, or fewer.
bool reads_little(const Kernel& map) {
  const std::vector<uint64_t> loops = dependences(map);
  double bytes = 0;
  for (size_t i = 0; i < map.code.size(); ++i)
    if (map.code[i].kind == InstructionKind::Read)
      bytes += points(map, loops[i]) * bytes_of(map.code[i].type);
  const Instruction& value = map.code[static_cast<size_t>(map.stores[0].value)];
  return bytes <= 1.25 * points(map, ~uint64_t{0}) * bytes_of(value.type);
}

class Recomputer {
 public:
  explicit Recomputer(Kernels program) : order_(std::move(program)) {
    for (const Trap& trap : order_.program().traps) kept_.insert(trap.operands.begin(), trap.operands.end());
  }

  Kernels run() {
    for (size_t p = 0; p < order_.size(); ++p)
      while (drop_one(p)) {
      }
    return order_.take();
  }

 private:
  const Kernel& kernel(size_t k) const { return order_.kernel(k); }
  const Buffer& buffer(int number) const { return order_.program().buffers[static_cast<size_t>(number)]; }

  bool drop_one(size_t p) {
    const Kernel& maker = kernel(p);
    for (size_t s = 0; maker.stores.size() > 1 && s < maker.stores.size(); ++s) {
      const Store& store = maker.stores[s];
      if (is_scatter(maker) || !is_candidate(store, p)) continue;
      const std::optional<Kernel> map = MapOfStore(maker, store, order_.program().buffers).run();
      if (!map || !reads_little(*map) || hoisted_cost(*map) > most_cycles) continue;
      if (!inline_everywhere(p, *map)) continue;
      Kernel less = kernel(p);  // `maker` may have moved
      less.stores.erase(less.stores.begin() + static_cast<std::ptrdiff_t>(s));
      remove_unneeded(less);
      order_.replace(p, std::move(less));
      return true;
    }
    return false;
  }

  bool is_candidate(const Store& store, size_t p) const {
    const Buffer& it = buffer(store.buffer);
    return it.kind == BufferKind::Intermediate && it.alias < 0 && it.type != Type::boolean &&
           !it.shape.empty() && !kept_.contains(store.buffer) &&
           order_.writers(store.buffer) == std::vector{p} &&
           std::ranges::count(kernel(p).stores, store.buffer, &Store::buffer) == 1;
  }

  bool inline_everywhere(size_t p, const Kernel& map) {
    const int made = map.stores[0].buffer;
    const std::vector<size_t> readers = order_.readers(made);
    const auto fits = [&](size_t c) { return may_inline(p, c, map); };
    if (readers.empty() || !std::ranges::all_of(readers, fits)) return false;
    for (const size_t c : readers) {
      Kernel reader = inline_producer(map, kernel(c), made);
      remove_unneeded(reader);
      order_.replace(c, std::move(reader));
    }
    return true;
  }

  /// What the map reads must still be there, and the reader wants each element once.
  bool may_inline(size_t p, size_t c, const Kernel& map) const {
    const Kernel& reader = kernel(c);
    if (c <= p || reader.step_loop != map.step_loop) return false;
    for (const int storage : storages_read(order_.program(), map))
      if (std::ranges::any_of(order_.writers(storage), [&](size_t k) { return p < k && k <= c; }))
        return false;
    const int made = map.stores[0].buffer;
    double turns = 0;
    for (const Instruction& it : reader.code) {
      if (it.kind != InstructionKind::Read || storage_of(order_.program(), it.buffer) != made) continue;
      if (it.buffer != made) return false;  // through an alias: other dimensions
      turns += points(reader, ~uint64_t{0});
    }
    return turns <= points(map, ~uint64_t{0});
  }

  KernelOrder order_;
  std::set<int> kept_;
};

}  // namespace

Kernels recompute_cheap(Kernels program) { return Recomputer(std::move(program)).run(); }

}  // namespace crease
