#include "frontends/report/settle.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace crease {
namespace {

/// Numbers that are not finite obey no law of arithmetic that a proof uses.
void take_back(Finding& finding) {
  if (finding.level != Level::Values && finding.level != Level::Box) return;
  finding.certificate.reset();
  if (finding.verdict == Verdict::Unknown) return;
  finding.verdict = Verdict::Unknown;
  finding.sentences = {fmt::format("{}: undecided, since parameters are not finite", finding.subject)};
  finding.evidence = "{}";
}

bool is_affine_in(const Finding& finding, const std::string& output) {
  return finding.id == "affine" && finding.section == "AFFINE" && finding.verdict == Verdict::Unknown &&
         nlohmann::json::parse(finding.evidence).value("output", "") == output;
}

}  // namespace

void settle(std::vector<Finding>& findings) {
  if (std::ranges::any_of(findings, [](const Finding& it) { return it.id == "finite-parameters"; }))
    for (Finding& finding : findings)
      if (finding.id != "finite-parameters") take_back(finding);
  std::vector<std::string> affine;  // outputs
  for (const Finding& finding : findings)
    if (finding.id == "affine" && finding.section == "NORMAL FORM" && finding.verdict == Verdict::Proved)
      affine.push_back(finding.subject);
  for (const std::string& output : affine)
    for (Finding& finding : findings) {
      if (!is_affine_in(finding, output)) continue;
      finding.verdict = Verdict::Proved;
      finding.level = Level::Values;
      finding.sentences = {fmt::format(
          "{}: affine, though activations are on the way; the normal form has the proof", finding.subject)};
    }
}

}  // namespace crease
