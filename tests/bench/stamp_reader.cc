// A client on the client channel: reads until COUNT messages came, or none for two seconds, and
// prints how old their events were: stamp_reader ENDPOINT COUNT
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <zmq.hpp>

#include "tests/bench/samples.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: stamp_reader ENDPOINT COUNT\n");
    return 2;
  }
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::sub);
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::linger, 0);
  socket.connect(argv[1]);
  socket.set(zmq::sockopt::subscribe, "session/");
  const size_t count = std::strtoull(argv[2], nullptr, 10);
  tallybus::bench::Samples ages(count);
  zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
  while (ages.size() < count) {
    // The first one may need the publisher's start.
    const std::chrono::seconds patience(ages.size() == 0 ? 20 : 2);
    if (zmq::poll(&item, 1, patience) != 1) break;
    zmq::message_t frame;
    for (int i = 0; i == 0 || frame.more(); ++i) {
      (void)socket.recv(frame);
      if (i != 2) continue;
      const int64_t now = tallybus::bench::NowNs();
      tallybus::bench::ForEachStamp(frame.to_string_view(),
                                    [&](int64_t stamp) { ages.Add(now - stamp); });
    }
  }
  std::printf("%s\n", ages.Json().c_str());
  return 0;
}
