// A shared object's file, before it is loaded.
#ifndef TALLYBUS_PLUGINS_LOADER_ELF_FILE_H_
#define TALLYBUS_PLUGINS_LOADER_ELF_FILE_H_

#include <string>

namespace tallybus::loader {

// [control] Whether its headers speak of segments that the file does not reach to, as one does that
// is being copied, or was half copied. False for what is no shared object: dlopen says that.
// elf(5).
bool IsCutShort(const std::string& path);

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_ELF_FILE_H_
