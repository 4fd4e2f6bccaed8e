// A second bind on the path of a live socket would steal it, so paths are looked at alone.
#include "apps/tallybusd/check/listener_check.h"

#include <absl/cleanup/cleanup.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "apps/tallybusd/check/folder.h"
#include "apps/tallybusd/config/runtime_dir.h"
#include "tallybus/counted.h"

namespace tallybus::check {
namespace {

constexpr std::string_view kTcp = "tcp://";
constexpr std::string_view kPaths[] = {"ipc://", "unix:"};

// nullopt: a TCP port.
std::optional<std::string> PathOf(const std::string& address) {
  for (const std::string_view scheme : kPaths) {
    if (address.starts_with(scheme)) return address.substr(scheme.size());
  }
  return std::nullopt;
}

// The same for the same place: `tcp://` may be left out.
std::string PlaceOf(const std::string& address) {
  return address.starts_with(kTcp) ? address.substr(kTcp.size()) : address;
}

struct Port {
  std::string host;  // in digits, without brackets
  std::string number;
};

Port PortOf(const std::string& address) {
  const std::string place = PlaceOf(address);
  const size_t colon = place.rfind(':');
  std::string host = place.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return {std::move(host), place.substr(colon + 1)};
}

// 0, or the errno of why not.
int TryBinding(const Port& port) {
  addrinfo hints = {};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(port.host.c_str(), port.number.c_str(), &hints, &found) != 0) return EINVAL;
  const absl::Cleanup frees = [found] { freeaddrinfo(found); };
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const absl::Cleanup closes = [fd] { close(fd); };
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);  // as the daemon does
  return bind(fd, found->ai_addr, found->ai_addrlen) == 0 ? 0 : errno;
}

// Whether somebody takes connections there.
bool IsListenedOn(const std::string& path) {
  sockaddr_un address = {};
  if (path.size() >= sizeof address.sun_path) return false;
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, path.data(), path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const absl::Cleanup closes = [fd] { close(fd); };
  return connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

class ListenerCheck {
 public:
  ListenerCheck(const std::optional<Holder>& router, Findings* findings)
      : router_(router), findings_(*findings) {}

  void Check(const Listener& listener) {
    const std::optional<std::string> path = PathOf(listener.address);
    if (path) return CheckPath(listener, *path);
    const Port port = PortOf(listener.address);
    const int error = TryBinding(port);
    if (error == EADDRINUSE) return CheckOwner(listener, port);
    if (error == 0) return;
    Wrong(listener, absl::StrCat(strerror(error), error == EACCES
                                                      ? "; ports below 1024 need a right of their "
                                                        "own (CAP_NET_BIND_SERVICE)"
                                                      : "; name an address of this machine"));
  }

 private:
  void Wrong(const Listener& listener, const std::string& why) {
    findings_.Error(absl::StrCat(listener.key, ": ", listener.address, ": ", why));
  }

  void Taken(const Listener& listener, const std::string& by) {
    Wrong(listener,
          absl::StrCat("in use by ", by, "; stop that one, or set ", listener.key, " to another"));
  }

  void TakenByRouter(const Listener& listener) {
    findings_.Add(Weight::kNote,
                  absl::StrCat(listener.key, ": ", listener.address,
                               " is in use by the router that runs (", router_->ToString(), ")"));
  }

  void CheckOwner(const Listener& listener, const Port& port) {
    uint32_t number = 0;
    const bool known = router_ && absl::SimpleAtoi(port.number, &number);
    if (!known) return Taken(listener, "another program");
    switch (ListensOn(*router_, static_cast<uint16_t>(number))) {
      case Ownership::kOwn:
        return TakenByRouter(listener);
      case Ownership::kForeign:
        return Taken(listener, absl::StrCat("another program than the router that runs (",
                                            router_->ToString(), ")"));
      case Ownership::kUnknown:
        break;
    }
    findings_.Add(Weight::kWarning,
                  absl::StrCat(listener.key, ": ", listener.address, " is in use; whether by the ",
                               "router that runs (", router_->ToString(),
                               ") is not to be seen from here: check as its user"));
  }

  void CheckPath(const Listener& listener, const std::string& path) {
    struct stat there;
    const bool exists = lstat(path.c_str(), &there) == 0;
    if (exists && !S_ISSOCK(there.st_mode)) {
      return Wrong(listener, absl::StrCat("a file that is no socket is there; remove it, or set ",
                                          listener.key, " to another path"));
    }
    const auto holder = HolderOf(path + ".lock");
    if (!holder.ok()) return Wrong(listener, std::string(holder.status().message()));
    if (*holder) {
      const bool own = router_ && (*holder)->pid == router_->pid;
      return own ? TakenByRouter(listener) : Taken(listener, (*holder)->ToString());
    }
    if (exists && IsListenedOn(path)) return Taken(listener, "another program");
    CheckFolder(listener, std::filesystem::path(path).parent_path());
  }

  // The daemon makes the runtime directory, and no other.
  void CheckFolder(const Listener& listener, const std::string& folder) {
    const MissingFolders leaves_none(folder);
    absl::Status status;
    if (folder == config::RuntimeDir(config::ProcessEnvironment)) {
      status = config::EnsureRuntimeDir(folder);
    }
    if (status.ok()) status = TryWriting(folder);
    if (status.ok()) return;
    Wrong(listener, absl::StrCat(status.message(), "; mend the directory, or set ", listener.key,
                                 " to another path"));
  }

  const std::optional<Holder>& router_;
  Findings& findings_;
};

// A router without a spool on disk shows itself by its sockets.
std::optional<Holder> RouterBehind(const std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    const std::optional<std::string> path = PathOf(listener.address);
    const auto holder = path ? HolderOf(*path + ".lock") : std::nullopt;
    if (holder.ok() && *holder) return *holder;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Listener> ListenersOf(const config::Listen& listen) {
  std::vector<Listener> listeners;
  const auto add = [&](const char* key, const std::optional<std::string>& address) {
    if (address) listeners.push_back({key, *address});
  };
  add("listen.admin", listen.admin);
  add("listen.engine", listen.engine);
  add("listen.open", listen.open);
  add("listen.clients", listen.clients);
  if (listen.web) add("listen.web", listen.web->ToString());
  return listeners;
}

void CheckListeners(const std::vector<Listener>& listeners, const config::Spool& spool,
                    std::optional<Holder> router, Findings* findings) {
  if (listeners.empty()) return;
  if (!router && spool.InMemory()) router = RouterBehind(listeners);
  ListenerCheck check(router, findings);
  std::map<std::string, std::string> keys;  // by address
  for (const Listener& listener : listeners) {
    const auto [same, fresh] = keys.emplace(PlaceOf(listener.address), listener.key);
    if (fresh || listener.address.ends_with(":0")) {
      check.Check(listener);
    } else {
      findings->Error(absl::StrCat(listener.key, ": ", listener.address, ": is that of ",
                                   same->second, " too; give each its own"));
    }
  }
  findings->tested.push_back(Counted(listeners.size(), "listener"));
}

}  // namespace tallybus::check
