// Which fields an object of a certificate has: a field that is not known is no proof, and is refused.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

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

}  // namespace crease::checker
