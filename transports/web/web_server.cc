// Which function serves a request, and what is counted about it.
#include "transports/web/web_server.h"

#include <utility>

namespace tallybus {
namespace {

constexpr char kRefusedHelp[] = "Connections and requests that were refused before a handler";

HttpAnswer Plain(int status, std::string body) {
  HttpAnswer answer;
  answer.status = status;
  answer.headers.emplace_back("Content-Type", "text/plain; charset=utf-8");
  answer.body = std::move(body);
  return answer;
}

HttpAnswer Serve(const std::map<std::string, WebHandler>& handlers, const HttpRequest& request) {
  const auto found = handlers.find(request.path);
  if (found == handlers.end()) return Plain(404, "no such page\n");
  if (request.method != "GET") {
    HttpAnswer answer = Plain(405, "only GET is served here\n");
    answer.headers.emplace_back("Allow", "GET");
    return answer;
  }
  return found->second(request);
}

}  // namespace

absl::StatusOr<std::unique_ptr<WebServer>> WebServer::Start(Options options, Metrics& metrics) {
  HttpServer::Options http;
  http.listen = std::move(options.listen);
  http.setting = "listen.web";
  http.thread_name = "tallybus-web";
  http.max_connections = options.max_connections;
  http.idle_timeout = options.idle_timeout;
  Counter& requests =
      metrics.GetCounter("tallybus_web_requests_total", "Requests answered on the web port");
  http.handler = [handlers = std::move(options.handlers), &requests](const HttpRequest& request) {
    requests.Add();
    return Serve(handlers, request);
  };
  http.refused = [&metrics](std::string_view reason) {
    metrics
        .GetCounter("tallybus_web_refused_total", kRefusedHelp, {{"reason", std::string(reason)}})
        .Add();
  };
  absl::StatusOr<std::unique_ptr<HttpServer>> server = HttpServer::Start(std::move(http));
  if (!server.ok()) return server.status();
  return std::unique_ptr<WebServer>(new WebServer(*std::move(server)));
}

}  // namespace tallybus
