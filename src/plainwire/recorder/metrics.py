"""``/metrics`` for Prometheus, at the loopback interface alone: numbers and codes, nothing off the wire."""

from __future__ import annotations

import http.server
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
_PATH = "/metrics"
_SECONDS = 5.0
"""That a client may take for its request: they are served one after the other."""


class Metric:
    """One metric with its values by labels, in the text format of Prometheus, version 0.0.4."""

    def __init__(self, name: str, kind: str, words: str, values: Mapping[str, float] | float) -> None:
        """``values``: by labels as they are written (``code="idle-close-race"``), or the only one."""
        self._name, self._kind, self._words = f"plainwire_{name}", kind, words
        self._values = values if not isinstance(values, int | float) else {"": values}

    def lines(self) -> Iterable[str]:
        """Its lines."""
        yield f"# HELP {self._name} {self._words}"
        yield f"# TYPE {self._name} {self._kind}"
        for labels, value in self._values.items():
            yield f"{self._name}{f'{{{labels}}}' if labels else ''} {value:.15g}"


class MetricsServer:
    """Serves what ``told`` gives, from a thread of its own."""

    def __init__(self, port: int, told: Callable[[], list[Metric]]) -> None:
        """``port``: 0 for any that is free.

        Raises:
            UserError: the port is taken.

        """

        class Handler(http.server.BaseHTTPRequestHandler):
            timeout = _SECONDS

            def do_GET(self) -> None:
                if self.path.partition("?")[0] != _PATH:
                    self.send_error(HTTPStatus.NOT_FOUND)
                    return
                body = "".join(f"{line}\n" for metric in told() for line in metric.lines()).encode()
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", _FORMAT)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        try:
            self._server = http.server.HTTPServer(("127.0.0.1", port), Handler)
        except OSError as error:
            message = f"port {port} for --metrics: {error.strerror}"
            raise UserError(message) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{_PATH}"

    def close(self) -> None:
        """It serves no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
