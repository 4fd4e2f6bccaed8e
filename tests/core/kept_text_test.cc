// Names of any length in at most 64 bytes, still told apart.
#include "kept_text.h"

#include <gtest/gtest.h>

namespace tallybus {
namespace {

struct Kept {
  char bytes[kKeptTextBytes];
  uint8_t length;

  explicit Kept(std::string_view text) : bytes{}, length(KeptLength(text)) {
    EXPECT_EQ(KeepText(text, bytes), bytes + KeptBytes(length));
  }
  std::string Shown() const { return ShownText(bytes, length); }
  bool operator==(const Kept& other) const {
    return length == other.length && std::string_view(bytes, KeptBytes(length)) ==
                                         std::string_view(other.bytes, KeptBytes(other.length));
  }
};

TEST(KeptTextTest, KeepsUpTo64BytesWhole) {
  for (const std::string& text :
       {std::string(), std::string("cam7"), std::string("a\0b", 3), std::string(64, 'x')}) {
    EXPECT_EQ(Kept(text).Shown(), text);
  }
}

TEST(KeptTextTest, ShowsTheBeginningAndTheSizeOfWhatIsLonger) {
  EXPECT_EQ(Kept(std::string(4096, 'x')).Shown(), std::string(52, 'x') + "... (4096 bytes)");
  EXPECT_EQ(Kept(std::string(65, 'x')).Shown(), std::string(52, 'x') + "... (65 bytes)");
}

TEST(KeptTextTest, TellsLongTextsApartThatBeginAlike) {
  const std::string one = std::string(4095, 'x') + "1";
  const std::string two = std::string(4095, 'x') + "2";
  EXPECT_TRUE(Kept(one) == Kept(one));
  EXPECT_FALSE(Kept(one) == Kept(two));
}

TEST(KeptTextTest, TakesNoShortTextForACutOne) {
  const std::string text(100, 'x');
  const Kept cut(text);
  EXPECT_FALSE(Kept(std::string_view(cut.bytes, kKeptTextBytes)) == cut);
}

TEST(KeptTextTest, CutsBetweenCharacters) {
  for (size_t shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    while (text.size() < 200) text += "\xF0\x9F\x8E\xA5";
    const std::string shown = Kept(text).Shown();
    const size_t dots = shown.find("... (");
    ASSERT_NE(dots, std::string::npos);
    EXPECT_EQ((dots - shift) % 4, 0u) << shown;
    EXPECT_GE(dots, 44u);
  }
}

}  // namespace
}  // namespace tallybus
