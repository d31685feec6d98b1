// What LLVM knows about the processor this process runs on. No LLVM in this header.
#pragma once

#include <string>
#include <vector>

namespace crease {

/// Features that the operating system does not grant to this process are not among them: it is asked for the
/// state of matrix tiles (AMX), once.
struct Host {
  std::string triple, name;
  std::vector<std::string> features;  // "+avx2", "-avx512f", sorted by name
};

Host detect_host();

/// "19.1.7".
std::string llvm_version();

}  // namespace crease
