"""A web server as the client of another: as_proxy.py nginx|haproxy PORT FOLDER [told].

Told ``new`` it has a connection made for one request; told ``again`` it has one on a connection that is kept.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

KIND, PORT, FOLDER, *TOLD = sys.argv[1:]
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    upstream kept {{ server 127.0.0.1:{port}; keepalive 1; }}
    server {{
        listen 127.0.0.1:{front};
        proxy_ssl_protocols TLSv1.2 TLSv1.3;
        location /new {{ proxy_pass https://127.0.0.1:{port}/; proxy_ssl_session_reuse off; }}
        location /again {{
            proxy_pass https://kept/; proxy_http_version 1.1; proxy_set_header Connection "";
        }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 30s
    timeout client 30s
    timeout server 30s
frontend front
    bind 127.0.0.1:{front}
    use_backend new if {{ path /new }}
    default_backend again
backend again
    http-reuse always
    server one 127.0.0.1:{port} ssl verify none
backend new
    http-reuse never
    option httpclose
    server one 127.0.0.1:{port} ssl verify none no-ssl-reuse
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def main() -> None:
    front = free_port()
    form = {"nginx": NGINX, "haproxy": HAPROXY}[KIND]
    written = Path(FOLDER) / f"{KIND}.conf"
    written.write_text(form.format(folder=FOLDER, port=PORT, front=front))
    command = {"nginx": ["nginx", "-c", str(written)], "haproxy": ["haproxy", "-db", "-f", str(written)]}[
        KIND
    ]
    path = os.environ["PATH"] + ":/usr/sbin"
    proxy = subprocess.Popen(command, env={**os.environ, "PATH": path}, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", front)).close()
                break
            except OSError:
                time.sleep(0.05)

        def ask(word: str) -> int:
            with urllib.request.urlopen(f"http://127.0.0.1:{front}/{word}") as answer:
                answer.read()
                return int(answer.status)

        if not TOLD:
            print(ask("new"), ask("again"))
            return
        print("ready", flush=True)
        for word in sys.stdin:
            print(ask(word.strip()), flush=True)
    finally:
        proxy.terminate()
        proxy.wait()


main()
