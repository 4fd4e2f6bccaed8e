// Addresses that are free, that the router that runs has, and that others have.
#include "apps/tallybusd/check/listener_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstring>

#include "tests/apps/tallybusd/check/loopback.h"
#include "tests/apps/tallybusd/config/load_text.h"

namespace tallybus::check {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ListenerCheckTest : public ::testing::Test {
 protected:
  // "note: ..", "error: .." in their order.
  std::vector<std::string> Check(const std::vector<Listener>& listeners,
                                 std::optional<Holder> router = std::nullopt) {
    Findings findings;
    CheckListeners(listeners, spool, std::move(router), &findings);
    std::vector<std::string> said;
    for (const Finding& each : findings.all) {
      said.push_back((each.weight == Weight::kNote      ? "note: "
                      : each.weight == Weight::kWarning ? "warning: "
                                                        : "error: ") +
                     each.text);
    }
    return said;
  }
  std::string At(const char* name) const { return folder.path() + "/" + name; }

  const config::ScratchDirectory folder;
  config::Spool spool{.path = "/somewhere"};
  const Holder me{getpid(), "me"};
  const Holder other{1, "init"};
};

TEST_F(ListenerCheckTest, FreeAddressesAreGoodAndStayFree) {
  const Loopback socket(/*listens=*/false);
  EXPECT_THAT(Check({{"a", "tcp://127.0.0.1:0"},
                     {"b", "tcp://[::1]:0"},
                     {"c", "tcp://127.0.0.1:0"},
                     {"d", "ipc://" + At("x.sock")}}),
              IsEmpty());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(ListenerCheckTest, APortIsANoteOfItsOwnRouterAndElseAnError) {
  const Loopback socket(/*listens=*/true);
  const Listener web = {"listen.web", socket.place()};
  EXPECT_THAT(Check({web}, me), ElementsAre(HasSubstr("note: listen.web: " + web.address +
                                                      " is in use by the router "
                                                      "that runs (me, pid ")));
  EXPECT_THAT(Check({web}), ElementsAre("error: listen.web: " + web.address +
                                        ": in use by another program; stop that one, or set "
                                        "listen.web to another"));
  EXPECT_THAT(Check({web}, Holder{}), ElementsAre(HasSubstr("warning: listen.web")));
}

TEST_F(ListenerCheckTest, AnAddressOfAnotherMachineIsAnError) {
  EXPECT_THAT(Check({{"listen.web", "tcp://192.0.2.1:5580"}}),
              ElementsAre(HasSubstr("; name an address of this machine")));
}

TEST_F(ListenerCheckTest, TwoListenersOfOneAddressAreAnError) {
  const std::string path = "ipc://" + At("x.sock");
  EXPECT_THAT(Check({{"listen.engine", path}, {"listen.open", path}}),
              ElementsAre(HasSubstr("listen.open: " + path + ": is that of listen.engine too")));
  const Loopback free(/*listens=*/false);
  EXPECT_THAT(Check({{"listen.open", "tcp://" + free.place()}, {"listen.web", free.place()}}),
              ElementsAre(HasSubstr("is that of listen.open too")));
}

TEST_F(ListenerCheckTest, APathIsANoteOfItsOwnRouterAndElseAnError) {
  const LockedFile lock(At("admin.sock.lock"));
  const Listener admin = {"listen.admin", "unix:" + At("admin.sock")};
  EXPECT_THAT(Check({admin}, me), ElementsAre(HasSubstr("note: listen.admin: unix:")));
  EXPECT_THAT(Check({admin}, other), ElementsAre(HasSubstr("error: listen.admin: unix:")));
  EXPECT_THAT(Check({admin}), ElementsAre(HasSubstr("in use by ")));
}

TEST_F(ListenerCheckTest, WithASpoolInMemoryTheRouterIsWhoHoldsAPath) {
  spool.path = config::kMemorySpool;
  const LockedFile lock(At("admin.sock.lock"));
  const Loopback socket(/*listens=*/true);
  EXPECT_THAT(
      Check({{"listen.admin", "unix:" + At("admin.sock")}, {"w", "tcp://" + socket.place()}}),
      ElementsAre(HasSubstr("note: listen.admin"), HasSubstr("note: w: ")));
}

TEST_F(ListenerCheckTest, APathThatIsNoSocketsOrHasNoFolderIsAnError) {
  std::ofstream(At("file")) << "x";
  EXPECT_THAT(Check({{"k", "ipc://" + At("file")}}),
              ElementsAre(HasSubstr("a file that is no socket is there; remove it")));
  EXPECT_THAT(Check({{"k", "ipc://" + At("none/x.sock")}}),
              ElementsAre(HasSubstr("No such file or directory; mend the directory")));
}

TEST_F(ListenerCheckTest, ASocketThatSomebodyListensOnIsAnErrorAndADeadOneIsNot) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = At("x.sock");
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_THAT(Check({{"k", "ipc://" + path}}), IsEmpty());
  listen(fd, 1);
  EXPECT_THAT(Check({{"k", "ipc://" + path}}), ElementsAre(HasSubstr("in use by another program")));
  close(fd);
  EXPECT_TRUE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tallybus::check
