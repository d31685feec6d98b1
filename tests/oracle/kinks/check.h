// The fields of the oracle, each checked against what crease computes.
#pragma once

#include "tests/oracle/kinks/derivatives.h"

namespace crease::oracle {

void check_file(const Json& file, Report& report);
/// One entry of "cases".
void check_case(const Json& json, Report& report);
/// One entry of "special_cases": odd points and infinite slopes.
void check_special(const Json& json, Report& report);
/// One entry of "metamorphic_groups": spellings of one function.
void check_group(const Json& json, Report& report);

/// The certificates of gradients at the point of a case: "certificates".
void check_claims(const Json& json, Report& report);
/// The certificate that a special case names.
void check_special_claim(const Json& json, const Point& at, Type type, Report& report);

/// Whether one output agrees with `want` in every run; the difference goes to `report` under `field`.
void expect_point(const std::vector<Numbers>& runs, const std::string& output, const Point& want,
                  double tolerance, const std::string& name, const std::string& field, Report& report);
/// "[0.5, 1]".
std::string to_string(const Point& point);
/// Every key of `json` is one of `known`, else a failure.
void expect_fields(const Json& json, const std::vector<std::string>& known, const std::string& name,
                   Report& report);

}  // namespace crease::oracle
