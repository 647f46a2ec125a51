#include "config/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fiso::config {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Node parsed(std::string_view text) {
  Errors errors;
  std::optional<Document> document = Document::parse(text, "f.yaml", errors);
  EXPECT_EQ(errors.render(), "");
  return document ? document->root() : Node();
}

std::string complaints(std::string_view text) {
  Errors errors;
  (void)Document::parse(text, "f.yaml", errors);
  return errors.render();
}

// Flow style with every scalar in quotes, aliases and merges written out.
std::string flat(const Node& node) {
  std::string out;
  switch (node.kind()) {
    case NodeKind::kNull: return "null";
    case NodeKind::kText: return quote(node.text());
    case NodeKind::kList:
      for (const Node& item : node.items()) out += (out.empty() ? "" : ", ") + flat(item);
      return "[" + out + "]";
    case NodeKind::kMap:
      for (const Entry& entry : node.entries()) out += (out.empty() ? "" : ", ") + entry.key.text() + ": " + flat(entry.value);
      return "{" + out + "}";
  }
  return out;
}

TEST(Document, KeepsTheOrderOfKeys) {
  EXPECT_EQ(flat(parsed("b: 1\na: [x, 'y']\nc: {d: ~}\n")), R"({b: "1", a: ["x", "y"], c: {d: null}})");
}

TEST(Document, AnEmptyTextIsNull) {
  for (std::string_view text : {"", "# nothing\n", "---\n", "\xEF\xBB\xBF"}) EXPECT_TRUE(parsed(text).is_null()) << text;
}

TEST(Document, ASecondDocumentIsRefusedBesideTheFirst) {
  Errors errors;
  std::optional<Document> document = Document::parse("---\na: 1\n---\nb: \"unclosed", "f.yaml", errors);
  ASSERT_TRUE(document);
  EXPECT_EQ(flat(document->root()), R"({a: "1"})");
  EXPECT_EQ(errors.render(), "f.yaml:3:1: a second document begins here, and a file holds one: split it\n");
  EXPECT_EQ(complaints("a: 1\n---\n"), "f.yaml:2:1: a second document begins here, and a file holds one: split it\n");
  EXPECT_EQ(complaints("---\na: 1\n...\n# the end\n"), "");
}

TEST(Document, KeysAndValuesKnowTheirPlace) {
  Node root = parsed("name: x\nsource:\n  type:   http\n  list:\n  - é: {deep: 1}\n");
  Entry source = root.entries()[1];
  EXPECT_EQ(source.key.position(), (Position{2, 1}));
  EXPECT_EQ(source.value.position(), (Position{3, 3}));
  EXPECT_EQ(source.value.find("type")->position(), (Position{3, 11}));
  Entry item = source.value.find("list")->items()[0].entries()[0];
  EXPECT_EQ(item.key.position(), (Position{5, 5}));
  EXPECT_EQ(item.value.position(), (Position{5, 8}));
  EXPECT_EQ(item.value.find("deep")->file(), "f.yaml");
}

TEST(Document, AValueThatIsLeftOutIsNullAtItsKey) {
  Node root = parsed("a:\nb: 1\n");
  EXPECT_TRUE(root.find("a")->is_null());
  EXPECT_EQ(root.find("a")->position(), (Position{1, 1}));
}

TEST(Document, QuotesAndTagsMakeText) {
  Node root = parsed("plain: 42\nquoted: \"42\"\ntagged: !!str 42\nblock: |\n  42\nempty: ''\nword: 'null'\n");
  EXPECT_FALSE(root.find("plain")->is_quoted());
  for (const char* key : {"quoted", "tagged", "block", "empty", "word"}) {
    EXPECT_TRUE(root.find(key)->is_quoted()) << key;
    EXPECT_EQ(root.find(key)->kind(), NodeKind::kText) << key;
    EXPECT_FALSE(root.find(key)->looks_like_number()) << key;
  }
}

TEST(Document, KnowsWhatLooksLikeANumber) {
  for (const char* text : {"0", "-1", "+1.5", "1e6", ".5", "0x1F", "0o17", ".inf", "1e999"})
    EXPECT_TRUE(parsed(text).looks_like_number()) << text;
  for (const char* text : {"30s", "127.0.0.1", ":8081", "1_000", "-", "x1", ".", "0x", "nan"})
    EXPECT_FALSE(parsed(text).looks_like_number()) << text;
}

TEST(Document, AliasesShareWhatIsAnchored) {
  Node root = parsed("a: &x {k: [1]}\nb: *x\n");
  EXPECT_EQ(flat(root), R"({a: {k: ["1"]}, b: {k: ["1"]}})");
  EXPECT_EQ(root.find("b")->position(), root.find("a")->position());
}

TEST(Document, OwnEntriesWinOverMergedOnes) {
  EXPECT_EQ(flat(parsed("base: &b {x: 1, y: 1}\nother: &o {y: 2, z: 2}\nm: {<<: [*b, *o], x: 0}\n").find("m").value()),
            R"({x: "0", y: "1", z: "2"})");
  EXPECT_EQ(flat(parsed("'<<': 1")), R"({<<: "1"})");
}

TEST(Document, WhatIsAbsentStandsWhereItWouldBe) {
  Node root = parsed("\n  a: 1\n");
  Node nothing = Node::nothing_in(root);
  EXPECT_TRUE(nothing.is_null());
  EXPECT_EQ(nothing.position(), root.position());
  EXPECT_EQ(nothing.size(), 0u);
  EXPECT_FALSE(nothing.find("a"));
  EXPECT_EQ(Node().position(), Position{});
}

TEST(Document, SaysWhatANodeIs) {
  Node root = parsed("[8081, true, 'true', abc, {}, [], ~]");
  std::vector<std::string> found;
  for (const Node& item : root.items()) found.push_back(describe(item));
  EXPECT_THAT(found, testing::ElementsAre("the number 8081", "true", "the text \"true\"", "the text \"abc\"", "a map", "a list",
                                          "nothing"));
}

TEST(Document, SyntaxErrorsHaveAPlaceAndPrintNothing) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  std::string found;
  for (const char* text : {"a: [1, 2", "a: \"x\nb: 1", "a: b: c", "password: \"hunter2\\q\"", "%YAML 3.0\n---\na"})
    found += complaints(text);
  EXPECT_EQ(testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(found,
            "f.yaml:2:1: flow sequence without a closing bracket\n"
            "f.yaml:1:4: wrongly indented double-quoted scalar\n"
            "f.yaml:1:5: invalid nested block mapping on the same line\n"
            "f.yaml:1:19: invalid escape 'q' in double-quoted string\n"
            "f.yaml:1:1: unsupport version number 3.0\n");
}

TEST(Document, EveryDuplicateKeyIsReported) {
  EXPECT_EQ(complaints("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n\"a\": 4\n"),
            "f.yaml:4:3: duplicate key \"c\", first at 3:3\n"
            "f.yaml:5:1: duplicate key \"a\", first at 1:1\n"
            "f.yaml:6:1: duplicate key \"a\", first at 1:1\n");
}

TEST(Document, ADocumentWithDuplicateKeysIsStillReadable) {
  Errors errors;
  std::optional<Document> document = Document::parse("a: 1\na: 2\n", "f.yaml", errors);
  ASSERT_TRUE(document);
  EXPECT_EQ(flat(document->root()), R"({a: "1"})");
}

TEST(Document, RefusesWhatWouldHaveNoEffect) {
  EXPECT_EQ(complaints("a: !!int 4\nb: !secret x\n"),
            "f.yaml:1:10: the tag \"tag:yaml.org,2002:int\" is not supported\n"
            "f.yaml:2:12: the tag \"!secret\" is not supported\n");
  EXPECT_EQ(complaints("? [a, b]\n: 1\n"), "f.yaml:1:3: a key must be text\n");
  EXPECT_EQ(complaints("~: 1\n"), "f.yaml:1:1: a key must be text\n");
  EXPECT_EQ(complaints("a: {<<: 5}\n"), "f.yaml:1:9: << merges a map or a list of maps\n");
}

TEST(Document, RefusesAliasesThatLeadNowhereOrInCircles) {
  EXPECT_EQ(complaints("a: *b\n"), "f.yaml:1:5: the alias \"b\" has no anchor before it\n");
  EXPECT_EQ(complaints("a: &a [*a]\n"), "f.yaml:1:9: the alias \"a\" contains itself\n");
}

TEST(Document, RefusesBytesThatAreNotText) {
  EXPECT_EQ(complaints("a: \xff\n"), "f.yaml:1:4: not valid UTF-8\n");
  EXPECT_EQ(complaints("é: x\nb: \xC3"), "f.yaml:2:4: not valid UTF-8\n");
  EXPECT_EQ(complaints(std::string_view("a: 1\nb\0: 2", 10)), "f.yaml:2:2: control character 0x00\n");
  EXPECT_EQ(complaints("\xED\xA0\x80"), "f.yaml:1:1: not valid UTF-8\n");
  EXPECT_EQ(complaints("args: [a, \"b\\0c\"]\nenv: {\"K\\x00\": v}\n"),
            "f.yaml:1:11: a text cannot hold the character NUL\n"
            "f.yaml:2:7: a text cannot hold the character NUL\n");
}

TEST(Document, RefusesATextThatIsTooLarge) {
  EXPECT_EQ(complaints(std::string(kMaxDocumentBytes + 1, ' ')), "f.yaml: larger than 1048576 bytes\n");
  EXPECT_EQ(complaints(std::string(kMaxDocumentBytes, ' ')), "");
}

TEST(Document, NestsToItsLimitAndNoDeeper) {
  auto nested = [](size_t levels) { return std::string(levels, '[') + "x" + std::string(levels, ']'); };
  EXPECT_EQ(complaints(nested(kMaxNesting)), "");
  EXPECT_EQ(complaints(nested(kMaxNesting + 1)), "f.yaml:1:65: nested deeper than 64 levels\n");
  EXPECT_EQ(complaints(std::string(kMaxDocumentBytes, '{')), "f.yaml:1:1: nested deeper than 64 levels\n");
  EXPECT_EQ(complaints("a: &a " + nested(40) + "\nb: [[[[" + nested(20) + "]]]]\n"), "");
  EXPECT_THAT(complaints("a: &a " + nested(40) + "\nb: " + std::string(30, '[') + "*a" + std::string(30, ']')),
              HasSubstr("nested deeper"));
}

// Each list names the one before it nine times: nine to the power of the number of lines when written out.
TEST(Document, RefusesABombOfAliases) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    std::string alias = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int n = 0; n < 9; ++n) bomb += alias + ", ";
    bomb += "]\n";
  }
  EXPECT_THAT(complaints(bomb), StartsWith("f.yaml:6:"));
  EXPECT_THAT(complaints(bomb), HasSubstr("more than 100000 values once its aliases are expanded"));
}

TEST(Document, RefusesABombOfMerges) {
  std::string bomb = "m0: &m0 {k: 1}\n";
  for (int i = 1; i < 40; ++i) {
    std::string base = "*m" + std::to_string(i - 1);
    bomb += "m" + std::to_string(i) + ": &m" + std::to_string(i) + " {l" + std::to_string(i) + ": [" + base + ", " + base +
            "], <<: " + base + "}\n";
  }
  EXPECT_THAT(complaints(bomb), HasSubstr("more than 100000 values"));
}

TEST(Document, RefusesMoreValuesThanAnyConfigurationHas) {
  std::string list = "[";
  for (size_t i = 0; i < kMaxNodes; ++i) list += "1,";
  EXPECT_THAT(complaints(list + "1]"), HasSubstr("more than 100000 values"));
}

TEST(Errors, AreRenderedByPosition) {
  Errors errors;
  errors.add({"b.yaml", 1, 1, "", "late file"});
  errors.add({"a.yaml", 10, 2, "x.y", "later"});
  errors.add({"a.yaml", 9, 30, "x", "earlier"});
  errors.add({"a.yaml", 0, 0, "", "the whole file"});
  EXPECT_EQ(errors.render(), "a.yaml: the whole file\na.yaml:9:30: x: earlier\na.yaml:10:2: x.y: later\nb.yaml:1:1: late file\n");
}

TEST(Errors, QuotesStayOnOneShortLine) {
  EXPECT_EQ(quote("a\n\"\x01\\"), R"("a\n\"\x01\\")");
  EXPECT_EQ(quote(std::string(200, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

TEST(Errors, PathsAreReadable) {
  EXPECT_EQ(join_path(join_path(join_path("", "interceptors"), 0), "config"), "interceptors[0].config");
  EXPECT_EQ(join_path("env", "a.b"), "env[\"a.b\"]");
}

}  // namespace
}  // namespace fiso::config
