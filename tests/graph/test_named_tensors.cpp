#include "graph/named_tensors.h"

#include <doctest/doctest.h>

#include "graph/error.h"

namespace crease {
namespace {

std::string complaint(const NamedTensors& tensors, const std::string& name) {
  try {
    tensors.at(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a name that is not there is told beside those that are, with the line of the call") {
  NamedTensors tensors{{"loss", Tensor::f32({}, {2})}, {"y", Tensor::f32({1}, {3})}};
  CHECK(tensors.at("loss").item() == 2);
  tensors.at("loss") = Tensor::f32({}, {4});
  CHECK(tensors.at("loss").item() == 4);
  const std::string text = complaint(tensors, "los");
  CHECK(text.starts_with("[tensors] there is no 'los': the names are loss, y ("));
  CHECK(text.find("test_named_tensors.cpp:") != std::string::npos);
  CHECK(complaint({}, "y").find("the names are none") != std::string::npos);
}

TEST_CASE("tensors by name are a map") {
  const std::map<std::string, Tensor> plain{{"x", Tensor::f32({1}, {1})}};
  const NamedTensors named = plain;
  CHECK(named == plain);
  CHECK(std::map<std::string, Tensor>(named) == plain);
}

}  // namespace
}  // namespace crease
