"""Requests by libcurl, whose TLS is NSS as Debian builds it: one, or what it is told, as ``driven.py``.

with_nss.py PORT [told]
"""

import ctypes
import sys

URL, WRITEFUNCTION, TIMEOUT, VERIFYPEER, VERIFYHOST = 10002, 20011, 13, 64, 81
RESPONSE_CODE = 0x200002
curl = ctypes.CDLL("libcurl-nss.so.4")
curl.curl_easy_init.restype = ctypes.c_void_p
url = f"https://localhost:{sys.argv[1]}/".encode()


TAKES = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
take = TAKES(lambda _data, size, count, _context: size * count)


def connection() -> ctypes.c_void_p:
    easy = ctypes.c_void_p(curl.curl_easy_init())
    for option, value in (
        (URL, url),
        (WRITEFUNCTION, take),
        (TIMEOUT, ctypes.c_long(60)),
        (VERIFYPEER, ctypes.c_long(0)),
        (VERIFYHOST, ctypes.c_long(0)),
    ):
        curl.curl_easy_setopt(easy, option, value)
    return easy


def ask(easy: ctypes.c_void_p) -> int:
    status = ctypes.c_long()
    if failed := curl.curl_easy_perform(easy):
        sys.exit(f"curl: {failed}")
    curl.curl_easy_getinfo(easy, RESPONSE_CODE, ctypes.byref(status))
    return status.value


if "told" not in sys.argv:
    print(ask(connection()), flush=True)
    sys.exit()
print("ready", flush=True)
easy = None
for word in sys.stdin:
    easy = connection() if word == "new\n" or easy is None else easy
    print(ask(easy), flush=True)
