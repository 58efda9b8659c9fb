"""Programs that the program starts: with the interposer where their loader takes it, without it where not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import interposer
from tests.native.conftest import noted
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded

SHOWING = """
    #include <stdio.h>
    #include <stdlib.h>
    int main(void)
    {
        const char *list = getenv("LD_PRELOAD");
        printf("%s\\n", list ? list : "none");
    }
"""


@pytest.mark.parametrize(("compiler", "flags"), [("gcc", ("-m32",)), ("gcc", ("-fsanitize=address",))])
def test_loader_that_would_complain_is_not_asked(
    compiled: Compile, preloaded: Preloaded, compiler: str, flags: tuple[str, ...]
) -> None:
    needs(compiler)
    program = compiled("showing", SHOWING, *flags, compiler=compiler)
    done = preloaded("sh", "-c", f"'{program}'; exit $?")
    assert (done.stdout, done.stderr) == ("none\n", "")


def test_other_libraries_stay_in_the_list(compiled: Compile, preloaded: Preloaded) -> None:
    program = compiled("showing", SHOWING, "-fsanitize=address", "-static-libgcc")
    library = interposer.compiled()
    listed = f"libm.so.6:{library}:libdl.so.2"
    done = preloaded("sh", "-c", f"ASAN_OPTIONS=verify_asan_link_order=0 '{program}'", LD_PRELOAD=listed)
    assert done.stdout == "libm.so.6:libdl.so.2\n"


def test_child_of_its_own_kind_has_the_interposer(preloaded: Preloaded, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!{tool('sh')}\nexec sh -c no-such-command\n")
    script.chmod(0o755)
    preloaded(sys.executable, "-c", f"import subprocess; subprocess.run([{str(script)!r}])")
    assert "not found" in "".join(event["text"] for event in noted(tmp_path, "stderr"))
