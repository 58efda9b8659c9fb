"""sprintf with the interposer in the program: as without it, whatever is to be formatted."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.native.conftest import Compile, Preloaded

EARLY = """
    #include <stdio.h>
    char early[200], hexadecimal[3];
    __attribute__((constructor)) static void begin(void)
    {
        sprintf(early, "%s %.2f %d %.3f %Lg %c %.1f", "early", 1.25, -7, 2.5, 3.75L, 'c', 9.0);
        sprintf(hexadecimal, "%02x", 254);
    }
"""
PROGRAM = """
    #include <errno.h>
    #include <stdio.h>
    extern char early[], hexadecimal[];
    int main(int count, char **words)
    {
        char text[200], small[2];
        volatile int value = 0x5a;
        puts(early);
        puts(hexadecimal);
        errno = 4242;
        for (int i = 0; i < 256; i++)
            printf("%d%s ", sprintf(text, "%02x", i), text);
        printf("%d\\n", errno);
        const char *const formats[] = {"", "%", "%0", "%02", "%02x", "%02X", "%2x", "%02x ", "%02xx", "%03x",
                                       "%02d", "%02lx", "%%02x", "0x%02x"};
        const long values[] = {0, 9, 0xff, 0x100, 0x12345678, -1};
        for (unsigned i = 0; i < sizeof formats / sizeof *formats; i++)
            for (unsigned j = 0; j < sizeof values / sizeof *values; j++)
                printf("%d<%s>", sprintf(text, formats[i], values[j]), text);
        printf("%d", sprintf(text, "%f %d %f %d %f %d %f %d %f %d %f %f %f %f %s", 0.5, 1, 1.5, 2, 2.5, 3,
                             3.5, 4, 4.5, 5, 5.5, 6.5, 7.5, 8.5, "end"));
        puts(text);
        fflush(stdout);
        if (count > 1)
            sprintf(small, "%02x", value);
    }
"""


@pytest.mark.parametrize("fortified", [0, 2])
def test_what_is_formatted_is_as_without_it(fortified: int, compiled: Compile, preloaded: Preloaded) -> None:
    flags = ["-O2", "-fno-builtin", "-U_FORTIFY_SOURCE", f"-D_FORTIFY_SOURCE={fortified}", "-w"]
    library = compiled("early", EARLY, "-shared", *flags)
    program = compiled("program", PROGRAM, *flags, library, f"-Wl,-rpath,{library.parent}")
    assert (b"__sprintf_chk" in program.read_bytes()) == bool(fortified)
    alone = subprocess.run([program], capture_output=True, text=True, check=True, timeout=60)
    assert alone.stdout.startswith("early 1.25 -7 2.500 3.75 c 9.0\nfe\n200 201 202 ")
    under = preloaded(program)
    assert (under.stdout, under.stderr, under.returncode) == (alone.stdout, "", 0)


def test_a_buffer_that_is_too_small_is_still_found(compiled: Compile, preloaded: Preloaded) -> None:
    flags = ["-O2", "-fno-builtin", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2", "-w"]
    library = compiled("early", EARLY, "-shared", *flags)
    program = compiled("program", PROGRAM, *flags, library, f"-Wl,-rpath,{library.parent}")
    alone = subprocess.run([program, "x"], capture_output=True, text=True, check=False, timeout=60)
    under = preloaded(program, "x")
    assert alone.returncode == -signal.SIGABRT
    assert (under.stdout, under.stderr, under.returncode) == (alone.stdout, alone.stderr, alone.returncode)
