#include "jit/emit/host.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace crease {
namespace {

/// Threads may use tiles only after their process has asked for them. Source: Linux, Documentation/arch/x86/
/// xstate.rst.
bool tiles_granted() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long request_permission = 0x1023, tile_data = 18;
  static const bool granted = syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
  return granted;
#else
  return false;
#endif
}

}  // namespace

Host detect_host() {
  Host host{
      .triple = llvm::sys::getProcessTriple(), .name = llvm::sys::getHostCPUName().str(), .features = {}};
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
    const bool usable = feature.second && (!feature.first().starts_with("amx-") || tiles_granted());
    host.features.push_back((usable ? "+" : "-") + feature.first().str());
  }
  std::ranges::sort(host.features, {}, [](const std::string& feature) { return feature.substr(1); });
  return host;
}

std::string llvm_version() { return LLVM_VERSION_STRING; }

}  // namespace crease
