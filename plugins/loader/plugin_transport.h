// A plugin as a Transport: it is believed in nothing.
#ifndef TALLYBUS_PLUGINS_LOADER_PLUGIN_TRANSPORT_H_
#define TALLYBUS_PLUGINS_LOADER_PLUGIN_TRANSPORT_H_

#include <absl/status/statusor.h>
#include <tallybus/c/transport.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "plugins/loader/host_link.h"
#include "plugins/loader/open_tickets.h"
#include "plugins/loader/plugin.h"
#include "plugins/loader/plugin_faults.h"
#include "plugins/loader/plugin_thread.h"
#include "tallybus/transport.h"
#include "tallybus/transport_registry.h"

namespace tallybus::loader {

// Completes each ticket once, whatever the plugin does: what it does not complete within kGrace of
// its deadline has timed out, and what it leaves open when it stops was stopped. The plugin is
// called on a thread of its own, one call at a time, so that none of them can hold up the router:
// see kCallLimit. What it must not do is in PluginFaults.
class PluginTransport final : public Transport, private HostCalls {
 public:
  // Before the router itself gives a ticket up, a second after its deadline.
  static constexpr absl::Duration kGrace = absl::Milliseconds(500);
  // What stop may take beyond its deadline.
  static constexpr absl::Duration kStopGrace = absl::Seconds(1);
  // Attempts that wait for a deliver to come back.
  static constexpr size_t kMostWaiting = 65536;

  // [control] The plugin's create. An error says what it says.
  static absl::StatusOr<std::unique_ptr<Transport>> Create(PluginPtr plugin,
                                                           const TransportContext& context);
  ~PluginTransport() override;

  absl::Status Start() override;
  void Deliver(std::span<const Delivery> deliveries) override;
  void Stop(MonoTime deadline) override;

 private:
  PluginTransport(PluginPtr plugin, const TransportContext& context);
  struct Waiting {
    std::unique_ptr<DeliveryCopy> delivery;
    MonoTime deadline;
  };

  absl::Status Make();
  absl::Status AskInTime(const std::string& function, const std::string& what,
                         std::function<tallybus_status(tallybus_error*)> call);
  std::shared_ptr<const EndpointCopy> EndpointOf(const Endpoint& endpoint);
  void PutOff(std::span<const Ticket> tickets, bool stopping);
  void Watch();
  std::vector<Ticket> GiveUpWaiting(MonoTime time = MonoTime::Infinite());
  void CompleteLeftOpen();

  void OnComplete(uint64_t ticket, const tallybus_result* result) override;
  int64_t OnNow() override;
  void OnLog(LogLevel level, std::string_view line) override;
  std::vector<const tallybus_delivery*> OnReady() override;
  void OnThrew(std::string_view what) override;

  const PluginPtr plugin_;
  const TransportContext context_;
  PluginFaults faults_;
  HostLink& link_;
  tallybus_transport transport_ = {};
  std::map<uint64_t, std::shared_ptr<const EndpointCopy>> endpoints_;  // [router] by id

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;  // the plugin's thread has them still to hand over
  OpenTickets tickets_;
  bool stopping_ = false;
  bool stopped_ = false;
  std::thread watcher_;
  PluginThread thread_;
};

// Whether the plugin takes this endpoint: its own check.
absl::Status CheckEndpoint(const Plugin& plugin, const Endpoint& endpoint);

}  // namespace tallybus::loader

#endif  // TALLYBUS_PLUGINS_LOADER_PLUGIN_TRANSPORT_H_
