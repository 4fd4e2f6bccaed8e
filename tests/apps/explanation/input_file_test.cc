// What a command is told by a file.
#include "apps/explanation/input_file.h"

#include <gtest/gtest.h>

#include "tests/apps/tallybusd/config/load_text.h"

namespace tallybus {
namespace {

TEST(InputFileTest, ReadsAFileAndNamesOneThatIsMissing) {
  const config::ScratchDirectory folder;
  const std::string path = folder.path() + "/x";
  EXPECT_EQ(std::string(ReadInput(path).status().message()), "'" + path + "' cannot be read");
  std::ofstream(path) << "two\nlines\n";
  EXPECT_EQ(*ReadInput(path), "two\nlines\n");
}

TEST(InputFileTest, ASecretIsItsTextOrItsFileWithoutTheLastLineEnd) {
  const config::ScratchDirectory folder;
  std::ofstream(folder.path() + "/key") << "s3cret\r\n";
  EXPECT_EQ(*ReadSecret("s3cret"), "s3cret");
  EXPECT_EQ(*ReadSecret("file:" + folder.path() + "/key"), "s3cret");
  EXPECT_FALSE(ReadSecret("file:" + folder.path() + "/other").ok());
}

}  // namespace
}  // namespace tallybus
