"""nginx, Debian's own, as docs/streaming.md sets it up: TLS, and the show below a prefix."""

from __future__ import annotations

from pathlib import Path

from tests.interop.service import Service, free_tcp_port, program

NAME = "show.example"

_CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {port} ssl;
        server_name {name};
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
{location}
    }}
}}
"""

LOCATION = """
        location /stage/ {
            proxy_pass http://127.0.0.1:8080/;
            proxy_http_version 1.1;
            proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }
"""
"""As it stands in docs/streaming.md, word for word; a test holds it to that."""


def reverse_proxy(folder: Path, certificate: Path, show_port: int, port: int = 0) -> Service:
    """nginx on `port`, not started yet, before a show on `show_port`."""
    port = port or free_tcp_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            folder=folder,
            port=port,
            name=NAME,
            certificate=certificate,
            location=LOCATION.replace(":8080/", f":{show_port}/"),
        )
    )
    command = [program("nginx", "nginx-light"), "-c", str(configuration), "-p", str(folder)]
    return Service([*command, "-e", "stderr"], folder, ("127.0.0.1", port))
