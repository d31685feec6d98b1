// Recurrent layers: one loop over time (graph/scan.h), so that compiled code does not grow with its length.
// Their state begins with zeros; docs/loops.md has a single step that goes on from a state that is kept.
#pragma once

#include "frontends/layers.h"

namespace crease {

struct RecurrentOptions {
  /// Shapes: true x [time, n, in] -> [time, n, hidden]; false x [n, time, in] -> [n, time, hidden].
  bool time_first = false;
  /// From the last step to the first.
  bool reverse = false;
  /// Number of steps after which derivatives keep the state; the states between are computed again. 0: all
  /// are kept. Must divide a length that is a number. See scan.
  int64_t checkpoint = 0;
  Init init = glorot_uniform;
  Init hidden_init = orthogonal();
};

/// h' = tanh(x W + h U + b), from h = 0; gives every h'.
/// Parameters: weight [in, hidden], hidden_weight [hidden, hidden], bias [hidden].
/// Errors: Error unless sizes are positive and x is floating with the shape above. Source: Elman 1990.
Layer rnn(int64_t in, int64_t hidden, const RecurrentOptions& options = {},
          std::source_location where = std::source_location::current());

/// r = s(x Wr + h Ur + br), z = s(x Wz + h Uz + bz), m = tanh(x Wm + bm + r (h Um + d)),
/// h' = (1 - z) m + z h with s = sigmoid, from h = 0; gives every h'.
/// Parameters: weight [in, 3 hidden] (r, z, m), hidden_weight [hidden, 3 hidden], bias [3 hidden],
/// hidden_bias d [hidden]. Errors: as rnn's. Source: Cho et al. 2014; the reset behind the product as in
/// cuDNN.
Layer gru(int64_t in, int64_t hidden, const RecurrentOptions& options = {},
          std::source_location where = std::source_location::current());

struct LstmOptions : RecurrentOptions {
  /// Where the bias of the forget gate starts. Source: Jozefowicz, Zaremba, Sutskever 2015.
  double forget_bias = 1;
};
/// i, f, o = s(x W + h U + b), g = tanh(x Wg + h Ug + bg), c' = f c + i g, h' = o tanh(c') with s = sigmoid,
/// from h = c = 0; gives every h'. Parameters: weight [in, 4 hidden] (i, f, g, o), hidden_weight [hidden, 4
/// hidden], bias [4 hidden]. Errors: as rnn's. Source: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber,
/// Cummins 2000 (forget gate).
Layer lstm(int64_t in, int64_t hidden, const LstmOptions& options = {},
           std::source_location where = std::source_location::current());

}  // namespace crease
