// Object files into this process. The only file that includes ORC, and the only one where LLVM's errors
// become ours.
#include <llvm/ExecutionEngine/Orc/Debugging/DebuggerSupport.h>
#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/SmallVectorMemoryBuffer.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "graph/error.h"
#include "jit/emit/orc.h"

namespace crease {
namespace {

template <class T>
T checked(llvm::Expected<T> result, std::string_view what) {
  if (!result) fail("[compile] {}: {}", what, llvm::toString(result.takeError()));
  return std::move(*result);
}

void checked(llvm::Error error, std::string_view what) {
  if (error) fail("[compile] {}: {}", what, llvm::toString(std::move(error)));
}

/// Appends address, size and name of every linked function to the file where perf looks for code that is in
/// no file of its own. LLVM's plugin for perf writes another format, whose header perf refuses. Source:
/// Linux, tools/perf/Documentation/jit-interface.txt.
class PerfMap : public llvm::orc::ObjectLinkingLayer::Plugin {
 public:
  void modifyPassConfig(llvm::orc::MaterializationResponsibility&, llvm::jitlink::LinkGraph&,
                        llvm::jitlink::PassConfiguration& passes) override {
    passes.PrePrunePasses.emplace_back(keep_all);
    passes.PostAllocationPasses.emplace_back(write);
  }
  llvm::Error notifyFailed(llvm::orc::MaterializationResponsibility&) override {
    return llvm::Error::success();
  }
  llvm::Error notifyRemovingResources(llvm::orc::JITDylib&, llvm::orc::ResourceKey) override {
    return llvm::Error::success();
  }
  void notifyTransferringResources(llvm::orc::JITDylib&, llvm::orc::ResourceKey,
                                   llvm::orc::ResourceKey) override {}

 private:
  /// Linking forgets names that no other object can see.
  static llvm::Error keep_all(llvm::jitlink::LinkGraph& graph) {
    for (llvm::jitlink::Symbol* symbol : graph.defined_symbols())
      if (symbol->isCallable()) symbol->setLive(true);
    return llvm::Error::success();
  }

  static llvm::Error write(llvm::jitlink::LinkGraph& graph) {
    std::error_code none;
    std::ofstream file(std::filesystem::temp_directory_path(none) / fmt::format("perf-{}.map", getpid()),
                       std::ios::app);
    for (const llvm::jitlink::Symbol* symbol : graph.defined_symbols())
      if (symbol->isCallable() && symbol->hasName())
        file << fmt::format("{:x} {:x} {}\n", symbol->getAddress().getValue(), symbol->getSize(),
                            std::string_view(symbol->getName()));
    return llvm::Error::success();
  }
};

/// For perf and gdb.
void tell_names(llvm::orc::LLJIT& jit) {
  if (auto* layer = llvm::dyn_cast<llvm::orc::ObjectLinkingLayer>(&jit.getObjLinkingLayer()))
    layer->addPlugin(std::make_shared<PerfMap>());
  checked(llvm::orc::enableDebuggerSupport(jit), "cannot tell gdb of compiled code");
}

}  // namespace

struct NativeCode::Implementation {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  StepFunction step = nullptr;
};

NativeCode::NativeCode(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
NativeCode::NativeCode(NativeCode&&) noexcept = default;
NativeCode& NativeCode::operator=(NativeCode&&) noexcept = default;
NativeCode::~NativeCode() = default;
StepFunction NativeCode::step() const { return implementation_->step; }

NativeCode link(std::vector<llvm::SmallVector<char, 0>> objects, bool name_code) {
  auto made = std::make_unique<NativeCode::Implementation>();
  made->jit = checked(llvm::orc::LLJITBuilder().create(), "cannot map code into this process");
  if (name_code) tell_names(*made->jit);
  // What lookup returns only says that it failed; why goes to the reporter, by default to stderr.
  const auto reasons = std::make_shared<std::string>();
  made->jit->getExecutionSession().setErrorReporter(
      [reasons](llvm::Error error) { *reasons += "; " + llvm::toString(std::move(error)); });
  for (size_t part = 0; part < objects.size(); ++part) {
    auto buffer = std::make_unique<llvm::SmallVectorMemoryBuffer>(std::move(objects[part]),
                                                                  fmt::format("step{}", part), false);
    checked(made->jit->addObjectFile(std::move(buffer)), "cannot load the compiled program");
  }
  auto address = made->jit->lookup("step");
  if (!address)
    fail("[compile] cannot link the compiled program: {}{}", llvm::toString(address.takeError()), *reasons);
  made->step = address->toPtr<StepFunction>();
  return NativeCode(std::move(made));
}

}  // namespace crease
