#include <doctest/doctest.h>

#include "graph/error.h"
#include "jit/machine.h"

using namespace crease;

TEST_CASE("the machine this runs on is described sensibly") {
  const Machine machine = host_machine();
  CHECK(!machine.name.empty());
  CHECK(!machine.triple.empty());
  CHECK(machine.vector_bits % 128 == 0);
  CHECK(machine.lanes(4) == machine.vector_bits / 32);
  CHECK(machine.l2_bytes >= machine.l1_bytes);
  CHECK(machine.cores >= 1);
  CHECK(to_string(machine).find(machine.name) != std::string::npos);
}

TEST_CASE("a feature is had only if its sign is plus") {
  Machine machine;
  machine.features = {"-avx512f", "+fma"};
  CHECK(machine.has("fma"));
  CHECK(!machine.has("avx512f"));
  CHECK(!machine.has("sse2"));
}

TEST_CASE("vectors can be narrower than the machine's but not wider") {
  const Machine machine = host_machine();
  CHECK(with_vector_bits(machine, 128).vector_bits == 128);
  CHECK_THROWS_WITH_AS(with_vector_bits(machine, 96), doctest::Contains("got 96 bits"), Error);
  CHECK_THROWS_WITH_AS(with_vector_bits(baseline_machine(machine), 512), doctest::Contains("too wide"),
                       Error);
}

TEST_CASE("the baseline of a machine has nothing special") {
  const Machine machine = baseline_machine(host_machine());
  CHECK(machine.features.empty());
  CHECK(machine.vector_bits == 128);
}
