// --box LOW,HIGH of several subcommands.
#pragma once

#include <string>

#include "graph/analysis/bounds/node_bounds.h"

namespace crease::cli {

/// The box that "-1,1" or "[0, 255]" stands for. Errors: Error showing the text.
InputBox parse_box(const std::string& text);

}  // namespace crease::cli
