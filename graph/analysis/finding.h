// What an analysis says: a claim about a subject, how strong it is, how it was decided, and the certificate
// that an independent checker accepts. Reports are made from findings in one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace crease {

/// Proved: for certain, with a certificate. Refuted: for certain, with a witness. Unknown: neither; the text
/// says what would decide it.
enum class Verdict : uint8_t { Proved, Refuted, Unknown };

/// What a claim holds for. Structure: all parameter values. Values: these parameters, all inputs. Box: these
/// parameters, inputs in a box. Observed: seen on data, never proved.
enum class Level : uint8_t { Structure, Values, Box, Observed };

/// A proof in the format graph-cert/1, as JSON text: what `check` reads.
struct Certificate {
  std::string kind;  // "affine-collapse", "not-affine", "rescaling-invariance", ...
  std::string json;
};

/// One result of one analysis.
struct Finding {
  std::string id;            // "affine", "rescaling", "saturation": stable, a key of the JSON report
  std::string subject;       // an output, a node, a unit
  std::string section = {};  // heads its lines in a report, which sets it: "RESCALING"
  Verdict verdict = Verdict::Unknown;
  Level level = Level::Structure;
  /// The first sentence is the verdict in words; numbers carry their unit. No trailing blanks or newlines.
  std::vector<std::string> sentences;
  /// A JSON object as text: the numbers behind the sentences, under stable keys.
  std::string evidence = "{}";
  std::optional<Certificate> certificate;
};

/// "proved", "refuted", "unknown".
constexpr std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::Proved: return "proved";
    case Verdict::Refuted: return "refuted";
    case Verdict::Unknown: return "unknown";
  }
  return "";
}

/// "structure", "values", "box", "observed".
constexpr std::string_view to_string(Level level) {
  switch (level) {
    case Level::Structure: return "structure";
    case Level::Values: return "values";
    case Level::Box: return "box";
    case Level::Observed: return "observed";
  }
  return "";
}

}  // namespace crease
