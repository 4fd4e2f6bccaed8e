// A shared object, whole and cut at each length.
#include "plugins/loader/elf_file.h"

#include <elf.h>
#include <gtest/gtest.h>
#include <link.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/plugins/loader/plugins.h"
#include "tests/support/scratch_directory.h"

namespace tallybus::loader {
namespace {

class ElfFileTest : public ::testing::Test {
 protected:
  testing::ScratchDirectory folder;
  const std::string file = folder.path() + "/it.so";
};

TEST_F(ElfFileTest, WhatItsSegmentsNeedMustBeThere) {
  std::filesystem::copy_file(testing::PluginPath("hostile"), file);
  EXPECT_FALSE(IsCutShort(file));
  // The last segment ends before the tables that only linkers and debuggers read.
  const uintmax_t whole = std::filesystem::file_size(file);
  for (uintmax_t size = whole / 2; size >= sizeof(ElfW(Ehdr)); size /= 2) {
    std::filesystem::resize_file(file, size);
    EXPECT_TRUE(IsCutShort(file)) << size;
  }
}

TEST_F(ElfFileTest, WhatIsNoSharedObjectIsForTheLoaderToRefuse) {
  EXPECT_FALSE(IsCutShort(folder.path() + "/none"));
  EXPECT_FALSE(IsCutShort(folder.path()));
  std::ofstream(file) << "\x7f"
                         "ELF and no more";
  EXPECT_FALSE(IsCutShort(file));
  std::ofstream(file) << std::string(4096, 'x');
  EXPECT_FALSE(IsCutShort(file));
}

}  // namespace
}  // namespace tallybus::loader
