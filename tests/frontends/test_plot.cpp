#include "frontends/report/plot.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "graph/error.h"

namespace crease {
namespace {

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("a plot has its points, its words, and its ticks at round numbers") {
  const std::string svg = to_svg({{.title = "a < b & c",
                                   .x_label = "epoch",
                                   .y_label = "error",
                                   .series = {{.name = "relu", .x = {0, 10}, .y = {0, 1}}}}});
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("a &lt; b &amp; c") != std::string::npos);
  CHECK(count(svg, "<circle") == 2);
  for (const char* word : {">epoch<", ">error<", ">relu<", ">0<", ">2<", ">10<", ">0.2<", ">1<"}) {
    CAPTURE(word);
    CHECK(svg.find(word) != std::string::npos);
  }
}

TEST_CASE("what a logarithmic axis cannot show breaks the line") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string svg =
      to_svg({{.title = "t",
               .log_y = true,
               .series = {{.name = "s", .x = {1, 2, 3, 4, 5}, .y = {1, 0, 100, nan, 10}}}}});
  CHECK(count(svg, "<circle") == 3);
  CHECK(count(svg, "M") == 3);  // three pieces, each a point
  CHECK(svg.find(">100<") != std::string::npos);
  CHECK(svg.find("nan") == std::string::npos);
}

TEST_CASE("cells of one colour in a row are one rectangle, and plots stand side by side") {
  const Plot plot{.title = "plane",
                  .raster = {.columns = 3, .colours = {"red", "red", "blue", "red", "red", "red"}}};
  const std::string svg = to_svg({plot, plot, plot});
  CHECK(count(svg, "fill=\"red\"") == 6);
  CHECK(count(svg, "fill=\"blue\"") == 3);
  CHECK(svg.find("width=\"920\" height=\"640\"") != std::string::npos);
}

TEST_CASE("values that differ in their last bits, and rasters far from 0, are drawn with a few ticks") {
  const double y = 0.1, next = std::nextafter(y, 1);
  CHECK(count(to_svg({{.title = "t", .series = {{.name = "s", .x = {1, 2}, .y = {y, next}}}}}), "<text") <
        30);
  const Raster far{.left = 0x1p60, .right = 0x1p60 + 512, .columns = 1, .colours = {"red"}};
  CHECK(count(to_svg({{.title = "t", .raster = far}}), "<text") < 60);
}

TEST_CASE("a plot that cannot be drawn is refused") {
  CHECK_THROWS_WITH_AS(to_svg({}), doctest::Contains("at least one plot"), Error);
  CHECK_THROWS_WITH_AS(to_svg({{.title = "t", .series = {{.name = "s", .x = {1}, .y = {}}}}}),
                       doctest::Contains("series 's' of 't' has 1 x and 0 y"), Error);
  CHECK_THROWS_WITH_AS(to_svg({{.title = "t"}}), doctest::Contains("no point"), Error);
  CHECK_THROWS_WITH_AS(to_svg({{.title = "t", .raster = {.columns = 2, .colours = {"red"}}}}),
                       doctest::Contains("1 cells, want whole rows of 2"), Error);
}

}  // namespace
}  // namespace crease
