// Vectors cut into what one instruction takes, and put together again.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <vector>

namespace crease {

/// Lanes [first, first + count) of a vector; of a shorter one, or of a scalar, all, and what follows in the
/// register.
llvm::Value* part_of(llvm::IRBuilder<>& builder, llvm::Value* value, unsigned first, unsigned count);

/// `lanes` lanes of parts of `count` lanes each, one after the other; 1: a scalar.
llvm::Value* joined(llvm::IRBuilder<>& builder, std::vector<llvm::Value*> parts, unsigned count,
                    unsigned lanes);

}  // namespace crease
