// Initial values that depend on data: every layer's output gets variance 1 on one batch.
#pragma once

#include "frontends/training/runner.h"
#include "graph/graph.h"

namespace crease {

struct LsuvOptions {
  double tolerance = 0.01;  // of the variance
  int tries = 10;           // for each layer
  RunnerOptions run = {};
};

/// Layer-sequential unit variance: in order, each weight whose layer's result the graph names (parameter
/// "0.weight", node "0") is divided by the deviation of that result on the batch until its variance is 1.
/// Start from orthogonal weights. Errors: Error if no such layer exists, or a result has no positive finite
/// variance; those of bind. Source: Mishkin and Matas 2016, algorithm 1.
Graph lsuv(const Graph& network, const Bindings& batch, const LsuvOptions& options = {});

}  // namespace crease
