// --box of several subcommands: LOW,HIGH for every input as the network gets it, NAME=LOW,HIGH for a column
// in the numbers of the table.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

#include "frontends/model.h"
#include "graph/analysis/bounds/node_bounds.h"

namespace crease::cli {

/// What --box said.
struct GivenBox {
  InputBox box;
  std::string name;                // "-1,1", "age=20,60 income=0,1e5": as it was given
  std::vector<std::string> lines;  // the ends, in the numbers of the table and in those of the network
};

/// Adds --box, which may be given again and again. `help` begins the text of its help.
CLI::Option* add_box(CLI::App& command, std::vector<std::string>& texts, const std::string& help);

/// The box of all texts: "-1,1" or "[0, 255]" once, and "age=20,60" for columns of the model; without the
/// first, other columns can be anything. Errors: Error showing the text; those of column_box.
GivenBox given_box(const std::vector<std::string>& texts, const Model& model);

}  // namespace crease::cli
