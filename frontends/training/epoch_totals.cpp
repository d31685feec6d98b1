#include "frontends/training/epoch_totals.h"

#include <algorithm>
#include <array>

#include "graph/error.h"

namespace crease {
namespace {

constexpr int64_t counts_of_a_kink = 5;
constexpr const char* kinks_name = "kinks";

std::string zeros_name(size_t layer) { return fmt::format("zeros.{}", layer); }
std::string layer_samples_name(size_t layer) { return fmt::format("samples.{}", layer); }

std::array<int64_t*, counts_of_a_kink> counts_of(KinkCounts& kink) {
  return {&kink.elements, &kink.hits, &kink.ties, &kink.jumps, &kink.live};
}

double share(double part, int64_t samples) {
  return part / static_cast<double>(std::max<int64_t>(samples, 1));
}

}  // namespace

double EpochTotals::mean_loss() const { return share(loss, samples); }

double EpochTotals::accuracy() const { return share(correct, samples); }

void EpochTotals::add_kinks(const std::vector<KinkCounts>& step) {
  const bool first = kinks.empty();
  add_to(kinks, step);
  if (!first || earlier_kinks.sizes()[0] != std::ssize(kinks)) return;
  int64_t at = 0;
  for (KinkCounts& kink : kinks)
    for (int64_t* count : counts_of(kink)) *count += earlier_kinks.read<int64_t>()[static_cast<size_t>(at++)];
}

NamedTensors EpochTotals::saved() const {
  NamedTensors sums{{"loss", Tensor::f64({}, {loss})},
                    {"correct", Tensor::f64({}, {correct})},
                    {"samples", Tensor::i64({}, {samples})}};
  for (size_t i = 0; i < sparsity.layers.size(); ++i) {
    const LayerSparsity& layer = sparsity.layers[i];
    sums[zeros_name(i)] = Tensor::i64({std::ssize(layer.zeros)}, layer.zeros);
    sums[layer_samples_name(i)] = Tensor::i64({}, {layer.samples});
  }
  if (kinks.empty()) {
    sums[kinks_name] = earlier_kinks;
    return sums;
  }
  std::vector<int64_t> counts;
  for (KinkCounts kink : kinks)
    for (const int64_t* count : counts_of(kink)) counts.push_back(*count);
  sums[kinks_name] = Tensor::i64({std::ssize(kinks), counts_of_a_kink}, counts);
  return sums;
}

void EpochTotals::restore(const NamedTensors& sums) {
  if (sums.empty()) return;
  const auto sum = [&](const std::string& name, Type type, size_t dimensions) {
    const auto found = sums.find(name);
    expect(found != sums.end() && found->second.type() == type && found->second.sizes().size() == dimensions,
           "[checkpoint] the sums of its epoch have no '{}': want {} with {} dimensions", name,
           to_string(type), dimensions);
    return found->second;
  };
  loss = sum("loss", Type::f64, 0).item();
  correct = sum("correct", Type::f64, 0).item();
  samples = sum("samples", Type::i64, 0).read<int64_t>()[0];
  for (size_t i = 0; i < sparsity.layers.size(); ++i) {
    LayerSparsity& layer = sparsity.layers[i];
    if (!sums.contains(zeros_name(i))) continue;
    const Tensor zeros = sum(zeros_name(i), Type::i64, 1);
    if (zeros.count() != std::ssize(layer.zeros)) continue;
    layer.zeros.assign(zeros.read<int64_t>().begin(), zeros.read<int64_t>().end());
    layer.samples = sum(layer_samples_name(i), Type::i64, 0).read<int64_t>()[0];
  }
  const Tensor counts = sum(kinks_name, Type::i64, 2);
  if (counts.sizes()[1] == counts_of_a_kink) earlier_kinks = counts;
}

}  // namespace crease
