// Names that the way from doctest to CTest has to survive: a case whose filter does not match it fails in
// CTest.
#include <doctest/doctest.h>

TEST_CASE("a name may hold a half-open interval such as [0, 1)") { CHECK(true); }

TEST_CASE("a name may hold the other one, (0, 1], and {braces}") { CHECK(true); }

TEST_CASE("a name may hold commas, \"quotes\", 'quotes', $HOME, ${HOME} and a \\") { CHECK(true); }

TEST_CASE("a name may hold stars * and question marks?") { CHECK(true); }
