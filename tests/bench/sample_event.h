// The event that the benchmarks publish: about 390 bytes as JSON.
#ifndef TALLYBUS_TESTS_BENCH_SAMPLE_EVENT_H_
#define TALLYBUS_TESTS_BENCH_SAMPLE_EVENT_H_

#include <tallybus/c/engine.h>

#include <cstring>
#include <string>

inline tallybus_bytes BytesOf(const char* text) { return {text, std::strlen(text)}; }

inline tallybus_stream_status SampleEvent() {
  tallybus_stream_status event = {};
  event.struct_size = sizeof event;
  event.session_id = BytesOf("/192.168.1.102:4388/192.168.1.101:8443");
  event.media_session_id = BytesOf("56141d10-fddc-11e6-ac3a-4d67d5b3360d");
  event.name = BytesOf("b4e7");
  event.published = true;
  event.has_video = true;
  event.has_audio = true;
  event.status = BytesOf("PUBLISHING");
  event.sdp = BytesOf(".....");
  event.media_provider = BytesOf("WebRTC");
  return event;
}

// What a browser offers for audio and video: with it an event is about 3.6 kB.
inline std::string SampleSdp() {
  std::string sdp =
      "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "a=group:BUNDLE 0 1\r\na=msid-semantic: WMS\r\n";
  for (int line = 0; sdp.size() < 3100; ++line) {
    sdp += "a=rtpmap:" + std::to_string(96 + line) +
           " H264/90000\r\na=fmtp:" + std::to_string(96 + line) +
           " level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n";
  }
  return sdp;
}

// An sdp that takes so many bytes as JSON, in which an end of a line takes four.
inline std::string SdpOfJsonBytes(size_t bytes) {
  const std::string sample = SampleSdp();
  std::string sdp;
  for (size_t i = 0; bytes > 0; ++i) {
    char c = sample[i % sample.size()];
    if (c < ' ' && bytes < 2) c = '.';
    sdp.push_back(c);
    bytes -= c < ' ' ? 2 : 1;
  }
  return sdp;
}

#endif  // TALLYBUS_TESTS_BENCH_SAMPLE_EVENT_H_
