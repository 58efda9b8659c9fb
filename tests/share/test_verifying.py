"""The receiver's side: what was changed on the way is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from plainwire.share import bundle as bundles
from plainwire.share.bundle import Expected
from plainwire.share.verifying import verify
from tests.report.redact import planted, wires
from tests.share.test_bundle import bundle, tls13

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.share.bundle import Bundle


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder: Path = tmp_path_factory.mktemp("case")
    return bundle(*tls13(folder, planted.messages()[:30]), connections=[])


def test_a_bundle_is_as_its_manifest_says(made: Bundle) -> None:
    verified = verify(made)
    assert verified.troubles == []
    assert [finding.code for finding in verified.report.findings] == ["reset-mid-request"]
    assert made.manifest.verdict == [Expected("reset-mid-request", verified.report.findings[0].certainty, 1)]


def test_files_that_were_changed_taken_or_added_are_named(made: Bundle) -> None:
    files = {**made.files, "letter.md": b"another", "more.txt": b""}
    del files["packets.txt"]
    troubles = verify(replace(made, files=files)).troubles
    assert sorted(trouble.split()[0] for trouble in troubles) == ["letter.md", "more.txt", "packets.txt"]


def test_a_verdict_that_the_packets_do_not_show_is_told(made: Bundle) -> None:
    manifest = replace(made.manifest, verdict=[Expected("close-mid-request", "proved", 7)])
    troubles = verify(replace(made, manifest=manifest)).troubles
    assert "the packets do not show close-mid-request (proved, exchanges: 7)" in troubles
    assert any("the packets show reset-mid-request" in trouble for trouble in troubles)


def test_packets_of_another_bundle_do_not_pass(made: Bundle, tmp_path: Path) -> None:
    other = bundle(*tls13(tmp_path, planted.messages()[:30]), connections=[1])
    files = {**made.files, bundles.CAPTURE: other.files[bundles.CAPTURE]}
    assert len(verify(replace(made, files=files)).troubles) >= 2


def test_a_verdict_on_encrypted_packets_is_derived_only_from_those_with_secrets(tmp_path: Path) -> None:
    capture, (keys,) = wires.http3(tmp_path, planted.messages()[:3], failing=True)
    without = bundle(capture, [keys], connections=[1])
    (expected,) = without.manifest.encrypted
    verified = verify(without)
    assert verified.troubles == []
    assert verified.untold == [f"{expected.code} ({expected.certainty}, exchanges: 1)"]
    made = bundle(capture, [keys], connections=[1], key_log=keys.read_bytes())
    assert (verify(made).troubles, verify(made).untold) == ([], [])
    claimed = [Expected("close-mid-request", "proved", 7)]
    false = verify(replace(made, manifest=replace(made.manifest, encrypted=claimed)))
    assert false.troubles == ["original.pcapng does not show close-mid-request (proved, exchanges: 7)"]
