#include "graph/rewrite/tidy.h"

#include "graph/rewrite/fold.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/share.h"
#include "graph/verify.h"

namespace crease {

Rewrite tidy(const Graph& graph, Derivatives derivatives) {
  Rewrite result = fold(graph);
  verify_pass(graph, result, "fold");
  const auto pass = [&](const char* name, Rewrite next) {
    verify_pass(result.graph, next, name);
    result = then(result, std::move(next));
  };
  pass("simplify", simplify(result.graph, derivatives));
  pass("fold", fold(result.graph));  // constants that went into bodies leave bodies without operands
  pass("share", share(result.graph));
  return result;
}

}  // namespace crease
