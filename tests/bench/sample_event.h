// The event that the benchmarks publish: about 390 bytes as JSON.
#ifndef TALLYBUS_TESTS_BENCH_SAMPLE_EVENT_H_
#define TALLYBUS_TESTS_BENCH_SAMPLE_EVENT_H_

#include <tallybus/c/engine.h>

#include <cstring>

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

#endif  // TALLYBUS_TESTS_BENCH_SAMPLE_EVENT_H_
