#include "jit/emit/orc.h"

#include <doctest/doctest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Target/TargetMachine.h>

#include "graph/error.h"
#include "jit/emit/optimise.h"

using namespace crease;

namespace {

/// The object file of a text of LLVM IR, for this machine.
llvm::SmallVector<char, 0> assembled(const char* text) {
  const auto target = make_target(host_machine(), 2);
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  const auto module = llvm::parseAssemblyString(text, diagnostic, context);
  REQUIRE(module);
  module->setDataLayout(target->createDataLayout());
  module->setTargetTriple(host_machine().triple);
  return object_of(*target, *module);
}

}  // namespace

TEST_CASE("a link error names what is missing") {
  for (const bool name_code : {false, true}) {
    std::vector<llvm::SmallVector<char, 0>> objects;
    objects.push_back(
        assembled("declare void @nowhere()\n"
                  "define void @step() {\n  call void @nowhere()\n  ret void\n}\n"));
    CHECK_THROWS_WITH_AS(link(std::move(objects), name_code),
                         doctest::Contains("Symbols not found: [ nowhere ]"), Error);
  }
}

TEST_CASE("object files find each other's functions") {
  std::vector<llvm::SmallVector<char, 0>> objects;
  objects.push_back(
      assembled("declare void @other(ptr)\n"
                "define void @step(ptr %a, ptr %b, ptr %c) {\n"
                "  call void @other(ptr %b)\n  ret void\n}\n"));
  objects.push_back(assembled("define void @other(ptr %b) {\n  store i64 7, ptr %b\n  ret void\n}\n"));
  const NativeCode code = link(std::move(objects), false);
  int64_t size = 0;
  code.step()(nullptr, &size, nullptr);
  CHECK(size == 7);
}
