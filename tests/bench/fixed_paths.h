// Paths that every event takes, each for itself and the same way each time: instruction_guard.py
// counts their instructions, which do not depend on how loaded the machine is.
#ifndef TALLYBUS_TESTS_BENCH_FIXED_PATHS_H_
#define TALLYBUS_TESTS_BENCH_FIXED_PATHS_H_

#include <cstddef>
#include <functional>
#include <string>

namespace tallybus::bench {

// Once to warm up; then once more under callgrind, which is told what to count. `events`: of one
// turn.
void Count(size_t events, const std::function<void()>& turn);

// Ends the program where a path does not do what is to be counted.
void Require(bool holds, const char* what);

// A StreamStatusEvent of about 390 bytes, or of 3.6 kB where it has a real sdp.
std::string SampleJson(bool with_sdp);

// Each calls Count once.
void Publish();
void DecodeAndDecide();
void DecodeAndDecideSdp();
void Json();
void AppendAndSettle();
void TellNobody();
void TellSubscriber();

}  // namespace tallybus::bench

#endif  // TALLYBUS_TESTS_BENCH_FIXED_PATHS_H_
