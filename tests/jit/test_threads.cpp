#include "jit/threads.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "graph/ops/activation.h"
#include "graph/ops/contraction.h"
#include "jit/program.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// What a child process finds; killed if it hangs.
template <class Check>
bool holds_in_child(const Check& check) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    alarm(120);
    _exit(check() ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

TEST_CASE("a forked process runs and ends a program whose threads its parent has") {
  Graph graph;
  graph.output(
      "y", relu(matmul(graph.input("x", {64, 32}), graph.parameter("w", dyadic(Type::f32, {32, 48}, 1)))));
  std::optional<Program> program = compile(graph, {.threads = 3, .split_all = true});
  const Bindings at{{"x", dyadic(Type::f32, {64, 32}, 2)}};
  const Tensor want = (*program)(at).at("y");
  CHECK(holds_in_child([&] {
    if ((*program)(at).at("y") != want) return false;
    const bool again = holds_in_child([&] { return (*program)(at).at("y") == want; });
    Program own = compile(graph, {.threads = 2, .split_all = true});
    const bool same = own(at).at("y") == want && holds_in_child([&] { return own(at).at("y") == want; });
    program.reset();
    return again && same;
  }));
  CHECK((*program)(at).at("y") == want);
}
