#include "jit/emit/host.h"

#include <llvm/ADT/StringMap.h>
#include <llvm/Config/llvm-config.h>
#include <llvm/TargetParser/Host.h>

#include <algorithm>

namespace crease {

Host detect_host() {
  Host host{
      .triple = llvm::sys::getProcessTriple(), .name = llvm::sys::getHostCPUName().str(), .features = {}};
  for (const auto& feature : llvm::sys::getHostCPUFeatures())
    host.features.push_back((feature.second ? "+" : "-") + feature.first().str());
  std::ranges::sort(host.features, {}, [](const std::string& feature) { return feature.substr(1); });
  return host;
}

std::string llvm_version() { return LLVM_VERSION_STRING; }

}  // namespace crease
