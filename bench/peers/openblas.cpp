// Training of dense networks by hand: one call of OpenBLAS a product, the bias put in its place before, the
// step of the optimizer done by the product itself. Speaks the protocol of bench/serve.cpp.
#include <cblas.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "bench/peers/by_hand.h"
#include "bench/protocol.h"

namespace {

using namespace crease::bench;

class Perceptron {
 public:
  Perceptron(std::vector<int> widths, int batch) : widths_(std::move(widths)), batch_(batch) {
    const auto rows = static_cast<size_t>(batch);
    for (size_t l = 0; l + 1 < widths_.size(); ++l) {
      const auto in = static_cast<size_t>(widths_[l]), out = static_cast<size_t>(widths_[l + 1]);
      weights_.push_back(filled(in * out, l + 10, weight_scale(static_cast<double>(widths_[l]))));
      biases_.emplace_back(out, 0.0F);
      values_.emplace_back(rows * in);
      gradients_.emplace_back(rows * in);
    }
    values_.front() = filled(values_.front().size(), 1, 2);
    values_.emplace_back(rows * static_cast<size_t>(widths_.back()));
    gradients_.emplace_back(values_.back().size());
    if (widths_.back() == 1) target_ = filled(rows, 2, 2);
  }

  double step() {
    const size_t layers = weights_.size();
    for (size_t l = 0; l < layers; ++l) forward(l);
    const double loss = widths_.back() == 1
                            ? square_error()
                            : cross_entropy(values_.back(), widths_.back(), gradients_.back());
    for (size_t l = layers; l-- > 0;) backward(l);
    return loss;
  }

  Floats parameters() const {
    Floats all;
    for (size_t l = 0; l < weights_.size(); ++l)
      for (const Floats* part : {&weights_[l], &biases_[l]})
        all.insert(all.end(), part->begin(), part->end());
    return all;
  }

 private:
  void forward(size_t l) {
    const int in = widths_[l], out = widths_[l + 1];
    Floats& y = values_[l + 1];
    for (int r = 0; r < batch_; ++r) std::ranges::copy(biases_[l], y.begin() + r * out);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, batch_, out, in, 1, values_[l].data(), in,
                weights_[l].data(), out, 1, y.data(), out);
    if (l + 1 == weights_.size()) return;
    for (float& value : y) value = value > 0 ? value : 0;
  }

  void backward(size_t l) {
    const int in = widths_[l], out = widths_[l + 1];
    const Floats& g = gradients_[l + 1];
    if (l > 0) {
      Floats& back = gradients_[l];
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, batch_, in, out, 1, g.data(), out,
                  weights_[l].data(), out, 0, back.data(), in);
      for (size_t i = 0; i < back.size(); ++i) back[i] = values_[l][i] > 0 ? back[i] : 0;
    }
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, in, out, batch_, -rate, values_[l].data(), in,
                g.data(), out, 1, weights_[l].data(), out);
    for (int r = 0; r < batch_; ++r)
      for (int c = 0; c < out; ++c)
        biases_[l][static_cast<size_t>(c)] -= rate * g[static_cast<size_t>(r * out + c)];
  }

  double square_error() {
    double loss = 0;
    const Floats& y = values_.back();
    for (size_t r = 0; r < y.size(); ++r) {
      const float difference = y[r] - target_[r];
      gradients_.back()[r] = 2 * difference / static_cast<float>(batch_);
      loss += difference * difference;
    }
    return loss / batch_;
  }

  std::vector<int> widths_;
  int batch_;
  std::vector<Floats> weights_, biases_;
  std::vector<Floats> values_, gradients_;  // by layer: its input, and the loss's gradient by it
  Floats target_;
};

Training prepare(const std::string& name, int64_t size) {
  const std::vector<int64_t> widths = dense_widths(name);
  if (widths.empty()) throw std::runtime_error(name + " is not written for OpenBLAS");
  const auto net =
      std::make_shared<Perceptron>(std::vector<int>(widths.begin(), widths.end()), static_cast<int>(size));
  return {.step = [net] { return net->step(); }, .parameters = [net] { return net->parameters(); }};
}

/// An OpenBLAS older than the processor takes it for one of 2004 and runs five times slower: told of one that
/// it knows, this program starts again, once. Errors: none, it goes on as it is.
void know_processor(char** arguments) {
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr || !__builtin_cpu_supports("avx512bw")) return;
  if (std::string_view(openblas_get_corename()) != "Prescott") return;
  if (setenv("OPENBLAS_CORETYPE", "SkylakeX", 0) == 0) execv("/proc/self/exe", arguments);
}

}  // namespace

int main(int, char** arguments) {
  know_processor(arguments);
  return serve_trainings(prepare);
}
