#include "frontends/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "frontends/data/prefetch.h"
#include "frontends/training/diagnose.h"
#include "frontends/training/epoch_totals.h"
#include "frontends/training/noether.h"
#include "frontends/training/resume.h"
#include "graph/error.h"

namespace crease {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string probe_name(size_t layer) { return fmt::format("zeros_{}", layer); }

std::vector<SparsityProbe> probes_of(const Objective& objective, const TrainOptions& options) {
  if (!options.sparsity) return {};
  auto probes = sparsity_probes(objective.output, *options.sparsity);
  expect(!probes.empty(),
         "[train] sparsity: the network has no rectifier; give a threshold for other activations");
  return probes;
}

Graph step_graph(const Objective& objective, const std::vector<SparsityProbe>& probes,
                 const TrainOptions& options) {
  TrainStepOptions step{
      .tie = options.tie, .table = options.table, .clip = options.clip, .census = options.census};
  for (size_t i = 0; i < probes.size(); ++i) step.outputs.emplace_back(probe_name(i), probes[i].zeros);
  if (objective.correct) step.outputs.emplace_back("correct", *objective.correct);
  const Value loss = options.penalty ? objective.loss + options.penalty(objective.output) : objective.loss;
  return train_step(loss, options.optimizer, step);
}

Graph evaluation_graph(const Objective& objective) {
  std::vector<std::pair<std::string, Value>> outputs{{"loss_sum", objective.loss_sum}};
  if (objective.correct) outputs.emplace_back("correct", *objective.correct);
  return extract(outputs);
}

Evaluation evaluate_with(Runner& runner, const Objective& objective, const Dataset& data) {
  constexpr int64_t most = 256;  // enough to fill the machine, little memory
  EpochTotals totals;
  for (const Batch& batch : data.batches(std::min(most, data.size()), {.shuffle = false})) {
    Bindings inputs{{objective.target, batch.y}};
    if (objective.reads_input) inputs.emplace(objective.input, batch.x);
    const auto values = runner(inputs);
    totals.loss += values.at("loss_sum").item();
    if (objective.correct) totals.correct += values.at("correct").item();
    totals.samples += batch.size();
  }
  Evaluation result{.loss = totals.mean_loss(), .samples = totals.samples};
  if (objective.correct) result.accuracy = totals.accuracy();
  return result;
}

bool all_finite(const NamedTensors& tensors) {
  return std::ranges::all_of(tensors, [](const auto& entry) { return !first_non_finite(entry.second); });
}

void check_options(const Split& data, const TrainOptions& options) {
  expect(options.epochs >= 1, "[train] epochs must be at least 1: got {}", options.epochs);
  expect(options.batch >= 1, "[train] batch must be at least 1: got {}", options.batch);
  expect(options.checkpoint_seconds >= 0, "[train] seconds between checkpoints must be at least 0: got {}",
         options.checkpoint_seconds);
  expect(options.batch <= data.train.size(),
         "[train] batch is larger than the data: got {}, want at most the {} training samples", options.batch,
         data.train.size());
  expect(static_cast<bool>(options.optimizer.rule), "[train] the optimizer has no rule");
  expect(!options.patience || *options.patience >= 1, "[train] patience must be at least 1 epoch: got {}",
         options.patience.value_or(0));
  expect(!options.patience || data.validation.size() > 0,
         "[train] patience needs validation data: keep a part of the training data for it (with_validation)");
}

/// The training step: a memory limit is meant for whole batches.
RunnerOptions step_options(const TrainOptions& options) {
  RunnerOptions run = options.run;
  run.compile.memory_sizes.emplace("batch", options.batch);
  return run;
}

/// What runs beside it is neither limited nor profiled.
RunnerOptions plain_options(const TrainOptions& options) {
  RunnerOptions run = options.run;
  run.compile.memory_limit = 0;
  run.compile.profile = false;
  return run;
}

/// The Noether test asks whether derivatives are right: products of lower precision round far beyond its
/// tolerance.
RunnerOptions noether_options(const TrainOptions& options) {
  RunnerOptions run = plain_options(options);
  run.compile.contraction = Precision::F32;
  return run;
}

/// One call of train.
class Training {
 public:
  Training(const Graph& network, const Split& data, const TrainOptions& options)
      : data_(data),
        options_(options),
        objective_(make_objective(network, data.train, options.loss)),
        training_(training_objective(network, data.train)),
        probes_(probes_of(training_, options)),
        step_(step_graph(training_, probes_, options)),
        runner_(step_, step_options(options)),
        evaluator_(evaluation_graph(objective_), plain_options(options)) {
    if (options.noether)
      noether_.emplace(training_objective(network, data.train),
                       GradOptions{.tie = options.tie, .table = options.table}, noether_options(options));
    if (!options.resume) return;
    const Checkpoint& from = *options.resume;
    expect(from.steps_done == 0 || from.batch == 0 || from.batch == options.batch,
           "[train] an epoch goes on with the batch it began with: got {}, the checkpoint has {} steps of {}",
           options.batch, from.steps_done, from.batch);
    runner_.set_parameters(resumed_parameters(step_, from, options.optimizer.name));
  }

  TrainResult run() {
    const int64_t done = options_.resume ? options_.resume->epochs_done : 0;
    int64_t first_step = options_.resume ? options_.resume->steps_done : 0;
    if (options_.on_start) options_.on_start();
    if (options_.resume) losses_ = options_.resume->losses;
    if (options_.resume) best_ = options_.resume->best;
    result_.checkpoint = checkpoint(done, first_step, sums_so_far(first_step));
    if (best_ && done > 0) check_patience(done);
    for (int64_t epoch = done + 1; epoch <= options_.epochs && !ended(); ++epoch) {
      run_epoch(epoch, first_step);
      first_step = 0;
    }
    if (options_.on_end && runner_.program() != nullptr) options_.on_end(*runner_.program());
    return std::move(result_);
  }

 private:
  Objective training_objective(const Graph& network, const Dataset& data) const {
    if (!options_.training_network && !options_.training_loss) return objective_;
    return make_objective(options_.training_network.value_or(network), data,
                          options_.training_loss ? options_.training_loss : options_.loss);
  }

  Batches batches(int64_t epoch) const {
    return data_.train.batches(options_.batch, {.seed = options_.seed, .epoch = epoch});
  }

  /// Of the epoch in which a training was stopped that goes on after so many of its steps.
  NamedTensors sums_so_far(int64_t first_step) const {
    return options_.resume && first_step > 0 ? options_.resume->sums : NamedTensors{};
  }

  bool ended() const { return result_.stopped || result_.ran_out_of_patience; }

  /// With the sums of an epoch that is not done.
  Checkpoint checkpoint(int64_t epochs_done, int64_t steps_done = 0, NamedTensors sums = {}) const {
    return {.parameters = runner_.parameters(),
            .epochs_done = epochs_done,
            .steps_done = steps_done,
            .batch = options_.batch,
            .losses = losses_,
            .best = best_,
            .sums = std::move(sums)};
  }

  /// Calls visit(batch, step) for the steps of an epoch, counted from 1, until it gives false.
  template <class Visit>
  void for_batches(int64_t epoch, const Batches& order, Visit visit) const {
    int64_t step = 0;
    if (!options_.prepare) {
      for (const Batch& batch : order)
        if (!visit(batch, ++step)) return;
      return;
    }
    Prefetch ahead(
        order, [&](Batch batch, int64_t first) { return options_.prepare(std::move(batch), epoch, first); });
    for (const Batch& batch : ahead)
      if (!visit(batch, ++step)) return;
  }

  Bindings bindings(const Batch& batch) const {
    return {{objective_.input, batch.x}, {objective_.target, batch.y}};
  }

  void run_epoch(int64_t epoch, int64_t first_step) {
    const auto before = runner_.parameters();
    const Clock::time_point start = Clock::now();
    const Batches order = batches(epoch);
    EpochTotals totals{.sparsity = empty_sparsity(probes_)};
    totals.restore(sums_so_far(first_step));
    earlier_samples_ = totals.samples;
    for_batches(epoch, order, [&](const Batch& batch, int64_t step) {
      if (step <= first_step) return true;
      set_rate(epoch, step, order.count());
      if (noether_) test_symmetry(batch, epoch, step);
      if (!take_step(batch, totals)) explain(epoch, first_step, before);
      report_progress(epoch, step, order, first_step, totals, start);
      if (step == order.count()) return true;
      offer_checkpoint(epoch, step, totals);
      result_.stopped = options_.should_stop && options_.should_stop();
      if (result_.stopped) result_.checkpoint = checkpoint(epoch - 1, step, totals.saved());
      return !result_.stopped;
    });
    if (result_.stopped) return;
    finish_epoch(epoch, first_step, before, totals, seconds_since(start));
  }

  /// Before step number `step`, counted from 1.
  void set_rate(int64_t epoch, int64_t step, int64_t steps) {
    if (!options_.schedule) return;
    const double part = 1 / static_cast<double>(steps);
    const double factor =
        options_.schedule({.epoch = static_cast<double>(epoch - 1) + static_cast<double>(step - 1) * part,
                           .step = part,
                           .epochs = options_.epochs,
                           .losses = losses_});
    expect(std::isfinite(factor) && factor >= 0, "[train] the schedule gives the factor {} in epoch {}",
           factor, epoch);
    const double rate = factor * options_.optimizer.learning_rate;
    if (rate_ == rate) return;
    rate_ = rate;
    runner_.set_parameter(learning_rate_name, Tensor::scalar(Type::f32, rate));
  }

  void test_symmetry(const Batch& batch, int64_t epoch, int64_t step) {
    const double worst = (*noether_)(runner_.parameters(), bindings(batch));
    worst_noether_ = std::max(worst_noether_.value_or(0), worst);
    expect(
        worst <= noether_tolerance,
        "[noether] at epoch {}, step {} the gradient is not orthogonal to a rescaling that leaves the output "
        "alone: the sum is {:.3g} of its terms, rounding explains {:g}; either a derivative is wrong, or the "
        "loss depends on parameters other than through the network's output",
        epoch, step, worst, noether_tolerance);
  }

  /// Whether the loss is finite.
  bool take_step(const Batch& batch, EpochTotals& totals) {
    const auto values = runner_(bindings(batch));
    if (options_.census) totals.add_kinks(census_of(step_, bindings(batch), values));
    const double loss = values.at("loss").item();
    totals.loss += loss * static_cast<double>(batch.size());
    if (objective_.correct) totals.correct += values.at("correct").item();
    totals.samples += batch.size();
    for (size_t i = 0; i < probes_.size(); ++i)
      count_zeros(totals.sparsity, i, values.at(probe_name(i)), batch.size());
    return std::isfinite(loss);
  }

  void offer_checkpoint(int64_t epoch, int64_t step, const EpochTotals& totals) {
    if (!options_.on_checkpoint || seconds_since(saved_) < options_.checkpoint_seconds) return;
    options_.on_checkpoint(checkpoint(epoch - 1, step, totals.saved()));
    saved_ = Clock::now();
  }

  void report_progress(int64_t epoch, int64_t step, const Batches& order, int64_t first_step,
                       const EpochTotals& totals, Clock::time_point start) {
    if (!options_.on_progress || seconds_since(reported_) < 0.1) return;
    reported_ = Clock::now();
    const int64_t seen = totals.samples - earlier_samples_;
    const double rate = static_cast<double>(seen) / std::max(seconds_since(start), 1e-9);
    const int64_t left = order.samples() * (options_.epochs - epoch + 1) - seen - first_step * options_.batch;
    TrainProgress progress{.epoch = epoch,
                           .epochs = options_.epochs,
                           .step = step,
                           .steps = order.count(),
                           .loss = totals.mean_loss(),
                           .samples_per_second = rate,
                           .seconds_left = static_cast<double>(left) / rate};
    if (objective_.correct) progress.accuracy = totals.accuracy();
    options_.on_progress(progress);
  }

  void finish_epoch(int64_t epoch, int64_t first_step, const NamedTensors& before, const EpochTotals& totals,
                    double seconds) {
    const auto parameters = runner_.parameters();
    if (!all_finite(parameters)) explain(epoch, first_step, before);
    evaluator_.set_parameters(parameters);
    EpochMetrics metrics{.epoch = epoch,
                         .epochs = options_.epochs,
                         .loss = totals.mean_loss(),
                         .seconds = seconds,
                         .samples_per_second = static_cast<double>(totals.samples - earlier_samples_) /
                                               std::max(seconds, 1e-9)};
    metrics.kinks = totals.kinks;
    if (objective_.correct) metrics.accuracy = totals.accuracy();
    metrics.noether = std::exchange(worst_noether_, {});
    if (noether_) metrics.conserved_drift = noether_->drift(parameters);
    if (!probes_.empty()) metrics.sparsity = totals.sparsity;
    if (data_.test.size() > 0) test_epoch(metrics);
    if (data_.validation.size() > 0) validate_epoch(metrics, parameters);
    losses_.push_back(metrics.validation_loss.value_or(metrics.test_loss.value_or(metrics.loss)));
    result_.checkpoint = checkpoint(epoch);
    result_.epochs.push_back(metrics);
    const bool goes_on = !options_.on_epoch || options_.on_epoch(metrics, result_.checkpoint);
    const bool asked = options_.should_stop && options_.should_stop();
    result_.stopped = epoch < options_.epochs && (!goes_on || asked);
    check_patience(epoch);
  }

  void test_epoch(EpochMetrics& metrics) {
    const Evaluation found = evaluate_with(evaluator_, objective_, data_.test);
    metrics.test_loss = found.loss;
    metrics.test_accuracy = found.accuracy;
  }

  void validate_epoch(EpochMetrics& metrics, const NamedTensors& parameters) {
    const Evaluation found = evaluate_with(evaluator_, objective_, data_.validation);
    metrics.validation_loss = found.loss;
    metrics.validation_accuracy = found.accuracy;
    const double to_beat =
        best_ ? best_->validation_loss - options_.improvement : std::numeric_limits<double>::infinity();
    if (!(found.loss < to_beat)) return;  // NaN is never the best
    best_ = Best{.epoch = metrics.epoch, .validation_loss = found.loss, .parameters = parameters};
  }

  void check_patience(int64_t epoch) {
    result_.ran_out_of_patience = options_.patience && best_ && epoch - best_->epoch >= *options_.patience;
  }

  /// Repeats the epoch to the step that made the first number that is not finite, and interprets that step.
  [[noreturn]] void explain(int64_t epoch, int64_t first_step, const NamedTensors& before) {
    runner_.set_parameters(before);
    rate_.reset();
    const Batches order = batches(epoch);
    for_batches(epoch, order, [&](const Batch& batch, int64_t step) {
      if (step <= first_step) return true;
      set_rate(epoch, step, order.count());
      set_parameters(step_, runner_.parameters());
      EpochTotals totals{.sparsity = empty_sparsity(probes_)};
      if (take_step(batch, totals) && all_finite(runner_.parameters())) return true;
      const auto culprit = find_non_finite(step_, bindings(batch));
      fail("[train] the loss stopped being finite at epoch {}, step {}: {}; try a learning rate below {:g}",
           epoch, step, culprit ? culprit->text : "the interpreter finds every value of this step finite",
           runner_.parameters().at(learning_rate_name).item());
    });
    fail("[train] the loss stopped being finite in epoch {}, but not when the epoch was repeated", epoch);
  }

  const Split& data_;
  const TrainOptions& options_;
  Objective objective_;
  Objective training_;
  std::vector<SparsityProbe> probes_;
  Graph step_;
  Runner runner_;
  Runner evaluator_;
  std::optional<NoetherTest> noether_;
  std::optional<double> worst_noether_;  // of this epoch
  int64_t earlier_samples_ = 0;          // of this epoch, before the training was resumed
  TrainResult result_;
  std::vector<double> losses_;
  std::optional<double> rate_;
  std::optional<Best> best_;
  Clock::time_point reported_, saved_ = Clock::now();
};

Graph with_parameters(const Graph& network, const NamedTensors& values) {
  Graph result = network;
  if (!values.empty()) take_parameters(result, values);  // none: before the first step
  return result;
}

}  // namespace

TrainResult train(const Graph& network, const Split& data, const TrainOptions& options) {
  validate(data.train);
  for (const Dataset& part : {data.test, data.validation})
    if (part.size() > 0) validate(part);
  check_options(data, options);
  return Training(network, data, options).run();
}

Graph trained_network(const Graph& network, const Checkpoint& checkpoint) {
  return with_parameters(network, checkpoint.parameters);
}

Graph best_network(const Graph& network, const Checkpoint& checkpoint) {
  return with_parameters(network, checkpoint.best ? checkpoint.best->parameters : checkpoint.parameters);
}

Evaluation evaluate_on(const Graph& network, const Dataset& data, const TrainOptions& options) {
  validate(data);
  const Objective objective = make_objective(network, data, options.loss);
  Runner runner(evaluation_graph(objective), options.run);
  return evaluate_with(runner, objective, data);
}

}  // namespace crease
