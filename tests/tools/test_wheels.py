"""What is published comes with a list of what it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest
import wheels


def test_a_wheel_for_musl_needs_all_that_the_others_need_but_what_is_not_there() -> None:
    project = (Path(wheels.ROOT) / "pyproject.toml").read_text()
    left = wheels.without(wheels.NOT_FOR_MUSL, project)
    gone = set(project.splitlines()) - set(left.splitlines())
    assert sorted(line.split('"')[1].partition(">")[0] for line in gone) == ["cypcap", "lz4"]
    with pytest.raises(ValueError, match="has 0"):
        wheels.without(["cypcap"], left)


def test_the_list_of_what_comes_with_it_names_each_package_once_and_what_depends_on_it() -> None:
    made = wheels.sbom(
        [("plainwire", "0.1.0", "Apache-2.0"), ("msgspec", "0.19.0", ""), ("Ruamel_Yaml", "1.0", "MIT")],
        [("itoa", "1.0.19", "MIT OR Apache-2.0")],
    )
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.5")
    components = made["components"]
    assert isinstance(components, list)
    assert [c["purl"] for c in components] == [
        "pkg:pypi/ruamel-yaml@1.0",
        "pkg:pypi/msgspec@0.19.0",
        "pkg:cargo/itoa@1.0.19",
    ]
    assert components[0]["licenses"] == [{"expression": "MIT"}]
    assert made["dependencies"] == [
        {"ref": "pkg:pypi/plainwire@0.1.0", "dependsOn": [c["bom-ref"] for c in components]}
    ]
