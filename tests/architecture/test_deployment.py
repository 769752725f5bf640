"""Dockerfile and Compose files: what every container must be, and that they agree with the rest of the project."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

import deployment
from tests.architecture.source import ROOT

COMPOSE = (ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(:?[-?+])?")
OURS = {"observer", "agent-node"}
LENT = {"llm"}
"""An image that nobody here could try; what is known to be safe for it is asked of it."""


def document(text: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(text))


SERVICES: dict[str, dict[str, Any]] = document(COMPOSE)["services"]


def test_the_services_of_the_design_are_there() -> None:
    assert {"postgres", "redis", "qdrant", "observer", "agent-node"} | LENT == set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_hardened(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] in ("unless-stopped", "on-failure")
    assert service["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert service["healthcheck"]["test"]
    assert not service.get("privileged")
    if name not in LENT:
        assert service["read_only"] is True
        assert service.get("user", "0") != "0" or name in OURS | {
            "qdrant"
        }  # whose images have a user of their own


def test_only_the_observer_is_published_and_on_loopback() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"observer"}
    assert SERVICES["observer"]["ports"] == ["127.0.0.1:${OBSERVER_PORT:-9000}:9000"]
    assert document(COMPOSE)["networks"]["inside"]["internal"] == "${NETWORK_INTERNAL:-true}"
    assert {name for name, service in SERVICES.items() if service["networks"] != ["inside"]} == {
        "observer",
        "llm",
    }


def test_nodes_are_bounded_as_designed_and_start_after_what_they_need() -> None:
    node = SERVICES["agent-node"]
    assert node["deploy"]["resources"]["limits"] == {
        "cpus": "${NODE_CPUS:-2}",
        "memory": "${NODE_MEMORY:-4G}",
    }
    assert {name: needs["condition"] for name, needs in node["depends_on"].items()} == dict.fromkeys(
        ("postgres", "redis", "qdrant"), "service_healthy"
    )
    assert "container_name" not in node  # or there could be but one
    assert "ports" not in node


@pytest.mark.parametrize("name", sorted(set(SERVICES) - OURS))
def test_images_are_of_a_named_version(name: str) -> None:
    found = re.fullmatch(r"\$\{\w+_IMAGE:-[\w./-]+:(v?[\d.]+[\w-]*)\}", SERVICES[name]["image"])
    assert found, SERVICES[name]["image"]


def test_secrets_come_from_files_that_the_script_makes() -> None:
    declared = document(COMPOSE)["secrets"]
    assert set(declared) == set(deployment.PASSWORDS)
    for name, secret in declared.items():
        assert re.fullmatch(r"\$\{ECOLOGY_SECRETS:\?.*deployment\.py.*\}/" + name, secret["file"])
    used = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert used == set(declared)


def test_what_may_be_set_is_explained() -> None:
    """Every variable without which Compose could not start, and every other that is no image, is in the example."""
    example = (ROOT / ".env.example").read_text("utf-8")
    named = set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE))
    used = {name for name, _ in VARIABLE.findall(COMPOSE)}
    assert {name for name in used if not name.endswith("_IMAGE")} - named == {"QDRANT_URL", "LLM_CONTEXT"}
    assert named <= used
    assert all(operator for _, operator in VARIABLE.findall(COMPOSE)), "each has a default or says what to do"


def test_the_override_is_for_services_that_are_there() -> None:
    override = document((ROOT / "docker-compose.override.example.yml").read_text("utf-8"))
    assert override["services"].keys() <= SERVICES.keys()
    for service in override["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_the_image_is_built_from_the_lock_and_has_no_root() -> None:
    assert not DOCKERFILE.startswith("# syntax")
    assert "--require-hashes --requirement requirements.lock" in " ".join(DOCKERFILE.split())
    assert re.findall(r"^USER (.+)$", DOCKERFILE, re.MULTILINE)[-1] == "10001:10001"
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert set(stages) == {"${PYTHON_IMAGE}"}
    assert not re.search(r"https?://", DOCKERFILE)


def test_the_image_has_no_servers_in_it() -> None:
    """They are for runs on one machine; Compose has its own."""
    local = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"][
        "local"
    ]
    removed = re.search(r"uninstall --yes --quiet ((?:.|\n)*?) &&", DOCKERFILE)
    assert removed
    assert {Requirement(text).name for text in local} <= set(removed[1].split())


def test_the_build_sees_only_what_it_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    assert "*" in ignored
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source.partition("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert let_in == copied


def test_the_script_makes_what_is_missing_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("# words\nECOLOGY_SECRETS=./hidden\n")
    made = deployment.make(tmp_path)
    assert [path.name for path in made] == [".env", *deployment.PASSWORDS]
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "hidden").stat().st_mode & 0o777 == 0o700
    passwords = {path.read_text() for path in made[1:]}
    assert len(passwords) == len(deployment.PASSWORDS)
    assert all(re.fullmatch(r"[0-9a-f]{48}\n", password) for password in passwords)
    assert {path.stat().st_mode & 0o777 for path in made[1:]} == {0o444}

    made[1].unlink()
    assert deployment.make(tmp_path) == [made[1]]
    assert deployment.make(tmp_path) == []
    assert made[2].read_text() in passwords


def test_settings_without_a_folder_for_passwords(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AGENTS=3\n")
    with pytest.raises(deployment.DeploymentError, match=r"add ECOLOGY_SECRETS=\./secrets to it"):
        deployment.make(tmp_path)
