#include "graph/analysis/json_problem.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace crease {
namespace {

using nlohmann::json;

/// What is said of reading `text` and then `use`.
template <class Use>
std::string said(const std::string& text, Use use) {
  try {
    use(json::parse(text));
  } catch (const std::exception& problem) {
    return json_problem(text, problem);
  }
  return "nothing";
}

std::string said(const std::string& text) {
  return said(text, [](const json&) {});
}

TEST_CASE("text that is no JSON is named by line, column and character") {
  CHECK(said("{}") == "nothing");
  CHECK(said("") == "line 1, column 1: no JSON: the text ends too early");
  CHECK(said("{\"a\": 1,\n \"b\": }") == "line 2, column 7: no JSON: got '}'");
  CHECK(said("\x7f"
             "ELF") == "line 1, column 1: no JSON: got the byte 0x7f");
  CHECK(said("{\"a\": [1, 2") == "line 1, column 12: no JSON: the text ends too early");
  CHECK(said("{}\n\nx") == "line 3, column 1: no JSON: got 'x'");
}

TEST_CASE("values of another form are named in our words") {
  const std::string text = R"({"list": [1, 2], "number": 3})";
  CHECK(said(text, [](const json& j) { j.at("name"); }) == "field 'name' is missing");
  CHECK(said(text, [](const json& j) { j.at("number").get<std::string>(); }) ==
        "a field is number, want string");
  CHECK(said(text, [](const json& j) { j.at("list").at(2); }) == "a list is too short");
  CHECK(said(text, [](const json& j) { j.at("number").at("x"); }) == "a field has another form");
  CHECK(said(text, [](const json&) { std::vector<int>().at(1); }) == "a list is too short");
  CHECK(said(text, [](const json&) { static_cast<void>(std::stoi("x")); }) == "a number is malformed");
  CHECK(said(text, [](const json&) { throw std::runtime_error("own words"); }) == "own words");
}

}  // namespace
}  // namespace crease
