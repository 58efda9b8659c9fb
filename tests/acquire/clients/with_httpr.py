"""One request by httpr, whose TLS is rustls."""

import sys

import httpr

print(httpr.Client(verify=False).get(f"https://localhost:{sys.argv[1]}/").status_code)
