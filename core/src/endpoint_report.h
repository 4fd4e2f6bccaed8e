// What is told of an endpoint as it is now: to an operator, in a trace, and of a row that waits.
#ifndef TALLYBUS_ENDPOINT_REPORT_H_
#define TALLYBUS_ENDPOINT_REPORT_H_

#include "router_line.h"
#include "tallybus/desk.h"

namespace tallybus {

// [router] All functions.
absl::Time WallOf(const Clock& clock, MonoTime time);
// True where a person, or the endpoint itself, has paused or disabled it.
bool Decided(const EndpointQueue& queue);
// Of the endpoint at that place; what waits is its route's. All but `oldest`, which is dear to
// find.
EndpointStatus StatusOf(const Router::Line& line, const EndpointQueue& queue, size_t place);
RouteNow NowOf(const Router::Line& line, const EndpointQueue& queue);
// Fills in `reason` and `http_status` of a row that waits, where they are known.
void SayWhyItWaits(const Router::Line& line, StoredRow* stored);

}  // namespace tallybus

#endif  // TALLYBUS_ENDPOINT_REPORT_H_
