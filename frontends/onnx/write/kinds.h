// What the nodes of a graph become. The loops and the body decide, not the name: the first kind that fits.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "frontends/onnx/write/labelled.h"

namespace crease::onnx {

/// A kind of operation: gives the name of the node's value in the file, or nothing if the node is no such.
/// Errors: Error for what cannot be written.
using Kind = std::optional<std::string> (*)(const Writing& writing);

/// Several nodes that are one operator: Softmax, BatchNormalization, a product with its bias.
std::optional<std::string> write_softmax(const Writing& writing);
std::optional<std::string> write_normalisation(const Writing& writing);
std::optional<std::string> write_concat(const Writing& writing);
std::optional<std::string> write_mean(const Writing& writing);
std::optional<std::string> write_biased(const Writing& writing);
/// Conv, ConvTranspose, MaxPool, AveragePool. `bias`: of one element a channel, or none.
std::optional<std::string> write_convolution(const Writing& writing, const std::string& bias);
std::optional<std::string> write_pool(const Writing& writing);
/// An AveragePool where a pool with Combine::Sum is divided by the size of its window, `divided` the node
/// that does so.
std::optional<std::string> write_average(const Writing& pool, const Node& divided);
/// MatMul, Gemm, Einsum. With a bias Gemm or nothing.
std::optional<std::string> write_product(const Writing& writing, const std::string& bias);
/// Any other operation.
std::string write_elements(const Writing& writing);

}  // namespace crease::onnx
