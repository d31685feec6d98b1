// Numbers of the oracle: exact rationals as text, and points, hulls and tolerances over them.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "graph/error.h"

namespace crease::oracle {

using Json = nlohmann::json;
using Point = std::vector<double>;

/// "3/4", "inf", "nan", 0.5; text after a number ("3 (67 equal elements)") is a remark.
double number(const Json& json);
Point point(const Json& json);

/// Equal, both NaN, or within `tolerance` relative to the wanted number.
bool agrees(double got, double want, double tolerance);
bool agrees(const Point& got, const Point& want, double tolerance);
bool contains(const std::vector<Point>& list, const Point& wanted, double tolerance);

/// Whether `p` lies in the convex hull of `vertices`, up to 3e-5.
bool in_hull(const std::vector<Point>& vertices, const Point& p);

}  // namespace crease::oracle
