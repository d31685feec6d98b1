#include "frontends/data/digits.h"

#include <string_view>

#include "frontends/data/csv.h"
#include "graph/error.h"

// Made from frontends/embedded/digits.csv.gz by cmake/embed.cmake.
namespace crease::embedded {
extern const unsigned char digits_csv_gz[];
extern const unsigned long digits_csv_gz_size;
}  // namespace crease::embedded

namespace crease {

Dataset digits() {
  const std::string_view bytes(reinterpret_cast<const char*>(embedded::digits_csv_gz),
                               embedded::digits_csv_gz_size);
  Dataset data = parse_csv(bytes, "digits", {.header = Header::Absent, .target = Target::Classes});
  for (float& pixel : data.x.write<float>()) pixel /= 16.0f;
  ensure(data.size() == 1797 && data.features() == 64 && data.classes == 10,
         "the embedded digits are {} x {} in {} classes", data.size(), data.features(), data.classes);
  return data;
}

}  // namespace crease
