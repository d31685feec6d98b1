// Levels of the x86-64 instruction set, as its ABI groups them: code for a level runs on every processor that
// has the level.
#pragma once

#include <optional>
#include <string_view>

#include "jit/machine.h"

namespace crease {

enum class MachineLevel : uint8_t {
  Native,  // all that the processor has
  V1,      // SSE2: every x86-64 processor
  V2,      // and SSE4.2, POPCNT: vectors of 128 bits, no fused multiply-add
  V3,      // and AVX2, FMA: vectors of 256 bits
  V4,      // and AVX-512 F, BW, CD, DQ, VL: vectors of 512 bits
};

/// "native", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4".
std::string_view to_string(MachineLevel level);

/// Errors: Error for another text than to_string gives, listing them.
MachineLevel parse_machine_level(std::string_view text);

/// The same machine, whose code uses the features of a level and no others; its caches and cores stay.
/// Errors: Error, naming the features that are missing, if the machine does not have the level.
/// Source: System V ABI for x86-64, section 3.1.1, table of micro-architecture levels.
Machine at_level(Machine machine, MachineLevel level);

/// The highest level that the machine has; none if it is no x86-64.
std::optional<MachineLevel> level_of(const Machine& machine);

}  // namespace crease
