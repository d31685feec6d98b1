#include "frontends/training/predict.h"

#include <algorithm>
#include <optional>

#include "frontends/training/objective.h"
#include "graph/error.h"

namespace crease {

Tensor predict(const Graph& network, const Tensor& x, const RunnerOptions& options) {
  const std::string input = input_for(network, x).node().name;
  const int64_t samples = x.sizes().front();
  expect(samples > 0, "[predict] got no samples, want at least one");
  constexpr int64_t most = 256;
  Runner runner(network, options);
  std::optional<Tensor> all;
  for (int64_t first = 0; first < samples; first += most) {
    const int64_t count = std::min(most, samples - first);
    const Tensor part = runner({{input, x.rows(first, first + count)}}).begin()->second;
    expect(!part.sizes().empty() && part.sizes().front() == count,
           "[predict] an output of a network has a row for each sample: got {} of {} samples",
           to_string(part.sizes()), count);
    if (!all) {
      std::vector<int64_t> sizes = part.sizes();
      sizes.front() = samples;
      all = Tensor(part.type(), std::move(sizes));
    }
    std::copy_n(part.data(), part.bytes(), all->mutable_data() + first * (part.bytes() / count));
  }
  return *std::move(all);
}

std::vector<int64_t> decisions(const Tensor& outputs) {
  expect(outputs.sizes().size() == 2 && outputs.sizes()[1] > 0,
         "[decisions] want outputs [n, classes], got {}", to_string(outputs.sizes()));
  const int64_t classes = outputs.sizes()[1];
  std::vector<int64_t> best(static_cast<size_t>(outputs.sizes()[0]));
  for (size_t i = 0; i < best.size(); ++i) {
    const int64_t row = static_cast<int64_t>(i) * classes;
    for (int64_t k = 1; k < classes; ++k)
      if (outputs.at(row + k) > outputs.at(row + best[i])) best[i] = k;
  }
  return best;
}

}  // namespace crease
