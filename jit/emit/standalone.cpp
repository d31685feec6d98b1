#include "jit/emit/standalone.h"

#include <llvm/ExecutionEngine/Orc/LLJIT.h>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/TargetSelect.h>

#include <utility>

#include "graph/error.h"
#include "jit/emit/bfloat16.h"
#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_contraction.h"
#include "jit/emit/math.h"

namespace crease {

struct NativeFunction::Implementation {
  std::unique_ptr<llvm::orc::LLJIT> jit;
  void* address = nullptr;
  std::string text;
};

NativeFunction::NativeFunction(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
NativeFunction::NativeFunction(NativeFunction&&) noexcept = default;
NativeFunction& NativeFunction::operator=(NativeFunction&&) noexcept = default;
NativeFunction::~NativeFunction() = default;
void* NativeFunction::address() const { return implementation_->address; }
const std::string& NativeFunction::text() const { return implementation_->text; }

namespace {

using llvm::Value;

/// Loads and stores lanes columns of one row of a matrix whatever its strides; lanes outside the mask are 0
/// and untouched.
Value* load_columns(Emitter& emitter, Type type, const MatrixOperand& matrix, Value* row, Value* column,
                    Value* mask) {
  const int lanes = emitter.machine.lanes(size_of(type));
  auto* vector = llvm::FixedVectorType::get(emitter.memory_type(type), static_cast<unsigned>(lanes));
  const llvm::Align alignment(static_cast<uint64_t>(size_of(type)));
  Value* first = matrix_element(emitter, type, matrix, row, column);
  if (is_number(matrix.column_stride, 1)) return emitter.load_vector(vector, first, alignment, mask);
  return emitter.builder.CreateMaskedGather(vector,
                                            emitter.lane_pointers(first, matrix.column_stride, lanes, type),
                                            alignment, mask, llvm::Constant::getNullValue(vector));
}

void store_columns(Emitter& emitter, Type type, const MatrixOperand& matrix, Value* row, Value* column,
                   Value* value, Value* mask) {
  const int lanes = emitter.machine.lanes(size_of(type));
  const llvm::Align alignment(static_cast<uint64_t>(size_of(type)));
  Value* first = matrix_element(emitter, type, matrix, row, column);
  if (is_number(matrix.column_stride, 1)) return emitter.store_vector(value, first, alignment, mask);
  emitter.builder.CreateMaskedScatter(value, emitter.lane_pointers(first, matrix.column_stride, lanes, type),
                                      alignment, mask);
}

template <class T>
T get(llvm::Expected<T> result) {
  if (!result) throw Bug(llvm::toString(result.takeError()));
  return std::move(*result);
}

/// One module with one function named "kernel", and what is needed to run it.
class Workshop {
 public:
  Workshop(const Machine& machine, size_t pointers, size_t integers = 0)
      : context_(std::make_unique<llvm::LLVMContext>()),
        module_(std::make_unique<llvm::Module>("standalone", *context_)),
        builder_(*context_) {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::orc::JITTargetMachineBuilder target{llvm::Triple(machine.triple)};
    target.setCPU(machine.name)
        .addFeatures(machine.features)
        .setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
    jit_ = get(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(target)).create());
    module_->setDataLayout(jit_->getDataLayout());
    module_->setTargetTriple(machine.triple);
    std::vector<llvm::Type*> parameters(pointers, builder_.getPtrTy());
    parameters.insert(parameters.end(), integers, builder_.getInt64Ty());
    auto* type = llvm::FunctionType::get(builder_.getVoidTy(), parameters, false);
    function_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "kernel", *module_);
    function_->addFnAttr(llvm::Attribute::NoUnwind);
    function_->addFnAttr("prefer-vector-width", std::to_string(machine.vector_bits));
    for (llvm::Argument& argument : function_->args())
      if (argument.getType()->isPointerTy()) argument.addAttr(llvm::Attribute::NoAlias);
    builder_.SetInsertPoint(llvm::BasicBlock::Create(*context_, "entry", function_));
  }

  llvm::IRBuilder<>& builder() { return builder_; }
  llvm::Module& module() { return *module_; }
  Value* argument(unsigned i) const { return function_->getArg(i); }

  NativeFunction finish() {
    builder_.CreateRetVoid();
    auto result = std::make_unique<NativeFunction::Implementation>();
    llvm::raw_string_ostream text(result->text);
    module_->print(text, nullptr);
    std::string problem;
    llvm::raw_string_ostream problems(problem);
    ensure(!llvm::verifyModule(*module_, &problems), "[standalone] the module is wrong: {}", problem);
    if (auto error = jit_->addIRModule({std::move(module_), std::move(context_)}))
      throw Bug(llvm::toString(std::move(error)));
    result->address = get(jit_->lookup("kernel")).toPtr<void*>();
    result->jit = std::move(jit_);
    return NativeFunction(std::move(result));
  }

 private:
  std::unique_ptr<llvm::LLVMContext> context_;
  std::unique_ptr<llvm::Module> module_;
  llvm::IRBuilder<> builder_;
  std::unique_ptr<llvm::orc::LLJIT> jit_;
  llvm::Function* function_;
};

/// The constant, or field `field` of the sizes.
Value* extent(Workshop& shop, const Extent& known, unsigned field) {
  llvm::IRBuilder<>& builder = shop.builder();
  if (known.is_constant()) return builder.getInt64(static_cast<uint64_t>(known.factor));
  return builder.CreateLoad(builder.getInt64Ty(),
                            builder.CreateConstGEP1_64(builder.getInt64Ty(), shop.argument(5), field));
}

void add_prologues(llvm::IRBuilder<>& builder, ContractionOperands& operands) {
  operands.prologue_a = [&builder](Value* value, Value*, Value*, Value*) {
    Value* zero = llvm::Constant::getNullValue(value->getType());
    return builder.CreateSelect(builder.CreateFCmpOGT(value, zero), value, zero);
  };
  operands.prologue_b = [&builder](Value* vector, Value*, Value*, Value*) {
    return builder.CreateFAdd(vector, vector);
  };
}

/// The epilogue of a case, which stores to C.
struct Finish {
  Emitter& emitter;
  const ContractionCase& wanted;
  MatrixOperand c, bias;

  void operator()(Value* row, Value* column, Value* sum, Value* mask) const {
    store_columns(emitter, wanted.facts.type, c, row, column, value(row, column, sum, mask), mask);
  }
  Value* value(Value* row, Value* column, Value* sum, Value* mask) const {
    llvm::IRBuilder<>& builder = emitter.builder;
    const Type type = wanted.facts.type;
    switch (wanted.epilogue) {
      case ContractionCase::Epilogue::Store: return sum;
      case ContractionCase::Epilogue::Add: {
        Value* before = load_columns(emitter, type, c, row, column, mask);
        return builder.CreateFAdd(
            before, builder.CreateFMul(sum, llvm::ConstantFP::get(sum->getType(), wanted.scale)));
      }
      case ContractionCase::Epilogue::BiasRelu: {
        Value* zero = llvm::Constant::getNullValue(sum->getType());
        Value* biased = builder.CreateFAdd(sum, load_columns(emitter, type, bias, row, column, mask));
        return builder.CreateSelect(builder.CreateFCmpOLT(biased, zero), zero, biased);
      }
    }
    throw Bug("[standalone] unknown epilogue");
  }
};

}  // namespace

NativeFunction compile_contraction(const Machine& machine, const ContractionCase& wanted) {
  Workshop shop(machine, 6);
  const ContractionFacts& facts = wanted.facts;
  Emitter emitter{shop.module(), shop.builder(), machine};
  ContractionOperands operands{
      .a = {shop.argument(0), extent(shop, facts.a_row, 3), extent(shop, facts.a_column, 4)},
      .b = {shop.argument(1), extent(shop, facts.b_row, 5), extent(shop, facts.b_column, 6)},
      .row_begin = emitter.i64(0),
      .row_end = extent(shop, facts.m, 0),
      .column_begin = emitter.i64(0),
      .column_end = extent(shop, facts.n, 1),
      .k = extent(shop, facts.k, 2),
      .scratch = shop.argument(4)};
  if (wanted.prologues) add_prologues(shop.builder(), operands);
  const MatrixOperand c{shop.argument(2), extent(shop, wanted.c_row, 7), extent(shop, wanted.c_column, 8)};
  const MatrixOperand bias{shop.argument(3), emitter.i64(0), emitter.i64(1)};
  for (const SumLoop& loop : facts.around)
    operands.around.push_back(
        {emitter.i64(loop.turns.factor), emitter.i64(loop.a.factor), emitter.i64(loop.b.factor)});
  const ContractionPlan plan = wanted.plan.value_or(plan_contraction(facts, machine));
  emit_contraction(emitter, facts, plan, operands, Finish{emitter, wanted, c, bias});
  return shop.finish();
}

NativeFunction compile_map(const Machine& machine, Type type, ScalarKind kind) {
  Workshop shop(machine, 2, 1);
  Emitter emitter{shop.module(), shop.builder(), machine};
  const int lanes = machine.lanes(size_of(type));
  auto* vector = llvm::FixedVectorType::get(emitter.memory_type(type), static_cast<unsigned>(lanes));
  const llvm::Align alignment(static_cast<uint64_t>(size_of(type)));
  emit_loop(emitter, emitter.i64(0), shop.argument(2), lanes, "map", [&](llvm::Value* index) {
    llvm::Value* x =
        shop.builder().CreateAlignedLoad(vector, emitter.element(shop.argument(0), index, type), alignment);
    llvm::Value* y = emit_math(shop.builder(), machine, kind, x);
    shop.builder().CreateAlignedStore(y, emitter.element(shop.argument(1), index, type), alignment);
  });
  return shop.finish();
}

PeakLoop compile_peak(const Machine& machine, Type type, bool pairs) {
  Workshop shop(machine, 1, 1);
  llvm::IRBuilder<>& builder = shop.builder();
  Emitter emitter{shop.module(), builder, machine};
  const int lanes = machine.lanes(size_of(type));
  auto* vector = llvm::FixedVectorType::get(emitter.memory_type(type), static_cast<unsigned>(lanes));
  const llvm::Align alignment(static_cast<uint64_t>(size_of(type)));
  const auto sums = static_cast<size_t>(machine.vector_registers - 4);
  llvm::Value* factor = builder.CreateAlignedLoad(vector, shop.argument(0), alignment);
  const std::vector<llvm::Value*> initial(sums, factor);
  std::vector<llvm::Value*> results =
      emit_carried_loop(emitter, shop.argument(1), initial, [&](std::span<llvm::Value* const> now) {
        std::vector<llvm::Value*> next;
        for (llvm::Value* sum : now)
          next.push_back(pairs ? emit_pairs_multiply_add(emitter, factor, factor, sum)
                         : machine.fma
                             ? builder.CreateIntrinsic(llvm::Intrinsic::fma, {vector}, {factor, factor, sum})
                             : builder.CreateFAdd(builder.CreateFMul(factor, sum), factor));
        return next;
      });
  llvm::Value* total = results.front();
  for (llvm::Value* result : std::span(results).subspan(1)) total = builder.CreateFAdd(total, result);
  builder.CreateAlignedStore(total, shop.argument(0), alignment);
  return {shop.finish(), (pairs ? 4.0 : 2.0) * static_cast<double>(sums) * lanes};
}

}  // namespace crease
