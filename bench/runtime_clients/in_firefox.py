"""Firefox without a window: PORT CERTIFICATE FOLDER; one page, in a profile that trusts the certificate.

It makes a picture of the page, which nobody looks at, and ends.
"""

import hashlib
import os
import ssl
import sys
from pathlib import Path

port, certificate, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
profile = folder / "profile"
profile.mkdir()
digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest().upper()
fingerprint = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
(profile / "cert_override.txt").write_text(
    f"localhost:{port}:\tOID.2.16.840.1.101.3.4.2.1\t{fingerprint}\t\n"
)
os.environ["HOME"] = str(folder)
os.execvp(
    "firefox-esr",
    [
        "firefox-esr",
        "--headless",
        "--no-remote",
        "--profile",
        str(profile),
        "--screenshot",
        str(folder / "page.png"),
        f"https://localhost:{port}/",
    ],
)
