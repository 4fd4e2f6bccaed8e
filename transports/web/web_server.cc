// Which function serves a request, and what is counted about it.
#include "transports/web/web_server.h"

#include <absl/status/status.h>
#include <absl/strings/match.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include "transports/web/answers.h"
#include "transports/web/query_parameters.h"

namespace tallybus {
namespace {

constexpr char kRequestsHelp[] = "Requests that were routed, those without a page included";
constexpr char kRefusedHelp[] = "Connections and requests that got no answer from a handler";

// What one path serves.
using Methods = std::map<std::string, AsyncWebHandler>;

AsyncWebHandler AtOnce(WebHandler handler) {
  return
      [handler = std::move(handler)](const HttpRequest& request, const HttpServer::Answer& answer) {
        answer(handler(request));
      };
}

HttpAnswer NotAllowed(const Methods& methods) {
  std::vector<std::string> names;
  for (const auto& [name, handler] : methods) names.push_back(name);
  HttpAnswer answer =
      TextAnswer(405, absl::StrCat("only ", absl::StrJoin(names, " and "),
                                   names.size() == 1 ? " is" : " are", " served here"));
  answer.headers.emplace_back("Allow", absl::StrJoin(names, ", "));
  return answer;
}

class RouteTable {
 public:
  absl::Status Add(WebRoute route) {
    if ((route.handler == nullptr) == (route.async_handler == nullptr)) {
      return absl::InvalidArgumentError(
          absl::StrCat(route.method, " ", route.path, ": needs a handler, and only one"));
    }
    Methods& methods = paths_[route.path];
    AsyncWebHandler handler =
        route.handler ? AtOnce(std::move(route.handler)) : std::move(route.async_handler);
    if (methods.emplace(route.method, std::move(handler)).second) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(route.method, " ", route.path, ": two routes for one method and path"));
  }

  void Serve(const HttpRequest& request, const HttpServer::Answer& answer) const {
    const auto path = Find(request.path);
    if (path == paths_.end()) return answer(TextAnswer(404, "no such page"));
    const auto method = path->second.find(request.method);
    if (method == path->second.end()) return answer(NotAllowed(path->second));
    absl::StatusOr<std::string> rest =
        PercentDecode(std::string_view(request.path).substr(path->first.size()));
    if (!rest.ok()) return answer(ErrorAnswer(rest.status()));
    HttpRequest routed = request;
    routed.path_rest = *std::move(rest);
    method->second(routed, answer);
  }

 private:
  // The longest path comes last among those that `target` begins with.
  std::map<std::string, Methods>::const_iterator Find(const std::string& target) const {
    if (const auto exact = paths_.find(target); exact != paths_.end()) {
      return absl::EndsWith(target, "/") && target != "/" ? paths_.end() : exact;
    }
    auto found = paths_.end();
    for (auto path = paths_.begin(); path != paths_.end(); ++path) {
      const bool prefix = path->first.size() > 1 && absl::EndsWith(path->first, "/");
      if (prefix && absl::StartsWith(target, path->first)) found = path;
    }
    return found;
  }

  std::map<std::string, Methods> paths_;
};

absl::StatusOr<std::shared_ptr<const RouteTable>> MakeTable(WebServer::Options& options) {
  auto table = std::make_shared<RouteTable>();
  for (auto& [path, handler] : options.handlers) {
    options.routes.push_back({"GET", path, std::move(handler), nullptr});
  }
  for (WebRoute& route : options.routes) {
    if (absl::Status status = table->Add(std::move(route)); !status.ok()) return status;
  }
  return table;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WebServer>> WebServer::Start(Options options, Metrics& metrics) {
  auto table = MakeTable(options);
  if (!table.ok()) return table.status();
  HttpServer::Options http;
  http.listen = std::move(options.listen);
  http.setting = absl::StrCat("listen.", options.name);
  http.thread_name = absl::StrCat("tallybus-", options.name);
  http.max_connections = options.max_connections;
  http.header_bytes = options.header_bytes;
  http.headers_too_long = std::move(options.headers_too_long);
  http.idle_timeout = options.idle_timeout;
  http.answer_timeout = options.answer_timeout;
  const std::string counters = absl::StrCat("tallybus_", options.name);
  Counter& requests = metrics.GetCounter(counters + "_requests_total", kRequestsHelp);
  http.async_handler = [table = *table, &requests](const HttpRequest& request,
                                                   const HttpServer::Answer& answer) {
    requests.Add();
    table->Serve(request, answer);
  };
  http.refused = [&metrics, name = counters + "_refused_total"](std::string_view reason) {
    metrics.GetCounter(name, kRefusedHelp, {{"reason", std::string(reason)}}).Add();
  };
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(std::move(http));
  if (!server.ok()) return server.status();
  return std::unique_ptr<WebServer>(new WebServer(*std::move(server)));
}

}  // namespace tallybus
