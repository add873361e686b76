"""The container file and the compose file: what they start is there, and takes these options."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from engines import SERVER, needs_nats
from shells import PATIENCE, Shell

from quaero_cli.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "cluster"
PASSWORDS = {"VIEW_PASSWORD": "a", "WORKER_PASSWORD": "b"}


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]


def test_each_command_of_the_compose_file_is_one_of_quaeros(services, tmp_path):
    """Somebody's first cluster would end with a usage error."""
    commands = [service["command"] for service in services.values() if service["image"] == "quaero"]
    assert [command[0] for command in commands] == ["serve", "worker"]
    for command in commands:
        assert "Usage" in Shell(tmp_path).run(*command, "--help").stdout


def test_workers_share_no_data_directory_and_nothing_is_open_to_others(services):
    """Workers would be refused, or the viewer be everybody's on the network."""
    assert "volumes" not in services["worker"]
    assert all(port.startswith("127.0.0.1:") for service in services.values() for port in service.get("ports", []))
    for name, service in services.items():
        assert all("PASSWORD" not in value or "${" in value for value in service["environment"].values()), name


def test_images_are_named_without_a_registry(services):
    """Who has a registry of his own could not use the files as they are."""
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)$", (FOLDER / "Containerfile").read_text(), re.MULTILINE)
    assert len(images) == 4
    assert not [image for image in images if "/" in image]


def test_the_image_runs_quaero_with_the_engines_client():
    """The image would start something else, or could not speak to the engine."""
    text = (FOLDER / "Containerfile").read_text()
    assert json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1]) == ["quaero"]
    assert "[nats]" in text
    assert re.search(r"^USER (?!root)", text, re.MULTILINE)
    assert 'requires-python = ">=3.11,<3.14"' in (ROOT / "pyproject.toml").read_text(), "the base image's is 3.13"


def test_folders_and_ports_are_the_same_in_all_files(services):
    """Data would lie outside of what is kept, or a part ask where nobody listens."""
    image = (FOLDER / "Containerfile").read_text()
    (home,) = re.findall(r"^ENV QUAERO_HOME=(\S+)$", image, re.MULTILINE)
    assert re.findall(r"^VOLUME (\S+)$", image, re.MULTILINE) == [home]
    assert f"install --directory --owner quaero {home}" in image
    assert services["view"]["volumes"] == [f"view:{home}", f"./jobdefs:{home}/jobdefs:ro"]
    engine = (FOLDER / "engine.conf").read_text()
    stored = re.search(r'store_dir: "(.*)"', engine)[1]
    port = re.search(r"^listen: \S+:(\d+)$", engine, re.MULTILINE)[1]
    config = services["engine"]["command"][1]
    assert services["engine"]["volumes"] == [f"./engine.conf:{config}:ro", f"engine:{stored}"]
    for name in ("view", "worker"):
        assert services[name]["environment"]["QUAERO_CLUSTER_ENGINE"].endswith(f"@engine:{port}")
    web = str(Settings(home=Path("x")).server.port)
    assert re.findall(r"^EXPOSE (\d+)$", image, re.MULTILINE) == [web]
    assert services["view"]["ports"] == [f"127.0.0.1:{web}:{web}"]


def test_the_image_is_made_of_what_is_there(services):
    """The build would end at its first COPY, or take another folder for the checkout."""
    built = services["view"]["build"]
    assert (FOLDER / built["context"]).resolve() == ROOT
    assert (ROOT / built["dockerfile"]) == FOLDER / "Containerfile"
    (copied,) = re.findall(r"^COPY (\S+) ", (FOLDER / "Containerfile").read_text(), re.MULTILINE)
    assert copied == "dist/*.whl", "where hatchling puts what `just wheel` makes"
    page = (ROOT / "docs" / "cluster.md").read_text()
    for word in ("just wheel", "docker compose -f docs/cluster/compose.yaml up", *PASSWORDS, "docs/cluster/jobdefs/"):
        assert word in page, word


def test_the_view_is_found_healthy(services, tmp_path):
    """The container would be restarted for ever, though all is well."""
    check = services["view"]["healthcheck"]["test"]
    assert check[:2] == ["CMD", "python"]
    host = services["view"]["command"][1:]
    with Shell(tmp_path).serving(*host) as server:
        words = [sys.executable, *(word.replace(":8420/", f":{server.port}/") for word in check[2:])]
        assert subprocess.run(words, check=False, timeout=PATIENCE).returncode == 0


def test_the_engine_in_the_container_gives_the_same_rights():
    """A worker could do in a container what it may not do elsewhere."""
    users = [re.search(r"^authorization \{.*", path.read_text(), re.MULTILINE | re.DOTALL)[0]
             for path in (FOLDER / "engine.conf", ROOT / "docs" / "nats-server.conf")]  # fmt: skip
    assert users[0] == users[1]


@needs_nats
def test_the_engine_takes_its_configuration(tmp_path):
    """The engine's container would end as soon as it is started."""
    config = tmp_path / "engine.conf"
    config.write_text((FOLDER / "engine.conf").read_text().replace("sync_interval: always", ""))  # from 2.10 on
    command = [SERVER, "-c", config, "-t"]
    told = subprocess.run(command, env={**os.environ, **PASSWORDS}, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
