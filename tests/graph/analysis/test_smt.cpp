#include "graph/analysis/smt.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/linearity.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"

using namespace crease;
using nlohmann::json;

namespace {

/// y = max over pieces of relu(2 x - 1) - min(x, 3), and z of it.
Graph network() {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value z = matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {2, -0.5f, 1, 3}))) - 1.0;
  graph.set_name(z, "z");
  const Value a = relu(z);
  graph.set_name(a, "a");
  graph.output("y", reduce_max(a - min(z, a * 0.25), {1}));
  return graph;
}

json units(const Graph& graph, const char* first, const char* second) {
  return {{"cert", "graph-cert/1"},
          {"kind", "unit-verdicts"},
          {"graph", digest(graph)},
          {"semantics", "real"},
          {"box", {{"x", json::parse(R"([["1", "2"], ["-3", "-2"]])")}}},
          {"claim", {{"units", {{"a[0]", first}, {"a[1]", second}}}}},
          {"steps", json::array()}};
}

/// "sat", "unsat", or nothing where Z3 is not installed.
std::string answer(const std::string& script) {
  if (std::system("z3 --version > /dev/null 2>&1") != 0) return "";  // NOLINT(concurrency-mt-unsafe)
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "claim.smt2").string();
  std::ofstream(path) << script;
  FILE* pipe = popen(("z3 '" + path + "' 2>&1").c_str(), "r");
  std::string text;
  for (int letter = std::fgetc(pipe); letter != EOF; letter = std::fgetc(pipe))
    text += static_cast<char>(letter);
  pclose(pipe);
  return text;
}

void check_answer(const std::string& script, const std::string& want) {
  const std::string found = answer(script);
  if (!found.empty()) CHECK_EQ(found, want + "\n");
}

}  // namespace

TEST_CASE("another solver agrees about units over a box, and finds counterexamples") {
  const Graph graph = network();
  // z[0] = 2 x[0] + x[1] - 1 in [-2, 1], z[1] = -x[0] / 2 + 3 x[1] - 1 in [-11, -15/2].
  check_answer(smt_claim(units(graph, "ATOM", "DEAD").dump(), graph), "unsat");
  check_answer(smt_claim(units(graph, "DEAD", "DEAD").dump(), graph), "sat");
  check_answer(smt_claim(units(graph, "ATOM", "ACTIVE").dump(), graph), "sat");
}

TEST_CASE("another solver agrees that a network is not affine, and about affine maps") {
  const Graph graph = network();
  for (const Finding& finding : linearity_findings(graph))
    if (finding.certificate) check_answer(smt_claim(finding.certificate->json, graph), "unsat");
  json map = {{"cert", "graph-cert/1"},
              {"kind", "affine-collapse"},
              {"graph", digest(graph)},
              {"semantics", "real"},
              {"claim",
               {{"sink", "z"},
                {"frontier", {"x"}},
                {"W", {{"x", json::parse(R"([["2", "1"], ["-1/2", "3"]])")}}},
                {"b", {"-1", "-1"}}}},
              {"steps", json::array()}};
  const std::string script = smt_claim(map.dump(), graph);
  CHECK(script.find("(set-logic QF_LRA)") != std::string::npos);
  check_answer(script, "unsat");
  map["claim"]["b"][1] = "-3/4";
  check_answer(smt_claim(map.dump(), graph), "sat");
}

TEST_CASE("steps that a body mentions twice are written once") {
  const Op iterated{.name = "iterated", .doc = "Positive from 0 on.", .body = [](Scalar s) {
                      for (int i = 0; i < 40; ++i) s = max(s, 0.1) - 0.5 * min(s, 0.3);
                      return s;
                    }};
  Graph graph;
  const Value a = relu(iterated(graph.input("x", {"batch", 1})));
  graph.set_name(a, "a");
  graph.output("y", a);
  json claim = units(graph, "ACTIVE", "ACTIVE");
  claim["box"] = {{"x", json::parse(R"([["1", "2"]])")}};
  claim["claim"]["units"].erase("a[1]");
  const std::string script = smt_claim(claim.dump(), graph);
  CHECK(script.size() < 10000);
  check_answer(script, "unsat");
  claim["claim"]["units"]["a[0]"] = "DEAD";
  check_answer(smt_claim(claim.dump(), graph), "sat");
}

TEST_CASE("what has no linear encoding is named") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  graph.output("y", tanh(x));
  json units_of_tanh = units(graph, "DEAD", "DEAD");
  CHECK_THROWS_WITH_AS(smt_claim("{", graph), doctest::Contains("not a certificate"), Error);
  units_of_tanh["kind"] = "rescaling-invariance";
  CHECK_THROWS_WITH_AS(smt_claim(units_of_tanh.dump(), graph), doctest::Contains("rescaling-invariance"),
                       Error);
  units_of_tanh["kind"] = "affine-collapse";
  units_of_tanh.erase("box");
  units_of_tanh["claim"] =
      json::parse(R"({"sink": "y", "frontier": ["x"], "W": {"x": [["1"]]}, "b": ["0"]})");
  CHECK_THROWS_WITH_AS(smt_claim(units_of_tanh.dump(), graph), doctest::Contains("got tanh in"), Error);
  units_of_tanh["graph"] = "00";
  CHECK_THROWS_WITH_AS(smt_claim(units_of_tanh.dump(), graph), doctest::Contains("another graph"), Error);
  json same = units(network(), "ATOM", "ATOM");
  same["claim"]["units"]["a[1]"] = json::array({"SAME", "a[0]", "2"});
  CHECK_THROWS_WITH_AS(smt_claim(same.dump(), network()), doctest::Contains("not ACTIVE, DEAD or ATOM"),
                       Error);
  const Op late{.name = "late", .doc = "Bends at 1.", .body = [](Scalar s) { return max(s - 1, 0); }};
  Graph shifted;
  const Value a = late(shifted.input("x", {"batch", 2}));
  shifted.set_name(a, "a");
  shifted.output("y", a);
  CHECK_THROWS_WITH_AS(smt_claim(units(shifted, "DEAD", "ATOM").dump(), shifted),
                       doctest::Contains("bends at 0 alone"), Error);
}
