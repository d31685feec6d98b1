// Counts the allocations of the test process.
#pragma once

#include <cstdint>
#include <optional>

namespace crease::test {

/// Calls of operator new so far; nothing under AddressSanitizer, which counts for itself.
std::optional<int64_t> allocations();

}  // namespace crease::test
