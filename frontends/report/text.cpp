// The report as lines of text.
#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>

#include "frontends/report.h"
#include "graph/rational.h"

namespace crease {
namespace {

using Json = nlohmann::json;

/// "4,810".
std::string grouped(double number) {
  const std::string digits = fmt::format("{:.0f}", number);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string counted(size_t count, const char* noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

bool is_whole(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// Whether text is a fraction as Rational writes it, with something below that is not 0.
bool is_fraction(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view below = text.substr(slash + 1);
  return is_whole(text.substr(0, slash)) && is_whole(below) && below.front() != '0';
}

/// Whether what stands before and after is no part of the same word: names may be made of digits as well.
bool stands_alone(std::string_view before, std::string_view after) {
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  const auto in_name = [&](char c) { return in_word(c) || c == '\'' || c == '"'; };
  const auto joins = [](char c) { return c == '.' || c == ':'; };  // at the end of a word they end a sentence
  if (!before.empty() && (in_name(before.back()) || joins(before.back()))) return false;
  if (after.empty()) return true;
  return !in_name(after[0]) && !(joins(after[0]) && after.size() > 1 && in_word(after[1]));
}

/// Exact fractions of more digits than a reader wants, as decimals: "about -0.577". The JSON keeps them.
std::string shortened(const std::string& sentence) {
  constexpr size_t longest = 14;
  const std::string_view all = sentence;
  std::string text;
  for (size_t i = 0; i < all.size();) {
    const size_t end = std::min(all.find_first_not_of("0123456789/-", i), all.size());
    const std::string_view run = all.substr(i, std::max<size_t>(end - i, 1));
    if (run.size() > longest && is_fraction(run) && stands_alone(all.substr(0, i), all.substr(end)))
      text += fmt::format("about {:.6g}", Rational::parse(std::string(run)).to_double());
    else
      text += run;
    i += run.size();
  }
  return text;
}

std::string_view in_words(Level level) {
  switch (level) {
    case Level::Structure: return "for all parameter values";
    case Level::Values: return "at these parameters";
    case Level::Box: return "on the box";
    case Level::Observed: return "observed, not proved";
  }
  return "";
}

class Writer {
 public:
  explicit Writer(const Report& report) : report_(report) {}

  std::vector<std::string> write() {
    lines_.push_back(
        fmt::format("{}   {}   {} parameters   digest {}", report_.title, network_line(report_.graph),
                    grouped(static_cast<double>(report_.cost.parameters)), report_.digest.substr(0, 8)));
    write_box();
    write_findings();
    write_structure();
    write_cost();
    return std::move(lines_);
  }

 private:
  const Report& report_;
  std::vector<std::string> lines_;
  std::string label_;

  void begin(std::string_view label) {
    lines_.emplace_back();
    label_ = label;
  }

  void say(const std::string& text) {
    lines_.push_back(fmt::format("{:<13} {}", label_, text));
    label_.clear();
  }

  const CheckedCertificate* certificate_of(size_t finding) const {
    const auto found = std::ranges::find(report_.certificates, finding, &CheckedCertificate::finding);
    return found == report_.certificates.end() ? nullptr : &*found;
  }

  std::string verdict(size_t position) const {
    const Finding& finding = report_.findings[position];
    std::string text = finding.level == Level::Observed
                           ? fmt::format("[{}", in_words(finding.level))
                           : fmt::format("[{} {}", to_string(finding.verdict), in_words(finding.level));
    if (const CheckedCertificate* certificate = certificate_of(position))
      text += certificate->accepted
                  ? fmt::format("; certificate {} checked", certificate->id)
                  : fmt::format("; certificate {} REFUSED: {}", certificate->id, certificate->reason);
    return text + "]";
  }

  void write_box() {
    if (report_.box.empty()) return;
    begin("BOX");
    for (const std::string& line : report_.box) say(line);
  }

  void write_findings() {
    std::string_view last;
    for (size_t i = 0; i < report_.findings.size(); ++i) {
      const Finding& finding = report_.findings[i];
      if (finding.sentences.empty()) continue;
      if (finding.section != last) begin(finding.section);
      last = finding.section;
      say(shortened(finding.sentences.front()) + "   " + verdict(i));
      for (size_t s = 1; s < finding.sentences.size(); ++s) say("  " + shortened(finding.sentences[s]));
      if (finding.id == "collapse" && finding.certificate)
        say_matrices(Json::parse(finding.certificate->json));
    }
  }

  /// W' and b' of a collapsed part, rounded for reading; exact in the certificate.
  void say_matrices(const Json& certificate) {
    const Json& claim = certificate.at("claim");
    for (const auto& [name, matrix] : claim.at("W").items()) {
      if (!matrix.is_array() || matrix.empty()) continue;
      const std::string title = claim.at("W").size() == 1 ? "W'" : "W'[" + name + "]";
      say(fmt::format("  {} = {}{}", title, row_text(matrix[0]), matrix.size() > 1 ? "" : "   (1 row)"));
      if (matrix.size() > 1) say(fmt::format("  {:>{}}   {}", "", title.size(), row_text(matrix[1])));
      if (matrix.size() > 2)
        say(fmt::format("  {:>{}}   ... {} rows in all", "", title.size(), matrix.size()));
    }
    say(fmt::format("  b' = {}", row_text(claim.at("b"))));
  }

  static std::string row_text(const Json& row) {
    constexpr size_t shown = 6;
    std::string text = "[";
    for (size_t i = 0; i < std::min(shown, row.size()); ++i)
      text +=
          fmt::format("{}{:.5g}", i > 0 ? " " : "", Rational::parse(row[i].get<std::string>()).to_double());
    if (row.size() > shown) text += fmt::format(" ... ({})", row.size());
    return text + "]";
  }

  void write_structure() {
    const Structure& facts = report_.structure;
    const auto residual = static_cast<size_t>(std::ranges::count(facts.regions, true, &Region::residual));
    begin("STRUCTURE");
    if (facts.regions.empty()) return say(fmt::format("a chain of {}", counted(facts.stages.size(), "step")));
    say(fmt::format("{}, {} of them residual; {} that all paths pass", counted(facts.regions.size(), "fork"),
                    residual, counted(facts.stages.size(), "step")));
  }

  void write_cost() {
    const CostReport& cost = report_.cost;
    begin("COST");
    say(fmt::format("{} operations a sample, {} bytes of parameters, {} bytes moved without fusion",
                    grouped(cost.total.operations), grouped(static_cast<double>(cost.parameter_bytes)),
                    grouped(cost.total.bytes_read + cost.total.bytes_written)));
  }
};

/// `limit` lines: each section's first ones, as many of each as there is room for, and how many are left out.
std::vector<std::string> shortened(const std::vector<std::string>& all, size_t limit) {
  std::vector<std::vector<std::string>> sections(1);
  for (const std::string& line : all)
    if (line.empty()) {
      sections.emplace_back();
    } else {
      sections.back().push_back(line);
    }
  std::vector<size_t> shown(sections.size(), 0);
  const auto empty = static_cast<size_t>(std::ranges::count(all, std::string()));
  size_t room = all.size() - empty <= limit ? limit : limit - 1;
  for (bool more = true; more && room > 0;) {
    more = false;
    for (size_t k = 0; k < sections.size() && room > 0; ++k)
      if (shown[k] < sections[k].size()) {
        ++shown[k];
        --room;
        more = true;
      }
  }
  std::vector<std::string> lines;
  size_t left = 0;
  for (size_t k = 0; k < sections.size(); ++k) {
    lines.insert(lines.end(), sections[k].begin(),
                 sections[k].begin() + static_cast<std::ptrdiff_t>(shown[k]));
    left += sections[k].size() - shown[k];
  }
  // Without the empty lines between sections all may fit.
  if (left > 0) lines.push_back(fmt::format("... {} more line{}", left, left == 1 ? "" : "s"));
  return lines;
}

}  // namespace

std::string to_text(const Report& report, int lines) {
  std::vector<std::string> all = Writer(report).write();
  if (lines > 0 && all.size() > static_cast<size_t>(lines)) all = shortened(all, static_cast<size_t>(lines));
  std::string text;
  for (const std::string& line : all) text += (text.empty() ? "" : "\n") + line;
  return text;
}

}  // namespace crease
