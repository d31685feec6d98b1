// Equations between kinked functions that hold for every value, and what they do to derivatives. As data: a
// pass that uses one asks under which rules it is free; tests hold each row, and the documentation shows them
// all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// The rules at kinks under which both sides of an equation select the same slopes. Under Tie::trap none is
/// free: the error names the node that was hit.
struct Keeps {
  bool left = false, right = false, mid = false, value = false, min_norm = false;
};

/// An equation before(x) = after(x) for vectors x of two elements; values are equal for all finite x, and so
/// are directional derivatives and locked gradients.
struct KinkIdentity {
  std::string_view text;
  Value (*before)(const Value& x);
  Value (*after)(const Value& x);
  Keeps keeps;
  /// Whether slopes agree under left, right and value(s) if `after` follows the exchanged rule.
  bool keeps_if_exchanged = false;
  /// What else must hold; empty if nothing.
  std::string_view condition = {};
  /// `after` has fewer operations, for x of any shape, and no other rule of simplify finds it: simplify uses
  /// it where numbers are finite.
  bool shortens = false;
};

std::span<const KinkIdentity> kink_identities();

/// Whether a rewrite by this equation changes no gradient of nodes with this rule.
bool is_free(const KinkIdentity& row, const Tie& tie);
/// The rule of the other side: left for right, value(1 - s) for value(s), mid for mid; nothing for min_norm
/// and trap, which name no side.
std::optional<Tie> exchanged(const Tie& tie);
/// What a rewrite by this equation keeps beside values, directional derivatives and locked gradients, which
/// all equations keep: "gradients under left, right" or "gradients under every rule but
/// trap".
std::string kept_gradients(const KinkIdentity& row);

}  // namespace crease
