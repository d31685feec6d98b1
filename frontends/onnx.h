// Networks in the ONNX format, which other frameworks write and read: PyTorch's torch.onnx.export, tf2onnx,
// skl2onnx. docs/onnx.md lists the operators. Source: github.com/onnx/onnx, docs/IR.md and docs/Operators.md.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace crease {

struct OnnxOptions {
  /// Sizes of dimensions that the file only names.
  std::map<std::string, int64_t> sizes = {};
  /// Where not empty, the name of the first dimension of every input instead of its number: a network that
  /// was exported for one sample takes any number of them.
  /// Errors: Error if the network brings samples together, by a sum or a loop over that dimension.
  std::string batch = {};
  /// The outputs that are wanted, or any values inside of the network: nothing else is read. Empty: all
  /// outputs.
  std::vector<std::string> outputs = {};
};

/// The network of a file. Inputs and outputs keep their names; floating initializers of rank 1 and more
/// become parameters under theirs, running moments of batch normalisation among them as state, all others
/// constants; characters that names of crease do not have become '_'. Named dimensions stay named, and those
/// of which nothing is said get a name after their input. Tensors of f32, f64, i64, i32, u8 and bool, also in
/// files beside it. Inference: dropout is left out, batch normalisation uses its running moments.
///
///   Graph network = read_onnx("model.onnx");
///   Tensor y = evaluate(network.result("logits"), {{"x", samples}});
///
/// Errors: Error naming the file, and node or tensor, for what is not ONNX or breaks its rules; one Error
/// with all operators that are not known; Error for an attribute, a type or a use of a shape that is not
/// carried out, for tensors outside of the file's folder, and those of read_file.
Graph read_onnx(const std::filesystem::path& path, const OnnxOptions& options = {});

/// The same from memory; `name` is what errors call it. Errors: also for a tensor in another file.
Graph parse_onnx(std::string_view bytes, const std::string& name, const OnnxOptions& options = {});

/// A network as a file of operators of version 17, for others to run or to go on with: inputs, outputs and
/// parameters under their names (those with a path of their own too: "0.weight"), named dimensions named,
/// f32 as f32 and f64 as f64, parameters to the bit. Whole operations are one operator each (Gemm, Conv,
/// MaxPool, Softmax, Relu ...), other bodies a tree of elementwise ones. The file is replaced as a whole.
///
///   write_onnx("smaller.onnx", simplify(read_onnx("model.onnx")).graph);
///
/// Not carried over: ties and what else only derivatives see, which parameters are state, source lines.
/// Indexes of lookups must lie inside of their table, where crease gives 0.
/// Loops over time become Scan, which read_onnx does not read. Parameters that no output needs are left out.
/// Errors: Error for a graph with updates; one Error with all nodes that cannot be written: random numbers,
/// sums at places that are looked up or overlap; Error beyond 2 GiB; those of write_file_atomically.
void write_onnx(const std::filesystem::path& path, const Graph& network);

/// The same in memory. Errors: those of write_onnx that are not of files.
std::string format_onnx(const Graph& network);

/// Names of the operators that are read, ascending.
std::vector<std::string> onnx_operators();

}  // namespace crease
