// Training of the convolutional and the recurrent network by hand, on the primitives of oneDNN: layouts as
// the library chooses them, the primitives made once, every reorder of weights that a step needs inside the
// step. Speaks the protocol of bench/serve.cpp.
#include <array>
#include <memory>
#include <stdexcept>
#include <tuple>

#include "bench/peers/onednn_calls.h"
#include "bench/protocol.h"

namespace {

using namespace crease::bench;

/// Convolution 5x5, relu and max-pooling 2x2.
class ConvolutionalLayer {
 public:
  ConvolutionalLayer(Calls& calls, const memory& from, int64_t out, uint64_t seed)
      : from_(from), in_(from.get_desc().dims()), kernel_{out, in_[1], 5, 5} {
    const dnnl::engine& engine = calls.engine();
    dnnl::post_ops relu;
    relu.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(relu);
    convolution_ = {
        {prop_kind::forward_training, algorithm, described(in_), described(kernel_), described({out}, Tag::x),
         described({in_[0], out, in_[2], in_[3]}), strides, padding, padding},
        attributes,
        engine};
    const double scale = weight_scale(static_cast<double>(count(kernel_)) / static_cast<double>(out));
    weight_ = reordered(holding(engine, filled(count(kernel_), seed, scale), kernel_, Tag::oihw),
                        convolution_.weights_desc());
    bias_ = holding(engine, Floats(static_cast<size_t>(out)), {out}, Tag::x);
    const memory whole = calls.make(convolution_.dst_desc());
    calls.add(dnnl::convolution_forward(convolution_),
              {{DNNL_ARG_SRC, calls.in(from, convolution_.src_desc())},
               {DNNL_ARG_WEIGHTS, weight_},
               {DNNL_ARG_BIAS, bias_},
               {DNNL_ARG_DST, whole}});
    pool(calls, whole);
  }

  const memory& result() const { return pooled_; }

  /// Calls for the gradients of the parameters and, where `inner`, of the input, from that of the result. It
  /// goes through relu behind the pooling, where it has a quarter of the elements: the greatest of four is
  /// positive where its relu is.
  memory backward(Calls& calls, const memory& gradient, Parameters& parameters, bool inner) const {
    const memory whole = unpooled(calls, gradient);
    const Dims& out = whole.get_desc().dims();
    const dnnl::convolution_backward_weights::primitive_desc weights(
        {algorithm, described(in_), described(kernel_), described({out[1]}, Tag::x), described(out), strides,
         padding, padding},
        calls.engine(), convolution_);
    const memory by_weight = calls.make(weights.diff_weights_desc()),
                 by_bias = calls.make(weights.diff_bias_desc());
    calls.add(dnnl::convolution_backward_weights(weights),
              {{DNNL_ARG_SRC, calls.in(from_, weights.src_desc())},
               {DNNL_ARG_DIFF_DST, calls.in(whole, weights.diff_dst_desc())},
               {DNNL_ARG_DIFF_WEIGHTS, by_weight},
               {DNNL_ARG_DIFF_BIAS, by_bias}});
    parameters.add(bias_, by_bias, {out[1]}, Tag::x);
    parameters.add(weight_, calls.in(by_weight, weight_.get_desc()), kernel_, Tag::oihw);
    return inner ? by_input(calls, whole) : memory();
  }

 private:
  void pool(Calls& calls, const memory& whole) {
    const memory::desc from = whole.get_desc();
    const Dims all = from.dims(), half{all[0], all[1], all[2] / 2, all[3] / 2};
    pooling_ = {{prop_kind::forward_training,
                 dnnl::algorithm::pooling_max,
                 from,
                 described(half),
                 {2, 2},
                 {2, 2},
                 {0, 0},
                 {0, 0}},
                calls.engine()};
    pooled_ = calls.make(pooling_.dst_desc());
    places_ = calls.make(pooling_.workspace_desc());
    calls.add(dnnl::pooling_forward(pooling_),
              {{DNNL_ARG_SRC, whole}, {DNNL_ARG_DST, pooled_}, {DNNL_ARG_WORKSPACE, places_}});
  }

  memory unpooled(Calls& calls, const memory& gradient) const {
    const memory::desc half = pooled_.get_desc();
    constexpr auto by_result = dnnl::algorithm::eltwise_relu_use_dst_for_bwd;
    const dnnl::eltwise_forward::primitive_desc forward({prop_kind::forward_training, by_result, half, 0, 0},
                                                        calls.engine());
    const memory masked = calls.in(gradient, half);
    calls.add(dnnl::eltwise_backward({{by_result, half, half, 0, 0}, calls.engine(), forward}),
              {{DNNL_ARG_DST, pooled_}, {DNNL_ARG_DIFF_DST, masked}, {DNNL_ARG_DIFF_SRC, masked}});
    const memory whole = calls.make(convolution_.dst_desc());
    calls.add(dnnl::pooling_backward(
                  {{dnnl::algorithm::pooling_max, whole.get_desc(), half, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
                   calls.engine(),
                   pooling_}),
              {{DNNL_ARG_DIFF_DST, masked}, {DNNL_ARG_WORKSPACE, places_}, {DNNL_ARG_DIFF_SRC, whole}});
    return whole;
  }

  memory by_input(Calls& calls, const memory& whole) const {
    const dnnl::convolution_backward_data::primitive_desc data(
        {algorithm, described(in_), described(kernel_), described(whole.get_desc().dims()), strides, padding,
         padding},
        calls.engine(), convolution_);
    const memory gradient = calls.make(data.diff_src_desc());
    calls.add(dnnl::convolution_backward_data(data),
              {{DNNL_ARG_WEIGHTS, calls.in(weight_, data.weights_desc())},
               {DNNL_ARG_DIFF_DST, calls.in(whole, data.diff_dst_desc())},
               {DNNL_ARG_DIFF_SRC, gradient}});
    return gradient;
  }

  static constexpr auto algorithm = dnnl::algorithm::convolution_auto;
  inline static const Dims strides{1, 1}, padding{2, 2};
  memory from_;
  Dims in_, kernel_;
  dnnl::convolution_forward::primitive_desc convolution_;
  dnnl::pooling_forward::primitive_desc pooling_;
  memory weight_, bias_, pooled_, places_;
};

/// The products of a dense layer whose weights crease has as [channels * height * width, out].
class DenseLayer {
 public:
  DenseLayer(Calls& calls, const memory& from, int64_t out)
      : from_(from), in_(from.get_desc().dims()), weights_{in_} {
    weights_[0] = out;
    product_ = {{prop_kind::forward_training, described(in_), described(weights_), described({out}, Tag::x),
                 described({in_[0], out}, Tag::nc)},
                calls.engine()};
    const double scale = weight_scale(static_cast<double>(in_[1] * in_[2] * in_[3]));
    weight_ = reordered(holding(calls.engine(), filled(count(weights_), 10, scale), weights_, Tag::ihwo),
                        product_.weights_desc());
    bias_ = holding(calls.engine(), Floats(static_cast<size_t>(out)), {out}, Tag::x);
    result_ = calls.make(product_.dst_desc());
    calls.add(dnnl::inner_product_forward(product_), {{DNNL_ARG_SRC, calls.in(from, product_.src_desc())},
                                                      {DNNL_ARG_WEIGHTS, weight_},
                                                      {DNNL_ARG_BIAS, bias_},
                                                      {DNNL_ARG_DST, result_}});
  }

  const memory& result() const { return result_; }

  memory backward(Calls& calls, const memory& gradient, Parameters& parameters) const {
    const memory::desc bias = bias_.get_desc(), out = gradient.get_desc();
    const dnnl::inner_product_backward_weights::primitive_desc weights(
        {described(in_), described(weights_), bias, out}, calls.engine(), product_);
    const memory by_weight = calls.make(weights.diff_weights_desc()), by_bias = calls.make(bias);
    calls.add(dnnl::inner_product_backward_weights(weights),
              {{DNNL_ARG_SRC, calls.in(from_, weights.src_desc())},
               {DNNL_ARG_DIFF_DST, gradient},
               {DNNL_ARG_DIFF_WEIGHTS, by_weight},
               {DNNL_ARG_DIFF_BIAS, by_bias}});
    parameters.add(bias_, by_bias, bias.dims(), Tag::x);
    parameters.add(weight_, calls.in(by_weight, weight_.get_desc()), weights_, Tag::ihwo);
    const dnnl::inner_product_backward_data::primitive_desc data({described(in_), described(weights_), out},
                                                                 calls.engine(), product_);
    const memory by_input = calls.make(data.diff_src_desc());
    calls.add(dnnl::inner_product_backward_data(data),
              {{DNNL_ARG_WEIGHTS, calls.in(weight_, data.weights_desc())},
               {DNNL_ARG_DIFF_DST, gradient},
               {DNNL_ARG_DIFF_SRC, by_input}});
    return by_input;
  }

 private:
  memory from_;
  Dims in_, weights_;
  dnnl::inner_product_forward::primitive_desc product_;
  memory weight_, bias_, result_;
};

/// The calls of one step, and what they train.
class Network {
 public:
  virtual ~Network() = default;

  double step() {
    forward_.run();
    const double loss = this->loss();
    backward_.run();
    parameters_.descend();
    return loss;
  }

  Floats parameters() const { return parameters_.values(); }

 protected:
  /// The loss, and its gradient by the result into its place.
  virtual double loss() = 0;

  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  Calls forward_{engine_}, backward_{engine_};
  Parameters parameters_;
};

class Convolutional : public Network {
 public:
  explicit Convolutional(int64_t batch) {
    const Dims image{batch, 3, 32, 32};
    const memory images = holding(engine_, filled(count(image), 1, 2), image, Tag::nchw);
    const ConvolutionalLayer first(forward_, images, 32, 30), second(forward_, first.result(), 32, 31),
        third(forward_, second.result(), 64, 32);
    const DenseLayer dense(forward_, third.result(), classes);
    logits_ = dense.result();
    gradient_ = forward_.make(logits_.get_desc());
    memory back = dense.backward(backward_, gradient_, parameters_);
    back = third.backward(backward_, back, parameters_, true);
    back = second.backward(backward_, back, parameters_, true);
    first.backward(backward_, back, parameters_, false);
  }

 private:
  static constexpr int classes = 10;
  double loss() override { return cross_entropy(floats(logits_), classes, floats(gradient_)); }

  memory logits_, gradient_;
};

/// An LSTM of 128 units over 32 steps of 128 numbers; mean square error of all states.
class Recurrent : public Network {
 public:
  explicit Recurrent(int64_t batch)
      : states_like_(described({steps, batch, width}, Tag::tnc)),
        state_like_(described({1, 1, batch, width}, Tag::ldnc)),
        x_(holding(engine_, data(1), states_like_.dims(), Tag::tnc)),
        // Zero states are given: without them the gradient of the hidden weights is wrong (oneDNN 2.6).
        zero_(holding(engine_, Floats(count(state_like_.dims())), state_like_.dims(), Tag::ldnc)),
        weight_(weights(40)),
        hidden_(weights(41)),
        bias_(holding(engine_, Floats(count(row)), row, Tag::ldgo)),
        target_(data(2)),
        states_(forward_.make(states_like_)),
        gradient_(backward_.make(states_like_)) {
    const memory::desc any = described(matrix), none;
    const std::array layouts{states_like_,     state_like_,  state_like_, any, any,
                             bias_.get_desc(), states_like_, none,        none};
    const auto forward = [](const auto&... of) {
      return dnnl::lstm_forward::desc(prop_kind::forward_training, direction, of...);
    };
    // Gradients are laid out as what they belong to.
    const auto backward = [](const auto&... of) {
      return dnnl::lstm_backward::desc(prop_kind::backward, direction, of..., of...);
    };
    const dnnl::lstm_forward::primitive_desc ahead(std::apply(forward, layouts), engine_);
    const dnnl::lstm_backward::primitive_desc back(std::apply(backward, layouts), engine_, ahead);
    const Arguments both{
        {DNNL_ARG_SRC_LAYER, x_},      {DNNL_ARG_SRC_ITER, zero_},
        {DNNL_ARG_SRC_ITER_C, zero_},  {DNNL_ARG_BIAS, bias_},
        {DNNL_ARG_DST_LAYER, states_}, {DNNL_ARG_WORKSPACE, forward_.make(ahead.workspace_desc())}};
    add_forward(ahead, both);
    add_backward(back, both);
  }

 private:
  static constexpr int64_t steps = 32, width = 128;
  static constexpr auto direction = dnnl::rnn_direction::unidirectional_left2right;
  inline static const Dims matrix{1, 1, width, 4, width}, row{1, 1, 4, width};

  Floats data(uint64_t seed) const { return filled(count(states_like_.dims()), seed, 2); }

  memory weights(uint64_t seed) const {
    return holding(engine_, filled(count(matrix), seed, lstm_scale(width)), matrix, Tag::ldigo);
  }

  void add_forward(const dnnl::lstm_forward::primitive_desc& ahead, Arguments arguments) {
    arguments.insert({{DNNL_ARG_WEIGHTS_LAYER, forward_.in(weight_, ahead.weights_layer_desc())},
                      {DNNL_ARG_WEIGHTS_ITER, forward_.in(hidden_, ahead.weights_iter_desc())}});
    forward_.add(dnnl::lstm_forward(ahead), arguments);
  }

  void add_backward(const dnnl::lstm_backward::primitive_desc& back, Arguments arguments) {
    const memory by_weight = backward_.make(back.diff_weights_layer_desc()),
                 by_hidden = backward_.make(back.diff_weights_iter_desc()),
                 by_bias = backward_.make(bias_.get_desc());
    sums_ = {by_weight, by_hidden, by_bias};
    arguments.insert({{DNNL_ARG_WEIGHTS_LAYER, backward_.in(weight_, back.weights_layer_desc())},
                      {DNNL_ARG_WEIGHTS_ITER, backward_.in(hidden_, back.weights_iter_desc())},
                      {DNNL_ARG_DIFF_DST_LAYER, gradient_},
                      {DNNL_ARG_DIFF_SRC_LAYER, backward_.make(states_like_)},
                      {DNNL_ARG_DIFF_SRC_ITER, backward_.make(state_like_)},
                      {DNNL_ARG_DIFF_SRC_ITER_C, backward_.make(state_like_)},
                      {DNNL_ARG_DIFF_WEIGHTS_LAYER, by_weight},
                      {DNNL_ARG_DIFF_WEIGHTS_ITER, by_hidden},
                      {DNNL_ARG_DIFF_BIAS, by_bias}});
    backward_.add(dnnl::lstm_backward(back), arguments);
    parameters_.add(hidden_, backward_.in(by_hidden, hidden_.get_desc()), matrix, Tag::ldigo);
    parameters_.add(bias_, by_bias, row, Tag::ldgo);
    parameters_.add(weight_, backward_.in(by_weight, weight_.get_desc()), matrix, Tag::ldigo);
  }

  double loss() override {
    // The primitive adds to them.
    for (const memory& sum : sums_) std::ranges::fill(floats(sum), 0.0F);
    const std::span<float> y = floats(states_), g = floats(gradient_);
    const float share = 2 / static_cast<float>(y.size());
    double loss = 0;
    for (size_t i = 0; i < y.size(); ++i) {
      const float difference = y[i] - target_[i];
      g[i] = share * difference;
      loss += difference * difference;
    }
    return loss / static_cast<double>(y.size());
  }

  memory::desc states_like_, state_like_;
  memory x_, zero_, weight_, hidden_, bias_;
  Floats target_;
  memory states_, gradient_;
  std::vector<memory> sums_;
};

Training trained(const std::shared_ptr<Network>& net) {
  return {.step = [net] { return net->step(); }, .parameters = [net] { return net->parameters(); }};
}

Training prepare(const std::string& name, int64_t size) {
  if (name == "W5") return trained(std::make_shared<Convolutional>(size));
  if (name == "W7") return trained(std::make_shared<Recurrent>(size));
  throw std::runtime_error(name + " is not written for oneDNN");
}

}  // namespace

int main() { return serve_trainings(prepare); }
