// A connection that left HTTP, on its way to whoever speaks another protocol on it. Private to the
// folder: Boost.Asio comes with it.
#ifndef TALLYBUS_TRANSPORTS_WEB_TAKEN_SOCKET_H_
#define TALLYBUS_TRANSPORTS_WEB_TAKEN_SOCKET_H_

#include <memory>

#include "transports/web/pending_answer.h"
#include "transports/web/web_stream.h"

namespace tallybus {

// The request was read from it, nothing else, and nothing was written. It lives on the server's
// thread, and ends with the server at the latest.
struct TakenSocket {
  WebStream stream;
  std::shared_ptr<ServerThread> thread;  // the way onto that thread
};

}  // namespace tallybus

#endif  // TALLYBUS_TRANSPORTS_WEB_TAKEN_SOCKET_H_
