#include "frontends/report/settle.h"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

void settle(std::vector<Finding>& findings) {
  if (std::ranges::any_of(findings, [](const Finding& it) { return it.id == "finite-parameters"; }))
    for (Finding& finding : findings)
      if (finding.id != "finite-parameters") take_back(finding);
}

}  // namespace crease
