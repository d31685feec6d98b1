#include "jit/emit/carried_loop.h"

namespace crease {

using llvm::BasicBlock;
using llvm::PHINode;

bool is_number(const llvm::Value* value, int64_t number) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(value);
  return constant != nullptr && constant->getSExtValue() == number;
}

std::vector<llvm::Value*> emit_carried_loop(
    Emitter& emitter, llvm::Value* count, std::span<llvm::Value* const> initial,
    const std::function<std::vector<llvm::Value*>(std::span<llvm::Value* const>)>& body, bool some) {
  if (is_number(count, 0)) return {initial.begin(), initial.end()};
  if (is_number(count, 1)) return body(initial);

  llvm::IRBuilder<>& builder = emitter.builder;
  llvm::Value* zero = builder.getInt64(0);
  const bool certain = some || llvm::isa<llvm::ConstantInt>(count);
  BasicBlock* before = builder.GetInsertBlock();
  BasicBlock* loop = BasicBlock::Create(emitter.context(), "carry", before->getParent());
  BasicBlock* after = BasicBlock::Create(emitter.context(), "carried", before->getParent());
  if (certain)
    builder.CreateBr(loop);
  else
    builder.CreateCondBr(builder.CreateICmpSGT(count, zero), loop, after);

  builder.SetInsertPoint(loop);
  // Counting down needs one fused pair of instructions, and no register for the bound.
  PHINode* left = builder.CreatePHI(builder.getInt64Ty(), 2, "left");
  left->addIncoming(count, before);
  std::vector<PHINode*> carried;
  for (llvm::Value* value : initial) {
    carried.push_back(builder.CreatePHI(value->getType(), 2));
    carried.back()->addIncoming(value, before);
  }
  const std::vector<llvm::Value*> next = body(std::vector<llvm::Value*>(carried.begin(), carried.end()));
  llvm::Value* fewer = builder.CreateSub(left, builder.getInt64(1));
  BasicBlock* latch = builder.GetInsertBlock();
  left->addIncoming(fewer, latch);
  for (size_t i = 0; i < carried.size(); ++i) carried[i]->addIncoming(next[i], latch);
  builder.CreateCondBr(builder.CreateICmpNE(fewer, zero), loop, after);

  after->moveAfter(latch);
  builder.SetInsertPoint(after);
  std::vector<llvm::Value*> results;
  for (size_t i = 0; i < carried.size(); ++i) {
    PHINode* result = builder.CreatePHI(initial[i]->getType(), 2);
    result->addIncoming(next[i], latch);
    if (!certain) result->addIncoming(initial[i], before);
    results.push_back(result);
  }
  return results;
}

}  // namespace crease
