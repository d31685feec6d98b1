#include "jit/schedule_convolution.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "jit/address.h"
#include "jit/contraction.h"

namespace crease {

bool makes_product(const Kernel& kernel, const ConvolutionSchedule& plan, int64_t position, int64_t side) {
  return std::ranges::all_of(plan.side_conditions, [&](int condition) {
    const Instruction& it = kernel.code[static_cast<size_t>(condition)];
    int64_t place = it.place[0].offset;
    for (const Term& term : it.place[0].terms)
      place += term.coefficient * (term.label == plan.row_loop ? position : side);
    return place >= 0 && place < it.extent.factor;
  });
}

namespace {

constexpr int64_t longest_row = 256;       // whose sums stay in the first cache until they are stored
constexpr int64_t most_side_turns = 32;    // that are written out, as padding is beside some position
constexpr int64_t most_kept = 1 << 19;     // sums in memory between passes: the second cache and some
constexpr int64_t least_pass = 32;         // turns of the other loops in a pass
constexpr int64_t least_products = 40;     // of a sum, which is turned round before it is stored
constexpr int64_t most_weights = 1 << 22;  // elements
constexpr double least_positions = 32;     // for which the weights are packed

bool moves(const Address& address, int loop) { return !address.stride(loop).is(0); }

bool has_single_strides(const Kernel& kernel, const Address& address) {
  for (int loop = 0; loop < static_cast<int>(kernel.loops.size()); ++loop)
    if (!address.has_stride(loop)) return false;
  return address.values.empty();
}

/// Recognises one kernel.
class Matcher {
 public:
  /// `swapped`: of two factors without a condition the second is the data.
  Matcher(const Kernel& kernel, const std::vector<Buffer>& buffers, bool swapped)
      : kernel_(kernel), buffers_(buffers), swapped_(swapped) {}

  std::optional<ConvolutionSchedule> run() {
    if (!find_factors() || !find_outer_loops() || !find_inner_loops()) return {};
    return found_;
  }

 private:
  const Instruction& code(int instruction) const { return kernel_.code[static_cast<size_t>(instruction)]; }
  const Loop& loop(int number) const { return kernel_.loops[static_cast<size_t>(number)]; }
  bool is_known(int number) const { return loop(number).extent.is_constant(); }
  Address address(const Place& place, int buffer) const {
    return address_of(place, memory_shape(buffers_[static_cast<size_t>(buffer)]));
  }

  bool find_factors() {
    if (kernel_.reductions.size() != 1 || is_scatter(kernel_)) return false;
    const Reduction& sum = kernel_.reductions[0];
    if (sum.combine != Combine::Sum || !is_floating(sum.type)) return false;
    const Instruction& product = code(sum.value);
    if (product.kind != InstructionKind::Compute || product.function != ScalarKind::Multiply ||
        product.type != sum.type)
      return false;
    for (const int operand : product.operands) {
      const Instruction& read = code(operand);
      if (read.kind != InstructionKind::Read || read.type != sum.type) return false;
      if (buffers_[static_cast<size_t>(read.buffer)].type != sum.type) return false;
      if (!read.operands.empty() && read.operands[0] != sum.condition) return false;
      const bool is_data = sum.condition < 0 ? found_.data < 0 : !read.operands.empty();
      (is_data ? found_.data : found_.weight) = operand;
    }
    if (sum.condition < 0 && swapped_) std::swap(found_.data, found_.weight);
    if (found_.weight < 0 || found_.data < 0) return false;
    data_ = address(code(found_.data).place, code(found_.data).buffer);
    weight_ = address(code(found_.weight).place, code(found_.weight).buffer);
    return has_single_strides(kernel_, data_) && has_single_strides(kernel_, weight_);
  }

  bool find_outer_loops() {
    for (int number = 0; number < kernel_.outer; ++number) {
      if (!moves(weight_, number)) continue;
      if (moves(data_, number) || found_.column_loop >= 0 || !is_known(number)) return false;
      found_.column_loop = number;
    }
    if (found_.column_loop < 0 || loop(found_.column_loop).extent.factor < 1) return false;
    for (int number = 0; number < kernel_.outer; ++number)
      if (is_known(number) && loop(number).extent.factor >= 2 && moves(data_, number) &&
          every_store_runs_along(number))
        found_.row_loop = number;
    return found_.row_loop >= 0 && loop(found_.row_loop).extent.factor <= longest_row &&
           every_read_has_one_stride();
  }

  bool every_store_runs_along(int number) const {
    return std::ranges::all_of(kernel_.stores, [&](const Store& store) {
      const Address to = address(store.place, store.buffer);
      const bool once =
          std::ranges::count_if(store.place, [&](const Position& position) {
            return std::ranges::any_of(position.terms, [&](const Term& t) { return t.label == number; });
          }) == 1;
      const bool inside =
          std::ranges::any_of(to.loops, [&](const auto& s) { return s.number >= kernel_.outer; });
      return once && !inside && has_single_strides(kernel_, to) && to.stride(number).is(1);
    });
  }

  /// Along the row, in vectors; a diagonal of named size has two strides.
  bool every_read_has_one_stride() const {
    return std::ranges::all_of(kernel_.code, [&](const Instruction& it) {
      if (it.kind != InstructionKind::Read) return true;
      return address(it.place, it.buffer).has_stride(found_.row_loop);
    });
  }

  bool find_inner_loops() {
    if (kernel_.reductions[0].condition < 0) return sort_free_loops();
    const std::vector<int> all = conjuncts(kernel_, kernel_.reductions[0].condition);
    const auto is_place = [&](int condition) {
      return code(condition).kind == InstructionKind::Inside && code(condition).place[0].value < 0;
    };
    if (!std::ranges::all_of(all, is_place)) return false;
    std::vector<bool> guarded(kernel_.loops.size());
    for (const int condition : all) {
      bool in_row = false;
      std::vector<int> inner;
      for (const Term& term : code(condition).place[0].terms) {
        if (term.label == found_.column_loop) return false;
        in_row |= term.label == found_.row_loop;
        if (term.label >= kernel_.outer) inner.push_back(term.label);
      }
      (in_row ? found_.side_conditions : found_.guards).push_back(condition);
      if (!in_row) {
        for (const int number : inner) guarded[static_cast<size_t>(number)] = true;
        continue;
      }
      const bool other = std::ranges::any_of(code(condition).place[0].terms, [&](const Term& term) {
        return term.label != found_.row_loop && term.label < kernel_.outer;
      });
      if (other || inner.size() != 1 || (found_.side_loop >= 0 && found_.side_loop != inner[0]) ||
          !code(condition).extent.is_constant())
        return false;
      found_.side_loop = inner[0];
    }
    return sort_inner_loops(guarded);
  }

  /// Sums keep the order that loops with conditions, then those without would give them.
  bool sort_inner_loops(const std::vector<bool>& guarded) {
    int free_loop = -1;
    for (int number = kernel_.outer; number < static_cast<int>(kernel_.loops.size()); ++number) {
      const bool is_side = number == found_.side_loop, is_guarded = guarded[static_cast<size_t>(number)];
      if (is_side && is_guarded) return false;
      if (is_guarded && found_.side_loop >= 0 && number > found_.side_loop) return false;
      if (is_guarded) found_.guarded.push_back(number);
      if (is_side || is_guarded) {
        if (!is_known(number)) return false;
        continue;
      }
      if (free_loop >= 0) return false;
      free_loop = number;
    }
    if (free_loop < 0) return false;
    if (found_.side_loop >= 0 && padded_turns() > most_side_turns) return false;
    (adds_in_passes() ? found_.pass_loop : found_.depth_loop) = free_loop;
    return found_.pass_loop >= 0 || is_known(free_loop);
  }

  /// Without conditions: of few results the outermost loop is that of the passes and the innermost one sums,
  /// else the longest one does. Those between go round without a guard.
  bool sort_free_loops() {
    std::vector<int> loops;
    for (int number = kernel_.outer; number < static_cast<int>(kernel_.loops.size()); ++number)
      loops.push_back(number);
    if (loops.size() < 2) return false;
    found_.guarded.assign(loops.begin() + 1, loops.end());
    if (std::ranges::all_of(found_.guarded, [&](int number) { return is_known(number); }) &&
        adds_in_passes()) {
      found_.pass_loop = loops.front();
      found_.depth_loop = found_.guarded.back();
      found_.guarded.pop_back();
      return true;
    }
    if (!std::ranges::all_of(loops, [&](int number) { return is_known(number); })) return false;
    const auto longest =
        std::ranges::max_element(loops, {}, [&](int number) { return estimate(loop(number).extent); });
    found_.depth_loop = *longest;
    loops.erase(longest);
    found_.guarded = loops;
    return true;
  }

  /// Turns of the side loop in which not every position of the row has a product.
  int64_t padded_turns() const {
    const int64_t last = loop(found_.row_loop).extent.factor - 1,
                  sides = loop(found_.side_loop).extent.factor;
    int64_t padded = 0;
    for (int64_t side = 0; side < sides; ++side)
      if (!makes_product(kernel_, found_, 0, side) || !makes_product(kernel_, found_, last, side)) ++padded;
    return sides <= most_side_turns ? 0 : padded;
  }

  /// Few results, each of many products.
  bool adds_in_passes() const {
    double results = 1, turns = found_.side_loop < 0 ? 1 : estimate(loop(found_.side_loop).extent);
    for (int number = 0; number < kernel_.outer; ++number) {
      if (!is_known(number)) return false;
      results *= estimate(loop(number).extent);
    }
    for (const int number : found_.guarded) turns *= estimate(loop(number).extent);
    return results <= most_kept && turns >= least_pass;
  }

  const Kernel& kernel_;
  const std::vector<Buffer>& buffers_;
  bool swapped_;
  Address data_, weight_;
  ConvolutionSchedule found_;
};

/// Vectors of channels in a tile: no more columns than must be, then as many as there are registers for.
int tile_vectors(const Machine& machine, int rows, int64_t vectors) {
  int best = 1;
  const auto padded = [&](int64_t count) { return (vectors + count - 1) / count * count; };
  for (int count = 2; count <= std::min<int64_t>(4, vectors); ++count)
    if (rows * count + count + 3 <= machine.vector_registers && padded(count) <= padded(best)) best = count;
  return best;
}

/// Whether sums that are made at once are better off as rows: lanes without a column are lost, other code
/// spreads the row over them. Measured on Zen 4 with 24 cases of 1 to 32 channels: 0.58 to 0.92 times the
/// speed of that code with half to three quarters of the lanes, 1.0 to 1.2 with 5/6 or all; 0.9 with 18
/// products, 1.0 with 36.
bool pays(const Kernel& kernel, const Machine& machine, const ConvolutionSchedule& plan) {
  if (plan.pass_loop >= 0) return true;
  const auto extent = [&](int loop) { return kernel.loops[static_cast<size_t>(loop)].extent.factor; };
  int64_t products = extent(plan.depth_loop) * (plan.side_loop < 0 ? 1 : extent(plan.side_loop));
  for (const int loop : plan.guarded) products *= extent(loop);
  const int64_t lanes = machine.lanes(size_of(plan.type)), columns = extent(plan.column_loop);
  const int64_t padded = (columns + lanes - 1) / lanes * lanes;
  return products >= least_products && 5 * columns >= 4 * padded;
}

/// Sums of a tile: positions by vectors of channels. A vector for each of 16 positions needs one load of
/// weights and 16 of data, which the multiply-add takes from memory, for 16 multiply-adds.
void choose_tile(const Kernel& kernel, const Machine& machine, int64_t most_rows, ConvolutionSchedule& plan) {
  const auto extent = [&](int loop) {
    return loop < 0 ? 1 : kernel.loops[static_cast<size_t>(loop)].extent.factor;
  };
  const int lanes = machine.lanes(size_of(plan.type));
  const int64_t row = extent(plan.row_loop), vectors = (extent(plan.column_loop) + lanes - 1) / lanes;
  plan.tile_rows = static_cast<int>(std::min<int64_t>({row, std::max(lanes, 8), most_rows}));
  plan.tile_vectors = tile_vectors(machine, plan.tile_rows, vectors);
  const int64_t columns = (vectors + plan.tile_vectors - 1) / plan.tile_vectors * plan.tile_vectors * lanes;
  plan.packed = columns * extent(plan.side_loop) * extent(plan.depth_loop);
  for (const int loop : plan.guarded) plan.packed *= extent(loop);
  if (plan.pass_loop < 0) return;
  plan.kept = columns;
  for (int loop = 0; loop < kernel.outer; ++loop)
    if (loop != plan.column_loop) plan.kept *= extent(loop);
}

/// Whether channels of the data lie so far apart that those of a row lose each other in the first cache: its
/// sets repeat every 4096 bytes and have 8 places or more. Measured on Emerald Rapids, 3x3 windows: with 32
/// channels of 32 x 32 the sums run at 112 GFLOP/s in place, of 30 x 30 at 162.
bool compete(const Extent& stride, int64_t channels, Type type) {
  if (!stride.is_constant() || stride.factor == 0) return false;
  return channels * std::gcd(stride.factor * size_of(type), int64_t{4096}) > int64_t{8} * 4096;
}

/// Decides whether rows of the data are copied, and which elements.
void choose_line(const Kernel& kernel, const Address& data, const Machine& machine,
                 ConvolutionSchedule& plan) {
  const auto extent = [&](int loop) {
    return loop < 0 ? 1 : kernel.loops[static_cast<size_t>(loop)].extent.factor;
  };
  if (plan.pass_loop >= 0 || plan.depth_loop < 0) return;
  const Extent along = data.stride(plan.row_loop),
               aside = plan.side_loop < 0 ? Extent{0, {}} : data.stride(plan.side_loop);
  if (!along.is_constant() || !aside.is_constant()) return;
  if (!compete(data.stride(plan.depth_loop), extent(plan.depth_loop), plan.type)) return;
  std::optional<int64_t> least, greatest;
  for (int64_t position = 0; position < extent(plan.row_loop); ++position)
    for (int64_t side = 0; side < extent(plan.side_loop); ++side) {
      if (!makes_product(kernel, plan, position, side)) continue;
      const int64_t place = position * along.factor + side * aside.factor;
      least = std::min(place, least.value_or(place));
      greatest = std::max(place, greatest.value_or(place));
    }
  if (!least || *greatest - *least >= 4 * longest_row) return;
  plan.line_begin = *least;
  plan.line_elements = *greatest - *least + 1;
  const int64_t of_cache_line = 64 / size_of(plan.type);
  const int64_t lines = (plan.line_elements + of_cache_line - 1) / of_cache_line;
  plan.line = (lines | 1) * of_cache_line;  // odd: all sets
  plan.copied = plan.line * extent(plan.depth_loop);
  for (const int loop : plan.guarded) plan.copied *= extent(loop);
  if (plan.copied * size_of(plan.type) > machine.l2_bytes / 4) plan.line = plan.copied = 0;
}

}  // namespace

bool schedule_convolution(const Kernel& kernel, const std::vector<Buffer>& buffers, const Machine& machine,
                          KernelSchedule& plan) {
  auto found = Matcher(kernel, buffers, false).run();
  if (!found) found = Matcher(kernel, buffers, true).run();
  if (!found) return false;
  double positions = 1;
  for (int number = 0; number < kernel.outer; ++number)
    if (number != found->column_loop) positions *= estimate(kernel.loops[static_cast<size_t>(number)].extent);
  if (positions < least_positions) return false;
  found->type = kernel.reductions[0].type;
  if (!pays(kernel, machine, *found)) return false;
  const Instruction& data = kernel.code[static_cast<size_t>(found->data)];
  const Address from = address_of(data.place, memory_shape(buffers[static_cast<size_t>(data.buffer)]));
  choose_tile(kernel, machine, most_tile_rows(from.stride(found->row_loop), found->type), *found);
  choose_line(kernel, from, machine, *found);
  if (found->packed > most_weights) return false;
  plan.absorbed_by.assign(kernel.loops.size(), -1);
  plan.outer.clear();
  for (int number = 0; number < kernel.outer; ++number)
    if (number != found->column_loop && number != found->row_loop)
      plan.outer.push_back({number, kernel.loops[static_cast<size_t>(number)].extent});
  std::vector<int> inner{found->pass_loop};
  inner.insert(inner.end(), found->guarded.begin(), found->guarded.end());
  inner.insert(inner.end(), {found->side_loop, found->depth_loop});
  plan.inner.clear();
  for (const int number : inner)
    if (number >= 0) plan.inner.push_back({number, kernel.loops[static_cast<size_t>(number)].extent});
  plan.vector_loop = found->row_loop;
  plan.lanes = machine.lanes(size_of(found->type));
  plan.convolution = std::move(found);
  return true;
}

double convolution_cycles(const Kernel& kernel, const KernelSchedule& plan, const Machine& machine) {
  double products = 1;
  for (const Loop& loop : kernel.loops) products *= estimate(loop.extent);
  return 1.2 * products / plan.lanes / machine.fma_per_cycle;
}

}  // namespace crease
