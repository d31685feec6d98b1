// A user's program: one include, a value, its gradient, native code; and a static constructor of crease
// (relu).
#include <crease/crease.h>

#include <cstdio>

int main() {
  crease::Graph graph;
  const crease::Value x = graph.input("x", {"batch"}, crease::Type::f32);
  const crease::Value w = graph.parameter("w", crease::Tensor::scalar(crease::Type::f32, 3.0));
  const crease::Value loss = crease::sum(crease::relu(w * x));
  graph.output("loss", loss);
  graph.output("slope", crease::grad(loss, w));

  const crease::Bindings inputs = {{"x", crease::Tensor::f32({3}, {-1.0F, 2.0F, 0.5F})}};
  crease::Program program = crease::compile(graph);
  const auto native = program(inputs);
  const auto plain = crease::evaluate(graph, inputs);
  for (const char* name : {"loss", "slope"}) {
    std::printf("%s %g %g\n", name, native.at(name).item(), plain.at(name).item());
  }
  std::printf("crease %s\n", CREASE_VERSION);
}
