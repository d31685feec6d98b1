// Plots as SVG text: lines, points, and pictures of a plane. For experiments; not for graphs of nodes (see
// graph/draw.h).
#pragma once

#include <string>
#include <vector>

namespace crease {

/// Points in their order, joined by a line or not. A point that is not finite, or not positive on a
/// logarithmic axis, is left out and breaks the line.
struct Series {
  std::string name;
  std::vector<double> x, y;
  bool line = true;
  bool marks = true;
};

/// A rectangle of the plane in cells of one colour each, under the series.
struct Raster {
  double left = 0, right = 1, bottom = 0, top = 1;
  int columns = 0;
  std::vector<std::string> colours = {};  // CSS, row by row from the top
};

struct Plot {
  std::string title;
  std::string x_label, y_label;
  bool log_x = false, log_y = false;
  std::vector<Series> series = {};
  Raster raster = {};
};

/// Text as it stands in SVG, between tags or in quotes.
std::string svg_escaped(const std::string& text);

/// One SVG picture with the plots side by side, `columns` in a row, each with axes and a legend.
/// Errors: Error for no plot, a series whose x and y differ in length, a plot without any point to be drawn,
/// or a raster that is no whole number of rows.
std::string to_svg(const std::vector<Plot>& plots, int columns = 2);

}  // namespace crease
