#include "frontends/data/csv.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <clocale>

#include "frontends/data/csv_scanner.h"
#include "tests/files.h"
#include "tests/frontends/gzip.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::thrown_by;
using Cells = std::vector<std::vector<std::string>>;

Cells cells(std::string_view text, char separator = ',') {
  CsvScanner scanner(text, "t.csv", separator);
  Cells rows;
  while (const CsvRow* row = scanner.next()) rows.emplace_back(row->cells.begin(), row->cells.end());
  return rows;
}

Dataset parse(std::string_view text, const CsvOptions& options = {}) {
  return parse_csv(text, "t.csv", options);
}

std::string complaint(std::string_view text, const CsvOptions& options = {}) {
  return thrown_by([&] { parse(text, options); });
}

TEST_CASE("cells are split as RFC 4180 says") {
  CHECK(cells("a,b\nc,d\n") == Cells{{"a", "b"}, {"c", "d"}});
  CHECK(cells("a,b\r\nc,d") == Cells{{"a", "b"}, {"c", "d"}});
  CHECK(cells("a,b\rc,d\r") == Cells{{"a", "b"}, {"c", "d"}});
  CHECK(cells("\xef\xbb\xbf"
              "a,b") == Cells{{"a", "b"}});
  CHECK(cells(R"("a,b","c ""d"" e","")") == Cells{{"a,b", "c \"d\" e", ""}});
  CHECK(cells(R"("""")") == Cells{{"\""}});
  CHECK(cells("\"two\nlines\",x\n1,2") == Cells{{"two\nlines", "x"}, {"1", "2"}});
  CHECK(cells(" a , \"b\" ,\tc\n") == Cells{{"a", "b", "c"}});
  CHECK(cells("a\t b\n", '\t') == Cells{{"a", "b"}});
  CHECK(cells("a,,\n,\n") == Cells{{"a", "", ""}, {"", ""}});
  CHECK(cells("\n\r\na\n\n") == Cells{{"a"}});
  CHECK(cells("") == Cells{});
}

TEST_CASE("text that is no table is an error with its line") {
  CHECK(thrown_by([] { cells("a,b\nc,\"d\ne"); }) ==
        "[read_csv] 't.csv' line 2, column 2: the quote is never closed");
  CHECK(thrown_by([] { cells("a\n\"b\"c,d"); }) ==
        "[read_csv] 't.csv' line 2, column 1: text after the closing quote of \"b\"");
  CHECK(thrown_by([] { cells({"a\nb,c\0d", 7}); }) ==
        "[read_csv] 't.csv' line 2, column 2: a NUL byte: want text");
  CHECK(thrown_by([] {
          cells(
              {"\xff\xfe"
               "a\0",
               4});
        }) == "[read_csv] 't.csv' is UTF-16 text: save it as UTF-8");
  CHECK(thrown_by([] { cells("\"x\ny\",1\n\"z"); }) ==
        "[read_csv] 't.csv' line 3, column 1: the quote is never closed");
}

TEST_CASE("a header is found, or its absence") {
  const Dataset named = parse("a,b,kind\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n");
  CHECK(named.feature_names == std::vector<std::string>{"a", "b"});
  CHECK(named.x == Tensor::f32({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK(named.y == Tensor::i32({4}, {0, 1, 0, 1}));
  CHECK(named.name == "t.csv");
  const Dataset bare = parse("1,2,x\n3,4,y\n");
  CHECK(bare.feature_names.empty());
  CHECK(bare.size() == 2);
  CHECK(parse("1,2,0\n3,4,1\n5,6,1\n", {.header = Header::Present}).size() == 2);
}

TEST_CASE("a first line that is half a header asks what it is") {
  CHECK(complaint("150,4,setosa,0\n1,2,3,0\n") ==
        "[read_csv] 't.csv' line 1, column 3: got 'setosa', want a number; if this line names the columns, "
        "say header=present (Header::Present)");
  CHECK(complaint("0,1,target\n1,2,0\n3,4,1\n") ==
        "[read_csv] 't.csv' line 1, column 3: got the label 'target', but numbers in all other lines; if "
        "this line "
        "names the columns, say header=present (Header::Present)");
}

TEST_CASE("text labels are classes in the order of their names") {
  const Dataset data = parse("1,pear\n2,apple\n3,pear\n");
  CHECK(data.classes == 2);
  CHECK(data.class_names == std::vector<std::string>{"apple", "pear"});
  CHECK(data.y == Tensor::i32({3}, {1, 0, 1}));
}

TEST_CASE("a class whose name is not UTF-8 is an error with its place, other text may be any bytes") {
  CHECK(thrown_by([] { parse_csv("a,kind\n1,x\n2,gr\xfcn\n", "t"); }) ==
        "[read_csv] 't' line 3, column 2 ('kind'): the name of a class is not UTF-8 from byte 2 on: save the "
        "file as UTF-8");
  CHECK(parse_csv("gr\xfcn,kind\n1,x\n2,gr\u00fcn\n", "t").classes == 2);
}

TEST_CASE("small whole numbers are classes in the order of their values") {
  const Dataset data = parse("1,10\n2,9\n3,10.0\n4,9\n");
  CHECK(data.class_names == std::vector<std::string>{"9", "10"});
  CHECK(data.y == Tensor::i32({4}, {1, 0, 1, 0}));
}

TEST_CASE("other numbers are a regression, and the choice can be made") {
  CHECK(parse("1,0.5\n2,1\n").y == Tensor::f32({2}, {0.5f, 1}));
  CHECK(parse("1,7\n2,8\n3,9\n").classes == 0);  // as many kinds as rows
  std::string many;
  for (int i = 0; i < 84; ++i) many += "1," + std::to_string(i % 21) + "\n";
  CHECK(parse(many).classes == 0);
  CHECK(parse(many, {.target = Target::Classes}).classes == 21);
  CHECK(parse("1,0\n2,1\n3,0\n4,1\n", {.target = Target::Number}).y == Tensor::f32({4}, {0, 1, 0, 1}));
  CHECK(complaint("1,0\n2,red\n", {.target = Target::Number}) ==
        "[read_csv] 't.csv' line 2, column 2: got 'red', want a number");
}

TEST_CASE("the label may be any column, others may be left out") {
  const std::string text = "kind,a,b,note\nu,1,2,x\nv,3,4,y\n";
  const Dataset data = parse(text, {.label = "kind", .ignore = {"note", "2"}});
  CHECK(data.feature_names == std::vector<std::string>{"b"});
  CHECK(data.x == Tensor::f32({2, 1}, {2, 4}));
  CHECK(data.class_names == std::vector<std::string>{"u", "v"});
  CHECK(parse("u,1\nv,2\n", {.label = "1"}).x == Tensor::f32({2, 1}, {1, 2}));
  CHECK(complaint(text, {.label = "knid"}) ==
        "[read_csv] 't.csv' has no column 'knid': want a number from 1 to 4 or one of kind, a, b, note");
  CHECK(complaint("1,2\n", {.label = "3"}) ==
        "[read_csv] 't.csv' has no column '3': want a number from 1 to 2; it has no header");
  CHECK(complaint("a,a,y\n1,2,3\n", {.label = "a"}) ==
        "[read_csv] 't.csv' has several columns named 'a': give the number of the one you mean");
}

TEST_CASE("numbers are read in all their forms, in any locale") {
  const Dataset data = parse("+1.5,-2e-3,.5,1E2,0x\n1,2,3,4,y\n");
  CHECK(data.x.at(0) == 1.5);
  CHECK(data.x.at(1) == static_cast<double>(-2e-3f));
  CHECK(data.x.at(2) == 0.5);
  CHECK(data.x.at(3) == 100);
  CHECK(parse("1.5e-400,x\n2,y\n").x.at(0) == 0);
  const std::string before = std::setlocale(LC_ALL, nullptr);
  if (std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr) CHECK(parse("1.5,x\n2.5,y\n").x.at(0) == 1.5);
  std::setlocale(LC_ALL, before.c_str());
}

TEST_CASE("a cell that is no number is an error with line, column and name") {
  CHECK(complaint("a,b,c\n1,2,x\n3,4 5,y\n") ==
        "[read_csv] 't.csv' line 3, column 2 ('b'): got '4 5', want a number");
  CHECK(complaint("1,x\n1\x1b[2J" + std::string(50, 'z') + ",y\n") ==
        "[read_csv] 't.csv' line 2, column 1: got '1 [2J" + std::string(35, 'z') + "...', want a number");
  for (const std::string bad : {"inf", "-inf", "1e400", "1e39", "-1e39", "infinity"})
    CHECK(complaint("1,x\n" + bad + ",y\n") ==
          "[read_csv] 't.csv' line 2, column 1: got '" + bad + "', want a finite number in the range of f32");
  CHECK(complaint("1,2.5\n2,inf\n") ==
        "[read_csv] 't.csv' line 2, column 2: got 'inf', want a finite number");
}

TEST_CASE("a ragged row is an error with both counts") {
  CHECK(complaint("1,2,x\n\n3,y\n") == "[read_csv] 't.csv' line 3: got 2 cells, want 3 as in line 1");
  CHECK(complaint("1,2,x\n3,4,5,y\n") == "[read_csv] 't.csv' line 2: got 4 cells, want 3 as in line 1");
}

TEST_CASE("a table without rows or features is an error") {
  CHECK(complaint("") == "[read_csv] 't.csv' is empty: want rows of numbers and a label");
  CHECK(complaint("\n \n") == "[read_csv] 't.csv' is empty: want rows of numbers and a label");
  CHECK(complaint("a,b\n") == "[read_csv] 't.csv' has no rows after its header: want at least one");
  CHECK(complaint("1\n2\n") ==
        "[read_csv] 't.csv' line 1: got 1 column, want a label and at least one feature separated by ','");
  CHECK(complaint("a,b\n1,2\n", {.ignore = {"a"}}) ==
        "[read_csv] 't.csv' line 1: got 2 columns, want a label and at least one feature");
}

TEST_CASE("a missing value does what was asked for") {
  const std::string text = "a,b,y\n1,,0.5\n2,4,1.5\n3,NaN,2.5\n6,8,3.5\n";
  CHECK(complaint(text) ==
        "[read_csv] 't.csv' line 2, column 2 ('b'): the value is missing (''): missing=drop "
        "(Missing::DropRow) leaves such rows out, missing=mean (Missing::Mean) takes the mean");
  const Dataset dropped = parse(text, {.missing = Missing::DropRow});
  CHECK(dropped.x == Tensor::f32({2, 2}, {2, 4, 6, 8}));
  CHECK(dropped.y == Tensor::f32({2}, {1.5f, 3.5f}));
  CHECK(parse(text, {.missing = Missing::Mean}).x == Tensor::f32({4, 2}, {1, 6, 2, 4, 3, 6, 6, 8}));
  CHECK(parse("1,-,0.5\n2,3,1\n", {.missing = Missing::DropRow, .missing_marks = {"-"}}).size() == 1);
}

TEST_CASE("missing labels and empty columns have no mean") {
  const std::string label = "1,0.5\n2,\n";
  CHECK(holds(complaint(label), "line 2, column 2: the value is missing ('')"));
  CHECK(complaint(label, {.missing = Missing::Mean}) ==
        "[read_csv] 't.csv' line 2, column 2: the value is missing (''): missing=drop "
        "(Missing::DropRow) leaves such rows out");
  CHECK(parse(label, {.missing = Missing::DropRow}).size() == 1);
  CHECK(complaint("1,?,0.5\n2,?,1.5\n", {.missing = Missing::Mean}) ==
        "[read_csv] 't.csv' line 1, column 2: the column has no value at all to take the mean of");
  CHECK(complaint("1,\n", {.missing = Missing::DropRow}) ==
        "[read_csv] 't.csv' has no rows: want at least one");
}

TEST_CASE("features that are named are found in any order, whatever else the table has") {
  const CsvOptions options{.feature_names = {"b", "a"}};
  const Dataset data = parse("a,y,b\n1,0.5,2\n3,1.5,4\n", options);
  CHECK(data.x == Tensor::f32({2, 2}, {2, 1, 4, 3}));
  CHECK(data.feature_names == options.feature_names);
  CHECK(data.y == Tensor::f32({2}, {0.5, 1.5}));
  CHECK(complaint("a,c,y\n1,2,3\n", options) ==
        "[read_csv] 't.csv' has no column 'b', which is wanted as a feature: its columns are a, c, y");
  CHECK(complaint("a,b\n1,2\n", options) ==
        "[read_csv] 't.csv' has no column to predict: its columns are a, b, which are features");
  CHECK(
      complaint("a,b,y\n1,2,3\n", {.label = "b", .feature_names = options.feature_names}) ==
      "[read_csv] 't.csv': column 'b' is wanted as a feature, not to be predicted: name the one to predict, "
      "label=COLUMN (CsvOptions::label)");
  CHECK(
      complaint("a,b,y,id\n1,2,3,4\n", options) ==
      "[read_csv] 't.csv' has 2 columns beside the features, the last of them 'id': name the one to predict, "
      "label=COLUMN (CsvOptions::label)");
  const CsvOptions named{.label = "y", .feature_names = options.feature_names};
  CHECK(parse("a,c,b,y,id\n1,7,2,0.5,1\n3,7,4,1.5,2\n", named).y == Tensor::f32({2}, {0.5, 1.5}));
  CHECK(holds(complaint("a,b,b,y\n1,2,2,3\n", options), "several columns named 'b'"));
  CHECK(parse("1,2,0.5\n3,4,1.5\n", options).x == Tensor::f32({2, 2}, {1, 2, 3, 4}));
}

TEST_CASE("the column that a network was trained on is the one to predict, where the table has it") {
  const CsvOptions trained{.usual_label = "y", .feature_names = {"a", "b"}};
  CHECK(parse("a,y,b,id\n1,0.5,2,7\n3,1.5,4,8\n", trained).y == Tensor::f32({2}, {0.5, 1.5}));
  CHECK(parse("a,b,price\n1,2,0.5\n", trained).y == Tensor::f32({1}, {0.5}));
  CsvOptions other = trained;
  other.label = "id";
  CHECK(parse("a,y,b,id\n1,0.5,2,7.5\n", other).y == Tensor::f32({1}, {7.5}));
  other = trained;
  other.target = Target::None;
  CHECK(parse("a,y,b\n1,?,2\n", other).x == Tensor::f32({1, 2}, {1, 2}));
  CHECK(parse("x,y,z\n1,0.5,2\n", {.usual_label = "y"}).x == Tensor::f32({1, 2}, {1, 2}));
  CHECK(parse("x,y,z\n1,0.5,2\n", {.usual_label = "y", .ignore = {"y"}}).y == Tensor::f32({1}, {2}));
}

TEST_CASE("what stands between the cells is found in the first line") {
  const Dataset data = parse("a,b,kind\n1,2,0.5\n");
  for (const char* text :
       {"a;b;kind\n1;2;0.5\n", "a\tb\tkind\n1\t2\t0.5\n", "\r\n \n\"a\";b;kind\r\n1;2;0.5\r\n"}) {
    CAPTURE(text);
    CHECK(parse(text).x == data.x);
    CHECK(parse(text).y == data.y);
    CHECK(parse(text).feature_names == data.feature_names);
    CHECK(parse(text).label_name == "kind");
  }
  CHECK(parse("\"a, b\";kind\n1;0.5\n").feature_names == std::vector<std::string>{"a, b"});
  CHECK(parse("a;b,kind\n1,0.5\n").feature_names == std::vector<std::string>{"a;b"});
  CHECK(parse("a,b|kind\n1|0.5\n", {.separator = '|'}).feature_names == std::vector<std::string>{"a,b"});
  CHECK(holds(complaint("a b\n1 2\n"), "got 1 column, want a label and at least one feature"));
  CHECK(holds(complaint("a\n1\n", {.separator = '\t'}), "separated by tabs"));
}

TEST_CASE("a decimal comma is told, and is no class") {
  CHECK(complaint("a;y\n1,5;2\n") ==
        "[read_csv] 't.csv' line 2, column 1 ('a'): got '1,5', want a number; the decimal sign is a point");
  CHECK(
      complaint("a;y\n1;2,5\n") ==
      "[read_csv] 't.csv' line 2, column 2 ('y'): got '2,5', want a number; the decimal sign is a point, or "
      "say target=classes (Target::Classes)");
  CHECK(parse("a;y\n1;2,5\n", {.target = Target::Classes}).class_names == std::vector<std::string>{"2,5"});
}

TEST_CASE("a table may lack what is to be predicted") {
  const CsvOptions all{.target = Target::None};
  const Dataset data = parse("a,b\n1,2\n3,4\n", all);
  CHECK(data.x == Tensor::f32({2, 2}, {1, 2, 3, 4}));
  CHECK(data.y.sizes().empty());
  CHECK(data.classes == 0);
  CHECK(thrown_by([&] { validate(data); }) ==
        "[dataset] 't.csv' has targets f32 []: want f32 [n] or [n, k] for regression");
  validate_samples(data);
  // One column more than there are features is the label, which is not looked at.
  const CsvOptions two{.feature_count = 2, .target = Target::None};
  CHECK(parse("1,2\n3,4\n", two).x == data.x);
  CHECK(parse("1,2,x\n3,4,\n", two).x == data.x);
  CHECK(parse("0,1,2\n0,3,4\n", {.ignore = {"1"}, .feature_count = 2, .target = Target::None}).x == data.x);
  CHECK(parse("y,1,2\n?,3,4\n", {.label = "1", .target = Target::None}).x == data.x);
  CHECK(parse("x,b,a\n?,2,1\n", {.feature_names = {"a", "b"}, .target = Target::None}).x ==
        Tensor::f32({1, 2}, {1, 2}));
  CHECK(complaint("a,b\n", all) == "[read_csv] 't.csv' has no rows after its header: want at least one");
}

TEST_CASE("the label is the last column that is not ignored, and none that is") {
  CHECK(parse("a,b,c\n1,2.5,3\n4,5.5,6\n", {.ignore = {"c"}}).y == Tensor::f32({2}, {2.5, 5.5}));
  CHECK(complaint("a,b,c\n1,2,3\n", {.label = "c", .ignore = {"c"}}) ==
        "[read_csv] 't.csv': the column to predict, 'c', is ignored as well");
}

TEST_CASE("missing features become the means that were given") {
  CsvOptions options{.missing = Missing::Mean, .means = {10, 20}};
  CHECK(parse("1,?,0.5\n?,2,1.5\n?,2,2.5\n", options).x == Tensor::f32({3, 2}, {1, 20, 10, 2, 10, 2}));
  options.means = {1};
  CHECK(complaint("1,?,0.5\n", options) ==
        "[read_csv] 't.csv' has 2 features, but there are 1 means for missing ones");
}

TEST_CASE("numbers that f32 cannot tell apart are refused") {
  const std::string times = "1700000000,0.5\n1700000020,1.5\n1700000060,2.5\n";
  CHECK(complaint(times) ==
        "[read_csv] 't.csv' line 1, column 1: numbers from 1700000000 to 1700000060 lie too close together "
        "for f32, "
        "which moves them by up to 60: take an offset such as 1700000000 from them first");
  CHECK(holds(complaint("0.5,1700000000\n1.5,1700000020\n2.5,1700000060.5\n"), "column 2: numbers from"));
  CHECK(parse("1700000000,0.5\n1700000000,1.5\n", {}).size() == 2);  // constant anyway
  CHECK(parse("16777216,0.5\n16777218,1.5\n", {}).size() == 2);      // exact
  CHECK(parse("2019.1,0.5\n2020.7,1.5\n", {}).size() == 2);
}

TEST_CASE("rows for a network that is trained already may be as close as they like") {
  const CsvOptions trained{.target = Target::None, .means = {40000}};
  CHECK(parse("50000.10\n50000.15\n", trained).size() == 2);
}

TEST_CASE("gzip tables are read, and no more of them than allowed") {
  const std::string text = "1,2,x\n3,4,y\n";
  CHECK(parse(test::gzipped(text)).x == parse(text).x);
  CHECK(complaint(test::gzipped(std::string(1 << 20, '1')), {.most_bytes = 1000}) ==
        "[read] 't.csv' holds more than 1000 bytes: raise the limit");
}

TEST_CASE("the California housing table is read as it is known") {
  const auto file = test::shared_file("data/california-housing/housing.csv.gz");
  if (!file) return;
  CsvOptions options{.label = "median_house_value", .ignore = {"ocean_proximity"}};
  CHECK(holds(thrown_by([&] { read_csv(*file, options); }),
              "line 292, column 5 ('total_bedrooms'): the value is missing ('')"));
  options.missing = Missing::DropRow;
  const Dataset data = read_csv(*file, options);
  CHECK(data.size() == 20640 - 207);
  CHECK(data.features() == 8);
  CHECK(data.classes == 0);
  CHECK(data.y.at(0) == 452600);
  options.missing = Missing::Mean;
  CHECK(read_csv(*file, options).size() == 20640);
}

TEST_CASE("the wine table is read as it is known") {
  const auto file = test::shared_file("data/sklearn-toy/wine_data.csv");
  if (!file) return;
  CHECK(holds(thrown_by([&] { read_csv(*file); }),
              "line 1, column 3: got 'class_0', want a number; if this line"));
}

}  // namespace
}  // namespace crease
