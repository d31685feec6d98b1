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

/// The attribute of movable functions that are emitted in the object file where they belong, and declared in
/// the others.
inline constexpr const char* placed_attribute = "crease-placed";

/// How many object files are worth making of so many instructions.
size_t parts_of(size_t instructions, const Machine& machine);
/// How many object files are worth making of a module: one for each core, of some thousand instructions each.
size_t parts_of(const llvm::Module& module, const Machine& machine);

/// Leaves one part of a module: its movable functions, balanced by instructions, and what they need;
/// functions that are not movable are in part 0. Equal modules are divided alike.
void keep_part(llvm::Module& module, size_t part, size_t parts);

/// Fills a module for one part: every time alike, but for bodies of placed functions.
using EmitPart = std::function<void(llvm::Module& module, size_t part)>;

/// The object files of parts 1 ... parts - 1, made while the caller makes part 0. `emit` runs in
/// several threads.
class OtherParts {
 public:
  OtherParts(size_t parts, const Machine& machine, int optimisation, EmitPart emit);
  ~OtherParts();
  /// Waits. Errors: those of emitting and of code generation.
  std::vector<llvm::SmallVector<char, 0>> take();

 private:
  struct Running;
  std::vector<Running> running_;
};

}  // namespace crease
