#include "jit/schedule.h"

#include <algorithm>
#include <cmath>
#include <ranges>

#include "graph/error.h"
#include "jit/address.h"
#include "jit/schedule_contraction.h"
#include "jit/schedule_convolution.h"
#include "jit/schedule_pairs.h"
#include "jit/schedule_rows.h"
#include "jit/schedule_threads.h"

namespace crease {
namespace {

constexpr double typical_size = 64;

/// All addresses of a kernel that count, and the loops that conditions and indices mention.
struct Traffic {
  std::vector<Address> reads, stores;
  uint64_t conditioned = 0;  // loops whose value is used as a number
};

Traffic traffic_of(const Kernel& kernel, const std::vector<Buffer>& buffers) {
  Traffic traffic;
  const std::vector<bool> wanted = needed(kernel);
  const auto shape = [&](int buffer) { return memory_shape(buffers[static_cast<size_t>(buffer)]); };
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    const Instruction& it = kernel.code[i];
    if (!wanted[i]) continue;
    if (it.kind == InstructionKind::Read) {
      traffic.reads.push_back(address_of(it.place, shape(it.buffer)));
      continue;
    }
    for (const Position& position : it.place)
      for (const Term& term : position.terms) traffic.conditioned |= uint64_t{1} << term.label;
  }
  for (const Store& store : kernel.stores)
    traffic.stores.push_back(address_of(store.place, shape(store.buffer)));
  return traffic;
}

bool is_power_of_two(const Extent& extent) {
  return extent.is_constant() && extent.factor > 0 && (extent.factor & (extent.factor - 1)) == 0;
}

/// Whether one loop of a * b turns can replace loop a round loop b, which `merged` loops have become. Where
/// their values are used as numbers, only if b is one loop, too short to fill the lanes of a vector; then the
/// values are the digits of the new index.
bool mergeable(const Traffic& traffic, const Loop& around, int a, const ScheduledLoop& b, uint64_t merged,
               int lanes) {
  const bool short_one = is_power_of_two(b.extent) && b.extent.factor < lanes &&
                         merged == uint64_t{1} << b.loop && around.extent.is_constant() &&
                         around.extent.factor * b.extent.factor >= lanes;
  if ((traffic.conditioned & (merged | uint64_t{1} << a)) != 0 && !short_one) return false;
  const auto fits = [&](const Address& address) {
    if (!address.has_stride(a) || !address.has_stride(b.loop)) return false;
    return address.runs_on(a, b.loop, b.extent);
  };
  return std::ranges::all_of(traffic.reads, fits) && std::ranges::all_of(traffic.stores, fits);
}

/// Loops [first, last) of a kernel, neighbours merged where that is possible.
std::vector<ScheduledLoop> merged_loops(const Kernel& kernel, const Traffic& traffic, int first, int last,
                                        int lanes, std::vector<int>& absorbed_by) {
  std::vector<ScheduledLoop> loops;  // innermost first
  uint64_t merged = 0;               // those that the last one is made of
  for (int loop = last - 1; loop >= first; --loop) {
    const Loop& own = kernel.loops[static_cast<size_t>(loop)];
    const Extent& extent = own.extent;
    const bool fits = !loops.empty() && mergeable(traffic, own, loop, loops.back(), merged, lanes);
    merged = (fits ? merged : 0) | uint64_t{1} << loop;
    if (!fits) {
      loops.push_back({loop, extent});
      continue;
    }
    loops.back().extent = extent * loops.back().extent;
    absorbed_by[static_cast<size_t>(loop)] = loops.back().loop;
  }
  std::ranges::reverse(loops);
  return loops;
}

bool finds_position(const Kernel& kernel) {
  return std::ranges::any_of(kernel.reductions,
                             [](const Reduction& reduction) { return gives_position(reduction.combine); });
}

/// Elements of the widest number that is computed with, in one vector.
int lanes_of(const Kernel& kernel, const Machine& machine) {
  bool single = false, wide = false;
  for (const Instruction& it : kernel.code) {
    single |= it.type == Type::f32;
    wide |= it.type == Type::f64;
  }
  return machine.lanes(wide || (!single && machine.vector_bits > 128) ? 8 : 4);
}

/// Whether the turns of a loop may run side by side.
bool can_vectorise(const Kernel& kernel, const Traffic& traffic, int loop) {
  const auto single = [&](const Address& address) { return address.has_stride(loop); };
  if (!std::ranges::all_of(traffic.reads, single) || !std::ranges::all_of(traffic.stores, single))
    return false;
  if (loop >= kernel.outer) return !finds_position(kernel);
  // Different lanes must write different elements: the loop moves exactly one index of each store.
  return std::ranges::all_of(kernel.stores, [&](const Store& store) {
    return std::ranges::count_if(store.place, [&](const Position& position) {
             return std::ranges::any_of(position.terms, [&](const Term& t) { return t.label == loop; });
           }) == 1;
  });
}

/// Of a read or store: lanes apart are gathered one by one, but every second one from two vectors.
double access_cost(const Kernel& kernel, const Address& address, int loop, int lanes,
                   const KernelSchedule& plan) {
  if (loop < 0) return address.values.empty() ? 0.5 : lanes;
  if (!address.values.empty()) return lanes;
  const Extent stride = address.stride(loop);
  const double vector = stride.is(1) || stride.is(0) ? 0.5 : stride.is(2) ? 2.0 : lanes;
  const double pieces = plan.rows_loop < 0 || loop != plan.vector_loop ? 1 : pieces_of(address, kernel, plan);
  return vector * pieces;
}

/// Estimated cycles of a kernel whose loop `loop` (-1: none) is spread over `lanes`.
double cost_of(const Kernel& kernel, const Traffic& traffic, const KernelSchedule& plan, int loop,
               int lanes) {
  double turns = 1, outer_turns = 1;
  const auto count = [&](const ScheduledLoop& scheduled) {
    const double extent = estimate(scheduled.extent);
    return scheduled.loop == loop ? std::ceil(extent / lanes) : extent;
  };
  for (const ScheduledLoop& scheduled : plan.outer) outer_turns *= count(scheduled);
  turns = outer_turns;
  for (const ScheduledLoop& scheduled : plan.inner) turns *= count(scheduled);
  constexpr double elementary = 15;  // as bench/limits measures tanh on Zen 4
  double each = 0.3 * static_cast<double>(kernel.code.size()) +
                elementary * static_cast<double>(std::ranges::count_if(kernel.code, is_elementary));
  const auto add = [&](const Address& address) { each += access_cost(kernel, address, loop, lanes, plan); };
  std::ranges::for_each(traffic.reads, add);
  std::ranges::for_each(traffic.stores, add);
  const double across = loop >= kernel.outer ? 12.0 * static_cast<double>(kernel.reductions.size()) : 0;
  return turns * each + outer_turns * across;
}

/// Vectors of such kernels are whole bytes of bits.
bool touches_bits(const Kernel& kernel, const std::vector<Buffer>& buffers) {
  const auto reads_bits = [&](const Instruction& it) {
    return it.buffer >= 0 && buffers[static_cast<size_t>(it.buffer)].bits;
  };
  return std::ranges::any_of(kernel.code, reads_bits) || stores_bits(kernel, buffers);
}

/// Returns the estimated cycles.
double choose_vector_loop(const Kernel& kernel, const Traffic& traffic, int lanes, KernelSchedule& plan) {
  double best = cost_of(kernel, traffic, plan, -1, 1);
  std::vector<ScheduledLoop> loops = plan.outer;
  loops.insert(loops.end(), plan.inner.begin(), plan.inner.end());
  for (const ScheduledLoop& candidate : loops) {
    if (!can_vectorise(kernel, traffic, candidate.loop)) continue;
    const double cost = cost_of(kernel, traffic, plan, candidate.loop, lanes);
    if (cost >= best) continue;
    best = cost;
    plan.vector_loop = candidate.loop;
    plan.lanes = lanes;
  }
  // The loop over lanes runs innermost of its kind.
  for (std::vector<ScheduledLoop>* group : {&plan.outer, &plan.inner}) {
    const auto found = std::ranges::find(*group, plan.vector_loop, &ScheduledLoop::loop);
    if (found != group->end()) std::rotate(found, found + 1, group->end());
  }
  return best;
}

/// Short rows are joined to whole vectors where that is better than any other loop over lanes.
void choose_lanes(const Kernel& kernel, const std::vector<Buffer>& buffers, const Traffic& traffic, int lanes,
                  KernelSchedule& plan) {
  std::optional<KernelSchedule> joined = join_rows(kernel, buffers, traffic.conditioned, plan, lanes);
  const double alone = choose_vector_loop(kernel, traffic, lanes, plan);
  if (!joined || !can_vectorise(kernel, traffic, joined->vector_loop)) return;
  if (cost_of(kernel, traffic, *joined, joined->vector_loop, lanes) < alone) plan = std::move(*joined);
}

/// A jam of up to two loops, none of them -1.
struct Jams {
  Jam first{-1, 1}, second{-1, 1};
  int turns() const { return first.turns * second.turns; }
};

/// How often per innermost point something runs that only these loops change: it is computed where the last
/// of them is known.
double share_of(uint64_t loops, const KernelSchedule& plan) {
  const auto has = [&](int loop) {
    if ((loops >> loop & 1) != 0) return true;
    for (size_t other = 0; other < plan.absorbed_by.size(); ++other)
      if (plan.absorbed_by[other] == loop && (loops >> other & 1) != 0) return true;
    return false;
  };
  double share = 1;
  for (const ScheduledLoop& scheduled : plan.inner | std::views::reverse) {
    if (has(scheduled.loop)) break;
    const int step = scheduled.loop == plan.vector_loop ? plan.lanes : 1;
    share /= std::max(1.0, std::ceil(estimate(scheduled.extent) / step));
  }
  return share;
}

/// Turns of a jam that read other cache lines: steps of a few elements mostly stay within one.
int lines_of(const Address& address, const Jam& jam) {
  if (jam.loop < 0 || !address.values.empty()) return jam.turns;
  const Extent stride = address.stride(jam.loop);
  return stride.is_constant() && std::abs(stride.factor) <= 2 ? 1 : jam.turns;
}

/// Cycles of one innermost point of a kernel under a jam: what does not change with a jammed loop is shared
/// by its turns. Vectors count more, and most of all the cache lines that they are read from: they come from
/// the second cache or further, half as fast as they are multiplied.
double jammed_cost(const Kernel& kernel, const std::vector<Buffer>& buffers,
                   const std::vector<uint64_t>& loops, const KernelSchedule& plan, const Jams& jams) {
  const uint64_t outer = (uint64_t{1} << kernel.outer) - 1;
  const auto turns = [&](size_t i, const Jam& jam) {
    return jam.loop >= 0 && (loops[i] >> jam.loop & 1) != 0 ? jam.turns : 1;
  };
  double cost = 0;
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    if ((loops[i] & ~outer) == 0) continue;
    const Instruction& it = kernel.code[i];
    const bool vector = plan.vector_loop >= 0 && (loops[i] >> plan.vector_loop & 1) != 0;
    double each =
        (vector && it.type != Type::boolean ? 3.0 : 1.0) * turns(i, jams.first) * turns(i, jams.second);
    if (vector && it.kind == InstructionKind::Read) {
      const Address address = address_of(it.place, memory_shape(buffers[static_cast<size_t>(it.buffer)]));
      each += 3.0 * std::min(lines_of(address, jams.first), turns(i, jams.first)) *
              std::min(lines_of(address, jams.second), turns(i, jams.second));
    }
    cost += each * share_of(loops[i], plan);
  }
  return cost / jams.turns();
}

/// Reductions that read the same elements for many results, convolutions above all: several results at once,
/// as many as there are registers to sum them in.
void choose_jam(const Kernel& kernel, const std::vector<Buffer>& buffers, const Traffic& traffic,
                const Machine& machine, KernelSchedule& plan) {
  if (kernel.reductions.empty() || kernel.reductions.size() > 2 || is_scatter(kernel)) return;
  std::vector<Jam> candidates{{-1, 1}};
  for (const ScheduledLoop& loop : plan.outer) {
    const auto single = [&](const Address& address) { return address.has_stride(loop.loop); };
    if (loop.loop == plan.vector_loop || !loop.extent.is_constant() || loop.extent.factor == 0 ||
        !std::ranges::all_of(traffic.reads, single) || !std::ranges::all_of(traffic.stores, single))
      continue;
    for (int turns : {8, 6, 5, 4, 3, 2})
      if (loop.extent.factor % turns == 0) candidates.push_back({loop.loop, turns});
  }
  const std::vector<uint64_t> loops = dependences(kernel);
  const int most = machine.vector_registers * 3 / 4 / static_cast<int>(kernel.reductions.size());
  Jams best;
  const double alone = jammed_cost(kernel, buffers, loops, plan, best);
  double least = alone;
  for (const Jam& first : candidates)
    for (const Jam& second : candidates) {
      const Jams jams{first, second};
      if (first.loop == second.loop || jams.turns() > most) continue;
      const double cost = jammed_cost(kernel, buffers, loops, plan, jams);
      // Turns that share little only hide the time that a sum across lanes takes: four are enough of code.
      if (jams.turns() > 4 && cost > 0.85 * alone) continue;
      // Equal reads saved: the greater number of turns.
      if (cost > least || (cost == least && jams.turns() <= best.turns())) continue;
      least = cost;
      best = jams;
    }
  for (const Jam& jam : {best.first, best.second})
    if (jam.loop >= 0) plan.jams.push_back(jam);
}

/// Conditions, such as those of padding, are computed where their loops are known: those loops go outside,
/// the others may then go round without them. Only where the position of an element is not asked for.
void order_inner_loops(const Kernel& kernel, const Traffic& traffic, KernelSchedule& plan) {
  if (finds_position(kernel) || traffic.conditioned == 0) return;
  const auto conditioned = [&](const ScheduledLoop& scheduled) {
    for (int loop = 0; loop < static_cast<int>(kernel.loops.size()); ++loop)
      if ((traffic.conditioned >> loop & 1) != 0 &&
          (loop == scheduled.loop || plan.absorbed_by[static_cast<size_t>(loop)] == scheduled.loop))
        return true;
    return false;
  };
  const auto vector = std::ranges::find(plan.inner, plan.vector_loop, &ScheduledLoop::loop);
  if (vector == plan.inner.end()) {
    std::ranges::stable_partition(plan.inner, conditioned);
    return;
  }
  // Only the loop over lanes: its conditions are vectors, and the others keep the order of memory.
  if (conditioned(*vector)) std::rotate(plan.inner.begin(), vector, vector + 1);
}

/// Instructions that an elementary function adds to a chain of such that wait for each other, about.
int chain_of(const Instruction& it) {
  if (!is_elementary(it)) return 1;
  return it.function == ScalarKind::Sigmoid || it.function == ScalarKind::Softplus ? 24 : 12;
}

int longest_chain(const Kernel& kernel) {
  std::vector<int> chain;
  for (const Instruction& it : kernel.code) {
    int before = 0;
    for (const int operand : it.operands) before = std::max(before, chain[static_cast<size_t>(operand)]);
    chain.push_back(before + chain_of(it));
  }
  return chain.empty() ? 0 : std::ranges::max(chain);
}

/// A chain of polynomials waits for itself: a processor sees a few hundred instructions ahead, which is one
/// or two turns. Values of several registers each put as many chains side by side. Measured on Zen 4, twenty
/// operations with two tanh, forward and backward: 28.4 us for 16384 elements, with two registers 24.2, four
/// 19.5, eight 18.2, although most values are in memory then; a single tanh 13.7, 13.7, 14.3, 14.8. Sine and
/// cosine, computed in f64, have twice as many registers as it is.
int registers_of(const Kernel& kernel) {
  const auto is_wide = [](const Instruction& it) {
    return is_elementary(it) && (it.function == ScalarKind::Sin || it.function == ScalarKind::Cos);
  };
  return longest_chain(kernel) >= 24 && std::ranges::none_of(kernel.code, is_wide) ? 8 : 4;
}

/// Several vectors a turn where elementary functions are computed. Rows of bits end in padding for one: of
/// those, as many as leave nothing over.
void widen(const Kernel& kernel, const std::vector<Buffer>& buffers, const Traffic& traffic,
           KernelSchedule& plan) {
  constexpr double worth = 4096;
  if (plan.vector_loop < 0 || !kernel.reductions.empty() || !plan.inner.empty()) return;
  if (std::ranges::none_of(kernel.code, is_elementary)) return;
  double points = 1;
  for (const ScheduledLoop& loop : plan.outer) points *= estimate(loop.extent);
  const double along = estimate(plan.outer.back().extent);
  const auto direct = [&](const Address& address) {
    const Extent stride = address.stride(plan.vector_loop);
    return (stride.is(1) || stride.is(0)) && address.values.empty();
  };
  if (points < worth || !std::ranges::all_of(traffic.reads, direct) ||
      !std::ranges::all_of(traffic.stores, direct))
    return;
  // What is left over at the end takes a turn as well.
  int registers = registers_of(kernel);
  if (along < 8.0 * registers * plan.lanes) registers = 4;
  const bool fits =
      !touches_bits(kernel, buffers) || plan.outer.back().extent.factor % (registers * plan.lanes) == 0;
  if (along >= registers * plan.lanes && fits) plan.lanes *= registers;
}

KernelSchedule schedule_kernel(const Kernel& kernel, const std::vector<Buffer>& buffers,
                               const Machine& machine) {
  const Traffic traffic = traffic_of(kernel, buffers);
  KernelSchedule plan;
  plan.absorbed_by.assign(kernel.loops.size(), -1);
  const int lanes = std::max(lanes_of(kernel, machine), touches_bits(kernel, buffers) ? 8 : 1);
  const int count = static_cast<int>(kernel.loops.size());
  plan.outer = merged_loops(kernel, traffic, 0, kernel.outer, lanes, plan.absorbed_by);
  plan.inner = merged_loops(kernel, traffic, kernel.outer, count, lanes, plan.absorbed_by);
  if (schedule_contraction(kernel, buffers, machine, false, plan)) return plan;
  if (schedule_convolution(kernel, buffers, machine, plan)) return plan;
  if (schedule_contraction(kernel, buffers, machine, true, plan)) return plan;
  choose_lanes(kernel, buffers, traffic, lanes, plan);
  order_inner_loops(kernel, traffic, plan);
  choose_jam(kernel, buffers, traffic, machine, plan);
  widen(kernel, buffers, traffic, plan);
  return plan;
}

std::string steps_of(int loop, const KernelSchedule& plan) {
  if (loop == plan.vector_loop) return fmt::format(" by {}", plan.lanes);
  const int turns = plan.turns_of(loop);
  return turns > 1 ? fmt::format(" jammed by {}", turns) : "";
}

std::string text_of(const std::vector<ScheduledLoop>& loops, const Kernel& kernel,
                    const KernelSchedule& plan) {
  std::vector<std::string> parts;
  for (const ScheduledLoop& scheduled : loops)
    parts.push_back(fmt::format("{} < {}{}", kernel.loops[static_cast<size_t>(scheduled.loop)].name,
                                to_string(scheduled.extent), steps_of(scheduled.loop, plan)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

double estimated_cycles(const Kernel& kernel, const std::vector<Buffer>& buffers, const KernelSchedule& plan,
                        const Machine& machine) {
  if (plan.contraction) {
    double turns = 1;
    for (const ScheduledLoop& loop : plan.outer) turns *= estimate(loop.extent);
    return turns * estimated_cycles(plan.contraction->facts, plan.contraction->plan, machine);
  }
  if (plan.convolution) return convolution_cycles(kernel, plan, machine);
  const double registers = std::max(1.0, 1.0 * plan.lanes / lanes_of(kernel, machine));  // of one value
  return registers * cost_of(kernel, traffic_of(kernel, buffers), plan, plan.vector_loop, plan.lanes);
}

std::pair<Type, Extent> KernelSchedule::scratch() const {
  if (contraction) return {contraction->facts.type, contraction->plan.scratch};
  if (convolution)
    return {convolution->type, {convolution->packed + convolution->kept + convolution->copied, {}}};
  return {Type::f32, {0, {}}};
}

int KernelSchedule::turns_of(int loop) const {
  const auto found = std::ranges::find(jams, loop, &Jam::loop);
  return found == jams.end() ? 1 : found->turns;
}

bool stores_bits(const Kernel& kernel, const std::vector<Buffer>& buffers) {
  const auto bits = [&](const Store& it) { return buffers[static_cast<size_t>(it.buffer)].bits; };
  return std::ranges::any_of(kernel.stores, bits);
}

KernelSplit split_of(const ContractionSchedule& contraction, bool columns, const Machine& machine) {
  const ContractionFacts& facts = contraction.facts;
  const ContractionPlan& tile = contraction.plan;
  const int64_t wide = static_cast<int64_t>(tile.tile_vectors) * machine.lanes(size_of(facts.type));
  return {.extent = columns ? facts.n : facts.m,
          .step = columns == tile.transposed ? tile.tile_rows : wide,
          .columns = columns};
}

double estimate(const Extent& extent) {
  auto size = static_cast<double>(extent.factor);
  for (size_t i = 0; i < extent.symbols.size(); ++i) size *= typical_size;
  return size;
}

Schedule schedule(const Kernels& program, const Machine& machine, Threads threads) {
  Schedule result;
  for (const Kernel& kernel : program.kernels)
    result.kernels.push_back(schedule_kernel(kernel, program.buffers, machine));
  if (threads.count > 1) split_kernels(program, machine, threads, result);
  pair_kernels(program, machine, result);
  return result;
}

std::string to_string(const KernelSchedule& schedule, const Kernel& kernel) {
  std::string text = fmt::format("loops ({}; {})", text_of(schedule.outer, kernel, schedule),
                                 text_of(schedule.inner, kernel, schedule));
  if (const auto& it = schedule.contraction) {
    text += ", contraction " + to_string(it->plan);
    if (it->facts.parts > 0 && it->plan.tile_parts == 0) text += ", in f32, not in parts";
  }
  if (const auto& it = schedule.convolution)
    text += fmt::format(", convolution tile {}x{}{}", it->tile_rows, it->tile_vectors,
                        it->pass_loop >= 0 ? ", sums kept between passes"
                        : it->line > 0     ? ", rows copied"
                                           : "");
  if (schedule.block > 0)
    text += fmt::format(", {} {} at a time, in turn with the {}", schedule.block,
                        schedule.split.columns ? "columns" : "rows", schedule.leads_pair ? "next" : "last");
  if (schedule.threads > 1)
    text += fmt::format(", {} threads{}", schedule.threads, schedule.split.columns ? " by columns" : "");
  return text;
}

std::string to_string(const Schedule& schedule, const Kernels& program) {
  std::string text;
  for (size_t i = 0; i < schedule.kernels.size(); ++i) {
    const Kernel& kernel = program.kernels[i];
    text += fmt::format("{}: {}\n", kernel.name, to_string(schedule.kernels[i], kernel));
  }
  return text;
}

}  // namespace crease
