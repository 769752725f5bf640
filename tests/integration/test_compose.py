"""`docker compose up`, scale and stop on a real engine."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.compose import ROOT, Project, project

pytestmark = [pytest.mark.docker, pytest.mark.compose]
AGENTS = 12
ASK = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/{}', timeout=60).read().decode())"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Engines and two nodes, ready."""
    folder = tmp_path_factory.mktemp("compose")
    with project(folder, AGENTS=str(AGENTS), AGENT_NODES="2", NODE_CPUS="1", NODE_MEMORY="1G") as it:
        it.compose("up", "--detach", "--build", "--wait")
        yield it


def figures(world: Project, index: int) -> dict[str, float]:
    text = world.inside("agent-node", "python", "-c", ASK.format("metrics"), index=index)
    lines = [line.split() for line in text.splitlines() if line.startswith("ecology_")]
    return {words[0]: float(words[-1]) for words in lines}


def settles(world: Project, nodes: int) -> None:
    """In a while so many nodes are in, and each agent is on exactly one of them."""
    give_up = time.monotonic() + 120
    while True:
        told = [figures(world, int(index)) for index in indices(world)]
        members = {it["ecology_members"] for it in told}
        agents = sum(it["ecology_agents"] for it in told)
        if members == {nodes} and agents == AGENTS:
            return
        assert time.monotonic() < give_up, told
        time.sleep(0.5)


def indices(world: Project) -> list[str]:
    """The numbers of the nodes' containers."""
    label = "com.docker.compose.container-number"
    return sorted(it["Config"]["Labels"][label] for it in world.containers("agent-node"))


def test_up_means_ready(world: Project) -> None:
    for index in (1, 2):
        ready = json.loads(world.inside("agent-node", "python", "-c", ASK.format("ready"), index=index))
        assert ready == {"ready": True, "missing": {}}
    for service in ("postgres", "redis", "observer", "agent-node"):
        states = [container["State"]["Health"]["Status"] for container in world.containers(service)]
        assert states, service
        assert set(states) == {"healthy"}


def test_a_container_can_do_what_it_must_and_nothing_else(world: Project) -> None:
    for service in ("postgres", "redis", "observer", "agent-node"):
        (status,) = [world.inside(service, "cat", "/proc/1/status")]
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert "0" not in fields["Uid"].split(), service
        assert fields["CapEff"] == fields["CapBnd"] == "0" * 16, service
        assert fields["NoNewPrivs"] == "1", service
        assert "Read-only file system" in world.inside(service, "touch", "/here", check=False), service


def test_nodes_are_bounded(world: Project) -> None:
    for container in world.containers("agent-node"):
        assert container["HostConfig"]["NanoCpus"] == 1_000_000_000
        assert container["HostConfig"]["Memory"] == 1 << 30
        assert container["HostConfig"]["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}


def test_no_password_stands_where_others_look(world: Project) -> None:
    password = world.inside("redis", "cat", "/run/secrets/redis_password").strip()
    assert len(password) == 48
    for service in ("postgres", "redis", "observer", "agent-node"):
        assert password not in json.dumps(world.containers(service))
        assert password not in world.inside(service, "cat", "/proc/1/cmdline")
        assert password not in world.compose("logs", service).stdout
    assert "NOAUTH" in world.inside("redis", "redis-cli", "ping")


def test_the_nodes_have_no_way_out(world: Project) -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 443), timeout=3)"
    said = world.inside("agent-node", "python", "-c", code, check=False)
    assert "TimeoutError" in said or "unreachable" in said


def test_the_doctor_has_nothing_to_mend_inside(world: Project) -> None:
    told = json.loads(world.inside("agent-node", "ecology", "doctor", "--json"))
    assert told["ok"] is True
    states = {finding["check"]: finding["state"] for finding in told["findings"]}
    assert (
        states["postgres"]
        == states["redis"]
        == states["key.postgres_password"]
        == states["port.node"]
        == "ok"
    )


def test_scaling_up_and_down_keeps_every_agent_on_one_node(world: Project) -> None:
    world.compose("up", "--detach", "--wait", "--scale", "agent-node=5")
    assert indices(world) == ["1", "2", "3", "4", "5"]
    settles(world, 5)
    world.compose("up", "--detach", "--wait", "--scale", "agent-node=2")
    left = world.containers("agent-node")
    assert len(left) == 2
    assert {it["State"]["Health"]["Status"] for it in left} == {"healthy"}
    settles(world, 2)


def test_a_node_that_is_told_to_stop_leaves(world: Project) -> None:
    world.compose("stop", "agent-node")
    ends = [(it["State"]["ExitCode"], it["State"]["OOMKilled"]) for it in world.containers("agent-node")]
    assert set(ends) == {(130, False)}
    world.compose("up", "--detach", "--wait")
    settles(world, 2)


def complaint(folder: Path, **variables: str) -> str:
    """What Compose says when it is started so; one line."""
    done = subprocess.run(
        [
            "docker",
            "compose",
            "--file",
            ROOT / "docker-compose.yml",
            "--project-directory",
            folder,
            "config",
            "--quiet",
        ],
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    return line


def test_without_settings_one_line_says_what_to_do(tmp_path: Path) -> None:
    assert complaint(tmp_path).endswith(
        "required variable ECOLOGY_SECRETS is missing a value: "
        "run `python3 scripts/deployment.py`, which makes .env and the passwords"
    )
