#include "jit/machine.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "graph/error.h"
#include "jit/emit/host.h"

namespace crease {
namespace {

/// The first of the answers of sysconf that is positive, else `otherwise`.
int64_t cache_bytes(int question, int64_t otherwise) {
  const long answer = sysconf(question);
  return answer > 0 ? answer : otherwise;
}

/// Zen 4 and older pair two 256-bit units for a 512-bit operation; Intel's client and small cores have no
/// 512-bit vectors at all, its servers and Zen 5 have two full units. Source: vendors' optimisation guides.
int units(const Machine& machine) {
  if (machine.vector_bits < 512) return 2;
  return machine.name == "znver4" ? 1 : 2;
}

int widest_vectors(const Machine& machine) {
  if (machine.has("avx512f") && machine.has("avx512vl") && machine.has("avx512dq") && machine.has("avx512bw"))
    return 512;
  return machine.has("avx2") ? 256 : 128;
}

bool is_x86(const Machine& machine) { return machine.triple.starts_with("x86_64"); }

void describe_vectors(Machine& machine) {
  machine.vector_bits = widest_vectors(machine);
  machine.vector_registers = !is_x86(machine) || machine.vector_bits == 512 ? 32 : 16;
  machine.fma = !is_x86(machine) || machine.has("fma");
  machine.fma_per_cycle = units(machine);
  // bench/contraction bf16: Zen 4 starts one a cycle, as it does with multiply-adds; Emerald Rapids one in
  // two cycles, and four multiply-adds.
  machine.fast_pairs = machine.name == "znver4";
  machine.tiles = machine.has("amx-tile") && machine.has("amx-bf16") ? Tiles::Native : Tiles::None;
}

}  // namespace

bool Machine::has(std::string_view feature) const {
  return std::ranges::any_of(features, [&](const std::string& entry) {
    return entry.front() == '+' && std::string_view(entry).substr(1) == feature;
  });
}

Machine host_machine() {
  Host host = detect_host();
  Machine machine;
  machine.triple = std::move(host.triple);
  machine.name = std::move(host.name);
  machine.features = std::move(host.features);
  describe_vectors(machine);
  machine.l1_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, machine.l1_bytes);
  machine.l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, machine.l2_bytes);
  machine.l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 0);
  machine.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return machine;
}

Machine with_vector_bits(Machine machine, int bits) {
  expect(bits == 128 || bits == 256 || bits == 512,
         "[compile] vector width is unknown: got {} bits, want 128, 256 or 512", bits);
  expect(bits <= machine.vector_bits,
         "[compile] vectors are too wide for this machine ({}): got {} bits, want at most {}", machine.name,
         bits, machine.vector_bits);
  machine.vector_bits = bits;
  machine.fma_per_cycle = units(machine);
  return machine;
}

Machine with_features(Machine machine, std::string name, std::vector<std::string> features) {
  machine.name = std::move(name);
  machine.features = std::move(features);
  const int units_before = machine.vector_bits == 512 ? machine.fma_per_cycle : 0;
  describe_vectors(machine);
  // Fewer features do not change how the units are built.
  if (machine.vector_bits == 512 && units_before != 0) machine.fma_per_cycle = units_before;
  return machine;
}

Machine baseline_machine(Machine machine) {
  std::string name = is_x86(machine) ? "x86-64" : "generic";
  return with_features(std::move(machine), std::move(name), {});
}

std::string to_string(const Machine& machine) {
  const auto kib = [](int64_t bytes) { return bytes >> 10; };
  return fmt::format(
      "{} ({}), {} cores\nvectors: {} bits, {} registers, {} fused multiply-add{} a cycle{}{}\n"
      "caches: L1 {} KiB, L2 {} KiB, L3 {} KiB",
      machine.name, machine.triple, machine.cores, machine.vector_bits, machine.vector_registers,
      machine.fma_per_cycle, machine.fma_per_cycle == 1 ? "" : "s",
      machine.fma ? "" : " (as product and sum)", machine.tiles == Tiles::None ? "" : "; matrix tiles",
      kib(machine.l1_bytes), kib(machine.l2_bytes), kib(machine.l3_bytes));
}

}  // namespace crease
