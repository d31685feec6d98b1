// Trains a network on handwritten digits: MNIST from the folder given as argument, else the small digits that
// are embedded in the library. The whole training step, forward, backward and update, is one native call.
#include <crease/crease.h>
using namespace crease;

int main(int count, char** arguments) {
  const Split data = count > 1 ? mnist(arguments[1]) : split(digits());
  const int64_t pixels = data.train.features();

  Graph graph;
  Value x = graph.input("x", {"batch", pixels});
  Value label = graph.input("label", {"batch"}, Type::i32);
  auto net = sequential(linear(pixels, 256), relu, linear(256, 10));
  Value logits = net(x);
  Value loss = mean(softmax_cross_entropy(logits, label));

  Program step = compile(train_step(loss, sgd({.learning_rate = 0.1})));
  for (int64_t epoch = 1; epoch <= 10; ++epoch) {
    for (const Batch& batch : data.batches(16, {.epoch = epoch})) step({{"x", batch.x}, {"label", batch.y}});
  }

  take_parameters(graph, step.parameters());
  Program test = compile(extract({{"correct", correct_count(logits, label)}}));
  const double right = test({{"x", data.test.x}, {"label", data.test.y}}).at("correct").item();
  const double accuracy = 100 * right / static_cast<double>(data.test.size());
  fmt::print("{} training samples, {} test samples, {} parameters\n", data.train.size(), data.test.size(),
             graph.parameters().size());
  fmt::print("test accuracy {:.1f} %\n", accuracy);

  fmt::print("{}\n", analyze(extract({{"logits", logits}}), {.title = "the network"}));
  return accuracy > 95 ? 0 : 1;
}
