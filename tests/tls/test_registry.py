"""Numbers and names of suites and alerts, against OpenSSL's own lists."""

from __future__ import annotations

import re
import ssl
import subprocess

from plainwire.tls import alerts, suites
from tests.needs import tool


def test_suites_have_the_registry_s_numbers_and_names() -> None:
    command = [tool("openssl"), "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    rows = re.findall(r"0x(..),0x(..) - (\S+)", listed)
    theirs = {int(high + low, 16): name for high, low, name in rows}
    assert len(theirs) > 90
    assert {number: suites.name(number) for number in theirs} == theirs


def test_alerts_have_the_names_that_openssl_gives_them() -> None:
    theirs = {
        each.value: each.name.removeprefix("ALERT_DESCRIPTION_").lower() for each in ssl.AlertDescription
    }
    theirs[ssl.AlertDescription.ALERT_DESCRIPTION_USER_CANCELLED] = "user_canceled"  # as in RFC 8446
    assert {number: alerts.name(number) for number in theirs} == theirs


def test_what_has_no_name_keeps_its_number() -> None:
    assert (suites.name(0xFAFA), alerts.name(99)) == ("0xFAFA", "alert 99")
