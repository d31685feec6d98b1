// Tensors in files beside the model: a model may be anyone's, and reads nothing else.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "graph/evaluate.h"
#include "tests/files.h"
#include "tests/frontends/onnx/model.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::OnnxModel;
using test::TemporaryFolder;
using test::thrown_by;

using Entries = std::vector<std::pair<std::string, std::string>>;

/// y = x + w, w [2] in another file.
std::string model_with(const Entries& entries) {
  OnnxModel model;
  model.input("x", {"2"}).initializer("w", Tensor::f32({2}, {0, 0})).add("Add", {"x", "w"}).output("y");
  onnx::TensorProto& w = *model.model.mutable_graph()->mutable_initializer(0);
  w.clear_raw_data();
  w.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : entries) {
    onnx::StringStringEntryProto* entry = w.add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
  return model.bytes();
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

TEST_CASE("values of a tensor may lie in a file beside the model") {
  const TemporaryFolder folder;
  write_file_atomically(folder / "weights.bin", bytes_of({7, 1, 2, 9}));
  write_file_atomically(folder / "model.onnx",
                        model_with({{"location", "weights.bin"}, {"offset", "4"}, {"length", "8"}}));
  const Graph graph = read_onnx(folder / "model.onnx");
  CHECK(graph.find("w").node().value == Tensor::f32({2}, {1, 2}));
}

TEST_CASE("a model reads no file but one beside it") {
  const TemporaryFolder folder;
  namespace fs = std::filesystem;
  fs::create_directory(folder / "inner");
  write_file_atomically(folder / "outside.bin", bytes_of({1, 2}));
  const fs::path inner = folder / "inner";
  write_file_atomically(inner / "short.bin", bytes_of({1}));
  write_file_atomically(inner / "own.bin", bytes_of({1, 2}));
  fs::create_symlink(folder / "outside.bin", inner / "link.bin");
  fs::create_hard_link(folder / "outside.bin", inner / "hard.bin");
  fs::create_directory(inner / "folder");
  REQUIRE(mkfifo((inner / "pipe").c_str(), 0600) == 0);
  const auto refused = [&](const Entries& entries) {
    write_file_atomically(inner / "model.onnx", model_with(entries));
    const std::string message = thrown_by([&] { read_onnx(inner / "model.onnx"); });
    CHECK(holds(message, "initializer 'w': external data"));
    return message;
  };
  for (const std::string name : {"../outside.bin", "/etc/passwd", "folder/x", ".", "..", "./own.bin"}) {
    CAPTURE(name);
    CHECK(holds(refused({{"location", name}}), "want the name of a file beside the model"));
  }
  CHECK(holds(refused({{"location", "link.bin"}}), "a link is not followed"));
  for (const std::string name : {"hard.bin", "folder", "pipe"}) {
    CAPTURE(name);
    CHECK(holds(refused({{"location", name}}), "want an ordinary file of one name"));
  }
  CHECK(holds(refused({{"location", "none.bin"}}), "No such file"));
  CHECK(holds(refused({{"location", "short.bin"}}), "the file has 4 bytes"));
  CHECK(holds(refused({{"location", "own.bin"}, {"offset", "1"}}), "the file has 8 bytes"));
  CHECK(holds(refused({{"location", "own.bin"}, {"offset", "9223372036854775807"}}), "the file has 8 bytes"));
  CHECK(holds(refused({{"location", "own.bin"}, {"offset", "-1"}}), "want a number of bytes"));
  CHECK(holds(refused({{"location", "own.bin"}, {"offset", "99999999999999999999"}}),
              "want a number of bytes"));
  CHECK(holds(refused({{"location", "own.bin"}, {"length", "4"}}), "with length 4"));
  CHECK(holds(refused({{"location", "own.bin"}, {"basepath", "/"}}), "unknown key 'basepath'"));
  CHECK(holds(refused({{"offset", "0"}}), "without a location"));
}

}  // namespace
}  // namespace crease
