"""The HTTP API of the suite: health, and each app's router under ``/<app>``, with errors as advice."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from portside import __version__
from portside.apps import AppSpec, app_service, load
from portside.errors import Busy, ModelNotFound, PortsideError, StorageError
from portside.settings import Settings
from portside_api.load import LimitedLoad, apart, busy_response

__all__ = ["Advice", "Health", "build_api"]

log = logging.getLogger(__name__)


class Health(BaseModel):
    """What is ready."""

    status: str = Field(description="'ok' when the suite answers")
    version: str
    apps: dict[str, dict[str, str]] = Field(description="app -> part -> state; a state that is missing says so")


class Advice(BaseModel):
    """An expected error: the rule, the value seen, the next step."""

    rule: str
    seen: str
    remedy: str


def build_api(settings: Settings, apps: Sequence[AppSpec]) -> FastAPI:
    """Compose the routers of ``apps``. Services are built when a route first needs them."""
    api = FastAPI(title="Portside", version=__version__, description="Fine-tuned text models behind three apps.")

    def health() -> Health:
        return Health(status="ok", version=__version__, apps={app.name: load(app.health)(settings) for app in apps})

    def metrics() -> Response:
        from portside_api.metrics import CONTENT_TYPE, metrics_page

        return Response(metrics_page(), media_type=CONTENT_TYPE)

    api.get("/health", summary="Is the suite ready?", response_model=Health)(apart(health))
    api.get("/metrics", summary="For a monitoring system", response_class=Response)(apart(metrics))
    for app in apps:
        router = load(app.router)(partial(app_service, app, settings))
        advice: dict[int | str, dict[str, Any]] = {422: {"model": Advice}, 503: {"model": Advice}}
        api.include_router(router, prefix=f"/{app.name}", tags=[app.title], responses=advice)
    api.add_middleware(LimitedLoad)
    api.add_exception_handler(PortsideError, _advise)
    api.add_exception_handler(Exception, _incident)
    return api


def _advise(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PortsideError)
    if isinstance(error, Busy):
        return busy_response(error)
    # A missing model or a database that does not answer is ours to mend; the rest is the caller's.
    status = 503 if isinstance(error, ModelNotFound | StorageError) else 422
    return JSONResponse({"rule": error.rule, "seen": error.seen, "remedy": error.remedy}, status_code=status)


def _incident(request: Request, error: Exception) -> JSONResponse:
    incident = secrets.token_hex(4)
    log.error("incident %s at %s", incident, request.url.path, exc_info=error)
    body = {
        "rule": "Something went wrong on our side",
        "seen": "",
        "remedy": f"Look for incident {incident} in the log",
    }
    return JSONResponse(body, status_code=500)
