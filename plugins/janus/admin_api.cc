// Calls of Janus's Admin API, one after the other. The multi interface of libcurl carries them
// though there is but one at a time: it alone can be woken to end at once.
#include "admin_api.h"

#include <curl/curl.h>
#include <jansson.h>
#include <pthread.h>

#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "blocked_signals.h"
#include "event_json.h"

namespace tallybus::janus {
namespace {

constexpr size_t kMaxAnswerBytes = size_t{16} * 1024;
// Janus's codes for what is not there any more (janus/apierror.h).
constexpr int64_t kNoSuchSession = 458;
constexpr int64_t kNoSuchHandle = 459;
constexpr int64_t kUnauthorized = 403;
constexpr int64_t kHttpOk = 200;

struct Decref {
  void operator()(json_t* json) const { json_decref(json); }
};
using Json = std::unique_ptr<json_t, Decref>;

struct Free {
  void operator()(char* text) const { std::free(text); }
};

size_t Collect(char* data, size_t /*one*/, size_t size, void* user) {
  auto* answer = static_cast<std::string*>(user);
  if (answer->size() + size > kMaxAnswerBytes) return 0;  // ends the transfer
  answer->append(data, size);
  return size;
}

}  // namespace

class AdminApi::Poster {
 public:
  // Janus itself has called curl_global_init, which counts its callers; what it holds is Janus's to
  // clean up.
  explicit Poster(const AdminOptions& options) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
      multi_.reset(curl_multi_init());
      easy_.reset(curl_easy_init());
      headers_.reset(curl_slist_append(nullptr, "Content-Type: application/json"));
    }
    if (multi_ == nullptr || easy_ == nullptr || headers_ == nullptr) {
      throw std::runtime_error("libcurl cannot be used");
    }
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_QUICK_EXIT, 1L);  // or a name look-up that hangs would hold the end
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_PROXY, "");
    Set(CURLOPT_FOLLOWLOCATION, 0L);
    Set(CURLOPT_HTTPHEADER, headers_.get());
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
    Set(CURLOPT_WRITEFUNCTION, Collect);
    Set(CURLOPT_WRITEDATA, &answer_);
  }

  CURLcode Post(const std::string& url, const std::string& body) {
    answer_.clear();
    Set(CURLOPT_URL, url.c_str());
    Set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    Set(CURLOPT_POSTFIELDS, body.c_str());
    if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK) return CURLE_FAILED_INIT;
    const CURLcode outcome = Perform();
    curl_multi_remove_handle(multi_.get(), easy_.get());
    return outcome;
  }

  // [any thread] No Post lasts any longer, now or later.
  void Abort() {
    aborted_ = true;
    curl_multi_wakeup(multi_.get());
  }

  int64_t http_status() const {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    return status;
  }
  const std::string& answer() const { return answer_; }

 private:
  template <typename Value>
  void Set(CURLoption option, Value value) {
    if (curl_easy_setopt(easy_.get(), option, value) != CURLE_OK) {
      throw std::runtime_error("libcurl refuses an option");
    }
  }

  CURLcode Perform() {
    constexpr int kLookAgainMs = 1000;
    while (!aborted_) {
      int running = 0;
      if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) return CURLE_FAILED_INIT;
      if (running == 0) {
        int left = 0;
        const CURLMsg* message = curl_multi_info_read(multi_.get(), &left);
        return message != nullptr ? message->data.result : CURLE_FAILED_INIT;
      }
      curl_multi_poll(multi_.get(), nullptr, 0, kLookAgainMs, nullptr);
    }
    return CURLE_ABORTED_BY_CALLBACK;
  }

  struct Cleanup {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  struct CleanupEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  std::string answer_;
  std::atomic<bool> aborted_{false};
  std::unique_ptr<CURLM, Cleanup> multi_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  std::unique_ptr<CURL, CleanupEasy> easy_;
};

namespace {

std::string NameOf(const std::string& session_id, const std::string& handle_id) {
  return handle_id.empty() ? "session " + session_id
                           : "handle " + handle_id + " of session " + session_id;
}

}  // namespace

AdminApi::AdminApi(AdminOptions options, LimitedLog& log)
    : options_(std::move(options)), log_(log), poster_(std::make_unique<Poster>(options_)) {
  const BlockedSignals blocked;
  thread_ = std::thread([this] { Run(); });
}

AdminApi::~AdminApi() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  poster_->Abort();
  thread_.join();
}

void AdminApi::EndSession(std::string session_id) { Add({std::move(session_id), ""}); }

void AdminApi::HangUp(std::string session_id, std::string handle_id) {
  Add({std::move(session_id), std::move(handle_id)});
}

void AdminApi::Add(Call call) {
  bool first_dropped = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.size() < kMaxWaiting) {
      waiting_.push_back(std::move(call));
    } else {
      first_dropped = dropped_++ == 0;
    }
  }
  changed_.notify_all();
  if (first_dropped) {
    log_.Write(TALLYBUS_LOG_ERROR,
               "Janus's Admin API is too slow: what else should be ended goes on");
  }
}

void AdminApi::Run() {
  pthread_setname_np(pthread_self(), "tallybus-hangup");
  while (const std::optional<Call> call = Next()) {
    try {
      Make(*call);
    } catch (const std::exception& error) {
      log_.Write(TALLYBUS_LOG_ERROR, NameOf(call->session_id, call->handle_id) +
                                         " goes on, though it should end: " + error.what());
    }
  }
}

std::optional<AdminApi::Call> AdminApi::Next() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (const uint64_t dropped = waiting_.empty() ? std::exchange(dropped_, 0) : 0; dropped > 0) {
    lock.unlock();
    log_.Write(TALLYBUS_LOG_WARNING,
               "Janus's Admin API has caught up; not ended meanwhile: " + std::to_string(dropped));
    lock.lock();
  }
  changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  if (stopping_) return std::nullopt;
  Call call = std::move(waiting_.front());
  waiting_.pop_front();
  return call;
}

void AdminApi::Make(const Call& call) {
  std::string url = options_.url + "/" + call.session_id;
  if (!call.handle_id.empty()) url += "/" + call.handle_id;
  const std::string body = BodyOf(call);
  for (int tried = 1;; ++tried) {
    const CURLcode outcome = poster_->Post(url, body);
    if (outcome == CURLE_OK) return Judge(call, poster_->http_status(), poster_->answer());
    if (outcome == CURLE_ABORTED_BY_CALLBACK) return;
    // More than we take is an answer too, though not Janus's.
    if (tried == options_.tries || outcome == CURLE_WRITE_ERROR) {
      log_.Write(TALLYBUS_LOG_ERROR, NameOf(call.session_id, call.handle_id) +
                                         " goes on, though it should end: Janus's Admin API at " +
                                         options_.url + ": " + curl_easy_strerror(outcome));
      return;
    }
    if (!Pause()) return;
  }
}

// False where this ends meanwhile.
bool AdminApi::Pause() {
  std::unique_lock<std::mutex> lock(mutex_);
  return !changed_.wait_for(lock, options_.pause, [this] { return stopping_; });
}

std::string AdminApi::BodyOf(const Call& call) {
  const Json object(
      json_pack("{s:s, s:s}", "janus", call.handle_id.empty() ? "destroy_session" : "hangup_webrtc",
                "transaction", ("tallybus-" + std::to_string(++transactions_)).c_str()));
  if (!options_.secret.empty()) {
    json_object_set_new(object.get(), "admin_secret", json_string(options_.secret.c_str()));
  }
  const std::unique_ptr<char, Free> text(json_dumps(object.get(), JSON_COMPACT));
  if (text == nullptr) throw std::runtime_error("no memory for its call");
  return text.get();
}

// Janus says even of an error 200; another status is of somebody else, or of a wrong path.
void AdminApi::Judge(const Call& call, int64_t http_status, const std::string& answer) {
  const Json object(json_loadb(answer.data(), answer.size(), 0, nullptr));
  const std::string_view outcome = Text(object.get(), "janus");
  if (http_status == kHttpOk && outcome == "success") return;
  const json_t* error = json_object_get(object.get(), "error");
  const int64_t code = Integer(error, "code");
  if (outcome == "error" && (code == kNoSuchSession || code == kNoSuchHandle)) return;
  std::string line = NameOf(call.session_id, call.handle_id) +
                     " goes on, though it should end: Janus's Admin API at " + options_.url;
  if (outcome != "error") {
    line += " answers HTTP " + std::to_string(http_status) + ": is this the address of admin_path?";
  } else {
    line += ": " + std::to_string(code) + " " + PlainText(Text(error, "reason"));
    if (code == kUnauthorized) line += ": general.admin_secret must be that of janus.jcfg";
  }
  log_.Write(TALLYBUS_LOG_ERROR, line);
}

}  // namespace tallybus::janus
