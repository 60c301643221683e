"""An nginx before the server, which keeps few connections to it for many of browsers."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from bench.capacity_server import Server
from bench.errors import BenchError

_START_SECONDS = 10.0
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  client_max_body_size 10m;
  client_body_buffer_size 256k;
  client_body_temp_path {folder}/bodies;
  proxy_temp_path {folder}/proxied;
  fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u;
  scgi_temp_path {folder}/s;
  keepalive_timeout 75s;
  keepalive_requests 1000000;
  upstream app {{
    server {host}:{port};
    keepalive 64;
    keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{own_port} backlog=4096;
    location / {{
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""


@contextmanager
def behind_nginx(server: Server) -> Iterator[Server]:
    """Yield the server as nginx shows it. Raises BenchError."""
    folders = (f"{sys.prefix}/spectraview-nginx/usr/sbin", "/usr/sbin", "/usr/local/sbin")
    program = shutil.which("nginx", path=":".join((os.environ.get("PATH", ""), *folders)))
    if program is None:
        raise BenchError("There is no nginx here: scripts/capacity gets it")
    with tempfile.TemporaryDirectory(prefix="spectraview-nginx-") as folder:
        port = _free_port()
        file = Path(folder) / "nginx.conf"
        target = server.target
        file.write_text(
            _CONFIGURATION.format(folder=folder, host=target.host, port=target.port, own_port=port)
        )
        process = subprocess.Popen([program, "-c", file, "-p", folder], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port)
            shown = replace(target, host="127.0.0.1", port=port)
            yield replace(server, target=shown, nginx_pid=process.pid)
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise BenchError(f"nginx does not answer: {error}") from error
            time.sleep(0.05)
        else:
            return
