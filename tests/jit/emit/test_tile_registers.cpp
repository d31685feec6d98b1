#include "jit/emit/tile_registers.h"

#include <doctest/doctest.h>
#include <llvm/AsmParser/Parser.h>
#include <llvm/IR/LLVMContext.h>
#include <llvm/IR/Module.h>
#include <llvm/Support/SourceMgr.h>
#include <llvm/Target/TargetMachine.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "jit/contraction_tiles.h"
#include "jit/emit/optimise.h"
#include "jit/emit/standalone.h"
#include "jit/machine_level.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

TEST_CASE("a product of tiles sums even and odd products apart, rounded to nearest, without subnormals") {
  const auto pair = [](float first, float second) {
    return std::bit_cast<uint32_t>(first) >> 16 | (std::bit_cast<uint32_t>(second) & 0xffff0000U);
  };
  const auto sum_of = [&](float start, std::vector<std::array<float, 4>> pairs) {
    std::array<float, 256> sum{};
    std::array<uint32_t, 256> a{}, b{};
    sum[0] = start;
    for (size_t p = 0; p < pairs.size(); ++p) {
      a[p] = pair(pairs[p][0], pairs[p][1]);
      b[16 * p] = pair(pairs[p][2], pairs[p][3]);
    }
    multiply_tiles(sum.data(), a.data(), b.data());
    // Infinity times the zeros of other columns is no number.
    if (std::isfinite(sum[0]))
      CHECK(std::ranges::all_of(std::span(sum).subspan(1), [](float x) { return x == 0; }));
    return sum[0];
  };
  CHECK(sum_of(1, {{2, 3, 5, 7}}) == 32);
  CHECK(sum_of(0, {{1, 1, 0x1p24F, -0x1p24F}, {1, 0, 1, 0}}) ==
        0);  // 2^24 + 1 ties to even, apart from -2^24
  CHECK(sum_of(0, {{1, 1, 1, 0x1p24F}, {0, 1, 0, -0x1p24F}}) == 1);  // as the odd ones alone are 0
  CHECK(sum_of(0x1p24F, {{1, 1, 1, 1}}) == 0x1p24F + 2);
  CHECK(sum_of(0, {{0x1p-70F, 0, 0x1p-70F, 0}}) == 0);
  CHECK(sum_of(0x1p-130F, {{0, 0, 0, 0}}) == 0);
  CHECK(sum_of(0, {{0x1p-130F, 0, 0x1p10F, 0}}) == 0);
  CHECK(std::isnan(sum_of(0, {{INFINITY, 1, 1, -INFINITY}})));
  CHECK(sum_of(0, {{INFINITY, 1, 1, 1}}) == INFINITY);
}

TEST_CASE("code for a processor with tiles has their instructions") {
  Machine machine = host_machine();
  machine.triple = "x86_64-pc-linux-gnu";
  std::vector<std::string> features;
  for (const char* name :
       {"amx-bf16", "amx-tile", "avx512bf16", "avx512bw", "avx512dq", "avx512f", "avx512vl", "fma"})
    features.push_back("+" + std::string(name));
  machine = with_features(machine, "sapphirerapids", features);
  CHECK(machine.tiles == Tiles::Native);
  CHECK(to_string(machine).find("matrix tiles") != std::string::npos);
  ContractionCase product{.facts = {.m = {64, {}},
                                    .n = {64, {}},
                                    .k = {64, {}},
                                    .a_row = {64, {}},
                                    .a_column = {1, {}},
                                    .b_row = {64, {}},
                                    .b_column = {1, {}},
                                    .parts = 3},
                          .c_row = {64, {}}};
  product.plan = plan_tiles(product.facts, machine);
  const NativeFunction function = compile_contraction(machine, product);
  llvm::LLVMContext context;
  llvm::SMDiagnostic problem;
  const std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(function.text(), problem, context);
  REQUIRE(module != nullptr);
  const std::string assembly = assembly_of(*make_target(machine, 2), *module);
  CHECK(count_of(assembly, "ldtilecfg") == 1);
  CHECK(count_of(assembly, "tilerelease") == 1);
  CHECK(count_of(assembly, "\ttdpbf16ps\t") % 24 == 0);  // six products of 2 x 2 tiles
  CHECK(count_of(assembly, "\ttdpbf16ps\t") > 0);
  for (const MachineLevel level : {MachineLevel::V1, MachineLevel::V3, MachineLevel::V4})
    if (level <= level_of(host_machine()).value_or(MachineLevel::V1))
      CHECK(at_level(host_machine(), level).tiles == Tiles::None);
}
