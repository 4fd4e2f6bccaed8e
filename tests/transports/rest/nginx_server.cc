// nginx takes over listening sockets that its environment names, as it does for its own upgrade: so
// no port is guessed, and a client may connect before nginx is up.
#include "tests/transports/rest/nginx_server.h"

#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/support/scripted_server.h"

namespace tallybus::rest {
namespace {

void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "nginx for the test: %s failed\n", what);
  std::abort();
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

constexpr char kCertificates[] = R"(
set -e
cd '@dir@'
key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'
openssl req -x509 $key -keyout ca.key -out ca.pem -subj '/CN=Test authority'
openssl req -x509 $key -keyout stranger.key -out stranger.pem -subj '/CN=Another authority'
openssl req -x509 $key -keyout server.key -out server.pem -CA ca.pem -CAkey ca.key \
  -subj '/CN=localhost' -addext 'subjectAltName=DNS:localhost' -addext 'basicConstraints=CA:FALSE'
openssl req -x509 $key -keyout client.key -out client.pem -CA ca.pem -CAkey ca.key \
  -subj '/CN=tallybus' -addext 'basicConstraints=CA:FALSE'
)";

constexpr char kConfig[] = R"(
daemon off;
user root;
worker_processes 1;
pid @dir@/nginx.pid;
error_log @dir@/error.log;
events { worker_connections 512; }
http {
  access_log off;
  client_max_body_size 2m;
  client_body_temp_path @dir@/body;
  proxy_temp_path @dir@/proxy;
  fastcgi_temp_path @dir@/fastcgi;
  uwsgi_temp_path @dir@/uwsgi;
  scgi_temp_path @dir@/scgi;
  ssl_certificate @dir@/server.pem;
  ssl_certificate_key @dir@/server.key;
  server {
    listen 127.0.0.1:@plain@;
    location /relayed { return 200 "$http_x_told"; }
    location / { return 200 "$server_protocol $connection $connection_requests"; }
  }
  server {
    listen 127.0.0.1:@tls@ ssl http2;
    proxy_set_header X-Told "$server_protocol $connection $connection_requests";
    location /missing { return 404; }
    location /unread { return 200 "$server_protocol $connection $connection_requests"; }
    location / { proxy_pass http://127.0.0.1:@plain@/relayed; }
  }
  server {
    listen 127.0.0.1:@mutual@ ssl;
    ssl_client_certificate @dir@/ca.pem;
    ssl_verify_client on;
    location / { return 200 "$ssl_client_s_dn"; }
  }
}
)";

}  // namespace

NginxServer::NginxServer() {
  char name[] = "/tmp/tallybus-nginx-XXXXXX";
  Require(mkdtemp(name) != nullptr, "mkdtemp");
  directory_ = name;
  int* const ports[] = {&plain_port_, &tls_port_, &mutual_port_};
  for (int i = 0; i < 3; ++i) {
    sockets_[i] = testing::BindLoopback(ports[i]);
    Require(listen(sockets_[i], 128) == 0, "listen");
  }
  MakeCertificates();
  WriteConfig();
  Launch();
}

NginxServer::~NginxServer() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  for (int socket : sockets_) close(socket);
  std::filesystem::remove_all(directory_);
}

void NginxServer::MakeCertificates() {
  const std::string script = File("certificates.sh");
  std::ofstream(script) << Replaced(kCertificates, "@dir@", directory_);
  const std::string command = "sh " + script + " >" + File("openssl.log") + " 2>&1";
  Require(std::system(command.c_str()) == 0, "openssl");
}

void NginxServer::WriteConfig() {
  std::string config = Replaced(kConfig, "@dir@", directory_);
  config = Replaced(config, "@plain@", std::to_string(plain_port_));
  config = Replaced(config, "@tls@", std::to_string(tls_port_));
  config = Replaced(config, "@mutual@", std::to_string(mutual_port_));
  std::ofstream(File("nginx.conf")) << config;
}

void NginxServer::Launch() {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  std::string inherited = "NGINX=";
  for (int socket : sockets_) {
    posix_spawn_file_actions_adddup2(&actions, socket, socket);  // clears close-on-exec
    inherited += std::to_string(socket) + ";";
  }
  std::string config = File("nginx.conf");
  std::string log = File("start.log");
  char program[] = "/usr/sbin/nginx", c[] = "-c", e[] = "-e";
  char* const arguments[] = {program, c, config.data(), e, log.data(), nullptr};
  char* const environment[] = {inherited.data(), nullptr};
  const int error = posix_spawn(&pid_, program, &actions, nullptr, arguments, environment);
  posix_spawn_file_actions_destroy(&actions);
  Require(error == 0, "posix_spawn");
}

}  // namespace tallybus::rest
