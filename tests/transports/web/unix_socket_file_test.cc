// Whose a socket's path is: a dead process's, a live one's, a stranger's.
#include "transports/web/unix_socket_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/support/scratch_directory.h"

namespace tallybus {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A bound socket, listening or not, that knows of no lock.
class ForeignSocket {
 public:
  ForeignSocket(const std::string& path, bool listening) : fd_(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    if (listening) {
      EXPECT_EQ(listen(fd_, 1), 0);
    }
  }
  ~ForeignSocket() { close(fd_); }  // the file stays, as of a process that was killed

 private:
  const int fd_;
};

class UnixSocketFileTest : public ::testing::Test {
 protected:
  absl::Status Claim() { return UnixSocketFile::Claim("listen.admin", path_).status(); }
  std::string Complaint() { return std::string(Claim().message()); }
  bool IsThere() { return std::filesystem::exists(std::filesystem::symlink_status(path_)); }

  const testing::ScratchDirectory directory_;
  std::string path_ = directory_.path() + "/a.sock";
};

TEST_F(UnixSocketFileTest, RemovesTheSocketThatADeadProcessLeft) {
  { const ForeignSocket dead(path_, /*listening=*/true); }
  ASSERT_TRUE(IsThere());
  EXPECT_TRUE(Claim().ok()) << Complaint();
  EXPECT_FALSE(IsThere());
}

TEST_F(UnixSocketFileTest, RefusesAPathThatAnotherHolderOfTheLockHasAndNamesTheMend) {
  std::optional<UnixSocketFile> first = *UnixSocketFile::Claim("listen.admin", path_);
  EXPECT_EQ(Claim().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Complaint(), "listen.admin: cannot listen on unix:" + path_ +
                             ": another process listens there; stop it, or give this one another "
                             "listen.admin");
  first.reset();
  EXPECT_TRUE(Claim().ok()) << "the lock ends with its holder, its file does no harm";
}

TEST_F(UnixSocketFileTest, RefusesAPathWhereAProgramWithoutTheLockListensAndLeavesItsFile) {
  const ForeignSocket live(path_, /*listening=*/true);
  EXPECT_EQ(Claim().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(Complaint(), AllOf(HasSubstr("listen.admin"), HasSubstr(path_),
                                 HasSubstr("another program listens there; stop it")));
  EXPECT_TRUE(IsThere());
}

TEST_F(UnixSocketFileTest, NeverRemovesAFileThatIsNoSocket) {
  std::ofstream(path_) << "precious";
  EXPECT_THAT(Complaint(), HasSubstr("a file that is no socket is there; remove it"));
  EXPECT_TRUE(IsThere());
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("/nowhere", path_);
  EXPECT_THAT(Complaint(), HasSubstr("no socket"));
  EXPECT_TRUE(IsThere());
}

TEST_F(UnixSocketFileTest, TakesTheLongestPathAndRefusesAByteMore) {
  path_ = directory_.path() + "/";
  path_ += std::string(kMaxUnixSocketPath - 5 - path_.size(), 'x') + ".sock";
  ASSERT_EQ(path_.size(), kMaxUnixSocketPath);
  EXPECT_TRUE(Claim().ok()) << Complaint();
  path_ += "x";
  EXPECT_EQ(Claim().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(Complaint(), AllOf(HasSubstr("listen.admin: the path of a socket holds at most 107 "
                                           "bytes"),
                                 HasSubstr("has 108")));
}

TEST_F(UnixSocketFileTest, RefusesWhatIsNoAbsolutePath) {
  for (const char* path : {"", "a.sock", "./a.sock", "@abstract"}) {
    path_ = path;
    EXPECT_EQ(Claim().code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_THAT(Complaint(), HasSubstr("needs an absolute path")) << path;
  }
}

TEST_F(UnixSocketFileTest, NamesTheDirectoryThatIsMissing) {
  path_ = directory_.path() + "/none/a.sock";
  EXPECT_THAT(Complaint(), AllOf(HasSubstr(path_ + ".lock cannot be made: No such file"),
                                 HasSubstr("mend its directory")));
}

TEST_F(UnixSocketFileTest, RemovesItsOwnSocketAtTheEndAndNoOther) {
  {
    absl::StatusOr<UnixSocketFile> file = UnixSocketFile::Claim("listen.admin", path_);
    ASSERT_TRUE(file.ok());
    const ForeignSocket ours(path_, /*listening=*/false);
    file->Bound();
  }
  EXPECT_FALSE(IsThere());
  {
    absl::StatusOr<UnixSocketFile> file = UnixSocketFile::Claim("listen.admin", path_);
    ASSERT_TRUE(file.ok());
    const ForeignSocket ours(path_, /*listening=*/false);
    file->Bound();
    std::filesystem::rename(path_, path_ + ".moved");  // so that its inode is not given out again
    std::ofstream(path_) << "somebody else's";
  }
  EXPECT_TRUE(IsThere());
}

}  // namespace
}  // namespace tallybus
