"""A program that logs keys by itself; it sees its own setting where it asks for it."""

import http.client
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(sys.argv[2])
context.keylog_filename = sys.argv[3]
assert context.keylog_filename == sys.argv[3]
connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context)
connection.request("GET", "/")
assert connection.getresponse().status == 200
