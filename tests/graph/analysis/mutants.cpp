#include "tests/graph/analysis/mutants.h"

#include "graph/error.h"
#include "graph/rational.h"

namespace crease::test {
namespace {

using Json = nlohmann::json;

class Changes {
 public:
  explicit Changes(const Json& original) : original_(original) { visit(Json::json_pointer()); }
  std::vector<Mutant> take() { return std::move(mutants_); }

 private:
  const Json& original_;
  std::vector<Mutant> mutants_;

  template <class Change>
  void add(const Json::json_pointer& place, const char* what, Change&& change) {
    Mutant mutant{place.to_string() + ": " + what, original_};
    change(mutant.json.at(place));
    mutants_.push_back(std::move(mutant));
  }

  void visit(const Json::json_pointer& place) {
    const Json& here = original_.at(place);
    if (here.is_object()) {
      add(place, "an unknown field", [](Json& object) { object["surprise"] = 1; });
      for (const auto& [key, value] : here.items()) {
        add(place / key, "deleted", [](Json&) {});
        mutants_.back().json.at(place).erase(key);
        add(place / key, "renamed", [](Json&) {});
        mutants_.back().json.at(place)[key + "x"] = value;
        mutants_.back().json.at(place).erase(key);
        visit(place / key);
      }
    } else if (here.is_array()) {
      for (size_t i = 0; i < here.size(); ++i) {
        add(place, "an element deleted", [i](Json& list) { list.erase(i); });
        add(place, "an element doubled",
            [i](Json& list) { list.insert(list.begin() + static_cast<long>(i), list[i]); });
        visit(place / i);
      }
    } else if (here.is_number_integer()) {
      add(place, "one greater", [](Json& number) { number = number.get<int64_t>() + 1; });
    } else {
      add(place, "another text", [](Json& text) { text = changed(text.get<std::string>()); });
    }
  }

  static std::string changed(const std::string& text) {
    try {
      return to_string(Rational::parse(text) + Rational(1));
    } catch (const Error&) {
      return text + "x";
    }
  }
};

}  // namespace

std::vector<Mutant> mutants(const Json& json) { return Changes(json).take(); }

}  // namespace crease::test
