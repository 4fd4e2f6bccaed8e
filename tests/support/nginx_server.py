"""A real nginx with one worker that answers every POST with 200, in a folder and on a port of its
own."""

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
    def __init__(self, folder, port=None):
        self._folder = folder
        self._process = None
        self._port = port or free_port()
        self.url = f"http://127.0.0.1:{self._port}/rest/my_api"

    def __enter__(self):
        config = self._folder / "nginx.conf"
        config.write_text(textwrap.dedent(f"""\
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
              keepalive_requests 1000000000;
              server {{ listen 127.0.0.1:{self._port}; location / {{ return 200; }} }}
            }}
            """))
        self._process = subprocess.Popen(["/usr/sbin/nginx", "-c", config, "-p", self._folder],
                                         stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url, timeout=5).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError("nginx did not start")

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)
