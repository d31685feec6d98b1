// Machine code of one program made by several threads, each with an LLVM context of its own.
#pragma once

#include <llvm/ADT/SmallVector.h>

#include <functional>
#include <vector>

#include "jit/machine.h"

namespace llvm {
class Module;
}

namespace crease {

/// The attribute of functions that any object file may hold: the others link to them by name.
inline constexpr const char* movable_attribute = "crease-movable";

/// How many object files are worth making of a module: one for each core, of some thousand instructions each.
size_t parts_of(const llvm::Module& module, const Machine& machine);

/// Leaves one part of a module: its movable functions, balanced by instructions, and what they need;
/// functions that are not movable are in part 0. Equal modules are divided alike.
void keep_part(llvm::Module& module, size_t part, size_t parts);

/// The object files of parts 1 ... parts - 1, made while the caller makes part 0. `emit` fills a module,
/// every time alike, and runs in several threads.
class OtherParts {
 public:
  OtherParts(size_t parts, const Machine& machine, int optimisation, std::function<void(llvm::Module&)> emit);
  ~OtherParts();
  /// Waits. Errors: those of emitting and of code generation.
  std::vector<llvm::SmallVector<char, 0>> take();

 private:
  struct Running;
  std::vector<Running> running_;
};

}  // namespace crease
