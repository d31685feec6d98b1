// The level of the processor that a run of the tests compiles for: the same tests prove every level.
#pragma once

#include <cstdlib>

#include "jit/machine_level.h"
#include "jit/program.h"

namespace crease::test {

/// The options with the level that the environment variable CREASE_TEST_MACHINE names ("x86-64-v2");
/// unchanged where it names none.
inline CompileOptions at_test_level(CompileOptions options) {
  const char* name = std::getenv("CREASE_TEST_MACHINE");
  if (name == nullptr || options.level != MachineLevel::Native) return options;
  options.level = parse_machine_level(name);
  const int widest = at_level(host_machine(), options.level).vector_bits;
  options.vector_bits = std::min(options.vector_bits, widest);
  return options;
}

}  // namespace crease::test
