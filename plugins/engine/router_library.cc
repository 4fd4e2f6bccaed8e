// RTLD_LOCAL: what it brings with it (Abseil, protobuf, libcurl) is found by nobody else.
#include "router_library.h"

#include <dlfcn.h>
#include <link.h>
#include <tallybus/c/engine.h>

#include <string_view>

namespace tallybus::engine {
namespace {

constexpr char kName[] = "libtallybus_router.so";
// A function that every protobuf of the last ten years has.
constexpr char kOfProtobuf[] = "_ZN6google8protobuf8internal13VerifyVersionEiiPKc";

std::string FileOf(const void* symbol) {
  Dl_info info;
  return dladdr(symbol, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

// libtallybus_router.so in the folder of this library.
std::string PathBesideUs() {
  const std::string own = FileOf(reinterpret_cast<const void*>(&tallybus_version));
  const size_t slash = own.rfind('/');
  return slash == std::string::npos ? std::string(kName) : own.substr(0, slash + 1) + kName;
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

int NoteProtobuf(dl_phdr_info* info, size_t, void* found) {
  if (BaseName(info->dlpi_name).substr(0, 11) != "libprotobuf") return 0;
  *static_cast<std::string*>(found) = info->dlpi_name;
  return 1;
}

// Which file holds one, be it a library's own or linked into the program; empty: none does.
std::string LoadedProtobuf() {
  std::string file;
  if (dl_iterate_phdr(NoteProtobuf, &file) != 0) return file;
  const void* symbol = dlsym(RTLD_DEFAULT, kOfProtobuf);
  return symbol == nullptr ? file : FileOf(symbol);
}

std::string VersionText(uint32_t version) {
  return std::to_string(version >> 16) + "." + std::to_string(version >> 8 & 0xff) + "." +
         std::to_string(version & 0xff);
}

}  // namespace

const tallybus_router_api_v1* LoadRouterLibrary(std::string* why) {
  const std::string path = PathBesideUs();
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (library == nullptr) {
    if (const std::string protobuf = LoadedProtobuf(); !protobuf.empty()) {
      *why = "a protobuf is in this process already (" + protobuf +
             "), and a second one would corrupt it: run tallybusd beside the engine, and name its "
             "socket as the endpoint";
      return nullptr;
    }
    library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  }
  if (library == nullptr) {
    *why = std::string("cannot load the router: ") + dlerror() +
           "; install it beside libtallybus_engine.so";
    return nullptr;
  }
  const auto entry =
      reinterpret_cast<tallybus_router_entry_fn>(dlsym(library, TALLYBUS_ROUTER_ENTRY));
  const tallybus_router_api_v1* api = entry != nullptr ? entry() : nullptr;
  if (api == nullptr || api->struct_size < sizeof(*api)) {
    *why = path + ": is not the router of Tallybus";
    return nullptr;
  }
  if (api->version != tallybus_version()) {
    *why = path + ": is of " + VersionText(api->version) + ", this library of " +
           VersionText(tallybus_version()) + "; install both of one release";
    return nullptr;
  }
  return api;
}

}  // namespace tallybus::engine
