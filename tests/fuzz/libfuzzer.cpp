// The door that libFuzzer knocks at.
#include <cstddef>
#include <cstdint>

#include "graph/error.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    crease::fuzz::read({reinterpret_cast<const char*>(data), size});
  } catch (const crease::Error&) {
    return 0;
  }
  return 0;
}
