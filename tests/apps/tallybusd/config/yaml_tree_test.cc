// From YAML to a tree with places, and what is refused on the way.
#include "tallybusd/config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tallybus::config {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string ErrorOf(const std::string& text) {
  return std::string(ParseYaml(text, "t.yaml").status().message());
}

TEST(YamlTreeTest, EveryKeyAndValueKnowsItsPlace) {
  absl::StatusOr<YamlNodePtr> root = ParseYaml("# c\na:\n  b: [x, y]\n", "t.yaml");
  ASSERT_TRUE(root.ok()) << root.status();
  const YamlMember& a = (*root)->members.at(0);
  EXPECT_EQ(a.mark.ToString(), "t.yaml:2:1");
  const YamlMember& b = a.value->members.at(0);
  EXPECT_EQ(b.key, "b");
  EXPECT_EQ(b.mark.ToString(), "t.yaml:3:3");
  EXPECT_EQ(b.value->items.at(1)->mark.ToString(), "t.yaml:3:10");
  EXPECT_EQ(b.value->items.at(1)->text, "y");
}

TEST(YamlTreeTest, TextWithoutADocumentIsANull) {
  for (const char* text : {"", "\n\n", "# nothing\n", "---\n", "~", "null"}) {
    absl::StatusOr<YamlNodePtr> root = ParseYaml(text, "t.yaml");
    ASSERT_TRUE(root.ok()) << root.status();
    EXPECT_EQ((*root)->kind, YamlNode::Kind::kNull) << text;
  }
}

TEST(YamlTreeTest, QuotedNullIsText) { EXPECT_EQ((*ParseYaml("'null'", "t.yaml"))->text, "null"); }

TEST(YamlTreeTest, KeyThatComesTwiceIsRefusedAtItsSecondPlace) {
  EXPECT_EQ(ErrorOf("apps:\n  a.b:\n    url: x\n    url: y\n"),
            "t.yaml:4:5: apps.\"a.b\".url: comes twice in this mapping");
  EXPECT_EQ(ErrorOf("{a: 1, b: 2, 'a': 3}"), "t.yaml:1:14: a: comes twice in this mapping");
  EXPECT_EQ(ErrorOf("a: {x: 1}\nb: {x: 1}\n"), "");
}

TEST(YamlTreeTest, SyntaxErrorIsOneLineWithItsPlace) {
  EXPECT_THAT(ErrorOf("a: [1, 2\nb: 3\n"), StartsWith("t.yaml:2:"));
  EXPECT_THAT(ErrorOf("a: 1\n\tb: 2\n"), StartsWith("t.yaml:2:"));
  EXPECT_THAT(ErrorOf("a: *nowhere\n"), StartsWith("t.yaml:1:4: YAML: "));
  EXPECT_THAT(ErrorOf("a: \"x\n"), Not(HasSubstr("\n")));
  EXPECT_THAT(ErrorOf("[a"), StartsWith("t.yaml:1:1: a bracket left open"));
}

TEST(YamlTreeTest, BareVariableInFlowStyleIsExplained) {
  EXPECT_THAT(ErrorOf("node: { name: ${X} }\n"), HasSubstr("write \"${X}\" in quotes"));
  EXPECT_THAT(ErrorOf("node: { name: } }\n"), Not(HasSubstr("quotes")));
}

TEST(YamlTreeTest, SecondDocumentIsRefused) {
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 2\n"), "t.yaml:2:1: a second YAML document: only one is read");
  EXPECT_EQ(ErrorOf("---\na: 1\n...\n"), "");
}

TEST(YamlTreeTest, TextBehindTheDocumentIsNotIgnored) {
  for (const char* text :
       {"[a] b", "{a: 1}\nb: 2\n", "a: 1\n]\n", "'a' b", "a: 1\n}", "x\n- y: 1\n "}) {
    EXPECT_NE(ErrorOf(text), "") << text;
  }
}

TEST(YamlTreeTest, BytesThatTheParserWouldMisreadAreRefusedAtTheirPlace) {
  EXPECT_EQ(ErrorOf(std::string("a: 1\nb: \x04\nc: 2\n")),
            "t.yaml:2:4: not UTF-8 text, or a control character");
  EXPECT_EQ(ErrorOf("a: \xFF"), "t.yaml:1:4: not UTF-8 text, or a control character");
  EXPECT_NE(ErrorOf(std::string("a\0:\0 \0", 6)), "");
  EXPECT_EQ(ErrorOf("\xEF\xBB\xBF"
                    "a: 1\r\nb: 2\r\n"),
            "");
}

TEST(YamlTreeTest, TagsMergeKeysAndKeysThatAreNoTextAreRefused) {
  EXPECT_EQ(ErrorOf("a: !!int 3"), "t.yaml:1:4: tags have no meaning here");
  EXPECT_EQ(ErrorOf("a: !x [1]"), "t.yaml:1:4: tags have no meaning here");
  EXPECT_EQ(ErrorOf("a: &a {x: 1}\nb: {<<: *a}"), "t.yaml:2:5: merge keys (<<) are not read");
  EXPECT_THAT(ErrorOf("[a]: 1"), HasSubstr("a key that is no text"));
  EXPECT_THAT(ErrorOf("~: 1"), HasSubstr("a key must be text"));
  EXPECT_THAT(ErrorOf("a: &a x\n*a : 1"), HasSubstr("a key must be text"));
}

TEST(YamlTreeTest, AliasesShareTheirValue) {
  absl::StatusOr<YamlNodePtr> root = ParseYaml("a: &a {x: 1}\nb: *a\n", "t.yaml");
  ASSERT_TRUE(root.ok()) << root.status();
  EXPECT_EQ((*root)->members[0].value, (*root)->members[1].value);
}

TEST(YamlTreeTest, AliasInsideOfItselfIsRefused) {
  EXPECT_EQ(ErrorOf("a: &a [*a]"), "t.yaml:1:8: an alias inside of what it stands for");
}

TEST(YamlTreeTest, BombOfAliasesIsRefused) {
  std::string text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = " *x" + std::to_string(i - 1);
    text += "x" + std::to_string(i) + ": &x" + std::to_string(i) + " [";
    for (int k = 0; k < 10; ++k) text += (k > 0 ? "," : "") + before;
    text += "]\n";
  }
  EXPECT_THAT(ErrorOf(text), HasSubstr("too many values"));
}

TEST(YamlTreeTest, TooManyLevelsAreRefusedWrittenOrBuiltFromAliases) {
  EXPECT_THAT(ErrorOf(std::string(40, '[') + std::string(40, ']')), HasSubstr("too many levels"));
  EXPECT_NE(ErrorOf(std::string(100'000, '[')), "");
  std::string text = "x0: &x0 [a]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string n = std::to_string(i);
    text += "x" + n + ": &x" + n + " [*x" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_THAT(ErrorOf(text), HasSubstr("too many levels"));
}

TEST(YamlTreeTest, SourceWithoutLinesIsNamedAlone) {
  EXPECT_THAT(std::string(ParseYaml("'a", "--set x", false).status().message()),
              StartsWith("--set x: YAML: "));
}

TEST(YamlTreeTest, PathQuotesKeysThatWouldMislead) {
  EXPECT_EQ(JoinPath("", "apps"), "apps");
  EXPECT_EQ(JoinPath("apps", "default_App-1"), "apps.default_App-1");
  EXPECT_EQ(JoinPath("apps", "live.example"), "apps.\"live.example\"");
  EXPECT_EQ(JoinPath("apps", "a\n\"b"), "apps.\"a\\n\\\"b\"");
  EXPECT_EQ(JoinPath("apps", ""), "apps.\"\"");
  EXPECT_EQ(JoinPath("", std::string(1000, 'k')), std::string(64, 'k') + "...");
}

}  // namespace
}  // namespace tallybus::config
