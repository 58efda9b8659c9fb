"""The same loop as serial.py with requests: with a token, and wherever a redirect leads.

HOST PORT AUTHORITY COUNT PAUSE
"""

import sys
import time

import requests

host, port, authority, count, pause = sys.argv[1:]
failed = 0
with requests.Session() as session:
    session.trust_env, session.verify = False, authority
    session.headers["Authorization"] = "Bearer a-token-of-the-lab"
    for number in range(1, int(count) + 1):
        target = f"/container/object-{number}"
        try:
            answer = session.get(f"https://{host}:{port}{target}", timeout=10)
            if not answer.ok:
                failed += 1
                print(f"GET {target}: {answer.status_code} {answer.reason}")
        except requests.RequestException as error:
            failed += 1
            print(f"GET {target}: {type(error).__name__}: {error}")
        time.sleep(float(pause))
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
