// A shell gives 1,024 and allows much more; a client takes one.
#include "open_files.h"

#include <sys/resource.h>

namespace tallybus {

uint64_t AllowMostOpenFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit most = limit;
  most.rlim_cur = most.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &most) == 0 ? most.rlim_cur : limit.rlim_cur;
}

uint64_t AllowedOpenFiles() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

}  // namespace tallybus
