// An LLVM module checked and turned into an object file or assembly text for one machine.
#pragma once

#include <llvm/ADT/SmallVector.h>
#include <llvm/IR/Module.h>
#include <llvm/Target/TargetMachine.h>

#include <memory>
#include <string>

#include "jit/machine.h"

namespace crease {

/// `optimisation` 0 generates code fastest, 1 and 2 allocate registers well.
/// Errors: Error if LLVM has no generator for the machine.
std::unique_ptr<llvm::TargetMachine> make_target(const Machine& machine, int optimisation);

/// Errors: Bug with LLVM's message if the module is not valid.
void verify(const llvm::Module& module);

/// The object file. Vector code needs no pass of LLVM's over the IR: measured, they cost as much as code
/// generation and gain nothing.
llvm::SmallVector<char, 0> object_of(llvm::TargetMachine& target, llvm::Module& module);
std::string assembly_of(llvm::TargetMachine& target, const llvm::Module& module);
std::string text_of(const llvm::Module& module);

}  // namespace crease
