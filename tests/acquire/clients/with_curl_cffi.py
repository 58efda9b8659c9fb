"""One request by curl_cffi, which has its own BoringSSL: here, or in a child with a fresh environment."""

import os
import subprocess
import sys

from curl_cffi import requests

if sys.argv[3] == "in_child":
    command = [sys.executable, *sys.argv[:3], "in_process"]
    sys.exit(subprocess.run(command, env={"HOME": "/"}, check=False).returncode)
answer = requests.get(f"https://localhost:{sys.argv[1]}/", verify=False, timeout=60)
print(os.environ.get("SSLKEYLOGFILE"), answer.status_code)
