#include "tests/jit/allocations.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

// AddressSanitizer brings its own operator new; replacing half of them would mix the two.
#ifdef __SANITIZE_ADDRESS__

std::optional<int64_t> crease::test::allocations() { return {}; }

#else

namespace {

std::atomic<int64_t> count{0};

void* allocate_or_null(size_t bytes, size_t alignment) {
  ++count;
  const size_t rounded = (bytes + alignment) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded);
}

void* allocate(size_t bytes, size_t alignment) {
  if (void* memory = allocate_or_null(bytes, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

std::optional<int64_t> crease::test::allocations() { return count; }

void* operator new(size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<size_t>(alignment));
}
// The forms that do not throw, too: a sanitizer's own would give memory that the free below may not take.
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  return allocate_or_null(bytes, alignof(std::max_align_t));
}
void* operator new(size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate_or_null(bytes, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

#endif
