"""Texts of a real model, as somebody who asks with the SDK gets them.

HORDE_TEXT_MODEL is what the only worker offers. Unlike the suite beside it this needs a
text engine, so it is run by its name alone.
"""

from __future__ import annotations

import os

import pytest
from crowd import Account
from horde_sdk.ai_horde_api.ai_horde_clients import AIHordeAPISimpleClient
from horde_sdk.ai_horde_api.apimodels import ModelGenerationInputKobold, TextGenerateAsyncRequest
from horde_sdk.ai_horde_api.consts import GENERATION_STATE

MODEL = os.environ["HORDE_TEXT_MODEL"]


def generate(asker: Account, prompt: str, **params):  # noqa: ANN003, ANN201
    """Has a text generated, the likeliest token each time."""
    sampling = ModelGenerationInputKobold(max_context_length=512, temperature=0, **params)
    request = TextGenerateAsyncRequest(apikey=asker.key, prompt=prompt, models=[MODEL], params=sampling)
    status, _ = AIHordeAPISimpleClient().text_generate_request(request)
    assert status.done and status.finished == 1 and status.kudos > 0
    (generation,) = status.generations
    assert generation.model == MODEL and generation.state == GENERATION_STATE.ok
    assert generation.worker_name == "a scribe"
    return generation


def test_text_of_a_length(asker: Account) -> None:
    """A text has no more tokens than it may: those of this model have fewer than 16 characters."""
    text = generate(asker, "Once upon a time", max_length=16).text
    assert text.strip() and len(text) < 16 * 16


@pytest.mark.parametrize(("stop", "text"), [("9", " 7, 8, 9"), ("8", " 7, 8")])
def test_text_ends_at_a_stop_sequence(asker: Account, stop: str, text: str) -> None:
    """It is the end of the text, as the horde promises."""
    assert generate(asker, "1, 2, 3, 4, 5, 6,", max_length=40, stop_sequence=[stop]).text == text
