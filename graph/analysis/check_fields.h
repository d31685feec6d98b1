// Which fields an object of a certificate has: a field that is not known is no proof, and is refused.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check_replay.h"

namespace crease::checker {

/// Errors: Refused unless `object` has all of `wanted`, and nothing but these and `optional`.
template <class Json>
void require_fields(const Json& object, std::initializer_list<std::string_view> wanted,
                    std::initializer_list<std::string_view> optional) {
  if (!object.is_object()) throw Refused("a part of the certificate is no object");
  for (const std::string_view key : wanted)
    if (!object.contains(key)) throw Refused("field '" + std::string(key) + "' is missing");
  for (const auto& [key, value] : object.items())
    if (std::ranges::find(wanted, key) == wanted.end() && std::ranges::find(optional, key) == optional.end())
      throw Refused("field '" + key + "' is not known");
}

/// The node that a key of an object stands for. Errors: Refused unless the key is the one name of that node:
/// an object must not say two things of one node.
inline NodeId node_of_key(const Graph& graph, const std::string& key) {
  const NodeId id = find_node(graph, key);
  if (const std::string name = node_key(graph, id); name != key)
    throw Refused("'" + key + "' is another name of '" + name + "'");
  return id;
}

}  // namespace crease::checker
