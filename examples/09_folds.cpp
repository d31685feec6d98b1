// A relu network of two inputs folds the plane: on each piece it is one affine map. The pieces are counted
// exactly and drawn as polygons with exact corners: 09_folds FILE.svg writes the picture.
#include <crease/crease.h>

#include <fstream>
using namespace crease;

namespace {

/// Two inputs, relu layers of 3 and 2 units, one output; weights are exact in binary.
Graph folded_plane() {
  Graph graph;
  const Value x = graph.input("x", {1, 2});
  const Value w1 = graph.parameter("w1", Tensor::f32({2, 3}, {-2, 1, 1, 0.5F, -0.5F, 1}));
  const Value b1 = graph.parameter("b1", Tensor::f32({3}, {0.25F, -0.5F, 1}));
  const Value w2 = graph.parameter("w2", Tensor::f32({3, 2}, {1.5F, 0.5F, -1, 1, 0.5F, -0.75F}));
  const Value b2 = graph.parameter("b2", Tensor::f32({2}, {-0.5F, 0.375F}));
  const Value w3 = graph.parameter("w3", Tensor::f32({2, 1}, {1, 2}));
  graph.output("y", matmul(relu(matmul(relu(matmul(x, w1) + b1), w2) + b2), w3));
  return graph;
}

}  // namespace

int main(int count, char** arguments) {
  const Graph graph = folded_plane();
  const Regions plane = regions(graph);
  fmt::print("on the plane: {} activation regions, {} linear regions, {} distinct affine maps\n",
             plane.activation_regions, plane.linear_regions, plane.distinct_affine_maps);
  if (const auto bound = region_bound(graph))
    fmt::print("no such network has more than {} (Serra et al. 2018)\n", to_string(bound->serra));

  const auto picture = fold_picture(graph);
  if (!picture) return 1;
  double area = 0;
  for (const FoldCell& cell : picture->cells)
    for (size_t i = 0; i < cell.corners.size(); ++i) {
      const auto& a = cell.corners[i];
      const auto& b = cell.corners[(i + 1) % cell.corners.size()];
      area += (a[0] * b[1] - a[1] * b[0]) / 2;
    }
  fmt::print("on the square from -2 to 2: {} polygons in {} colours, of area {:.6g} together\n",
             picture->cells.size(), picture->maps.size(), std::abs(area));

  const auto local = local_map(graph, {0, 0});
  fmt::print("at the origin: slope ({}, {}), the nearest fold {:.4f} away\n",
             to_string(local->outputs[0].slope[0]), to_string(local->outputs[0].slope[1]),
             std::sqrt(local->squared_distance.to_double()));
  const auto along = regions_along(graph, {-2, -2}, {2, 2});
  fmt::print("from (-2, -2) to (2, 2): {} pieces\n", *along);
  if (count > 1) std::ofstream(arguments[1]) << to_svg(*picture);
}
