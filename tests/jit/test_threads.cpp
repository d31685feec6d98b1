#include "jit/threads.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
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

TEST_CASE("clones of a program have parameters of their own, and run beside it") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  const Value w = graph.parameter("w", dyadic(Type::f32, {4, 8}, 1));
  graph.output("y", sum(relu(matmul(x, w)), 1));
  graph.update(w, w * 2);
  Program program = compile(graph);
  const Bindings at{{"x", dyadic(Type::f32, {9, 4}, 2)}};
  program(at);
  Program other = program.clone();
  CHECK(other.parameters() == program.parameters());
  CHECK_THROWS_WITH_AS(other.output("y"), doctest::Contains("was never bound"), Error);
  const Tensor once = other(at).at("y");
  CHECK(program(at).at("y") == once);
  other(at);
  CHECK(program.parameter("w") != other.parameter("w"));

  std::vector<Program> clones;
  for (int i = 0; i < 4; ++i) clones.push_back(program.clone());
  std::vector<Tensor> results(clones.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < clones.size(); ++i)
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 50; ++turn) {
        clones[i].set_parameter("w", program.parameter("w"));
        results[i] = clones[i](at).at("y");
      }
    });
  for (std::thread& thread : threads) thread.join();
  const Tensor want = program(at).at("y");
  for (const Tensor& result : results) CHECK(result == want);
}

TEST_CASE("a program that another thread binds or runs says so") {
  Graph graph;
  Value y = graph.input("x", {512, 512});
  for (int i = 0; i < 8; ++i) y = matmul(y, y);
  graph.output("y", y);
  Program program = compile(graph);
  const Bindings at{{"x", Tensor(Type::f32, {512, 512})}};
  program.bind(at);
  std::atomic<bool> done{false};
  std::thread runs([&] {
    while (!done) program.run();
  });
  bool told = false;
  for (int i = 0; i < 1'000'000 && !told; ++i) {
    try {
      program.bind(at);
    } catch (const Error& error) {
      told = std::string(error.what()) ==
             "[program] two threads use one program at a time: give each thread a clone() of it";
    }
  }
  done = true;
  runs.join();
  CHECK(told);
}

TEST_CASE("a program needs no inputs that its results do not need") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4}), label = graph.input("label", {"batch"}, Type::i32);
  graph.input("rest", {"time"});
  graph.output("y", sum(x * 2, 1));
  Program program = compile(graph);
  for (const int64_t batch : {3, 1, 7})
    CHECK(program({{"x", Tensor(Type::f32, {batch, 4})}}).at("y").sizes() == std::vector<int64_t>{batch});
  CHECK_THROWS_WITH_AS(program({}), doctest::Contains("input 'x' f32[batch, 4] is not bound"), Error);
  CHECK_THROWS_WITH_AS(program({{"x", Tensor(Type::f32, {3, 4})}, {"label", Tensor(Type::i32, {2})}}),
                       doctest::Contains("dimension 'batch'"), Error);
}
