// What the router counts of its own doing.
#ifndef TALLYBUS_ROUTER_COUNTERS_H_
#define TALLYBUS_ROUTER_COUNTERS_H_

#include "tallybus/metrics.h"

namespace tallybus {

struct RouterCounters {
  explicit RouterCounters(Metrics& metrics)
      : accepted(metrics.GetCounter("tallybus_events_accepted_total", "Events accepted")),
        no_backend(metrics.GetCounter("tallybus_events_not_sent_total",
                                      "Events that no backend was called for",
                                      {{"reason", "no_backend"}})),
        not_listed(metrics.GetCounter("tallybus_events_not_sent_total", "",
                                      {{"reason", "method_not_listed"}})),
        disabled(
            metrics.GetCounter("tallybus_events_not_sent_total", "", {{"reason", "disabled"}})),
        rehearsed(
            metrics.GetCounter("tallybus_events_not_sent_total", "", {{"reason", "dry_run"}})),
        client_copies(metrics.GetCounter("tallybus_client_messages_total",
                                         "Messages handed to the client channels")),
        error_events(metrics.GetCounter("tallybus_error_events_total",
                                        "ErrorEvents made for a backend's failure")),
        ends_made(metrics.GetCounter("tallybus_ends_made_total",
                                     "Ends that the router told in an engine's place")),
        asks_accepted(metrics.GetCounter("tallybus_asks_total",
                                         "Calls that a backend may refuse, by outcome",
                                         {{"outcome", "accepted"}})),
        asks_declined(metrics.GetCounter("tallybus_asks_total", "", {{"outcome", "declined"}})),
        terminates(metrics.GetCounter("tallybus_terminates_total",
                                      "Streams that a backend ended by 403 to a keep-alive",
                                      {{"outcome", "told"}})),
        terminates_lost(
            metrics.GetCounter("tallybus_terminates_total", "", {{"outcome", "no_engine"}})),
        spool_bytes(metrics.GetGauge("tallybus_spool_bytes", "Bytes that the spool holds")),
        sessions(metrics.GetGauge("tallybus_sessions", "Sessions that are known")),
        live(metrics.GetGauge("tallybus_live_streams",
                              "Streams and sessions that began and did not end")) {}

  Counter& accepted;
  Counter& no_backend;
  Counter& not_listed;
  Counter& disabled;
  Counter& rehearsed;
  Counter& client_copies;
  Counter& error_events;
  Counter& ends_made;
  Counter& asks_accepted;
  Counter& asks_declined;
  Counter& terminates;
  Counter& terminates_lost;
  Gauge& spool_bytes;
  Gauge& sessions;
  Gauge& live;
};

}  // namespace tallybus

#endif  // TALLYBUS_ROUTER_COUNTERS_H_
