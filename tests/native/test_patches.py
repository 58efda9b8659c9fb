"""The jump at the start of a function: that nothing of the function changes by it, and where none is put."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.native.conftest import noted
from tests.native.test_library import SOURCES
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded

PATCH = SOURCES.parent / "patch"
MOVABLE = """
#include "{patch}/prologue.h"
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
int main(int count, char **words)
{{
    struct link_map *library = dlopen(words[1], RTLD_NOW);
    unsigned long offset;
    while (scanf("%lx", &offset) == 1)
        printf("%lx %zu\\n", offset, prologue_movable((const unsigned char *)library->l_addr + offset, 64));
}}
"""
REGISTERS = ("rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11")
PROGRAM = """
#include <stdio.h>
#include <string.h>
unsigned long seen[12];
/* As OpenSSL's, but that it notes what is in the registers, and gives back what it is given. */
__asm__(".text; .globl ssl_log_secret; .type ssl_log_secret, @function; .p2align 4; ssl_log_secret:\\n"
        "{beginning}\\n"
        "{notes}\\n"
        "movq %xmm0, %rax; mov %rax, seen+72(%rip); mov %r15, seen+80(%rip); lea 0x160(%rdi), %rax\\n"
        "{ending}; ret; .size ssl_log_secret, .-ssl_log_secret; .skip 1024, 0xcc");
unsigned long ssl_log_secret(void *, const char *, const unsigned char *, unsigned long);
static unsigned char session[512], secret[48];
int main(void)
{{
    unsigned long given, above[1024]; /* what a function may read from its caller's stack */
    for (int i = 0; i < 1024; i++)
        above[i] = 0x2b2b;
    memset(session + 0x160, 0x5a, 32);
    memset(secret, 0x3c, sizeof secret);
    __asm__ volatile("mov $0x1515, %%r15; mov $0x1010, %%r10; mov $0x1111, %%r11;"
                     "mov $0x88, %%r8; mov $0x99, %%r9;"
                     "mov $0x7777, %%rax; movq %%rax, %%xmm0; call ssl_log_secret"
                     : "=a"(given)
                     : "D"(session), "S"("CLIENT_RANDOM"), "d"(secret), "c"(sizeof secret), "m"(above)
                     : "r8", "r9", "r10", "r11", "r12", "r15", "xmm0", "memory");
    for (int i = 0; i < 12; i++)
        printf("%lx ", seen[i] > 0xffff ? 0xffff : seen[i]); /* of an address, that it is one */
    printf("%d %d\\n", given == (unsigned long)session + 0x160, seen[4] == (unsigned long)session);
}}
"""
LINE = f"CLIENT_RANDOM {'5a' * 32} {'3c' * 48}\n"
BEGINNINGS = {
    "node": ("push %rbp; mov $0x1, %eax; mov %rsp, %rbp", "pop %rbp"),
    "curl_cffi": ("push %rbp; mov %rsp, %rbp; push %r15", "pop %r15; pop %rbp"),
    "grpcio": ("push %r15; mov $0x1, %r15d", "pop %r15"),
    "cryptography": ("push %r15; mov %rsi, %r11; mov %rdx, %r15", "pop %r15"),
    "marked": ("endbr64; push %r13; mov %rcx, %r13; sub $0x18, %rsp", "add $0x18, %rsp; pop %r13"),
    "awscrt": (".byte 0x2e, 0x2e; push %r14; push %r13; push %r12", "pop %r12; pop %r13; pop %r14"),
    "large": ("sub $0x188, %rsp", "add $0x188, %rsp"),
    "memory": ("mov 0x9a8(%rsp), %r11; lea -0x30(%rsp), %r12", "nop"),
}
REFUSED = {
    "jump": ("jmp 1f; 1: nop; nop; nop; nop", "nop"),
    "by its place": ("lea seen(%rip), %r11; nop", "nop"),
    "loop": ("xor %r11d, %r11d; 1: push %rbp; pop %rbp; test %r11d, %r11d; jne 1b", "nop"),
}


def program(compiled: Compile, beginning: str, ending: str) -> Path:
    notes = "; ".join(f"mov %{name}, seen+{8 * place}(%rip)" for place, name in enumerate(REGISTERS))
    source = PROGRAM.format(beginning=beginning, ending=ending, notes=notes)
    return compiled("program", source, "-rdynamic", "-Wl,-z,noexecstack")


@pytest.mark.parametrize("name", BEGINNINGS)
def test_function_gets_and_gives_what_it_does_alone(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path, name: str
) -> None:
    made = program(compiled, *BEGINNINGS[name])
    alone = subprocess.run([made], capture_output=True, text=True, check=True, timeout=60)
    under = preloaded(made)
    assert (under.returncode, under.stdout, under.stderr) == (0, alone.stdout, "")
    assert (tmp_path / "keys").read_text() == LINE
    assert [event["how"] for event in noted(tmp_path, "tls", "unreached")] == ["patch"]


@pytest.mark.parametrize("name", REFUSED)
def test_function_that_begins_in_an_unknown_way_is_left_alone(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path, name: str
) -> None:
    made = program(compiled, *REFUSED[name])
    alone = subprocess.run([made], capture_output=True, text=True, check=True, timeout=60)
    under = preloaded(made)
    assert (under.returncode, under.stdout, under.stderr) == (0, alone.stdout, "")
    assert (tmp_path / "keys").read_text() == ""
    (told,) = noted(tmp_path, "unreached")
    assert told["why"] == "its function for key logs begins in a way that is not known"
    assert told["library"] == str(made)


def test_code_that_may_not_be_written_to_is_left_alone(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    """As where SELinux forbids it: here a filter, which plainwire is said to be under as well."""
    made = program(compiled, *BEGINNINGS["node"])
    forbidding = compiled(
        "forbidding",
        """
        #include <errno.h>
        #include <linux/filter.h>
        #include <linux/seccomp.h>
        #include <stddef.h>
        #include <sys/mman.h>
        #include <sys/prctl.h>
        #include <sys/syscall.h>
        #include <unistd.h>
        int main(int count, char **words)
        {
            struct sock_filter rules[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_READ | PROT_WRITE | PROT_EXEC, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            };
            struct sock_fprog filter = {sizeof rules / sizeof rules[0], rules};
            prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
            execv(words[1], words + 1);
            return 1;
        }
        """,
        "-static",
    )
    alone = subprocess.run([made], capture_output=True, text=True, check=True, timeout=60)
    under = preloaded(forbidding, made, PLAINWIRE_FILTERS="100")
    assert (under.returncode, under.stdout, under.stderr) == (0, alone.stdout, "")
    assert [event["why"] for event in noted(tmp_path, "unreached")] == [
        "its code cannot be made writable here"
    ]


def test_what_is_moved_are_whole_instructions_that_may_be(compiled: Compile) -> None:
    """Of all functions of a library, held against objdump."""
    library = re.search(r"=> (\S*libssl\S*)", subprocess.check_output([tool("ldd"), tool("curl")], text=True))
    assert library
    listed = subprocess.check_output(
        [tool("objdump"), "-d", "--no-show-raw-insn", library[1]], text=True, timeout=300
    )
    starts, code = [], {}
    for address, name, inner, words in re.findall(
        r"^([0-9a-f]+) <([^>]+)>:$|^ +([0-9a-f]+):\t(.*)$", listed, re.MULTILINE
    ):
        if name and "@plt" not in name:
            starts.append(int(address, 16))
        elif inner:
            code[int(inner, 16)] = words
    program = compiled(
        "movable", MOVABLE.format(patch=PATCH), PATCH / "prologue.c", SOURCES / "text.c", "-ldl"
    )
    answers = subprocess.run(
        [program, library[1]],
        input="\n".join(f"{start:x}" for start in starts),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    moved = 0
    for start, length in (line.split() for line in answers.splitlines()):
        begin, size = int(start, 16), int(length)
        if size == 0:
            continue
        moved += 1
        begin += 4 if code[begin].startswith("endbr64") else 0
        assert begin + size in code, start
        assert 5 <= size < 16
        for at in range(begin, begin + size):
            assert "%rip" not in code.get(at, ""), start
            assert not re.match(r"j|call|ret|loop|bnd", code.get(at, "")), start
    assert moved > len(starts) / 2
