"""http.client with a raw SSLContext, which takes no notice of SSLKEYLOGFILE. Three connections."""

import http.client
import ssl
import sys

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(sys.argv[2])
for _ in range(3):
    connection = http.client.HTTPSConnection("localhost", int(sys.argv[1]), context=context)
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()  # it comes after the head: who closes without it has left in the middle of a response
    print(response.status)
    connection.close()
