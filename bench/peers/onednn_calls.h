// What training by hand on the primitives of oneDNN wants: calls in a row, and parameters that descend.
#pragma once

#include <algorithm>
#include <oneapi/dnnl/dnnl.hpp>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bench/peers/by_hand.h"

namespace crease::bench {

using dnnl::memory;
using dnnl::prop_kind;
using Dims = memory::dims;
using Tag = memory::format_tag;
using Arguments = std::unordered_map<int, memory>;

inline memory::desc described(const Dims& dims, Tag tag = Tag::any) {
  return {dims, memory::data_type::f32, tag};
}

inline std::span<float> floats(const memory& from) {
  return {static_cast<float*>(from.get_data_handle()), from.get_desc().get_size() / sizeof(float)};
}

/// Primitives that run one after the other, and the memory between them.
class Calls {
 public:
  explicit Calls(const dnnl::engine& engine) : engine_(engine), stream_(engine) {}

  const dnnl::engine& engine() const { return engine_; }
  memory make(const memory::desc& desc) const { return {desc, engine_}; }

  void add(const dnnl::primitive& primitive, const Arguments& arguments) {
    calls_.emplace_back(primitive, arguments);
  }

  /// The same numbers in another layout, by a call where it is another one.
  memory in(const memory& from, const memory::desc& wanted) {
    if (from.get_desc() == wanted) return from;
    const memory to = make(wanted);
    add(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
    return to;
  }

  void run() {
    for (const auto& [primitive, arguments] : calls_) primitive.execute(stream_, arguments);
    stream_.wait();
  }

 private:
  dnnl::engine engine_;
  dnnl::stream stream_;
  std::vector<std::pair<dnnl::primitive, Arguments>> calls_;
};

/// In another layout, once.
inline memory reordered(const memory& from, const memory::desc& wanted) {
  Calls once(from.get_engine());
  const memory to = once.in(from, wanted);
  once.run();
  return to;
}

inline memory holding(const dnnl::engine& engine, const Floats& values, const Dims& dims, Tag tag) {
  const memory made(described(dims, tag), engine);
  std::ranges::copy(values, floats(made).begin());
  return made;
}

inline size_t count(const Dims& dims) {
  size_t product = 1;
  for (const auto dim : dims) product *= static_cast<size_t>(dim);
  return product;
}

/// What descends: parameters and their gradients in one layout, padding included, which is zero in both.
class Parameters {
 public:
  /// In front of those before, as the backward pass comes by; `plain` is the layout in which crease has it.
  void add(const memory& value, const memory& gradient, const Dims& dims, Tag plain) {
    all_.insert(all_.begin(), {value, gradient, described(dims, plain)});
  }

  void descend() const {
    for (const Parameter& parameter : all_) {
      float* value = floats(parameter.value).data();
      const std::span gradient = floats(parameter.gradient);
      for (size_t i = 0; i < gradient.size(); ++i) value[i] -= rate * gradient[i];
    }
  }

  Floats values() const {
    Floats all;
    for (const Parameter& parameter : all_) {
      const memory plain = reordered(parameter.value, parameter.plain);
      all.insert(all.end(), floats(plain).begin(), floats(plain).end());
    }
    return all;
  }

 private:
  struct Parameter {
    memory value, gradient;
    memory::desc plain;
  };
  std::vector<Parameter> all_;
};

}  // namespace crease::bench
