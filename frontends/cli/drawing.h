// Drawings by Graphviz, where it is installed.
#pragma once

#include <filesystem>
#include <string>

namespace crease::cli {

/// Writes `folder`/graph.svg from Graphviz text, or where the program `dot` is not there or fails,
/// `folder`/graph.dot with the text itself. Gives the file that it wrote.
/// Errors: Error with the system's reason if the file cannot be written.
std::filesystem::path draw(const std::filesystem::path& folder, const std::string& dot);

/// Whether the program can be found.
bool has_program(const std::string& name);

}  // namespace crease::cli
