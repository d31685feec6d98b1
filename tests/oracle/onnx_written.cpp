// oracle_onnx_written FOLDER: writes networks as ONNX with inputs and the results of the interpreter, for
// onnx_written/run.py to compare with those of ONNX Runtime.
#include <fmt/core.h>
#include <frontends/onnx/onnx.pb.h>

#include "frontends/file.h"
#include "frontends/onnx.h"
#include "frontends/onnx/write/emitter.h"
#include "graph/error.h"
#include "tests/frontends/onnx/networks.h"

namespace {

void write_tensor(const std::filesystem::path& path, const std::string& name, const crease::Tensor& tensor) {
  crease::onnx::TensorProto stored;
  crease::onnx::store(stored, name, tensor);
  crease::write_file_atomically(path, stored.SerializeAsString());
}

void write_network(const std::filesystem::path& folder, const crease::test::Network& network) {
  std::filesystem::create_directories(folder);
  crease::write_onnx(folder / "model.onnx", network.graph);
  for (const auto& [name, tensor] : network.inputs) write_tensor(folder / ("input." + name), name, tensor);
  for (const auto& [name, tensor] : crease::evaluate(network.graph, network.inputs))
    write_tensor(folder / ("output." + name), name, tensor);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    fmt::print(stderr, "usage: {} FOLDER\n", arguments[0]);
    return 2;
  }
  using namespace crease::test;
  for (const auto& networks : {written_operations(), written_movements(), written_layers(), written_loops()})
    for (const Network& network : networks)
      write_network(std::filesystem::path(arguments[1]) / network.name, network);
  return 0;
}
