#include "frontends/data/source.h"

#include "frontends/data/digits.h"
#include "frontends/data/mnist.h"
#include "graph/error.h"

namespace crease {

Split read_source(const std::string& source, const SourceOptions& options) {
  const size_t colon = source.find(':');
  const std::string kind = source.substr(0, colon);
  const std::string place = colon == std::string::npos ? "" : source.substr(colon + 1);
  if (source == "digits") return split(digits(), options.test_share, options.seed);
  if (kind == "mnist" && !place.empty()) return mnist(place);
  if (kind == "csv" && !place.empty())
    return split(read_csv(place, options.csv), options.test_share, options.seed);
  fail("[data] unknown data '{}': want digits, mnist:FOLDER or csv:FILE", source);
}

}  // namespace crease
