// Publishers of a router in this process that are still open when it calls exit(), or returns from
// main: closed there, before libraries clean up beside the threads that use them.
#ifndef TALLYBUS_PLUGINS_ENGINE_LEFT_OPEN_H_
#define TALLYBUS_PLUGINS_ENGINE_LEFT_OPEN_H_

struct tallybus_publisher;

namespace tallybus::engine {

// [any thread] With its router open: what that brought is then cleaned up after the publisher is.
void WatchForExit(tallybus_publisher* publisher);
// [any thread, may block] Before it is closed. At an exit, waits until that is done with all
// others.
void ForgetAtExit(tallybus_publisher* publisher);

}  // namespace tallybus::engine

#endif  // TALLYBUS_PLUGINS_ENGINE_LEFT_OPEN_H_
