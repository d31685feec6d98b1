// The text form: one line a node, complete, and read back to an equal graph. # starts a comment. Labels stand
// after `loop` where pattern and operands do not tell their extents; fill(0) is a constant of equal elements.
//
//   input %0 x: f32[batch, 784]
//   param %1 dense1.weight: f32[784, 256]
//   state %5 norm.running_mean: f32[256]    (a parameter that no optimizer changes)
//   %2: f32[batch, 256] = matmul(%0, %1)
//   %3: f32[batch, 256] = relu(%2) tie=right
//   %4 hidden: f32[batch, 256] = leaky_relu[slope=0.25](%2)
//   %9: f32[batch, 784] = loop "b j, i j -> b i" sum {x0*x1}(%7, %1)
//   %10: f32[5] = pad loop[d0=3] "d0 -> d0+1" assign {x0}(%8)
//   const %11: f32[2] = [0.1, -inf]
//   %12: f32[batch, 4] = random(%3) seed=42
//   scan scan0 carries=1 sequences=1 length=time {    (a loop over time; its body in the same form)
//     input %0 carry0: f32[batch, 4]
//     ...
//   }
//   %13: f32[batch, 4] = scan scan0 carry=0(%12, %9)         (after the last step)
//   %14: f32[time, batch, 4] = scan scan0 output=0(%12, %9)  (of each step)
//   %15: f32[time, batch, 4] = scan scan0 inner=%7(%12, %9)  (a node of the body, in each step)
//   graph tie=left
//   output loss = %12
//   update dense1.weight = %20
#pragma once

#include <string>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// Operations of the catalogue print by name and attributes; all others with loops, combine and body.
/// Parameter values are not part of the text (they are saved as safetensors); constants are.
std::string to_string(const Graph& graph);

/// The inverse: parse(to_string(g)) equals g in everything but parameter values (zeros) and source lines.
/// Errors: Error with line and column; all problems of verify; a cycle is named node by node.
Graph parse(std::string_view text);

/// Same nodes, operands, loops, bodies, ties, names, outputs and updates; parameter values and source lines
/// do not count.
bool equal(const Graph& a, const Graph& b);

}  // namespace crease
