// Counts the allocations of the test process.
#pragma once

#include <cstdint>

namespace crease::test {

/// Calls of operator new so far.
int64_t allocations();

}  // namespace crease::test
