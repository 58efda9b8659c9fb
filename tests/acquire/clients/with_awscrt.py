"""One request by awscrt, whose TLS is s2n; the Common Runtime of AWS for Python."""

import os
import sys

from awscrt import http, io

options = io.TlsContextOptions()
options.verify_peer = False
tls = io.ClientTlsContext(options).new_connection_options()
tls.set_server_name("localhost")
group = io.EventLoopGroup(1)
bootstrap = io.ClientBootstrap(group, io.DefaultHostResolver(group))
connection = http.HttpClientConnection.new(
    "localhost", int(sys.argv[1]), bootstrap, tls_connection_options=tls
).result(60)
stream = connection.request(http.HttpRequest("GET", "/", http.HttpHeaders([("Host", "localhost")])))
stream.activate()
print(stream.completion_future.result(60), flush=True)
os._exit(0)  # its threads and the interpreter's end do not get on with each other
