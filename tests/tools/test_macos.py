"""The interposer for macOS is built, and what dyld is to find in it is there."""

from __future__ import annotations

import importlib.util

import macos
import pytest

from tests.needs import without

REPLACED = [
    *("SSL_CTX_new", "SSL_CTX_new_ex", "SSL_CTX_set_keylog_callback", "SSL_CTX_get_keylog_callback"),
    *("gnutls_init", "gnutls_session_set_keylog_function", "gnutls_session_get_keylog_function"),
]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    if importlib.util.find_spec("ziglang") is None:
        without("ziglang (the extra dev has it)")
    return [path.read_bytes() for path in macos.build(tmp_path_factory.mktemp("macos"))]


def test_both_processors_have_a_pair_for_each_function_and_need_nothing_but_the_system(
    libraries: list[bytes],
) -> None:
    images = [macos.read(library) for library in libraries]
    assert [image.processor for image in images] == list(macos.ARCHITECTURES.values())
    for image in images:
        assert image.replaced == REPLACED
        assert image.optional == {*REPLACED, "SSL_get_SSL_CTX", "gnutls_session_get_random"}
        plain = {name.partition("$")[0] for name in image.required}
        assert plain <= {
            *("_NSGetEnviron", "__error", "dladdr", "dyld_stub_binder"),  # no lock, no allocation, no stdio
            *("close", "fcntl", "fstat", "getrlimit", "openat", "write", "writev"),
        }
        assert image.needed == ["/usr/lib/libSystem.B.dylib"]
        assert image.exported <= {"_mh_dylib_header", "__dso_handle"}  # the linker's own
    assert images[1].signed  # arm64 loads nothing that is not


def test_one_file_holds_both(libraries: list[bytes]) -> None:
    whole = macos.universal(libraries)
    assert whole[:8] == bytes.fromhex("cafebabe00000002")
    for number, library in enumerate(libraries):
        entry = whole[8 + 20 * number :][:20]
        start, size = int.from_bytes(entry[8:12]), int.from_bytes(entry[12:16])
        assert start % (1 << 14) == 0
        assert whole[start : start + size] == library


def test_what_is_no_library_is_told_so() -> None:
    with pytest.raises(ValueError, match="no dynamic library"):
        macos.read(b"\x7fELF" + bytes(60))
