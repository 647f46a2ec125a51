#include "wasm/wasi/stderr_lines.h"

#include <gmock/gmock.h>

#include "wasm/wasi/testing/fake_guest.h"

namespace fiso::wasm::wasi {
namespace {

using testing::CollectedLines;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StderrLines, ALineIsToldOnceItsNewlineCame) {
  CollectedLines sink;
  StderrLines lines(&sink, 100_B, 10);
  lines.write("one\ntw");
  EXPECT_THAT(sink.lines, ElementsAre("one"));
  lines.write("o\r\n\nthree");
  EXPECT_THAT(sink.lines, ElementsAre("one", "two", ""));
  lines.flush();
  lines.flush();
  EXPECT_THAT(sink.lines, ElementsAre("one", "two", "", "three"));
}

TEST(StderrLines, TheRestOfALongLineIsDropped) {
  CollectedLines sink;
  StderrLines lines(&sink, 4_B, 10);
  lines.write("abcd\nabcdefgh");
  lines.write("ijk\nx\n");
  EXPECT_THAT(sink.lines, ElementsAre("abcd", "abcd [line cut]", "x"));
}

TEST(StderrLines, TooManyLinesAreDroppedUntilTheNextRun) {
  CollectedLines sink;
  StderrLines lines(&sink, 10_B, 2);
  lines.write("1\n2\n3\n4\n");
  lines.flush();
  EXPECT_THAT(sink.lines, ElementsAre("1", "2", "[further lines of this run are dropped]"));
  lines.restart();
  lines.write("5\n");
  EXPECT_EQ(sink.lines.back(), "5");
}

TEST(StderrLines, NobodyHasToListen) {
  StderrLines lines(nullptr, 10_B, 2);
  lines.write("text\n");
  lines.flush();
}

TEST(StderrLines, TerminalEscapesBecomeText) {
  EXPECT_EQ(escape_controls("\x1b[31mred\x07"), "\\x1b[31mred\\x07");
  EXPECT_EQ(escape_controls("a\tb\x7f"), "a\\tb\\x7f");
  EXPECT_EQ(escape_controls("\xc2\x9b"
                            "1m"),
            "\\xc2\\x9b1m")
      << "U+009B starts an escape sequence as well";
}

TEST(StderrLines, TextIsUntouched) { EXPECT_EQ(escape_controls("Größe → 5 😀 \\"), "Größe → 5 😀 \\"); }

TEST(StderrLines, WhatIsNotUtf8BecomesHex) {
  EXPECT_EQ(escape_controls("\xff"
                            "a\xc3"),
            "\\xffa\\xc3");
  EXPECT_EQ(escape_controls("\xc0\xaf"), "\\xc0\\xaf") << "too long a form";
  EXPECT_EQ(escape_controls("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(escape_controls("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond U+10FFFF";
}

}  // namespace
}  // namespace fiso::wasm::wasi
