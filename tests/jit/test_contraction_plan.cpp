#include <doctest/doctest.h>

#include "tests/jit/contraction_setting.h"

using namespace crease;
using namespace crease::test;

namespace {

ContractionFacts facts_of(const Setting& setting) { return case_of(setting, Type::f32).facts; }

ContractionPlan planned(const Setting& setting) {
  return plan_contraction(facts_of(setting), host_machine());
}

}  // namespace

TEST_CASE("a narrow product of a transposed matrix is planned transposed") {
  const ContractionPlan plan = planned({.sizes = {256, 10, 64}, .a = {true, 0}, .runtime_k = true});
  if (host_machine().lanes(4) == 16) CHECK(plan.transposed);
  CHECK(!plan.pack_a);
}

TEST_CASE("few rows times a transposed matrix are planned in squares, many or half vectors are not") {
  const auto squares = [](Size sizes) { return planned({.sizes = sizes, .b = {true, 0}}).squares; };
  CHECK(squares({1, 1000, 1000}));
  CHECK(squares({3, 1000, 1000}));
  CHECK(!squares({host_machine().lanes(4), 1000, 1000}));
  CHECK(!squares({256, 256, 256}));
}

TEST_CASE("few rows are streamed past, more the larger the operand is") {
  const auto streamed = [](Size sizes) { return planned({.sizes = sizes}).stream_rows > 0; };
  CHECK(streamed({1, 3000, 3000}));
  CHECK(streamed({6, 3000, 3000}));
  CHECK(!streamed({32, 3000, 3000}));
  CHECK(!streamed({1, 64, 64}));
  CHECK(!streamed({1, 16, 200000}));  // a tile reads all of a row at once
  CHECK(!streamed({1, 200000, 16}));
  CHECK(!streamed({16, 1000000, 64}));  // nor has the second cache room for the sums
}

TEST_CASE("lines of the second cache are asked for where two units of 512 bits wait for them") {
  Machine machine = host_machine();
  machine.l1_bytes = 32 << 10;
  machine.l2_bytes = 1 << 20;
  const auto planned_for = [&](int units, Size sizes, bool across, int bits = 512) {
    machine.vector_bits = bits;
    machine.vector_registers = 32;
    machine.fma_per_cycle = units;
    return plan_contraction(facts_of({.sizes = sizes, .a = {across, 0}}), machine);
  };
  const ContractionPlan weights = planned_for(2, {256, 256, 900}, true),
                        forward = planned_for(2, {256, 256, 900}, false);
  CHECK(weights.ahead > 0);
  CHECK(weights.scalars_ahead > 0);
  CHECK(forward.ahead > 0);
  CHECK(forward.scalars_ahead == 0);  // sixteen k in one line
  CHECK(planned_for(2, {64, 64, 64}, true).ahead == 0);
  CHECK(planned_for(2, {256, 256, 900}, true, 256).ahead == 0);
  CHECK(planned_for(1, {256, 256, 900}, true).ahead == 0);
  CHECK(planned_for(1, {256, 256, 900}, true).scalars_ahead == 0);
}

TEST_CASE("a plan fits the registers and is not wider than the matrix") {
  for (const Machine& machine : widths())
    for (const int64_t k : {16, 256})
      for (const int64_t n : {1, 10, 16, 64, 100, 256, 1000}) {
        const ContractionFacts facts = facts_of({.sizes = {128, n, k}});
        const ContractionPlan plan = plan_contraction(facts, machine);
        CAPTURE(n);
        CAPTURE(k);
        CAPTURE(to_string(plan));
        CHECK(plan.tile_rows * plan.tile_vectors + plan.tile_vectors <= machine.vector_registers);
        CHECK(plan.tile_rows >= 1);
        CHECK((plan.tile_vectors - 1) * machine.lanes(4) < (plan.transposed ? 128 : n));
        CHECK(estimated_cycles(facts, plan, machine) > 0);
      }
}

TEST_CASE("sums of a few products into a few columns are four chains, for any number of rows") {
  for (const int64_t k : {1, 11, 12, 13, 16, 17, 100})
    for (const int64_t n : {1, 16, 17, 500})
      for (const int64_t m : {1, 500}) {
        const Size sizes{m, n, k};
        CAPTURE(k);
        CAPTURE(n);
        const int chains = k >= 12 && k <= 16 && n <= 16 ? 4 : 1;
        CHECK(chain_count(facts_of({.sizes = sizes})) == chains);
        CHECK(chain_count(facts_of({.sizes = sizes, .runtime_m = true})) == chains);
        CHECK(chain_count(facts_of({.sizes = sizes, .runtime_k = true})) == 1);
        CHECK(chain_count(facts_of({.sizes = sizes, .runtime_n = true})) == 1);
        CHECK(chain_count(facts_of({.sizes = sizes, .rounded = true})) == 1);
      }
}

TEST_CASE("the text of a plan names all it decides") {
  CHECK(to_string(ContractionPlan{.tile_rows = 14, .tile_vectors = 2, .pack_b = true, .row_block = 28}) ==
        "tile 14x2, b packed, blocks of 28 rows");
  CHECK(to_string(ContractionPlan{.tile_rows = 10, .tile_vectors = 1, .pack_a = true, .transposed = true}) ==
        "tile 10x1, transposed, a packed");
  CHECK(to_string(ContractionPlan{.tile_rows = 10, .tile_vectors = 1, .squares = true, .ahead = 64}) ==
        "tile 10x1, in squares, 64 rows ahead");
  CHECK(to_string(ContractionPlan{.tile_rows = 14, .tile_vectors = 2, .ahead = 8, .scalars_ahead = 9}) ==
        "tile 14x2, 8 rows ahead, scalars 9 ahead");
  CHECK(to_string(ContractionPlan{.stream_rows = 8}) == "streamed by 8 rows");
}
