// How much of a network is switched off on given samples: exact zeros behind rectifiers, per layer, unit and
// overall; units that are never or always on; and the share of paths that are on throughout.
//
// A rectifier is an elementwise activation that is 0 on the left and grows without bound on the right (relu,
// its square). Level: observed, never proved: other samples can differ. A layer of independent units is on
// about half the time at initialisation, in every layer; what falls as 2^-N with N layers is the share of
// fully active paths, the product of the layers' active shares. Source: Glorot, Bordes, Bengio 2011.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/evaluate.h"

namespace crease {

struct LayerSparsity {
  std::string name;
  int64_t samples = 0;
  std::vector<int64_t> zeros;  // by unit: samples on which it is off

  int64_t off() const;
  double zero_share() const;
  std::vector<int64_t> dead() const;       // units that are off on all samples
  std::vector<int64_t> always_on() const;  // units that are never off
};

struct Sparsity {
  std::vector<LayerSparsity> layers;

  double zero_share() const;    // over all units of all layers
  double active_paths() const;  // product of the layers' active shares
  int64_t units() const;
  int64_t dead() const;  // units that are off on all samples
};

struct SparsityOptions {
  /// A unit is off if its size is at most this; above 0 all activations are looked at, smooth ones too.
  double threshold = 0;
};

/// The nodes whose zeros are counted: rectifiers, or with a threshold all activations.
std::vector<NodeId> rectifiers(const Graph& graph, const SparsityOptions& options = {});

/// A node that counts the samples of a batch on which each unit of a layer is off, as part of the graph: in a
/// training step it becomes part of the kernel that computes the layer.
struct SparsityProbe {
  std::string name;  // of the layer
  Value zeros;       // f32, shape of one sample
};
/// Appends a probe for each layer that `output` needs. Layers whose first dimension is the batch, or that
/// have no named dimension. Errors: Error for a negative or infinite threshold.
std::vector<SparsityProbe> sparsity_probes(const Value& output, const SparsityOptions& options = {});

/// Adds what a probe counted on so many samples. The layers are those of the probes, in order.
void count_zeros(Sparsity& found, size_t layer, const Tensor& zeros, int64_t samples);
/// Nothing counted yet.
Sparsity empty_sparsity(const std::vector<SparsityProbe>& probes);

/// Runs the interpreter on each of `samples`: one sample, or a batch along a leading named dimension.
/// Errors: those of evaluate.
Sparsity sparsity(const Graph& graph, const std::vector<Bindings>& samples,
                  const SparsityOptions& options = {});

/// One finding, id "sparsity"; none without rectifiers.
std::vector<Finding> sparsity_findings(const Sparsity& found, const SparsityOptions& options = {});

}  // namespace crease
