#include "jit/emit/math_table.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

// Piece i holds a centre m, the value c0 there and c1 to c7: f(x) = c0 + d (c1 + d (c2 + ...)) with d = |x| -
// m. The centres are floats whose value is nearly a float, so that rounding c0 costs nothing. Pieces are
// found by the low four bits of (bits of |x|) >> 22, exponent and first bit of the fraction: piece 8 begins
// at 1/8, 9 at 3/16, 10 at 1/4 ... 0 at 2 ... 5 at 12; all that is smaller is in piece 7. Coefficients:
// weighted least squares iterated to a minimax fit of the relative error (Lawson 1961) in f64 of values of 40
// digits, rounded one after the other, each fit knowing the rounded ones before it.

namespace crease {
namespace {

constexpr size_t pieces = 16;
using Column = std::array<float, pieces>;

struct Table {
  float bound;         // from here on the value at this place, the limit
  bool adds_argument;  // in the piece of small numbers: f(x) = x + the polynomial
  Column centre;
  std::array<Column, 8> coefficients;
};

/// Errors relative to the function: at most 2^-27.4.
constexpr Table tanh_table{
    9.2F,
    false,
    {2.5004683F, 3.5014067F, 5.0053787F, 7.016384F, 8.639215F, 0.0F, 0.0F, 0.0F, 0.15625425F, 0.21875516F,
     0.3125049F, 0.43750307F, 0.62502855F, 0.87500185F, 1.2500032F, 1.7500253F},
    {{{0.98662674F, 0.998183F, 0.9999102F, 0.9999984F, 0.99999994F, 0.0F, 0.0F, 0.0F, 0.15499488F,
       0.21533126F, 0.30271417F, 0.4115726F, 0.5546195F, 0.70390654F, 0.84828454F, 0.9413784F},
      {0.026567673F, 0.0036306742F, 0.0001796329F, 3.218911e-06F, 1.2535244e-07F, 0.0F, 0.0F, 1.0F,
       0.9759766F, 0.9536325F, 0.9083641F, 0.830608F, 0.69239724F, 0.5045156F, 0.28041333F, 0.11380668F},
      {-0.026212242F, -0.0036241051F, -0.00017973832F, -3.2220282e-06F, -2.8431072e-07F, 0.0F, 0.0F,
       -3.2235248e-10F, -0.1512716F, -0.2053463F, -0.27497464F, -0.34185562F, -0.38401708F, -0.35513178F,
       -0.23787032F, -0.1071351F},
      {0.017005617F, 0.0024072868F, 0.00011982523F, 2.1465983e-06F, 5.137408e-08F, 0.0F, 0.0F, -0.33333328F,
       -0.30186456F, -0.2738374F, -0.21951981F, -0.1362115F, -0.01782423F, 0.0818079F, 0.108311154F,
       0.06291918F},
      {-0.008044137F, -0.0011942326F, -5.916152e-05F, -1.0583404e-06F, 1.1843717e-06F, 0.0F, 0.0F,
       -2.4672033e-06F, 0.097872466F, 0.12542938F, 0.1580983F, 0.17007889F, 0.137903F, 0.060786147F,
       -0.012584925F, -0.023523148F},
      {0.0028594905F, 0.00047073438F, 2.3612645e-05F, 4.2527464e-07F, 5.066954e-07F, 0.0F, 0.0F, 0.13338798F,
       0.083054F, 0.41696173F, 0.030766405F, 0.014617596F, -0.054075584F, -0.058872715F, -0.019214727F,
       0.003696583F},
      {-0.00069872197F, -0.00015666727F, -9.111746e-06F, -1.6523221e-07F, -2.397055e-06F, 0.0F, 0.0F,
       -0.0005787404F, -0.5184275F, 1.4727684F, -0.07099827F, -0.075977996F, -0.024729094F, 0.013345418F,
       0.015089863F, 0.0020865873F},
      {5.9377446e-05F, 4.186466e-05F, 2.6158561e-06F, 4.648946e-08F, -1.4019893e-06F, 0.0F, 0.0F,
       -0.05142597F, 11.72918F, -179.0215F, 2.1021478F, -3.0068161F, -0.00921856F, 0.011937553F,
       -0.004358053F, -0.0019577548F}}}};

/// Errors: at most 2^-26.
constexpr Table erf_table{
    3.9999998F,  // the last float of its piece
    true,
    {2.5032697F, 3.5052307F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.15625207F, 0.21875034F, 0.3125165F,
     0.43752947F, 0.62500376F, 0.8750189F, 1.2500013F, 1.7500398F},
    {{{0.9996001F, 0.9999993F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.17488717F, 0.24295208F, 0.34148553F,
       0.4639256F, 0.62324375F, 0.784085F, 0.92290044F, 0.9866738F},
      {0.0021429898F, 5.2011046e-06F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.12837917F, 1.1011637F, 1.0756558F,
       1.0233849F, 0.93178815F, 0.763496F, 0.5247277F, 0.23652035F, 0.05276764F},
      {-0.0053635277F, -1.8351993e-05F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 5.375982e-07F, -0.17205946F,
       -0.23529986F, -0.31982443F, -0.4076846F, -0.47718772F, -0.45914656F, -0.29565096F, -0.09234545F},
      {0.0082353735F, 4.1103172e-05F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, -0.37617615F, -0.34950718F, -0.3243487F,
       -0.27453652F, -0.19168398F, -0.055683296F, 0.09292862F, 0.16753566F, 0.09014971F},
      {-0.008542715F, -6.3094536e-05F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0016917369F, 0.08529264F, 0.11309253F,
       0.14927803F, 0.17769949F, 0.17643212F, 0.11237347F, -0.006136868F, -0.048103705F},
      {0.0060961307F, 7.721867e-05F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.08680132F, 0.8502393F, 0.30002972F,
       0.08306139F, 0.028053656F, -0.02573322F, -0.06682118F, -0.047183678F, 0.0066206628F},
      {-0.0026523003F, -9.254944e-05F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.18481089F, -0.28685686F, 0.6313353F,
       -0.0019130068F, -0.028924901F, -0.039817728F, -0.009623896F, 0.020641815F, 0.009042836F},
      {0.00039110443F, 6.766575e-05F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F, -0.51888376F, -428.69727F, -116.62882F,
       -2.6048334F, -0.20540164F, -0.043654792F, 0.0054395525F, 0.0037391682F, -0.0059307353F}}}};

/// Lanes [first, first + count) of a vector; of a shorter one, or of a scalar, all, and what follows in the
/// register.
llvm::Value* part_of(llvm::IRBuilder<>& builder, llvm::Value* value, unsigned first, unsigned count) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
  if (vector == nullptr) {
    auto* form = llvm::FixedVectorType::get(value->getType(), count);
    return builder.CreateInsertElement(llvm::PoisonValue::get(form), value, uint64_t{0});
  }
  std::vector<int> order(count, -1);
  std::iota(order.begin(), order.begin() + std::min(vector->getNumElements(), count),
            static_cast<int>(first));
  return builder.CreateShuffleVector(value, order);
}

/// Vectors of one length one after the other.
llvm::Value* joined(llvm::IRBuilder<>& builder, std::vector<llvm::Value*> parts, unsigned lanes) {
  for (; parts.size() > 1; lanes *= 2) {
    std::vector<int> order(size_t{lanes} * 2);
    std::iota(order.begin(), order.end(), 0);
    std::vector<llvm::Value*> pairs;
    for (size_t i = 0; i < parts.size(); i += 2)
      pairs.push_back(builder.CreateShuffleVector(parts[i], parts[i + 1], order));
    parts = std::move(pairs);
  }
  return parts.front();
}

/// The element of a column that the low four bits of each lane of `index` name: sixteen lanes from one
/// register, or eight from two.
FloatValue lookup(const Arithmetic& with, const Column& column, llvm::Value* index) {
  llvm::IRBuilder<>& builder = with.builder();
  const auto table = [&](size_t first, size_t count) {
    return llvm::ConstantDataVector::get(builder.getContext(), llvm::ArrayRef(column).slice(first, count));
  };
  const unsigned lanes = with.lanes();
  const unsigned at_once = with.machine().vector_bits == 512 && lanes >= pieces ? pieces : pieces / 2;
  std::vector<llvm::Value*> parts;
  for (unsigned first = 0; first < lanes; first += at_once) {
    llvm::Value* part = part_of(builder, index, first, at_once);
    if (at_once == pieces)
      parts.push_back(
          builder.CreateIntrinsic(llvm::Intrinsic::x86_avx512_permvar_sf_512, {}, {table(0, pieces), part}));
    else
      parts.push_back(builder.CreateIntrinsic(llvm::Intrinsic::x86_avx512_vpermi2var_ps_256, {},
                                              {table(0, at_once), part, table(at_once, at_once)}));
  }
  if (lanes >= at_once) return with.number(joined(builder, std::move(parts), at_once));
  if (lanes == 1) return with.number(builder.CreateExtractElement(parts.front(), uint64_t{0}));
  std::vector<int> order(lanes);
  std::iota(order.begin(), order.end(), 0);
  return with.number(builder.CreateShuffleVector(parts.front(), order));
}

FloatValue evaluate(const Table& table, FloatValue x) {
  const Arithmetic& with = *x.with;
  llvm::IRBuilder<>& builder = with.builder();
  const FloatValue size = at_most(magnitude(x), table.bound);
  // NaN keeps its place in `size`; its piece is any.
  llvm::Value* half_binade = builder.CreateLShr(with.bits(size), with.integer(22));
  llvm::Value* index = builder.CreateBinaryIntrinsic(llvm::Intrinsic::smax, half_binade, with.integer(247));
  const FloatValue d = size - lookup(with, table.centre, index);
  FloatValue sum = lookup(with, table.coefficients.back(), index);
  for (size_t i = table.coefficients.size() - 2; i > 0; --i)
    sum = multiply_add(sum, d, lookup(with, table.coefficients[i], index));
  FloatValue start = lookup(with, table.coefficients[0], index);
  if (table.adds_argument) start = select(less(size, 0.125), size, start);
  return with_sign(multiply_add(sum, d, start), x);
}

}  // namespace

bool has_table_lookup(const Arithmetic& with) {
  const Machine& machine = with.machine();
  return !with.is_double() && machine.has("avx512f") && machine.has("avx512vl");
}

FloatValue tanh_by_table(FloatValue x) { return evaluate(tanh_table, x); }
FloatValue erf_by_table(FloatValue x) { return evaluate(erf_table, x); }

}  // namespace crease
