"""The request's header has become too large for the server."""

from __future__ import annotations

import pytest

from tests.diagnose.causes.semantics.talks import Talk, found


def test_a_431_names_the_header() -> None:
    finding = found(Talk().say(200).say(431, asked=(("Cookie", "a" * 9000),)))["header-growth-431"]
    assert finding.fault == "client"
    assert "largest that was accepted" in finding.claim


def test_nginx_s_page_names_the_header_whatever_its_size() -> None:
    long = (("Cookie", "a" * 3000),)
    page = (("Server", "nginx/1.22.1"), ("Content-Type", "text/html"))
    for size, codes in ((len(PAGE), {"header-growth-431"}), (len(PAGE) + 1, set[str]())):
        talk = Talk()
        request, response = talk.messages("GET", "/a", 400, 80)
        response.headers += page
        response.body_size = size
        request.headers += long
        assert set(found(talk)) == codes


PAGE = (
    b"<html>\r\n<head><title>400 Request Header Or Cookie Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>400 Bad Request</h1></center>\r\n<center>Request Header Or Cookie Too Large</center>\r\n"
    b"<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n"
)
"""As nginx 1.22.1 sends it."""


def test_a_414_names_the_target() -> None:
    finding = found(Talk().say(200, "/abc").say(414, "/" + "a" * 2999))["header-growth-431"]
    assert finding.fault == "client"
    assert "3000 bytes" in finding.claim
    assert found(Talk().say(404, "/" + "a" * 2999)) == {}


def test_a_400_to_a_long_header_counts_beside_shorter_ones_or_beyond_what_servers_take() -> None:
    long = (("Cookie", "a" * 9000),)
    assert set(found(Talk().say(200).say(400, asked=long))) == {"header-growth-431"}
    assert "Most servers take 8 KB" in found(Talk().say(400, asked=long))["header-growth-431"].claim
    assert found(Talk().say(400, asked=(("Cookie", "a" * 7500),))) == {}
    assert found(Talk().say(200, asked=(("Cookie", "a" * 9500),)).say(400, asked=long)) == {}


APACHE = """<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">
<html><head>
<title>400 Bad Request</title>
</head><body>
<h1>Bad Request</h1>
<p>Your browser sent a request that this server could not understand.<br />
{}</p>
{}</body></html>
"""
"""As Apache httpd 2.4 sends it; where it signs its pages, with a foot."""
FOOT = "<hr>\n<address>Apache/2.4.65 (Debian) Server at localhost Port 443</address>\n"


@pytest.mark.parametrize("foot", ["", FOOT])
@pytest.mark.parametrize(
    ("said", "setting"),
    [
        ("The number of request header fields exceeds this server's limit.", "LimitRequestFields"),
        ("Size of a request header field exceeds server limit.", "LimitRequestFieldSize"),
        ("", ""),
        ("Request header field is missing ':' separator.", ""),
    ],
)
def test_apache_s_page_tells_which_of_its_limits(said: str, setting: str, foot: str) -> None:
    """mitre/HTTP-Proxy-Servlet#177, OCSInventory-NG/OCSInventory-ocsreports#631: limits of one's own."""
    talk = Talk()
    _, response = talk.messages("GET", "/a", 400, 80)
    response.headers = [
        ("Server", "Apache/2.4.65 (Debian)"),
        ("Connection", "close"),
        ("Content-Type", "text/html; charset=iso-8859-1"),
    ]
    response.body_size = len(APACHE.format(said, foot))
    finding = found(talk).get("header-growth-431")
    assert (finding is not None) == bool(setting)
    assert finding is None or f"({setting})" in finding.claim


@pytest.mark.parametrize(
    ("name", "told", "others", "certainty"),
    [
        ("Cookie", (("Content-Type", "text/html"),), (), "likely"),
        ("Authorization", (("Content-Type", "text/html"),), (), "possible"),  # its content may be why
        ("Cookie", (("Content-Type", "text/html"),), (("X", "y"),), None),  # another field differs too
        ("Cookie", (("Content-Type", "application/json"),), (), None),  # the application's answer
    ],
)
def test_a_limit_below_the_usual_ones_shows_by_what_is_accepted(
    name: str, told: tuple[tuple[str, str], ...], others: tuple[tuple[str, str], ...], certainty: str | None
) -> None:
    """Tomcat and Undertow answer 400 and do not say why."""
    talk = Talk().say(200).say(400, asked=((name, "a" * 3000), *others), told=told)
    findings = found(talk)
    assert [f.certainty for f in findings.values()] == ([certainty] if certainty else [])
    assert set(findings) <= {"header-growth-431"}


@pytest.mark.parametrize(("told", "found_it"), [((), True), ((("Date", "now"),), False)])
def test_a_bare_400_to_a_large_header_is_possibly_a_limit(
    told: tuple[tuple[str, str], ...], *, found_it: bool
) -> None:
    """Undertow's, which has not read the header to its end; an application's has a Date."""
    talk = Talk()
    request, response = talk.messages("GET", "/a", 400, 80)
    request.headers.append(("Cookie", "a" * 3000))
    response.headers[:] = [("Connection", "close"), *told]
    response.body_size, response.close_announced = 0, True
    assert [(f.code, f.certainty) for f in found(talk).values()] == (
        [("header-growth-431", "possible")] if found_it else []
    )


@pytest.mark.parametrize(("size", "found_it"), [(3000, True), (300, False)])
def test_a_413_without_a_body_is_about_the_header(size: int, *, found_it: bool) -> None:
    """Sanic says 413 of a header above its limit."""
    findings = found(Talk().say(413, asked=(("Cookie", "a" * size),)))
    assert [(f.code, f.fault, f.certainty) for f in findings.values()] == (
        [("header-growth-431", "client", "likely")] if found_it else []
    )
