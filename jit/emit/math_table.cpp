#include "jit/emit/math_table.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <array>
#include <vector>

#include "jit/emit/vector_parts.h"

// Piece i holds a centre m, the value c0 there and c1 to c5: f(x) = c0 + d (c1 + d (c2 + ...)) with d = |x| -
// m. The centres are floats whose value is nearly a float, so that rounding c0 costs nothing. Pieces are
// found by the low five bits of (bits of |x|) >> 21, exponent and first two bits of the fraction: piece 16
// begins at 1/8, 17 at 5/32, 20 at 1/4 ... 0 at 2 ... 8 at 8; all that is smaller is in piece 15.
// Coefficients: weighted least squares iterated to a minimax fit of the relative error (Lawson 1961) in f64
// of values of 40 digits, rounded one after the other, each fit knowing the rounded ones before it.

namespace crease {
namespace {

constexpr size_t pieces = 32;
using Column = std::array<float, pieces>;

struct Table {
  float bound;         // from here on the value at this place, the limit
  bool adds_argument;  // in the piece of small numbers: f(x) = x + the polynomial
  Column centre;
  std::array<Column, 6> coefficients;
};

// NOLINTBEGIN(modernize-use-std-numbers): coefficients may be near a constant of mathematics.

/// Errors relative to the function: at most 2^-26.1.
constexpr Table tanh_table{
    9.2F,
    false,
    {2.259292F,   2.7458272F,  3.2527745F,  3.7511117F,  4.503203F,   5.4985805F,  6.498972F,   7.513047F,
     8.624F,      0.0F,        0.0F,        0.0F,        0.0F,        0.0F,        0.0F,        0.0F,
     0.14092454F, 0.17188764F, 0.20373076F, 0.23423274F, 0.28135866F, 0.34499672F, 0.40602255F, 0.46827313F,
     0.56176233F, 0.68989617F, 0.8142662F,  0.9366142F,  1.1253259F,  1.3798425F,  1.6258531F,  1.8782309F},
    {{{0.97842634F, 0.9917918F,  0.9970142F,  0.9988969F,  0.9997548F,  0.9999665F,  0.99999547F, 0.9999994F,
       0.99999994F, 0.0F,        0.0F,        0.0F,        0.0F,        0.0F,        0.0F,        0.0F,
       0.13999899F, 0.17021458F, 0.20095809F, 0.23004098F, 0.27416208F, 0.33193094F, 0.38509026F, 0.43680298F,
       0.50928384F, 0.5979153F,  0.671937F,   0.7336628F,  0.8094135F,  0.880916F,   0.92546874F, 0.9543345F},
      {0.04268192F,   0.016349051F,   0.0059626405F,  0.0022049907F, 0.00049038505F, 6.6996225e-05F,
       9.060129e-06F, 1.1921675e-06F, 1.2924788e-07F, 0.0F,          0.0F,           0.0F,
       0.0F,          0.0F,           0.0F,           1.0F,          0.98040026F,    0.971027F,
       0.9596158F,    0.94708115F,    0.92483515F,    0.8898218F,    0.8517055F,     0.80920315F,
       0.74063F,      0.6424973F,     0.54850066F,    0.4617389F,    0.3448498F,     0.22398698F,
       0.1435076F,    0.08924567F},
      {-0.041759904F,  -0.016213944F,  -0.005944426F,  -0.002202397F,
       -0.0004896485F, -6.691002e-05F, -9.048713e-06F, -1.1906322e-06F,
       -2.410101e-07F, 0.0F,           0.0F,           0.0F,
       0.0F,           0.0F,           0.0F,           3.119351e-07F,
       -0.13725516F,   -0.16528286F,   -0.19284265F,   -0.21786746F,
       -0.25355473F,   -0.29535946F,   -0.3279835F,    -0.35346237F,
       -0.37719065F,   -0.38415894F,   -0.36855793F,   -0.3387607F,
       -0.279128F,     -0.19731481F,   -0.1328122F,    -0.08517026F},
      {0.026630918F,   0.010632441F,  0.0039390437F, 0.0014649866F, 0.00032614733F, 4.4606262e-05F,
       6.0325287e-06F, 7.926581e-07F, 7.100899e-08F, 0.0F,          0.0F,           0.0F,
       0.0F,           0.0F,          0.0F,          -0.33335564F,  -0.30729473F,   -0.29584745F,
       -0.28082138F,   -0.26561078F,  -0.23873937F,  -0.19847222F,  -0.15760246F,   -0.11531762F,
       -0.054780513F,  0.0155298915F, 0.06483949F,   0.09462632F,   0.11098029F,    0.09916128F,
       0.075079F,      0.05153222F},
      {-0.012200693F,
       -0.0051873745F,
       -0.001967178F,
       -0.0007376026F,
       -0.00017085383F,
       -2.3382408e-05F,
       -3.1628356e-06F,
       -4.1609619e-07F,
       2.68871e-07F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0004728095F,
       0.089657724F,
       0.10467999F,
       0.121353164F,
       0.13361093F,
       0.14993477F,
       0.16442144F,
       0.16997138F,
       0.16819339F,
       0.15343091F,
       0.11872256F,
       0.079335704F,
       0.04357051F,
       0.0036144287F,
       -0.021346243F,
       -0.025124544F,
       -0.020777298F},
      {0.0039763525F,  0.0019159779F, 0.0007711859F,  0.0002929149F, 6.859197e-05F, 9.319003e-06F,
       1.2618649e-06F, 1.707961e-07F, 1.0160688e-07F, 0.0F,          0.0F,          0.0F,
       0.0F,           0.0F,          0.0F,           0.12998591F,   -0.7601003F,   1.0652889F,
       -0.7830376F,    0.19389223F,   0.040866386F,   -0.037860535F, 0.008700584F,  -0.03551128F,
       -0.043246675F,  -0.061858967F, -0.06761247F,   -0.053636145F, -0.032089196F, -0.00957226F,
       0.0013615408F,  0.00461959F}}}};

/// Errors: at most 2^-25.1.
constexpr Table erf_table{
    3.9999998F,  // the last float of its piece
    true,
    {2.2548282F,  2.7534025F,  3.2524467F,  3.7439213F, 0.0F,        0.0F,        0.0F,        0.0F,
     0.0F,        0.0F,        0.0F,        0.0F,       0.0F,        0.0F,        0.0F,        0.0F,
     0.14073296F, 0.17211868F, 0.20297626F, 0.2344491F, 0.28021243F, 0.34442145F, 0.40688935F, 0.46913F,
     0.5630525F,  0.6868448F,  0.81091624F, 0.9378161F, 1.1267794F,  1.3716725F,  1.6203535F,  1.8771489F},
    {{{0.9985714F,  0.99990135F, 0.99999577F, 0.9999999F, 0.0F,        0.0F,       0.0F,
       0.0F,        0.0F,        0.0F,        0.0F,       0.0F,        0.0F,       0.0F,
       0.0F,        0.0F,        0.15775795F, 0.1923142F, 0.22592732F, 0.2597793F, 0.30810168F,
       0.37380224F, 0.43499842F, 0.49295762F, 0.5741286F, 0.6686236F,  0.7485393F, 0.81525046F,
       0.88895345F, 0.9476006F,  0.978067F,   0.99206185F},
      {0.00698867F, 0.0005754427F, 2.8736666e-05F, 9.226919e-07F, 0.0F,       0.0F,        0.0F,
       0.0F,        0.0F,          0.0F,           0.0F,          0.0F,       0.0F,        0.0F,
       0.0F,        0.12837917F,   1.1062506F,     1.0954415F,    1.0828353F, 1.06803F,    1.043169F,
       1.0021584F,  0.956211F,     0.9054704F,     0.8218102F,    0.7040024F, 0.58461434F, 0.46826693F,
       0.31700122F, 0.17192394F,   0.08169496F,    0.033276435F},
      {-0.015753476F, -0.001581539F, -9.298576e-05F, -3.418837e-06F, 0.0F,         0.0F,
       0.0F,          0.0F,          0.0F,           0.0F,           0.0F,         0.0F,
       0.0F,          0.0F,          0.0F,           3.1099793e-07F, -0.15568575F, -0.1885457F,
       -0.21978977F,  -0.25039876F,  -0.292309F,     -0.34516492F,   -0.38907206F, -0.42478332F,
       -0.46272215F,  -0.4835403F,   -0.4740732F,    -0.43914828F,   -0.357192F,   -0.23582557F,
       -0.1323762F,   -0.062465254F},
      {0.021356625F, 0.0027117273F, 0.00019206974F, 8.284922e-06F, 0.0F,          0.0F,         0.0F,
       0.0F,         0.0F,          0.0F,           0.0F,          0.0F,          0.0F,         0.0F,
       0.0F,         -0.3761426F,   -0.35460982F,   -0.34425455F,  -0.3315082F,   -0.31643754F, -0.29305643F,
       -0.25469443F, -0.2131815F,   -0.16898975F,   -0.10026183F,  -0.013277588F, 0.061410528F, 0.11847297F,
       0.16264893F,  0.15833405F,   0.1157599F,     0.06708058F},
      {-0.019074552F,
       -0.0033547573F,
       -0.00030592727F,
       -1.6205464e-05F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.0F,
       0.00029357654F,
       0.07550286F,
       0.090693474F,
       0.106232226F,
       0.12121496F,
       0.13857877F,
       0.15902436F,
       0.17303051F,
       0.18118928F,
       0.18227683F,
       0.16559649F,
       0.13304216F,
       0.0908267F,
       0.027760778F,
       -0.02951274F,
       -0.049351376F,
       -0.042048696F},
      {0.010573909F,   0.002832974F,  0.0003345727F, 2.0397796e-05F, 0.0F,          0.0F,
       0.0F,           0.0F,          0.0F,          0.0F,           0.0F,          0.0F,
       0.0F,           0.0F,          0.0F,          0.11095423F,    1.5427328F,    2.368867F,
       1.0762948F,     -1.2953092F,   0.02262561F,   -0.023228291F,  0.024061369F,  0.032011487F,
       -0.008025381F,  -0.037623722F, -0.060356837F, -0.069841474F,  -0.061034363F, -0.030650014F,
       -0.0023176111F, 0.011307829F}}}};

// NOLINTEND(modernize-use-std-numbers)

/// The elements of a column that the low five bits of each lane of `index` name: sixteen lanes at once from
/// two registers, or eight from four, two by two and chosen by the fifth bit.
llvm::Value* looked_up(llvm::IRBuilder<>& builder, const Column& column, llvm::Value* index, size_t count) {
  const auto from = [&](size_t first) {
    const auto registers = [&](size_t at) {
      return llvm::ConstantDataVector::get(builder.getContext(), llvm::ArrayRef(column).slice(at, count));
    };
    const auto lookup = count == 16 ? llvm::Intrinsic::x86_avx512_vpermi2var_ps_512
                                    : llvm::Intrinsic::x86_avx512_vpermi2var_ps_256;
    return builder.CreateIntrinsic(lookup, {}, {registers(first), index, registers(first + count)});
  };
  if (2 * count == pieces) return from(0);
  llvm::Constant* half = llvm::ConstantInt::get(index->getType(), pieces / 2);
  llvm::Value* upper =
      builder.CreateICmpNE(builder.CreateAnd(index, half), llvm::Constant::getNullValue(index->getType()));
  return builder.CreateSelect(upper, from(pieces / 2), from(0));
}

/// The same for as many lanes as there are.
FloatValue lookup(const Arithmetic& with, const Column& column, llvm::Value* index) {
  llvm::IRBuilder<>& builder = with.builder();
  const unsigned lanes = with.lanes();
  const unsigned at_once = with.machine().vector_bits == 512 ? 16 : 8;
  std::vector<llvm::Value*> parts;
  for (unsigned first = 0; first < lanes; first += at_once)
    parts.push_back(looked_up(builder, column, part_of(builder, index, first, at_once), at_once));
  return with.number(joined(builder, std::move(parts), at_once, lanes));
}

FloatValue evaluate(const Table& table, FloatValue x) {
  const Arithmetic& with = *x.with;
  llvm::IRBuilder<>& builder = with.builder();
  const FloatValue size = at_most(magnitude(x), table.bound);
  // NaN keeps its place in `size`; its piece is any.
  llvm::Value* quarter = builder.CreateLShr(with.bits(size), with.integer(21));
  llvm::Value* index = builder.CreateBinaryIntrinsic(llvm::Intrinsic::smax, quarter, with.integer(495));
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
