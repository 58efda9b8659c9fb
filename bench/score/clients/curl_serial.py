"""As src/plainwire/lab/clients/serial.py, with curl, which this only starts: one curl for all requests.

curl has one pause for all, from start to start: the longest of them. FRESH in the environment: requests in
each curl.
"""

import os
import re
import subprocess
import sys

host, port, authority, count, timeout, method, size, *pauses = sys.argv[1:]
total = int(count)
fresh = int(os.environ.get("FRESH", "0")) or total
longest = max(map(float, pauses), default=0.0)
if longest and not host.startswith("127."):
    longest += 0.16  # the round trip of the lab's races: curl counts from start to start
failed = 0
for first in range(1, total + 1, fresh):
    last = min(first + fresh - 1, total)
    command = [
        "curl",
        "--silent",
        "--http1.1",
        "--cacert",
        authority,
        "--max-time",
        timeout,
        "-o",
        "/dev/null",
    ]
    command += ["--write-out", r"%{url_effective} %{exitcode} %{response_code} %{errormsg}\n"]
    if longest:
        command += ["--rate", f"{round(3600 / longest)}/h"]
    if method != "GET":
        command += ["--request", method]
    if int(size):
        command += ["--data-binary", "@-", "--header", "Expect:"]  # the body at once, as others send it
    command.append(f"https://{host}:{port}/container/object-[{first}-{last}]")
    done = subprocess.run(command, input=b"x" * int(size), stdout=subprocess.PIPE, check=False)
    for line in done.stdout.decode().splitlines():
        match = re.match(r"https://[^/]*(/\S+) (\d+) (\d+) (.*)", line)
        if match and (match[2] != "0" or match[3] != "200"):
            failed += 1
            print(f"{method} {match[1]}: ({match[2]}) {match[3]} {match[4]}")
print(f"{count} requests, {failed} failed")
sys.exit(1 if failed else 0)
