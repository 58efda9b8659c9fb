"""Serial requests over one requests.Session: URL AUTHORITY COUNT PAUSE..., as lab/clients/serial.py does."""

import itertools
import sys
import time

import requests

base, authority, count, *pauses = sys.argv[1:]
failed = 0
with requests.Session() as session:
    session.verify = authority
    session.trust_env = False
    for number, pause in zip(range(1, int(count) + 1), itertools.cycle(pauses or ["0"]), strict=False):
        target = f"/container/object-{number}"
        try:
            session.get(base + target, timeout=10).raise_for_status()
        except requests.RequestException as error:
            failed += 1
            print(f"GET {target}: {type(error).__name__}: {error}")
        time.sleep(float(pause))
sys.exit(1 if failed else 0)
