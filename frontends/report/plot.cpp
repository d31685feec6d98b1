#include "frontends/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "graph/error.h"

namespace crease {
namespace {

// Pixels: of one plot, and of the margins round its axes.
constexpr double width = 460, height = 320, left = 64, right = 16, top = 36, bottom = 48;

// Okabe and Ito 2008: told apart by colour-blind readers too.
constexpr std::array colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"};

/// One axis: a range of numbers, in logarithms where it is logarithmic, on a range of pixels.
struct Axis {
  bool logarithmic = false;
  double low = std::numeric_limits<double>::infinity(), high = -low;
  double from = 0, to = 1;  // pixels of low and high

  bool shows(double value) const { return std::isfinite(value) && (!logarithmic || value > 0); }
  double coordinate(double value) const { return logarithmic ? std::log10(value) : value; }
  double pixel(double value) const { return from + (to - from) * (coordinate(value) - low) / (high - low); }
  void include(double value) {
    low = std::min(low, coordinate(value));
    high = std::max(high, coordinate(value));
  }
  /// Room at both ends; a single value, or values that differ by rounding, get a range round them.
  void widen(double share) {
    const bool spread = high - low > 1e-12 * std::max(std::abs(low), std::abs(high));
    const double more = spread ? share * (high - low) : std::max(std::abs(high) * 0.5, 0.5);
    low -= more;
    high += more;
  }
  std::vector<double> ticks() const;
};

/// 1, 2 or 5 times a power of ten, for about five steps.
double nice_step(double range) {
  const double rough = range / 5, power = std::pow(10, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  return power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10);
}

std::vector<double> Axis::ticks() const {
  // On a logarithmic axis whole powers of ten, or where fewer than two are in sight their parts.
  const double step =
      logarithmic && high - low >= 1 ? std::max(1.0, std::round((high - low) / 6)) : nice_step(high - low);
  constexpr size_t most = 20;  // beyond what a step gives: k + 1 may be k, where a raster is far from 0
  std::vector<double> values;  // 0.0 is added lest a tick be -0
  for (double k = std::ceil(low / step) + 0.0; k * step <= high && values.size() < most; ++k)
    values.push_back(logarithmic ? std::pow(10, k * step) : k * step);
  return values;
}

struct Frame {
  Axis x, y;
};

Frame axes_of(const Plot& plot) {
  Frame axes{.x = {.logarithmic = plot.log_x, .from = left, .to = width - right},
             .y = {.logarithmic = plot.log_y, .from = height - bottom, .to = top}};
  bool any = false;
  for (const Series& series : plot.series) {
    expect(series.x.size() == series.y.size(), "[plot] series '{}' of '{}' has {} x and {} y", series.name,
           plot.title, series.x.size(), series.y.size());
    for (size_t i = 0; i < series.x.size(); ++i) {
      if (!axes.x.shows(series.x[i]) || !axes.y.shows(series.y[i])) continue;
      axes.x.include(series.x[i]);
      axes.y.include(series.y[i]);
      any = true;
    }
  }
  const Raster& raster = plot.raster;
  expect(any || raster.columns > 0, "[plot] '{}' has no point to be drawn", plot.title);
  if (raster.columns > 0) {
    axes.x.low = raster.left, axes.x.high = raster.right;
    axes.y.low = raster.bottom, axes.y.high = raster.top;
    return axes;
  }
  axes.x.widen(0.03);
  axes.y.widen(0.06);
  return axes;
}

/// Neighbours of one colour in a row are one rectangle.
std::string draw_raster(const Raster& raster, const Frame& axes, const std::string& title) {
  if (raster.columns == 0) return {};
  const size_t columns = static_cast<size_t>(raster.columns), cells = raster.colours.size();
  expect(cells > 0 && cells % columns == 0, "[plot] the raster of '{}' has {} cells, want whole rows of {}",
         title, cells, columns);
  const size_t rows = cells / columns;
  const double cell_width = (axes.x.to - axes.x.from) / static_cast<double>(columns);
  const double cell_height = (axes.y.from - axes.y.to) / static_cast<double>(rows);
  std::string text = "<g shape-rendering=\"crispEdges\">\n";
  for (size_t row = 0; row < rows; ++row) {
    for (size_t begin = 0; begin < columns;) {
      const auto at = [&](size_t column) -> const std::string& {
        return raster.colours[row * columns + column];
      };
      size_t end = begin + 1;
      while (end < columns && at(end) == at(begin)) ++end;
      text +=
          fmt::format("<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" fill=\"{}\"/>\n",
                      axes.x.from + static_cast<double>(begin) * cell_width,
                      axes.y.to + static_cast<double>(row) * cell_height,
                      static_cast<double>(end - begin) * cell_width, cell_height, svg_escaped(at(begin)));
      begin = end;
    }
  }
  return text + "</g>\n";
}

std::string draw_axes(const Plot& plot, const Frame& axes) {
  std::string text = fmt::format(
      "<text x=\"{}\" y=\"20\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>\n"
      "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#888\"/>\n",
      width / 2, svg_escaped(plot.title), left, top, width - left - right, height - top - bottom);
  for (const double tick : axes.x.ticks())
    text += fmt::format(
        "<line x1=\"{0:.2f}\" x2=\"{0:.2f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#888\"/>"
        "<text x=\"{0:.2f}\" y=\"{3}\" text-anchor=\"middle\">{4:.4g}</text>\n",
        axes.x.pixel(tick), height - bottom, height - bottom + 4, height - bottom + 17, tick);
  for (const double tick : axes.y.ticks())
    text += fmt::format(
        "<line x1=\"{1}\" x2=\"{2}\" y1=\"{0:.2f}\" y2=\"{0:.2f}\" stroke=\"#888\"/>"
        "<text x=\"{3}\" y=\"{4:.2f}\" text-anchor=\"end\">{5:.4g}</text>\n",
        axes.y.pixel(tick), left - 4, left, left - 7, axes.y.pixel(tick) + 4, tick);
  const double middle = (top + height - bottom) / 2;
  return text +
         fmt::format(
             "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n"
             "<text x=\"14\" y=\"{}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {})\">{}</text>\n",
             (left + width - right) / 2, height - 10, svg_escaped(plot.x_label), middle, middle,
             svg_escaped(plot.y_label));
}

std::string draw_series(const Series& series, const char* colour, const Frame& axes) {
  std::string lines, marks;
  bool pen = false;  // whether the point before is drawn
  for (size_t i = 0; i < series.x.size(); ++i) {
    const bool shown = axes.x.shows(series.x[i]) && axes.y.shows(series.y[i]);
    if (shown) {
      const double x = axes.x.pixel(series.x[i]), y = axes.y.pixel(series.y[i]);
      lines += fmt::format("{}{:.2f} {:.2f} ", pen ? "L" : "M", x, y);
      marks += fmt::format(R"(<circle cx="{:.2f}" cy="{:.2f}" r="2.5" fill="{}"/>)", x, y, colour);
    }
    pen = shown;
  }
  std::string text;
  if (series.line && !lines.empty())
    text += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>\n", lines, colour);
  return series.marks ? text + marks + "\n" : text;
}

std::string draw_legend(const std::vector<Series>& series) {
  std::string text;
  double y = top + 14;
  for (size_t i = 0; i < series.size(); ++i) {
    if (series[i].name.empty()) continue;
    text += fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{}\"/>"
        "<text x=\"{}\" y=\"{}\" paint-order=\"stroke\" stroke=\"white\" stroke-width=\"3\">{}</text>\n",
        left + 10, y - 6, colours[i % colours.size()], left + 27, y, svg_escaped(series[i].name));
    y += 15;
  }
  return text;
}

std::string draw_plot(const Plot& plot) {
  const Frame axes = axes_of(plot);
  std::string text = draw_raster(plot.raster, axes, plot.title) + draw_axes(plot, axes);
  for (size_t i = 0; i < plot.series.size(); ++i)
    text += draw_series(plot.series[i], colours[i % colours.size()], axes);
  return text + draw_legend(plot.series);
}

}  // namespace

std::string svg_escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string to_svg(const std::vector<Plot>& plots, int columns) {
  expect(!plots.empty() && columns >= 1, "[plot] wants at least one plot and one column: got {} and {}",
         plots.size(), columns);
  const auto count = static_cast<int>(plots.size());
  const int across = std::min(columns, count), down = (count + across - 1) / across;
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
      "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n",
      across * width, down * height);
  for (int i = 0; i < count; ++i) {
    const int column = i % across, row = i / across;
    text += fmt::format("<g transform=\"translate({} {})\">\n{}</g>\n", column * width, row * height,
                        draw_plot(plots[static_cast<size_t>(i)]));
  }
  return text + "</svg>\n";
}

}  // namespace crease
