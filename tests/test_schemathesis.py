"""The API's description against the server: nothing it allows is refused, nothing it forbids is taken, no 5xx.

Cases are made by schemathesis from the description that the server itself serves: valid ones, and ones that break
one rule of it. Answers must have a status, a type and a shape that the description knows.
"""

from functools import partial
from pathlib import Path

import pytest
import requests
import schemathesis
import trio
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from serving import TOKEN, Web, running

from quaero_cli.model import Level
from quaero_cli.server.openapi import describe

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    negative_data_rejection,
]  # fmt: skip
OPERATIONS = [(method.upper(), path) for path, methods in describe()["paths"].items() for method in methods]
# Those that take something: of the others nothing can be wrong.
REFUSING = [
    (method.upper(), path)
    for path, methods in describe()["paths"].items()
    for method, operation in methods.items()
    if "requestBody" in operation or any(each["in"] == "query" for each in operation["parameters"])
]
# Together 2,000 at night.
PER_OPERATION = 2000 // (len(OPERATIONS) + len(REFUSING)) + 1
STREAMS = ("/api/logs/stream", "/api/logs/streams")
EXISTING = {"job_id": "j1", "definition_id": "hello", "document_id": "1", "line": "1"}
SEED = 20_260_115


def _fill(web: Web) -> None:
    web.add_job("j1", steps=("fetch", "store"))
    web.log("j1", "one", "two", step="fetch", status=200)
    web.log("j1", "loud", level=Level.ERROR)
    web.log(None, "of the service")
    web.finish("j1")


def _campaign(web: Web, method: str, path: str, mode: GenerationMode, cases: int) -> None:
    """Send so many requests to one operation, half of them about things that exist."""
    base = f"http://127.0.0.1:{web.bound.port}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    document = requests.get(f"{base}/api/openapi.json", headers=headers, timeout=20).json()
    # Else it makes up tokens of its own; that a token is needed everywhere is tested elsewhere.
    del document["security"], document["components"]["securitySchemes"]
    schema = schemathesis.openapi.from_dict(document)
    operation = schema[path][method]
    existing = {name: value for name, value in EXISTING.items() if f"{{{name}}}" in path}
    session = requests.Session()
    session.headers.update(headers)
    for fixed in [None, existing] if existing and mode is GenerationMode.POSITIVE else [None]:

        @seed(SEED)
        @settings(
            max_examples=cases, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(mode, path_parameters=fixed))
        def send(case: schemathesis.Case) -> None:
            if path in STREAMS:
                _open(case, base, session, refused=path == STREAMS[0] and mode is GenerationMode.NEGATIVE)
            else:
                answer = case.call(base_url=base, session=session, headers=headers)
                # Too long is too long, whatever else is wrong.
                refused = answer.status_code == 414
                case.validate_response(answer, checks=CHECKS[:-1] if refused else CHECKS)

        send()
    session.close()


def _open(case: schemathesis.Case, base: str, session: requests.Session, *, refused: bool) -> None:
    """A stream has no end: look at the head of the answer."""
    asked = case.as_transport_kwargs(base_url=base, headers=dict(session.headers))
    with session.request(**asked, stream=True, timeout=20) as answer:
        allowed = (400, 414) if refused else (200, 204, 400, 404, 412, 414)
        assert answer.status_code in allowed, (answer.status_code, asked)
        if answer.status_code >= 400:
            assert answer.json()["error"]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_what_the_description_allows_is_answered(tmp_path, campaign, method, path):
    """A generated client would send what is refused, and be answered with what it does not know."""
    await _test(tmp_path, method, path, GenerationMode.POSITIVE, campaign(8, PER_OPERATION))


@pytest.mark.parametrize(("method", "path"), REFUSING)
async def test_what_the_description_forbids_is_refused(tmp_path, campaign, method, path):
    """An attacker would find what nobody thought of: a number that is none, a word too many."""
    await _test(tmp_path, method, path, GenerationMode.NEGATIVE, campaign(8, PER_OPERATION))


async def _test(folder: Path, method: str, path: str, mode: GenerationMode, cases: int) -> None:
    async with running(folder) as web:
        _fill(web)
        await trio.to_thread.run_sync(partial(_campaign, web, method, path, mode, cases))
        assert not [line for line in web.said if line[0] >= Level.ERROR]
