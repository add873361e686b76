"""The API's description: that it is whole, and says what the server does."""

import re

from serving import all_routes, running

from quaero_cli.server.filters import STREAM_RULES
from quaero_cli.server.openapi import describe


def _references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_references_lead_somewhere():
    """A generated client would not build."""
    document = describe()
    schemas = document["components"]["schemas"]
    for name in set(_references(document)):
        assert name.removeprefix("#/components/schemas/") in schemas, name
    assert {"Entry", "Meta", "Counts", "StepView", "JobSummary", "WorkerView", "Error"} <= set(schemas)
    assert "fields" not in schemas["Entry"]["required"]
    assert "message" in schemas["Entry"]["required"]


def test_every_parameter_is_described():
    """A parameter that works would be unknown to whoever reads the description."""
    parameters = describe()["paths"]["/api/logs/stream"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == list(STREAM_RULES)
    limit = next(parameter for parameter in parameters if parameter["name"] == "limit")
    assert limit["schema"] == {"type": "integer", "minimum": 0, "maximum": 5000}


async def test_every_route_is_described(tmp_path):
    """A route would be there and nobody would know; or would be described and not there."""
    async with running(tmp_path) as web:
        web.add_job("j1")
        web.keep("http://x/a")
        document = (await web.get("/api/openapi.json")).json()
        for path, operations in document["paths"].items():
            target = (
                path.replace("{job_id}", "j1")
                .replace("{definition_id}", "hello")
                .replace("{line}", "1")
                .replace("{document_id}", "1")
            )
            for method in ("get", "post", "put", "delete"):
                answer = await web.request(method.upper(), target, web.headers())
                assert (answer.status != 405) == (method in operations), (method, path)
                if method in operations and "?" not in target:
                    wanted = {*operations[method]["responses"]}
                    assert str(answer.status) in wanted, (method, path, answer.status)
                    required = [
                        p["name"] for p in operations[method]["parameters"] if p["required"] and p["in"] == "query"
                    ]
                    assert (answer.status == 400) == bool(required)


def test_the_router_has_no_other_routes(tmp_path):
    """A new route would go undescribed."""
    described = {re.sub(r"{(\w+)}", r"<\1>", path) for path in describe()["paths"]}
    served = {rule.replace("<path:", "<") for rule, _ in all_routes(tmp_path)}
    assert {rule for rule in served if rule.startswith(("/api/", "/metrics"))} == described
