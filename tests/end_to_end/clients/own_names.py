"""Runs a command beside dnsmasq as its only name server, in namespaces of its own, network and mount.

COMMAND...; dnsmasq answers NXDOMAIN for whatever ends in ``nowhere.example``.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIGURATION = "nameserver 127.0.0.1\noptions timeout:1 attempts:2\n"
_TRIES = 200


def main() -> int:
    """See the module."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "resolv.conf"
        configuration.write_text(CONFIGURATION)
        subprocess.run(["mount", "--bind", configuration, "/etc/resolv.conf"], check=True)
        command = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--user=root"]
        command += ["--conf-file=/dev/null", "--pid-file", "--local=/nowhere.example/"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as names:
            try:
                _wait()
                return subprocess.run(sys.argv[1:], timeout=90, check=False).returncode
            finally:
                names.terminate()
                subprocess.run(["umount", "/etc/resolv.conf"], check=False)


def _wait() -> None:
    """Until it listens."""
    for _ in range(_TRIES):
        try:
            socket.create_connection(("127.0.0.1", 53), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    sys.exit(main())
