// What LLVM knows about the processor this process runs on. No LLVM in this header.
#pragma once

#include <string>
#include <vector>

namespace crease {

struct Host {
  std::string triple, name;
  std::vector<std::string> features;  // "+avx2", "-avx512f", sorted by name
};

Host detect_host();

/// "19.1.7".
std::string llvm_version();

}  // namespace crease
