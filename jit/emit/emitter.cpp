#include "jit/emit/emitter.h"

#include "graph/error.h"

namespace crease {
namespace {

/// 0, 1, 2, ...
llvm::Constant* lane_numbers(llvm::IRBuilder<>& builder, int lanes) {
  std::vector<llvm::Constant*> numbers;
  for (int lane = 0; lane < lanes; ++lane) numbers.push_back(builder.getInt64(static_cast<uint64_t>(lane)));
  return llvm::ConstantVector::get(numbers);
}

}  // namespace

llvm::Type* Emitter::memory_type(Type type) const {
  switch (type) {
    case Type::f64: return builder.getDoubleTy();
    case Type::f32: return builder.getFloatTy();
    case Type::i64: return builder.getInt64Ty();
    case Type::i32: return builder.getInt32Ty();
    case Type::u8:
    case Type::boolean: return builder.getInt8Ty();
  }
  throw Bug("[emit] unknown element type");
}

llvm::Type* Emitter::value_type(Type type) const {
  return type == Type::boolean ? builder.getInt1Ty() : memory_type(type);
}

llvm::Value* Emitter::i64(int64_t value) const { return builder.getInt64(static_cast<uint64_t>(value)); }

llvm::Value* Emitter::element(llvm::Value* base, llvm::Value* index, Type type) const {
  if (const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(index);
      constant != nullptr && constant->isZero())
    return base;
  return builder.CreateGEP(memory_type(type), base, index);
}

llvm::Value* Emitter::lane_pointers(llvm::Value* first, llvm::Value* stride, int lanes, Type type) const {
  llvm::Value* steps = builder.CreateVectorSplat(static_cast<unsigned>(lanes), stride);
  return element(first, builder.CreateMul(lane_numbers(builder, lanes), steps), type);
}

llvm::Value* Emitter::minimum(llvm::Value* a, llvm::Value* b) const {
  return builder.CreateSelect(builder.CreateICmpSLT(a, b), a, b);
}

llvm::Value* Emitter::lanes_below(llvm::Value* first, llvm::Value* end, int lanes) const {
  llvm::Value* left = builder.CreateVectorSplat(static_cast<unsigned>(lanes), builder.CreateSub(end, first));
  return builder.CreateICmpSLT(lane_numbers(builder, lanes), left);
}

llvm::Value* Emitter::load_vector(llvm::Type* form, llvm::Value* from, llvm::Align align,
                                  llvm::Value* mask) const {
  if (mask == nullptr) return builder.CreateAlignedLoad(form, from, align);
  return builder.CreateMaskedLoad(form, from, align, mask, llvm::Constant::getNullValue(form));
}

void Emitter::store_vector(llvm::Value* vector, llvm::Value* to, llvm::Align align, llvm::Value* mask) const {
  if (mask == nullptr)
    builder.CreateAlignedStore(vector, to, align);
  else
    builder.CreateMaskedStore(vector, to, align, mask);
}

llvm::AllocaInst* Emitter::stack_memory(llvm::Type* type) const {
  const llvm::IRBuilderBase::InsertPointGuard guard(builder);
  llvm::BasicBlock& entry = builder.GetInsertBlock()->getParent()->getEntryBlock();
  builder.SetInsertPoint(&entry, entry.getFirstInsertionPt());
  llvm::AllocaInst* made = builder.CreateAlloca(type);
  made->setAlignment(llvm::Align(64));
  return made;
}

void Emitter::prefetch(llvm::Value* pointer, bool write) const {
  constexpr uint32_t all_caches = 3, data = 1;
  builder.CreateIntrinsic(
      llvm::Intrinsic::prefetch, {pointer->getType()},
      {pointer, builder.getInt32(write ? 1 : 0), builder.getInt32(all_caches), builder.getInt32(data)});
}

unsigned lanes_of(const llvm::Value* value) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  return vector == nullptr ? 1 : vector->getNumElements();
}

void emit_loop(Emitter& emitter, llvm::Value* begin, llvm::Value* end, int64_t step, std::string_view name,
               const std::function<void(llvm::Value* index)>& body) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const auto* first = llvm::dyn_cast<llvm::ConstantInt>(begin);
  const auto* last = llvm::dyn_cast<llvm::ConstantInt>(end);
  const bool constant = first != nullptr && last != nullptr;
  if (constant && first->getSExtValue() >= last->getSExtValue()) return;
  if (constant && first->getSExtValue() + step >= last->getSExtValue()) return body(begin);

  const llvm::Twine label(llvm::StringRef(name.data(), name.size()));
  llvm::BasicBlock* before = builder.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(emitter.context(), label, before->getParent());
  // In the function from the start, so that a body that throws leaves nothing behind.
  auto* after = llvm::BasicBlock::Create(emitter.context(), "after", before->getParent());
  if (constant)
    builder.CreateBr(loop);
  else
    builder.CreateCondBr(builder.CreateICmpSLT(begin, end), loop, after);

  builder.SetInsertPoint(loop);
  llvm::PHINode* index = builder.CreatePHI(builder.getInt64Ty(), 2, "index");
  index->addIncoming(begin, before);
  body(index);
  llvm::Value* next = builder.CreateNSWAdd(index, emitter.i64(step));
  index->addIncoming(next, builder.GetInsertBlock());
  builder.CreateCondBr(builder.CreateICmpSLT(next, end), loop, after);

  after->moveAfter(builder.GetInsertBlock());
  builder.SetInsertPoint(after);
}

}  // namespace crease
