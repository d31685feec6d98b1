#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "jit/machine_level.h"
#include "jit/program.h"

using namespace crease;

namespace {

constexpr MachineLevel all_levels[] = {MachineLevel::V1, MachineLevel::V2, MachineLevel::V3,
                                       MachineLevel::V4};

bool has_level(MachineLevel level) {
  const auto highest = level_of(host_machine());
  return highest && *highest >= level;
}

/// A training step with elementary functions, roundings, integers, masks and products, of f32 and f64.
Graph busy_graph() {
  Graph graph;
  for (const Type type : {Type::f32, Type::f64}) {
    const std::string name(to_string(type));
    const Value x = graph.input("x" + name, {"batch", 37}, type);
    const Value w = graph.parameter("w" + name, Tensor(type, {37, 29}));
    const Value y = relu(matmul(x, w)) + floor_op(tanh(matmul(x, w)));
    const Value loss = sum(softplus(y) * sigmoid(y) + exp(y));
    graph.output("loss" + name, loss);
    graph.output("top" + name, argmax(y, 1));
    graph.update(w, w - grad(loss, w) * 0.5);
  }
  return graph;
}

/// The names of all instructions in an assembly text.
std::vector<std::string> mnemonics(const std::string& assembly) {
  std::vector<std::string> names;
  for (size_t at = 0; at < assembly.size();) {
    const size_t end = std::min(assembly.find('\n', at), assembly.size());
    if (assembly[at] == '\t' && at + 1 < end &&
        std::islower(static_cast<unsigned char>(assembly[at + 1])) != 0)
      names.push_back(assembly.substr(at + 1, assembly.find_first_of("\t\n", at + 1) - at - 1));
    at = end + 1;
  }
  return names;
}

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> prefixes) {
  return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// Instructions of SSE3 and later whose names vectors of SSE2 do not have.
bool is_above_sse2(const std::string& name) {
  return is_one_of(name, {"pshufb",   "phadd",     "haddp",    "pabs",    "psign",  "palignr",
                          "blend",    "pblend",    "round",    "pmin",    "pmax",   "pmovsx",
                          "pmovzx",   "ptest",     "pcmpeqq",  "pmulld",  "pinsr",  "pextr",
                          "insertps", "extractps", "packusdw", "pcmpgtq", "popcnt", "pmuldq",
                          "movddup",  "movshdup",  "movsldup", "lddqu",   "crc32"}) &&
         !is_one_of(name, {"pminsw", "pminub", "pmaxsw", "pmaxub", "pinsrw", "pextrw"});
}

}  // namespace

TEST_CASE("levels have names that are read back, and other names are refused") {
  for (const MachineLevel level : all_levels) CHECK(parse_machine_level(to_string(level)) == level);
  CHECK(parse_machine_level("native") == MachineLevel::Native);
  CHECK_THROWS_WITH_AS(parse_machine_level("avx9"),
                       "[compile] unknown level of a machine: got 'avx9', want one of native, x86-64, "
                       "x86-64-v2, x86-64-v3, x86-64-v4",
                       Error);
}

TEST_CASE("a level has its vectors and multiply-adds, whatever more the processor has") {
  const Machine host = host_machine();
  for (const MachineLevel level : all_levels) {
    if (!has_level(level)) continue;
    const Machine machine = at_level(host, level);
    CAPTURE(to_string(level));
    CHECK(machine.vector_bits == (level == MachineLevel::V4 ? 512 : level == MachineLevel::V3 ? 256 : 128));
    CHECK(machine.fma == (level >= MachineLevel::V3));
    CHECK(machine.has("avx512bf16") == false);
    CHECK(level_of(machine) == level);
    CHECK(machine.l2_bytes == host.l2_bytes);
  }
}

TEST_CASE("a level that the processor lacks is refused with what is missing") {
  Machine machine = host_machine();
  if (!level_of(machine)) return;
  machine =
      with_features(machine, "old", {"+cx16", "+popcnt", "+sahf", "+sse3", "+sse4.1", "-sse4.2", "+ssse3"});
  CHECK(level_of(machine) == MachineLevel::V1);
  CHECK_THROWS_WITH_AS(at_level(machine, MachineLevel::V2),
                       "[compile] this processor (old) cannot run code for x86-64-v2: it lacks sse4.2",
                       Error);
  CHECK_THROWS_WITH_AS(at_level(machine, MachineLevel::V4), doctest::Contains("avx2, bmi, bmi2"), Error);
  machine.triple = "aarch64-unknown-linux-gnu";
  CHECK_THROWS_WITH_AS(at_level(machine, MachineLevel::V2), doctest::Contains("is a level of x86-64"), Error);
  CHECK(!level_of(machine));
  CHECK(at_level(machine, MachineLevel::Native).name == "old");
}

TEST_CASE("vectors wider than a level's are refused though the processor has them") {
  if (!has_level(MachineLevel::V3)) return;
  CHECK_THROWS_WITH_AS(compile(busy_graph(), {.level = MachineLevel::V2, .vector_bits = 256}),
                       doctest::Contains("too wide for this machine (x86-64-v2)"), Error);
}

TEST_CASE("compiled code has no instruction and no register above its level") {
  const Graph graph = busy_graph();
  for (const MachineLevel level : all_levels) {
    if (!has_level(level)) continue;
    CAPTURE(to_string(level));
    const std::string text = compile(graph, {.level = level, .keep_dumps = true}).dumps().assembly;
    const bool v3 = level >= MachineLevel::V3, v4 = level >= MachineLevel::V4;
    CHECK((text.find("%zmm") != std::string::npos) == v4);
    CHECK((text.find("%k1") != std::string::npos) == v4);
    CHECK((text.find("%ymm") != std::string::npos) == v3);
    CHECK((text.find("vfmadd") != std::string::npos) == v3);
    const std::vector<std::string> names = mnemonics(text);
    CHECK(names.size() > 1000);
    for (const std::string& name : names) {
      CAPTURE(name);
      if (!v3) CHECK((!name.starts_with("v") || name.starts_with("ver")));
      if (level == MachineLevel::V1) CHECK(!is_above_sse2(name));
      CHECK(!is_one_of(name, {"vdpbf16", "vcvtne", "tdp", "vpdp"}));
    }
  }
}
