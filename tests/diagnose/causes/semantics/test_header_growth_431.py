"""The request's header has become too large for the server."""

from __future__ import annotations

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
