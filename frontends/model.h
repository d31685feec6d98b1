// A trained network on disk: a folder with graph.txt (text form), parameters.safetensors and model.json (what
// it was trained on and how). Each file is replaced as a whole or not at all.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontends/data/standardise.h"
#include "graph/graph.h"
#include "graph/named_tensors.h"

namespace crease {

/// What must be known to use a network on data, and what one wants to know about it.
struct ModelInfo {
  std::string data = {};                   // "digits", "mnist:DIR", "csv:FILE"
  std::string trained_on = {};             // fingerprint of a table's training part; empty: not known
  std::vector<std::string> features = {};  // columns of a table in their order; empty: not known
  std::string label = {};                  // column of a table that is predicted; empty: not known
  std::vector<std::string> classes = {};   // names in the order of the logits; empty: a number is predicted
  std::optional<Standardisation> standardisation = {};  // what was done to the samples
  /// Of the numbers to predict, in training (see mse_in_deviations); the network answers in their units.
  std::optional<Standardisation> targets = {};
  std::map<std::string, std::string> training = {};  // options by name, as written on the command line
  std::map<std::string, double> metrics = {};
};

/// A network for prediction, with its parameters.
struct Model {
  Graph network;
  ModelInfo info = {};
};

/// Writes the three files; makes the folder if there is none.
/// Errors: Error with the system's reason; files already replaced stay, each of them whole.
void save_model(const std::filesystem::path& folder, const Model& model);

/// For what is to be asked before long work. Errors: Error if something of this name exists.
void expect_free(const std::filesystem::path& folder);

/// Writes a model to a folder that does not exist yet: it appears whole, or not at all.
/// Errors: those of expect_free and of save_model; then nothing is left behind.
void save_new_model(const std::filesystem::path& folder, const Model& model);

/// Reads a folder that save_model wrote.
/// Errors: Error naming the file and position of what is wrong, and those of set_parameters.
Model load_model(const std::filesystem::path& folder);

/// Gives every parameter of the graph its value.
/// Errors: Error with a table of every difference in name, type or shape; then nothing is changed.
void set_parameters(Graph& graph, const NamedTensors& values);

/// Gives the parameters of the graph that are among the values theirs, and passes over all other values: what
/// a network learned, from the training step's program, which holds its optimizer's state besides.
///
///   take_parameters(graph, step.parameters());
///
/// Errors: Error if none of its parameters is among them, or for another type or shape; then nothing is
/// changed.
void take_parameters(Graph& graph, const NamedTensors& values);

/// Values of all parameters by name.
NamedTensors parameters_of(const Graph& graph);

/// The parameters that did best on validation data.
struct Best {
  int64_t epoch = 0;
  double validation_loss = 0;
  NamedTensors parameters = {};
};

/// Where training stands: all parameters of the training step, its optimizer's among them, and what is done.
struct Checkpoint {
  NamedTensors parameters = {};
  int64_t epochs_done = 0;
  int64_t steps_done = 0;           // of the epoch after those
  int64_t batch = 0;                // samples of each of those steps; 0: not known
  std::vector<double> losses = {};  // loss after each epoch done (see TrainOptions::schedule)
  std::optional<Best> best = {};    // where there is validation data
  /// Sums over the samples of the epoch that is not done (EpochTotals): its metrics go on from them.
  NamedTensors sums = {};
};

/// checkpoint.safetensors of a folder, one file, so that its parts always belong together.
/// Errors: Error with the system's reason.
void save_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint);
/// Errors: Error if the file is missing, corrupt or of another kind.
Checkpoint load_checkpoint(const std::filesystem::path& folder);

}  // namespace crease
