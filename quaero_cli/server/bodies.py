"""Reading the body of a request: a JSON object, or nothing."""

from typing import Any

import orjson
from quart import request
from werkzeug.exceptions import UnsupportedMediaType

from quaero_cli.errors import ParameterError
from quaero_cli.server.answers import JSON_TYPE


async def json_object() -> dict[str, Any]:
    """Return the body's JSON object; an empty one when there is no body. Raises ParameterError."""
    body = await request.get_data()
    if not body:
        return {}
    # A form of another page cannot have this type, so a browser would have to ask us first.
    if request.mimetype != JSON_TYPE:
        raise UnsupportedMediaType(f"the body must be {JSON_TYPE}")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ParameterError(f"the body is not JSON: {error}", hint='send an object: {"name": value}') from None
    if not isinstance(value, dict):
        raise ParameterError("the body is not a JSON object", hint='send an object: {"name": value}')
    return value
