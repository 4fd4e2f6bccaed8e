"""A real nginx with one worker that answers every POST with 200, in a folder and on ports of its
own. With tls=True it does so over TLS, with a certificate of its own in `ca_file`; with `before`, the
http:// address of another server, it lets that one answer. `requests()` is how many requests it has
read so far, these questions too."""

import re
import socket
import subprocess
import textwrap
import time
import urllib.request


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class NginxServer:
    def __init__(self, folder, port=None, tls=False, before=None):
        self._folder = folder
        self._process = None
        self._port = port or free_port()
        self._status_port = free_port()
        self._tls = tls
        self._before = before
        self.ca_file = folder / "nginx.pem" if tls else None
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._port}/rest/my_api"
        self.status_url = f"http://127.0.0.1:{self._status_port}/"

    def __enter__(self):
        if self._tls:
            self._make_certificate()
        config = self._folder / "nginx.conf"
        config.write_text(self._config())
        self._process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", self._folder],
                                         stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                self.requests()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("nginx did not start")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    def requests(self):
        with urllib.request.urlopen(self.status_url, timeout=5) as answer:
            return int(re.search(rb"requests\s+\d+ \d+ (\d+)", answer.read())[1])

    def _make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        self._folder / "nginx.key", "-out", self.ca_file],
                       check=True, capture_output=True)

    def _config(self):
        tls = "ssl" if self._tls else ""
        certificate = (f"ssl_certificate {self.ca_file}; "
                       f"ssl_certificate_key {self._folder}/nginx.key;" if self._tls else "")
        answer = ('proxy_pass http://before; proxy_http_version 1.1; proxy_set_header Connection ""; '
                  "proxy_request_buffering off;" if self._before else "return 200;")
        upstream = (f"upstream before {{ server {self._before.removeprefix('http://')}; "
                    "keepalive 128; keepalive_requests 1000000000; }" if self._before else "")
        return textwrap.dedent(f"""\
            worker_processes 1;
            daemon off;
            pid {self._folder}/nginx.pid;
            error_log {self._folder}/error.log;
            events {{ worker_connections 1024; }}
            http {{
              access_log off;
              client_body_temp_path {self._folder};
              proxy_temp_path {self._folder};
              fastcgi_temp_path {self._folder};
              uwsgi_temp_path {self._folder};
              scgi_temp_path {self._folder};
              client_max_body_size 0;
              keepalive_requests 1000000000;
              {upstream}
              server {{
                listen 127.0.0.1:{self._port} {tls}; {certificate}
                location / {{ {answer} }}
              }}
              server {{ listen 127.0.0.1:{self._status_port}; location / {{ stub_status; }} }}
            }}
            """)
