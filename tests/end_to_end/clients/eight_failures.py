# Python 2.7 reads it as well: see pyproject.toml
# mypy: ignore-errors
"""Eight GETs that fail, and how it is told: LIBRARY MODE BASE REFUSED AUTHORITY TRUTH.

MODE is ``traceback`` or ``logging`` (standard error), ``print`` (standard output, at once) or ``buffered``
(standard output, at the program's end). When each began and ended goes to TRUTH. For Python 2.7 as well.
"""

from __future__ import print_function

import json
import logging
import ssl
import sys
import time
import traceback

FAULTS = ("close", "reset", "half-close", "half-reset", "nonsense", "silence", "busy", "refused")
TIMEOUT = 1.0
library, mode, base, refused, authority, truth = sys.argv[1:]


def by_http_client(url):
    try:
        from http.client import HTTPSConnection
    except ImportError:
        from httplib import HTTPSConnection
    place, _, path = url.partition("://")[2].partition("/")
    context = ssl.create_default_context(cafile=authority)
    connection = HTTPSConnection(place, timeout=TIMEOUT, context=context)
    connection.request("GET", "/" + path)
    response = connection.getresponse()
    response.read()
    if response.status >= 500:
        raise RuntimeError("HTTP status %d" % response.status)


def by_requests(url):
    import requests

    session = requests.Session()
    session.trust_env = False
    session.get(url, timeout=TIMEOUT, verify=authority).raise_for_status()


def by_urllib3(url):
    import urllib3

    pool = urllib3.PoolManager(ca_certs=authority, retries=urllib3.Retry(0, status_forcelist=[503]))
    pool.request("GET", url, timeout=TIMEOUT)


def by_httpx(url):
    import httpx

    context = ssl.create_default_context(cafile=authority)
    with httpx.Client(verify=context, timeout=TIMEOUT, trust_env=False) as client:
        client.get(url).raise_for_status()


def by_aiohttp(url):
    import with_aiohttp

    with_aiohttp.get(url, authority, TIMEOUT)


def by_botocore(url):
    import botocore.awsrequest
    import botocore.httpsession

    session = botocore.httpsession.URLLib3Session(verify=authority, timeout=TIMEOUT)
    response = session.send(botocore.awsrequest.AWSRequest("GET", url).prepare())
    response.content
    if response.status_code >= 500:
        raise RuntimeError("HTTP status %d" % response.status_code)


def by_websockets(url):
    import with_websockets

    with_websockets.get(url, authority, TIMEOUT)


def by_grpcio(url):
    import grpc

    with open(authority, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    place, _, path = url.partition("://")[2].partition("/")
    options = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]
    with grpc.secure_channel(place, credentials, options=options) as channel:
        channel.unary_unary("/" + path)(b"", timeout=TIMEOUT)


def tell(url):
    if mode == "traceback":
        traceback.print_exc()
    elif mode == "logging":
        logging.getLogger("client").exception("GET %s", url)
    else:
        print("GET %s failed: %s" % (url, " ".join(repr(sys.exc_info()[1]).split())))
        if mode == "print":
            sys.stdout.flush()


logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
get = {name[3:]: function for name, function in globals().items() if name.startswith("by_")}[library]
with open(truth, "w") as told:
    for fault in FAULTS:
        began = time.time()
        url = (refused if fault == "refused" else base) + fault
        failed = True
        try:
            get(url)
            failed = False  # as Python 2 takes for HTTP/0.9 what is no HTTP
        except Exception:
            tell(url)
        print(json.dumps([fault, began, time.time(), failed]), file=told)
