"""What the interposer knows of Java by heart, held against the JDK that is here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.native.test_library import SOURCES
from tests.needs import tool, without

PATCH = SOURCES.parent / "patch"
INSERTING = """
#include "classfile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char read_bytes[1 << 20];

int main(int count, char **words)
{
    const struct insertion what = {"createKeyDerivation",
        "(Lsun/security/ssl/HandshakeContext;Ljavax/crypto/SecretKey;)",
        "sun/security/ssl/Plainwire", "log", "(Ljava/lang/Object;Ljava/lang/Object;)V"};
    FILE *file = fopen(words[1], "rb");
    const size_t length = fread(read_bytes, 1, sizeof read_bytes, file);
    for (size_t i = 0; count == 2 && i < length + 8 * length; i++) {
        const size_t kept = i < length ? i : length;
        unsigned char *bytes = malloc(kept), *into = malloc(kept + CLASSFILE_GROWTH);
        memcpy(bytes, read_bytes, kept);
        if (i >= length)
            bytes[(i - length) / 8] ^= 1 << i % 8;
        classfile_insert(bytes, kept, &what, into);
        free(bytes);
        free(into);
    }
    static unsigned char into[sizeof read_bytes + CLASSFILE_GROWTH];
    const size_t made = classfile_insert(read_bytes, length, &what, into);
    if (count == 3)
        fwrite(into, 1, made, fopen(words[2], "wb"));
    return made == 0;
}
"""


@pytest.fixture(scope="module")
def jdk() -> Path:
    return Path(tool("javac")).resolve().parents[1]


@pytest.fixture(scope="module")
def traffic_keys(jdk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JSSE's class, as this JDK has it."""
    folder = tmp_path_factory.mktemp("classes")
    name = "/java.base/sun/security/ssl/SSLTrafficKeyDerivation.class"
    command = [str(jdk / "bin" / "jimage"), "extract", "--dir", str(folder)]
    command += ["--include", f"glob:{name}", str(jdk / "lib" / "modules")]
    subprocess.run(command, check=True, timeout=120)
    return next(folder.rglob("SSLTrafficKeyDerivation.class"))


@pytest.fixture(scope="module")
def inserting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inserting")
    (folder / "inserting.c").write_text(INSERTING)
    sources = [folder / "inserting.c", PATCH / "classfile.c", SOURCES / "text.c"]
    command = [tool("gcc"), "-g", "-fno-builtin", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command += [f"-I{PATCH}", *map(str, sources), "-o", str(folder / "inserting")]
    subprocess.run(command, check=True, timeout=120)
    return folder / "inserting"


def test_functions_have_the_places_that_the_headers_give_them(jdk: Path) -> None:
    source = (PATCH / "jvm.c").read_text()
    for prefix, header, structure in (
        ("JNI", "jni.h", "JNINativeInterface_"),
        ("JVMTI", "jvmti.h", "jvmtiInterface_1_"),
    ):
        if not (jdk / "include" / header).exists():
            without(f"not on this machine: {header} of the JDK")
        text = (jdk / "include" / header).read_text()
        body = text.split(f"struct {structure} {{", 1)[1].split("\n};", 1)[0]
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
        listed = re.findall(r"\(JNICALL \*\s*(\w+)\)|void \*\s*(reserved\d+);", body)
        places = {(name or reserved).lower(): place for place, (name, reserved) in enumerate(listed)}
        known = dict(re.findall(rf"    {prefix}_([A-Z_]+) = (\d+),", source))
        known.pop("GET_ENV", None)
        assert len(known) >= 9
        assert {name: places[name.replace("_", "").lower()] for name in known} == {
            name: int(place) for name, place in known.items()
        }


def test_call_is_the_first_that_the_method_does(
    jdk: Path, traffic_keys: Path, inserting: Path, tmp_path: Path
) -> None:
    made = tmp_path / "SSLTrafficKeyDerivation.class"
    subprocess.run([str(inserting), str(traffic_keys), str(made)], check=True, timeout=60)

    def code(path: Path) -> list[tuple[str, str]]:
        shown = subprocess.run(
            [str(jdk / "bin" / "javap"), "-c", "-p", str(path)],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        ).stdout
        method = shown.split("createKeyDerivation(sun.security.ssl.HandshakeContext,", 1)[1].split("\n\n", 1)[
            0
        ]
        return re.findall(r"\d+: (\w+).*?(?:// (?:Interface)?Method ([\w/.]+).*)?\n", method)

    first, second, call, *rest = code(made)
    assert (first[0], second[0], call) == (
        "aload_1",
        "aload_2",
        ("invokestatic", "sun/security/ssl/Plainwire.log"),
    )
    assert rest == code(traffic_keys)


def test_damaged_class_is_never_read_beyond_its_end(traffic_keys: Path, inserting: Path) -> None:
    done = subprocess.run(
        [str(inserting), str(traffic_keys)], capture_output=True, text=True, check=False, timeout=300
    )
    assert (done.returncode, done.stderr) == (0, "")
