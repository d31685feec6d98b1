// An LSTM that predicts the next character of Shakespeare's plays: nats a character on text that it has not
// seen, and some text of its own.
#include <cmath>
#include <random>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

struct Sizes {
  int64_t window, batch, embedding, hidden, epochs;
};

/// Characters [batch, time] to scores of the next one [time, batch, alphabet].
Graph model(const Dim& time, int64_t alphabet, const Sizes& sizes) {
  LstmOptions options;
  options.time_first = true;
  const Layer net =
      sequential(embedding(alphabet, sizes.embedding), lstm(sizes.embedding, sizes.hidden, options),
                 linear(sizes.hidden, alphabet, {.init = glorot_uniform}));
  Graph graph;
  const Value x = graph.input("x", {"batch", time}, Type::i32);
  graph.output("scores", net(transpose(x)));
  return graph;
}

/// Nats a character, the mean over each window: [batch].
LossFunction nats(int64_t alphabet) {
  return [=](const Value& scores, const Value& next) {
    const Value wanted = one_hot(transpose(next), alphabet) * log_softmax(scores);
    return sum(wanted, {0, 2}) * (-1.0 / static_cast<double>(next.shape()[1].size()));
  };
}

/// The nats of guessing by the frequency of each character alone, and by the character before.
std::pair<double, double> frequency_nats(const Dataset& train, const Dataset& test, int64_t alphabet) {
  const auto count_of = static_cast<size_t>(alphabet);
  std::vector<double> single(count_of, 1), pair(count_of * count_of, 0.1);
  const auto at = [](const Tensor& tensor, int64_t i) { return static_cast<size_t>(tensor.at(i)); };
  for (int64_t i = 0; i < train.y.count(); ++i) {
    single[at(train.y, i)] += 1;
    pair[at(train.x, i) * count_of + at(train.y, i)] += 1;
  }
  double all = 0, one = 0, two = 0;
  std::vector<double> row(count_of, 0);
  for (size_t c = 0; c < count_of; ++c) all += single[c];
  for (size_t i = 0; i < pair.size(); ++i) row[i / count_of] += pair[i];
  for (int64_t i = 0; i < test.y.count(); ++i) {
    one -= std::log(single[at(test.y, i)] / all);
    two -= std::log(pair[at(test.x, i) * count_of + at(test.y, i)] / row[at(test.x, i)]);
  }
  return {one / static_cast<double>(test.y.count()), two / static_cast<double>(test.y.count())};
}

/// Text drawn character by character; the network sees the last `window` of them.
std::string drawn_text(const Graph& network, const CharacterText& text, const std::string& start, int count,
                       int64_t window) {
  Program program = compile(network);
  std::mt19937 random(1);
  std::vector<int32_t> all = text.encode(start);
  for (int i = 0; i < count; ++i) {
    const auto length = std::min<int64_t>(window, static_cast<int64_t>(all.size()));
    const Tensor x = Tensor::i32({1, length}, {all.end() - length, all.end()});
    const Tensor scores = program({{"x", x}}).at("scores");
    const auto alphabet = static_cast<int64_t>(text.alphabet.size());
    std::vector<double> weights;
    for (int64_t c = scores.count() - alphabet; c < scores.count(); ++c)
      weights.push_back(std::exp(scores.at(c)));
    std::discrete_distribution<int32_t> draw(weights.begin(), weights.end());
    all.push_back(draw(random));
  }
  return text.decode(all);
}

study::Experiment::Result run(const study::Settings& settings) {
  const CharacterText text = read_text(study::file_of(settings, "tinyshakespeare", "input.txt"));
  const auto alphabet = static_cast<int64_t>(text.alphabet.size());
  const Sizes sizes =
      settings.pick(Sizes{16, 32, 8, 16, 1}, Sizes{128, 64, 32, 256, 8}, Sizes{128, 64, 64, 384, 16});
  const int64_t length = settings.pick<int64_t>(20000, text.codes.count(), text.codes.count());
  const int64_t cut = length * 9 / 10;
  const Split data{.train = windows(text, {.length = sizes.window, .end = cut}),
                   .test = windows(text, {.length = sizes.window, .begin = cut, .end = length})};
  const auto [one, two] = frequency_nats(data.train, data.test, alphabet);
  fmt::print("{} characters, {} different; trained on the first {}\n", length, alphabet, cut);

  const Graph start = model(Dim(sizes.window), alphabet, sizes);
  TrainOptions options = study::options(settings, sizes.epochs, sizes.batch, adam({.learning_rate = 0.005}));
  options.schedule = cosine_decay();
  options.clip.norm = 1;
  options.loss = nats(alphabet);
  options.on_epoch = [](const EpochMetrics& epoch, const Checkpoint&) {
    fmt::print("{}\n", epoch_line(epoch));
    std::fflush(stdout);
    return true;
  };
  const TrainResult result = train(start, data, options);

  study::Table table({"model", "nats a character, unseen", "characters a second"});
  Series seen{.name = "seen"}, unseen{.name = "unseen"};
  for (const EpochMetrics& epoch : result.epochs) {
    seen.x.push_back(static_cast<double>(epoch.epoch)), seen.y.push_back(epoch.loss);
    unseen.x.push_back(static_cast<double>(epoch.epoch)), unseen.y.push_back(*epoch.test_loss);
  }
  const EpochMetrics& last = result.epochs.back();
  table.add({"frequency of characters", fmt::format("{:.3f}", one), ""});
  table.add({"frequency behind the character before", fmt::format("{:.3f}", two), ""});
  table.add({fmt::format("LSTM of {} units", sizes.hidden), fmt::format("{:.3f}", *last.test_loss),
             fmt::format("{:.0f}", last.samples_per_second * static_cast<double>(sizes.window))});
  table.print();
  const Graph open = trained_network(model("time", alphabet, sizes), result.checkpoint);
  fmt::print("\n{}\n", drawn_text(open, text, "ROMEO:\n", settings.pick(20, 300, 300), sizes.window));
  return {.plots = {{.title = "LSTM on Shakespeare",
                     .x_label = "epoch",
                     .y_label = "nats a character",
                     .series = {seen, unseen}}},
          .measured = fmt::format("{:.2f} nats a character on unseen text after {} epochs", *last.test_loss,
                                  sizes.epochs),
          .differs = fmt::format(
              "one layer instead of two or three, and windows of {} characters that each begin with an empty "
              "state, whose first characters cost more",
              sizes.window),
          .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of({.name = "lstm_text",
                         .title = "A character model of Shakespeare's plays",
                         .source = "Karpathy 2015 (The unreasonable effectiveness of recurrent neural "
                                   "networks): text drawn from such a model; the file is the author's",
                         .run = run},
                        count, arguments);
}
