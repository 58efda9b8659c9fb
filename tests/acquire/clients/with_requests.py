"""requests, with a pool of one connection."""

import sys

import requests

session = requests.Session()
for _ in range(3):
    print(session.get(f"https://localhost:{sys.argv[1]}/", verify=sys.argv[2], timeout=60).status_code)
