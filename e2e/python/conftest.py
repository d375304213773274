"""The suite's workers and hurry come from crowd.py; here is who asks them."""

from __future__ import annotations

import os

import pytest
from crowd import Account, account

assert os.environ.get("TESTS_ONGOING"), "TESTS_ONGOING=1 makes the SDK's models strict: without it nothing is checked"


@pytest.fixture(scope="session")
def asker() -> Account:
    """Who asks: not whose the workers are."""
    return account("asker")


@pytest.fixture(scope="session")
def friend() -> Account:
    """Another account."""
    return account("friend")
