"""Bodies for ``show --body``."""

from __future__ import annotations

from plainwire.report.redact import HIDDEN, body


def test_fields_of_json_forms_and_parts_are_hidden_and_the_rest_stays() -> None:
    assert body('{"user": "bob", "password": "hunter2"}') == f'{{"user": "bob", "password": "{HIDDEN}"}}'
    assert body("user=bob&password=hunter2") == f"user=bob&password={HIDDEN}"
    part = 'Content-Disposition: form-data; name="{}"\r\n\r\n{}\r\n--x\r\n'
    assert body(part.format("password", "hunter2")) == part.format("password", HIDDEN)
    assert body(part.format("city", "Lyon")) == part.format("city", "Lyon")
    assert body("Just a text: nothing to hide.\n") == "Just a text: nothing to hide.\n"
