// PyTorch's library from C++: the same operations as bench/peers/torch_peer.py without Python between them.
// Speaks the protocol of bench/serve.cpp.
#include <torch/torch.h>

#include <functional>
#include <map>

#include "bench/filled.h"
#include "bench/protocol.h"

namespace {

namespace F = torch::nn::functional;
using torch::Tensor;
using Tensors = std::vector<Tensor>;
constexpr double rate = 0.01;

Tensor filled(std::vector<int64_t> sizes, uint64_t seed, double scale) {
  Tensor tensor = torch::empty(sizes);
  auto* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i)
    values[i] = crease::bench::filled_at(static_cast<uint64_t>(i), seed, scale);
  return tensor;
}

Tensor labels(int64_t batch, int64_t classes) { return torch::arange(batch) % classes; }

crease::bench::Training training(Tensors parameters, const std::function<Tensor(const Tensors&)>& loss_of,
                                 const std::function<Tensor(Tensor)>& laid_out = std::identity{}) {
  for (Tensor& parameter : parameters) parameter.requires_grad_();
  const auto step = [=] {
    const Tensor loss = loss_of(parameters);
    const Tensors gradients = torch::autograd::grad({loss}, parameters);
    const torch::NoGradGuard guard;
    for (size_t p = 0; p < parameters.size(); ++p) Tensor(parameters[p]).add_(gradients[p], -rate);
    return loss.item<double>();
  };
  return {.step = step, .parameters = [=] {
            std::vector<float> all;
            for (const Tensor& parameter : parameters) {
              const Tensor plain = laid_out(parameter.detach()).contiguous();
              all.insert(all.end(), plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
            }
            return all;
          }};
}

crease::bench::Training perceptron(const std::vector<int64_t>& widths, int64_t batch) {
  Tensors parameters;
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    parameters.push_back(filled({widths[l], widths[l + 1]}, l + 10,
                                crease::bench::weight_scale(static_cast<double>(widths[l]))));
    parameters.push_back(torch::zeros({widths[l + 1]}));
  }
  const Tensor x = filled({batch, widths.front()}, 1, 2);
  const bool classes = widths.back() > 1;
  const Tensor target = classes ? labels(batch, widths.back()) : filled({batch, 1}, 2, 2);
  return training(parameters, [=](const Tensors& p) {
    Tensor y = x;
    for (size_t l = 0; l < p.size(); l += 2) y = torch::addmm(p[l + 1], l == 0 ? y : torch::relu(y), p[l]);
    return classes ? F::cross_entropy(y, target) : F::mse_loss(y, target);
  });
}

crease::bench::Training convolutional(int64_t batch) {
  const std::vector<int64_t> channels{3, 32, 32, 64};
  Tensors parameters;
  for (size_t l = 0; l < 3; ++l) {
    parameters.push_back(filled({channels[l + 1], channels[l], 5, 5}, l + 30,
                                crease::bench::weight_scale(static_cast<double>(channels[l]) * 25)));
    parameters.push_back(torch::zeros({channels[l + 1]}));
  }
  parameters.push_back(filled({1024, 10}, 10, crease::bench::weight_scale(1024)));
  parameters.push_back(torch::zeros({10}));
  const Tensor images = filled({batch, 3, 32, 32}, 1, 2), target = labels(batch, 10);
  return training(parameters, [=](const Tensors& p) {
    Tensor y = images;
    for (size_t l = 0; l < 3; ++l)
      y = torch::max_pool2d(torch::relu(torch::conv2d(y, p[2 * l], p[2 * l + 1], 1, 2)), 2);
    return F::cross_entropy(torch::addmm(p[7], y.flatten(1), p[6]), target);
  });
}

/// The library's own cell. It has two biases for the same sum: one stays zero.
crease::bench::Training recurrent(int64_t batch) {
  constexpr int64_t width = 128;
  torch::nn::LSTM lstm(width, width);
  std::map<std::string, Tensor> own;
  for (const auto& parameter : lstm->named_parameters()) own[parameter.key()] = parameter.value();
  {
    const torch::NoGradGuard guard;
    own["weight_ih_l0"].copy_(filled({width, 4 * width}, 40, crease::bench::lstm_scale(width)).t());
    own["weight_hh_l0"].copy_(filled({width, 4 * width}, 41, crease::bench::lstm_scale(width)).t());
    own["bias_ih_l0"].zero_();
    own["bias_hh_l0"].zero_();
  }
  own["bias_hh_l0"].requires_grad_(false);
  const Tensor x = filled({32, batch, width}, 1, 2), target = filled({32, batch, width}, 2, 2);
  return training(
      {own["weight_ih_l0"], own["bias_ih_l0"], own["weight_hh_l0"]},
      [=](const Tensors&) { return F::mse_loss(std::get<0>(torch::nn::LSTM(lstm)->forward(x)), target); },
      [](const Tensor& parameter) { return parameter.dim() == 2 ? parameter.t() : parameter; });
}

Tensor twenty_operations(const Tensor& x) {
  Tensor y = torch::tanh(x * 1.01 + 0.1);
  y = torch::relu(y * x - 0.2) * 0.9 + x;
  y = torch::clamp_max(y * y * 0.5 + 1.0, 2.0) - x;
  y = torch::abs(torch::tanh(y) * 1.1) + 0.3;
  return torch::clamp_min(y * x - 0.05, -1.0);
}

crease::bench::Training chain(int64_t count) {
  const Tensor x = filled({count}, 1, 4).requires_grad_(), dy = filled({count}, 2, 2);
  // A fused kernel does not sum what it writes: the sum is taken once, while the losses are compared.
  const auto runs = std::make_shared<int>(0);
  return {.step = [=] {
    const Tensor y = twenty_operations(x);
    torch::autograd::grad({y}, {x}, {dy});
    return ++*runs > 3 ? 0.0 : y.detach().to(torch::kFloat64).mean().item<double>();
  }};
}

crease::bench::Training prepare(const std::string& name, int64_t size) {
  torch::set_num_threads(1);
  if (const auto widths = crease::bench::dense_widths(name); !widths.empty()) return perceptron(widths, size);
  if (name == "W5") return convolutional(size);
  if (name == "W6") return chain(size);
  if (name == "W7") return recurrent(size);
  throw std::runtime_error(name + " is not written for libtorch");
}

}  // namespace

int main() { return crease::bench::serve_trainings(prepare); }
