"""httpx, with verification off: it takes no notice of SSLKEYLOGFILE then."""

import sys

import httpx

for _ in range(2):
    print(httpx.get(f"https://localhost:{sys.argv[1]}/", verify=False, timeout=60).status_code)
