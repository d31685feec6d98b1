#include "jit/emit/straight.h"

#include <fmt/format.h>

#include <algorithm>

#include "jit/emit/emit_scalar.h"

namespace crease {

std::vector<llvm::Value*> SideBySide::emit(ScalarKind function, Type type,
                                           std::span<llvm::Value* const> numbers) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const auto lanes = static_cast<size_t>(emitter_.machine.lanes(size_of(type)));
  llvm::Value* place = memory(type);
  std::vector<llvm::Value*> results;
  while (results.size() < numbers.size()) {
    const size_t first = results.size(), count = std::min(lanes, numbers.size() - first);
    std::vector<llvm::Value*> arguments{place};
    for (size_t i = 0; i < lanes; ++i) arguments.push_back(numbers[first + std::min(i, count - 1)]);
    builder.CreateCall(shared(function, type), arguments);
    for (size_t i = 0; i < count; ++i) {
      llvm::Value* lane = emitter_.element(place, emitter_.i64(static_cast<int64_t>(i)), type);
      results.push_back(builder.CreateLoad(emitter_.value_type(type), lane));
    }
  }
  return results;
}

llvm::Value* SideBySide::memory(Type type) {
  llvm::Value*& place = memory_[type == Type::f64 ? 1 : 0];
  if (place != nullptr) return place;
  const auto lanes = static_cast<unsigned>(emitter_.machine.lanes(size_of(type)));
  return place = emitter_.stack_memory(llvm::FixedVectorType::get(emitter_.value_type(type), lanes));
}

llvm::Function* SideBySide::shared(ScalarKind function, Type type) {
  const int lanes = emitter_.machine.lanes(size_of(type));
  const std::string name = fmt::format("crease.lanes.{}.{}x{}", name_of(function), to_string(type), lanes);
  if (llvm::Function* known = emitter_.module.getFunction(name)) return known;
  llvm::IRBuilder<>& builder = emitter_.builder;
  std::vector<llvm::Type*> arguments(static_cast<size_t>(lanes) + 1, emitter_.value_type(type));
  arguments[0] = builder.getPtrTy();
  auto* signature = llvm::FunctionType::get(builder.getVoidTy(), arguments, false);
  auto* made = llvm::Function::Create(signature, llvm::Function::InternalLinkage, name, emitter_.module);
  const std::string bits = std::to_string(emitter_.machine.vector_bits);
  made->addFnAttr("prefer-vector-width", bits);
  made->addFnAttr("min-legal-vector-width", bits);
  made->addFnAttr(llvm::Attribute::NoUnwind);
  made->addFnAttr(llvm::Attribute::NoInline);
  const llvm::IRBuilderBase::InsertPointGuard guard(builder);
  builder.SetInsertPoint(llvm::BasicBlock::Create(emitter_.context(), "entry", made));
  auto* vector = llvm::FixedVectorType::get(emitter_.value_type(type), static_cast<unsigned>(lanes));
  llvm::Value* x = llvm::PoisonValue::get(vector);
  for (int i = 0; i < lanes; ++i)
    x = builder.CreateInsertElement(x, made->getArg(static_cast<unsigned>(i) + 1), static_cast<uint64_t>(i));
  llvm::Value* y = emit_function(emitter_, function, x);
  builder.CreateAlignedStore(y, made->getArg(0), llvm::Align(64));
  builder.CreateRetVoid();
  return made;
}

}  // namespace crease
