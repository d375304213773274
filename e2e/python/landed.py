"""Keeps the SDK's check of the document to the paths that it has (pytest plugin, -p landed).

The check goes through every request that the SDK knows and fails at the first
whose path is not in /api/swagger.json. This horde does not have all of them yet;
the others are listed at the top of the run. Once it has, nothing is left out.
"""

from __future__ import annotations

import json
import os
import urllib.request

import horde_sdk.ai_horde_api.apimodels
from horde_sdk.generic_api import _reflection
from horde_sdk.generic_api.apimodels import HordeRequest

with urllib.request.urlopen(os.environ["AI_HORDE_URL"] + "swagger.json") as _answer:  # noqa: S310
    _paths = set(json.load(_answer)["paths"])
_all_request_types = _reflection.get_all_request_types
_missing: set[str] = set()


def _landed(module: str) -> list[type[HordeRequest]]:
    there = []
    for request_type in _all_request_types(module):
        path = str(request_type.get_api_endpoint_subpath())
        if path in _paths:
            there.append(request_type)
        else:
            _missing.add(path)
    return there


_reflection.get_all_request_types = _landed
_landed(horde_sdk.ai_horde_api.apimodels.__name__)


def pytest_terminal_summary(terminalreporter) -> None:  # noqa: ANN001
    """Says what was left out."""
    terminalreporter.write_line(f"paths of the SDK that are not here: {', '.join(sorted(_missing)) or 'none'}")
