// The alert's event is an event like any other, but for its author.
#include "alerts.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>

#include "codec/json_writer.h"
#include "delivery/route_gate.h"

namespace tallybus {

Alerts::Alerts(Log& log, Metrics& metrics, std::string node_id)
    : log_(log), metrics_(metrics), node_id_(std::move(node_id)) {}

void Alerts::Raise(const Alert& alert, absl::Time now) {
  auto [found, is_new] = active_.try_emplace({alert.name, alert.subject}, Active{alert, now});
  found->second.seen = true;
  found->second.alert = alert;  // its words and numbers are those of now
  if (is_new) Tell(found->second, false, now);
}

void Alerts::Resolve(const std::string& name, const std::string& subject, absl::Time now) {
  auto found = active_.find({name, subject});
  if (found == active_.end()) return;
  Tell(found->second, true, now);
  active_.erase(found);
}

void Alerts::Set(bool on, const Alert& alert, absl::Time now) {
  if (on) return Raise(alert, now);
  Resolve(alert.name, alert.subject, now);
}

void Alerts::Restore(const AlertRecord& record) {
  Active active;
  active.alert.name = record.name;
  active.alert.subject = record.subject;
  active.alert.critical = record.critical;
  active.alert.text = record.text;
  active.since = record.since;
  active.seen = false;
  GaugeOf(active.alert).Add(1);
  active_.try_emplace({record.name, record.subject}, std::move(active));
}

void Alerts::ResolveUnseen(const std::function<bool(const Alert&)>& stays, absl::Time now) {
  std::erase_if(active_, [&](const auto& entry) {
    const Active& active = entry.second;
    if (active.seen || stays(active.alert)) return false;
    Tell(active, true, now);
    return true;
  });
}

Gauge& Alerts::GaugeOf(const Alert& alert) {
  return metrics_.GetGauge("tallybus_alerts_active", "Alerts that are on, by name",
                           {{"alert", alert.name}});
}

std::vector<Alerts::Active> Alerts::active() const {
  std::vector<Active> all;
  for (const auto& [key, active] : active_) all.push_back(active);
  return all;
}

void Alerts::Tell(const Active& active, bool resolved, absl::Time now) {
  const Alert& alert = active.alert;
  // The fault's words, of which nobody must think that it stands.
  const std::string text = absl::StrCat(resolved ? "over: " : "", alert.text);
  GaugeOf(alert).Add(resolved ? -1 : 1);
  log_.Write(resolved         ? LogLevel::kInfo
             : alert.critical ? LogLevel::kError
                              : LogLevel::kWarning,
             absl::StrCat("alert ", resolved ? "resolved: " : "", alert.name, " ", alert.subject,
                          ": ", text));
  Told told;
  told.about = RouteOfEndpoint(alert.subject);  // the whole route
  told.record = {alert.name, alert.subject, alert.text, alert.critical, active.since, !resolved};
  told.event.method = kAlertEvent;
  told.event.node_id = node_id_;
  told.event.time = now;
  told.event.status = resolved ? "RESOLVED" : "FIRING";
  told.event.from_router = true;
  JsonObjectWriter writer(&told.event.json);
  writer.String("nodeId", node_id_);
  writer.String("alert", alert.name);
  writer.String("status", told.event.status);
  writer.String("severity", alert.critical ? "critical" : "warning");
  writer.String("subject", alert.subject);
  writer.String("since", Rfc3339Millis(active.since));
  if (alert.waiting) writer.Int("waiting", static_cast<int64_t>(*alert.waiting));
  if (alert.oldest != absl::InfiniteFuture()) writer.String("oldest", Rfc3339Millis(alert.oldest));
  writer.String("text", text);
  writer.String("runbook", absl::StrCat("docs/operations.md#", absl::AsciiStrToLower(alert.name)));
  writer.Close();
  told_.push_back(std::move(told));
}

}  // namespace tallybus
