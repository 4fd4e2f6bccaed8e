// The event handler that Janus loads: it reads its file, opens a publisher and hands on what the
// mapping makes of Janus's events. Janus's event thread, which must not wait, only queues them.
#include <tallybus/c/engine.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "admin_api.h"
#include "engine_sink.h"
#include "event_queue.h"
#include "event_thread.h"
#include "janus_api.h"
#include "limited_log.h"
#include "outbox.h"
#include "settings.h"
#include "stream_mapping.h"
#include "verdicts.h"

#define TALLYBUS_LOG(level, text) JANUS_LOG(level, "Tallybus: %s\n", (text))

namespace tallybus::janus {
namespace {

constexpr const char* kPackage = "janus.eventhandler.tallybusevh";
constexpr uint32_t kDrainMs = 3000;

std::string HostName() {
  std::array<char, 256> name = {};
  if (gethostname(name.data(), name.size() - 1) != 0) return "janus";
  return name.data();
}

tallybus_bytes Bytes(const std::string& text) { return {text.data(), text.size()}; }

void LogLine(tallybus_log_level level, const std::string& line) {
  if (level == TALLYBUS_LOG_ERROR) {
    TALLYBUS_LOG(LOG_ERR, line.c_str());
  } else if (level == TALLYBUS_LOG_WARNING) {
    TALLYBUS_LOG(LOG_WARN, line.c_str());
  } else if (level == TALLYBUS_LOG_INFO) {
    TALLYBUS_LOG(LOG_INFO, line.c_str());
  } else {
    TALLYBUS_LOG(LOG_VERB, line.c_str());
  }
}

void LogOfEngine(void* /*user*/, tallybus_log_level level, tallybus_bytes text) {
  LogLine(level, std::string(text.data, text.size));
}

// What is open between Janus's init and destroy. Janus's threads do nothing but push: the mapping
// and the outbox are the event thread's, and once that has ended, the last caller's.
class EventHandler : private EventTaker {
 public:
  explicit EventHandler(const Settings& settings)
      : settings_(settings),
        mapping_({.sessions = settings.sessions,
                  .streams = settings.streams,
                  .sdp = settings.jsep,
                  .surplus = settings.connect}),
        queue_(settings.connect ? MayBeginOrEnd : MayEnd) {
    if (settings_.node_id.empty()) settings_.node_id = HostName();
  }
  EventHandler(const EventHandler&) = delete;
  EventHandler& operator=(const EventHandler&) = delete;

  // With the publisher, callbacks end; until then they need the Admin API.
  ~EventHandler() override {
    thread_.reset();
    tallybus_publisher_close(publisher_, kDrainMs);
  }

  tallybus_status Open() {
    if (!queue_.ok()) return TALLYBUS_UNAVAILABLE;
    OpenAdmin();
    tallybus_publisher_options options = {};
    options.struct_size = sizeof(options);
    options.endpoint = Bytes(settings_.endpoint);
    options.node_id = Bytes(settings_.node_id);
    options.app_key = Bytes(settings_.app_key);
    options.user = verdicts_.get();
    options.on_command = Verdicts::OnCommand;
    options.log = LogOfEngine;  // it says where it connects, and when it first succeeds
    JANUS_LOG(LOG_INFO, "Tallybus: this is node %s, app %s\n", settings_.node_id.c_str(),
              settings_.app_key.c_str());
    const tallybus_status status = tallybus_publisher_open(&options, &publisher_);
    if (status != TALLYBUS_OK) return status;
    sink_ = std::make_unique<EngineSink>(publisher_, settings_.node_id, settings_.app_key,
                                         settings_.connect ? verdicts_.get() : nullptr);
    outbox_ = std::make_unique<Outbox>(*sink_);
    thread_ = std::make_unique<EventThread>(queue_, static_cast<EventTaker&>(*this));
    return TALLYBUS_OK;
  }

  // [any thread]
  void Push(json_t* event) { queue_.Push(event); }

  // Takes what is queued, and ends what is then live: Janus has dropped the events that it still
  // held.
  void EndAll() {
    thread_.reset();
    TellLost(true);
    Send(mapping_.EndAll("Janus shut down", 0));
    if (outbox_->kept() > 0) TALLYBUS_LOG(LOG_ERR, "the ring stayed full: last events are lost");
  }

  int64_t EventMask() const { return mapping_.EventMask(); }

 private:
  void OpenAdmin() {
    if (!settings_.admin_url.empty()) {
      AdminOptions options;
      options.url = settings_.admin_url;
      options.secret = settings_.admin_secret;
      admin_ = std::make_unique<AdminApi>(std::move(options), admin_log_);
    }
    verdicts_ = std::make_unique<Verdicts>(admin_.get(), verdict_log_);
  }

  void Take(const json_t* event) noexcept override try {
    const uint64_t refused = mapping_.refused();
    Send(mapping_.Map(event));
    if (refused == 0 && mapping_.refused() > 0) {
      TALLYBUS_LOG(LOG_ERR, "too many sessions or handles are open: new ones are not reported");
    }
    TellLost(false);
  } catch (const std::exception& error) {
    JANUS_LOG(LOG_ERR, "Tallybus: an event is lost: %s\n", error.what());
  }

  // Ends that the full ring of the bus refused go out as soon as it has room.
  bool Rest() noexcept override try {
    TellLost(true);
    if (outbox_->kept() > 0) Send({});
    return outbox_->kept() > 0;
  } catch (const std::exception& error) {
    JANUS_LOG(LOG_ERR, "Tallybus: kept events have to wait: %s\n", error.what());
    return true;
  }

  void Send(std::vector<WcsEvent> events) {
    const std::string news = outbox_->Put(std::move(events));
    if (!news.empty()) TALLYBUS_LOG(LOG_WARN, news.c_str());
  }

  // One line when the queue begins to lose events, one with their number when it is over.
  void TellLost(bool over) {
    const uint64_t lost = queue_.dropped() - told_lost_;
    if (lost == 0) return;
    if (!std::exchange(losing_, true)) {
      TALLYBUS_LOG(LOG_WARN, "events come faster than they are taken: only ends are kept for sure");
    }
    if (!over) return;
    JANUS_LOG(LOG_WARN, "Tallybus: Janus's events are taken again; lost meanwhile: %" PRIu64 "\n",
              lost);
    told_lost_ += lost;
    losing_ = false;
  }

  Settings settings_;
  StreamMapping mapping_;
  EventQueue queue_;
  LimitedLog admin_log_{LogLine, g_get_monotonic_time};
  LimitedLog verdict_log_{LogLine, g_get_monotonic_time};
  std::unique_ptr<AdminApi> admin_;
  std::unique_ptr<Verdicts> verdicts_;
  tallybus_publisher* publisher_ = nullptr;
  std::unique_ptr<EngineSink> sink_;
  std::unique_ptr<Outbox> outbox_;
  uint64_t told_lost_ = 0;
  bool losing_ = false;
  std::unique_ptr<EventThread> thread_;
};

// Janus's interface has no place for an instance.
std::unique_ptr<EventHandler> handler;

struct CloseConfig {
  void operator()(janus_config* config) const { janus_config_destroy(config); }
};

std::string OrEmpty(const char* text) { return text != nullptr ? text : ""; }

std::vector<Setting> General(const janus_config* config, std::string* wrong) {
  std::vector<Setting> general;
  for (const GList* group = config->list; group != nullptr; group = group->next) {
    const auto* container = static_cast<const janus_config_container*>(group->data);
    const std::string name = OrEmpty(container->name);
    if (container->type != janus_config_type_category || name != "general") {
      *wrong = name + " is not a group of this file: settings go into general";
      return {};
    }
    for (const GList* line = container->list; line != nullptr; line = line->next) {
      const auto* item = static_cast<const janus_config_container*>(line->data);
      general.push_back(
          {OrEmpty(item->name), OrEmpty(item->value), item->type == janus_config_type_item});
    }
  }
  return general;
}

// Returns what is wrong with the file, or nothing.
std::string ReadFile(const std::string& path, Settings* settings) {
  const std::unique_ptr<janus_config, CloseConfig> config(janus_config_parse(path.c_str()));
  if (config == nullptr) return "cannot be read: install the sample of that name and edit it";
  std::string wrong;
  const std::vector<Setting> general = General(config.get(), &wrong);
  return wrong.empty() ? ReadSettings(general, settings) : wrong;
}

int Init(const char* config_folder);
void Destroy();
void IncomingEvent(json_t* event);

janus_eventhandler api = {
    .init = Init,
    .destroy = Destroy,
    .get_api_compatibility = [] { return JANUS_EVENTHANDLER_API_VERSION; },
    .get_version = [] { return static_cast<int>(tallybus_version()); },
    .get_version_string = [] { return TALLYBUS_PLUGIN_VERSION; },
    .get_description = [] { return "Tells Tallybus what sessions and streams do."; },
    .get_name = [] { return "JANUS Tallybus event handler"; },
    .get_author = [] { return "The Tallybus authors"; },
    .get_package = [] { return kPackage; },
    .incoming_event = IncomingEvent,
    .handle_request = nullptr,
    .events_mask = JANUS_EVENT_TYPE_NONE,
};

int Start(const std::string& config_folder) {
  const std::string path = config_folder + "/" + kPackage + ".jcfg";
  Settings settings;
  const std::string wrong = ReadFile(path, &settings);
  if (!wrong.empty()) {
    JANUS_LOG(LOG_ERR, "Tallybus: no events will be sent: %s: %s\n", path.c_str(), wrong.c_str());
    return -1;
  }
  if (!settings.enabled) {
    JANUS_LOG(LOG_WARN, "Tallybus: disabled: set enabled = true in %s\n", path.c_str());
    return -1;
  }
  auto opened = std::make_unique<EventHandler>(settings);
  const tallybus_status status = opened->Open();
  if (status != TALLYBUS_OK) {
    JANUS_LOG(LOG_ERR, "Tallybus: no events will be sent: cannot publish to %s: %s\n",
              settings.endpoint.empty() ? "the runtime directory" : settings.endpoint.c_str(),
              tallybus_status_text(status));
    return -1;
  }
  janus_flags_set(&api.events_mask, static_cast<gsize>(opened->EventMask()));
  handler = std::move(opened);
  return 0;
}

// Janus goes on whatever this returns, so the log must say it.
int Init(const char* config_folder) try {
  return Start(config_folder != nullptr ? config_folder : "");
} catch (const std::exception& error) {
  JANUS_LOG(LOG_ERR, "Tallybus: no events will be sent: %s\n", error.what());
  return -1;
}

void Destroy() {
  try {
    if (handler != nullptr) handler->EndAll();
  } catch (const std::exception& error) {
    JANUS_LOG(LOG_ERR, "Tallybus: last events are lost: %s\n", error.what());
  }
  handler.reset();  // waits a little until the router has what was said
}

void IncomingEvent(json_t* event) try {
  if (handler != nullptr && event != nullptr) handler->Push(event);
} catch (const std::exception& error) {
  JANUS_LOG(LOG_ERR, "Tallybus: an event is lost: %s\n", error.what());
}

}  // namespace
}  // namespace tallybus::janus

extern "C" TALLYBUS_EXPORT janus_eventhandler* create() { return &tallybus::janus::api; }
