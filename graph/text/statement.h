// One line of the text form, read but not yet understood: names are not looked up, shapes not checked.
// Private to graph/text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// %7, and where it stands.
struct Reference {
  int64_t id = -1;
  int line = 0, column = 0;
};

struct Statement {
  enum class Kind : uint8_t {
    Graph,
    Input,
    Parameter,
    State,
    Constant,
    Random,
    Named,
    Loop,
    Scan,
    Block,
    Output,
    Update
  };

  Kind kind = Kind::Graph;
  Reference self;    // of nodes
  std::string name;  // of the node, output or updated parameter
  Shape shape;
  Type type = Type::f32;
  std::string op;  // Named, Loop
  Attributes attributes;
  bool labels_given = false;
  std::vector<Label> labels;
  std::string pattern;
  Combine combine = Combine::Assign;
  Scalar body;
  std::vector<Reference> operands;  // of nodes, outputs and updates
  std::optional<Tie> tie;
  uint64_t seed = 0;
  Tensor value;                    // Constant
  std::string part;                // Scan: carry, output or inner
  int64_t result = 0;              // Scan: which of them
  int carries = 0, sequences = 0;  // Block
  Dim length;                      // Block
  bool reverse = false;            // Block
  std::string text;                // Block: the body

  /// Bound by its name: no "=" follows.
  bool is_leaf() const { return kind == Kind::Input || kind == Kind::Parameter || kind == Kind::State; }
  bool is_node() const {
    return kind != Kind::Graph && kind != Kind::Block && kind != Kind::Output && kind != Kind::Update;
  }
};

/// Reads the lines; blank ones and comments (from # on) are skipped. Errors: Error with line and column.
std::vector<Statement> read_statements(std::string_view text);

}  // namespace crease
