// An HTTP peer, by TLS where it is told so, that misbehaves on command: what arrives is recorded,
// what is answered is scripted.
#ifndef TALLYBUS_TESTS_SUPPORT_SCRIPTED_SERVER_H_
#define TALLYBUS_TESTS_SUPPORT_SCRIPTED_SERVER_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/peer_socket.h"

namespace tallybus::testing {

class TlsIdentity;

struct HttpRequest {
  int connection = 0;            // from 1, in order of arrival
  int number_on_connection = 0;  // from 1
  std::string method;
  std::string target;
  std::string head;                            // as it came, up to its empty line
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  // Empty where there is none.
  std::string Header(const std::string& name) const;
};

// One connection of the server, as a script sees it. Used on the connection's own thread.
class Connection {
 public:
  explicit Connection(PeerSocket& socket) : socket_(socket) {}

  // False where the peer does not take it any more.
  bool Send(std::string_view bytes);
  // A whole answer with Content-Length.
  bool Answer(int code, std::string_view phrase, std::string_view body = "{}",
              std::string_view extra_headers = "");
  void Close() { open_ = false; }              // properly, when the script returns
  void EndSending() { socket_.EndSending(); }  // at once; the peer may still send
  void SendLast(std::string_view bytes) { socket_.SendLast(bytes); }  // and the end with them
  void Reset();                                                       // by RST
  // Until the peer closes, or the server ends.
  void WaitUntilClosed();
  // Up to `pause`; false where the peer has closed or sent anything, or the server ends.
  bool Pause(std::chrono::milliseconds pause);
  bool open() const { return open_; }

 private:
  friend class ScriptedServer;
  PeerSocket& socket_;
  bool open_ = true;
  bool reset_ = false;
};

// What happens when a request has arrived whole. The connection stays open unless it is closed.
using Script = std::function<void(const HttpRequest&, Connection&)>;

Script AnswerWith(int code, std::string phrase, std::string body = "{}",
                  std::string extra_headers = "");
Script NeverAnswer();
Script ResetConnection();
Script CloseWithoutAnswer();
Script SendForEver();           // as fast as the peer takes it, without a length
Script TrickleForEver();        // a byte every few milliseconds
Script SendBody(size_t bytes);  // with its Content-Length
Script CloseInTheMiddle();      // of a body with a Content-Length

// How a server speaks and reads.
struct Manner {
  const TlsIdentity* tls = nullptr;  // who it is, where it speaks TLS; outlives it
  Script on_head = nullptr;          // when a request's head has come; to close reads no more of it
  int receive_buffer = 0;            // bytes that the kernel takes for it; 0: as many as it likes
};

// Listens on a port of 127.0.0.1 that the kernel chooses, with one thread for each connection. The
// destructor ends them all, whatever their scripts wait for.
class ScriptedServer {
 public:
  explicit ScriptedServer(Script script, Manner manner = {});
  ScriptedServer(Script script, const TlsIdentity* tls)
      : ScriptedServer(std::move(script), Manner{tls, nullptr, 0}) {}
  // Accepts connections and never reads from them.
  static Script NeverRead() { return nullptr; }
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  int port() const { return port_; }
  // "http://127.0.0.1:<port><path>", or https where it speaks TLS.
  std::string Url(const std::string& path = "") const;

  std::vector<HttpRequest> Requests() const;
  int connections() const;
  // Until so many requests or connections have come; false after a minute.
  bool WaitForRequests(size_t count) const;
  bool WaitForConnections(int count) const;

 private:
  void AcceptAll();
  void Serve(int socket, int number);
  void ServeRequests(PeerSocket& peer, int number);
  void Finish(int socket);

  const Script script_;
  const Manner manner_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::vector<HttpRequest> requests_;
  std::vector<int> sockets_;  // open ones
  std::vector<std::thread> threads_;
  int connections_ = 0;
  bool ending_ = false;
  std::thread acceptor_;
};

// A port of 127.0.0.1 that refuses every connection, as long as this lives.
class RefusingPort {
 public:
  RefusingPort();
  ~RefusingPort();
  RefusingPort(const RefusingPort&) = delete;
  RefusingPort& operator=(const RefusingPort&) = delete;
  int port() const { return port_; }

 private:
  int socket_ = -1;
  int port_ = 0;
};

// A TCP socket bound to a port of 127.0.0.1 that the kernel chooses; aborts where that fails.
int BindLoopback(int* port);
// The same for a server that sets SO_REUSEADDR, as most do: until it is closed that one may listen
// on the port, again and again, and nobody is given it by chance.
int ReserveLoopback(int* port);

}  // namespace tallybus::testing

#endif  // TALLYBUS_TESTS_SUPPORT_SCRIPTED_SERVER_H_
