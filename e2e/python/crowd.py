"""Workers that live as long as a test run, and the accounts behind it.

They are made of the SDK's own worker requests, so everything that they send and
read goes through its models. As a pytest plugin (-p crowd) they serve any suite
that asks a horde for something, the SDK's own among them.

With CROWD_IDLE set they check in and do nothing more, for tests of what waits.
AI_HORDE_URL names the horde (http://127.0.0.1:7001/api/, with the slash), which
runs with HORDE_TEST_APIKEYS=1 and HORDE_TEST_RATELIMIT_DISABLED=1.
"""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import PIL.Image
import pytest
import requests

from horde_sdk.ai_horde_api.ai_horde_clients import AIHordeAPIManualClient
from horde_sdk.ai_horde_api.apimodels import (
    AlchemyJobSubmitRequest,
    AlchemyPopRequest,
    ImageGenerateJobPopRequest,
    ImageGenerationJobSubmitRequest,
    TextGenerateJobPopRequest,
    TextGenerationJobSubmitRequest,
)
from horde_sdk.ai_horde_api.consts import GENERATION_STATE, METADATA_TYPE, METADATA_VALUE
from horde_sdk.generation_parameters.alchemy.consts import KNOWN_ALCHEMY_TYPES
from horde_sdk.generic_api.apimodels import RequestErrorResponse

API = os.environ["AI_HORDE_URL"]
IMAGE_MODELS = ["Deliberate", "stable_diffusion", "AlbedoBase XL (SDXL)"]
TEXT_MODEL = "koboldcpp/LLaMA2-13B-Psyfighter2"
SEED = 1312
PAUSE = 0.1  # seconds between two empty pops


@dataclass(frozen=True)
class Account:
    """An account of the horde, made for this run."""

    key: str
    alias: str  # name#id
    id: str


def account(name: str, *, kudos: int = 1_000_000, trusted: bool = True, moderator: bool = False) -> Account:
    """Makes an account with the server's endpoint for tests."""
    body = {"username": name, "oauth_id": name, "kudos": kudos, "trusted": trusted, "moderator": moderator}
    call = urllib.request.Request(
        API + "v2/dev/test-user",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(call) as answer:  # noqa: S310
        made = json.load(answer)
    return Account(made["api_key"], made["alias"], made["user_id"])


def webp(width: int = 64, height: int = 64) -> bytes:
    """A grey image."""
    out = io.BytesIO()
    PIL.Image.new("RGB", (width, height), (90, 120, 150)).save(out, "WEBP")
    return out.getvalue()


def some_image() -> str:
    """An image as a requester sends one."""
    return base64.b64encode(webp()).decode()


def ask(request, client: AIHordeAPIManualClient | None = None):  # noqa: ANN001, ANN201
    """Sends a request of the SDK and returns what its model made of the answer."""
    answer = (client or AIHordeAPIManualClient()).submit_request(request, request.get_default_success_response_type())
    assert not isinstance(answer, RequestErrorResponse), f"{type(request).__name__} was refused: {answer}"
    return answer


def refused(request) -> RequestErrorResponse:  # noqa: ANN001
    """Sends a request that the horde must refuse."""
    answer = AIHordeAPIManualClient().submit_request(request, request.get_default_success_response_type())
    assert isinstance(answer, RequestErrorResponse), f"{type(request).__name__} was taken: {answer}"
    return answer


def image_offer(key: str, **changes) -> ImageGenerateJobPopRequest:  # noqa: ANN003
    """What reGen sends when everything is allowed."""
    offer = {
        "apikey": key,
        "name": "SDK dreamer",
        "bridge_agent": "AI Horde Worker reGen:10.1.1:https://example.org/regen",
        "models": IMAGE_MODELS,
        "max_pixels": 4_194_304,
        "amount": 4,
        "threads": 1,
        "nsfw": True,
        "allow_img2img": True,
        "allow_painting": True,
        "allow_post_processing": True,
        "allow_controlnet": True,
        "allow_sdxl_controlnet": True,
        "allow_lora": True,
        "blacklist": [],
        "priority_usernames": [],
        "require_upfront_kudos": False,
    }
    return ImageGenerateJobPopRequest(**(offer | changes))


def text_offer(key: str, **changes) -> TextGenerateJobPopRequest:  # noqa: ANN003
    """What a scribe sends."""
    offer = {
        "apikey": key,
        "name": "SDK scribe",
        "bridge_agent": "KoboldCppEmbedWorker:2:https://example.org/koboldcpp",
        "models": [TEXT_MODEL],
        "max_length": 512,
        "max_context_length": 4096,
        "softprompts": [],
        "priority_usernames": [],
        "threads": 1,
    }
    return TextGenerateJobPopRequest(**(offer | changes))


def alchemy_offer(key: str, **changes) -> AlchemyPopRequest:  # noqa: ANN003
    """What an alchemist sends."""
    offer = {
        "apikey": key,
        "name": "SDK alchemist",
        "bridge_agent": "AI Horde Worker~hordelib:24:https://example.org/worker",
        "forms": [
            KNOWN_ALCHEMY_TYPES.caption,
            KNOWN_ALCHEMY_TYPES.nsfw,
            KNOWN_ALCHEMY_TYPES.interrogation,
            KNOWN_ALCHEMY_TYPES.RealESRGAN_x2plus,
            KNOWN_ALCHEMY_TYPES.RealESRGAN_x4plus,
            KNOWN_ALCHEMY_TYPES.strip_background,
        ],
        "amount": 4,
        "priority_usernames": [],
        "threads": 1,
        "max_tiles": 64,
    }
    return AlchemyPopRequest(**(offer | changes))


def upload(link: str, data: bytes) -> None:
    """Uploads as workers do: without a content type, which no link is signed for."""
    answer = requests.put(link, data=data, timeout=10)
    assert answer.status_code == 200, f"upload: {answer.status_code} {answer.text}"


def paint(key: str) -> bool:
    """Takes one image job and delivers all its images; False when there was none."""
    job = ask(image_offer(key))
    if not job.ids:
        return False
    assert job.payload.prompt, "a job without a prompt"
    assert job.r2_uploads, "a job without links to upload to"
    for i, (one, link) in enumerate(zip(job.ids, job.r2_uploads, strict=True)):
        upload(link, webp(job.payload.width, job.payload.height))
        remarks = [{"type": METADATA_TYPE.batch_index, "value": METADATA_VALUE.see_ref, "ref": str(i)}]
        done = ask(
            ImageGenerationJobSubmitRequest(
                apikey=key,
                id=one,
                state=GENERATION_STATE.ok,
                generation="R2",
                seed=SEED + i,
                censored=False,
                gen_metadata=remarks if len(job.ids) > 1 else [],
            ),
        )
        assert done.reward > 0
    return True


def write(key: str) -> bool:
    """Takes one text and delivers it; the SDK's submission has no seed."""
    job = ask(text_offer(key))
    if not job.ids:
        return False
    done = ask(
        TextGenerationJobSubmitRequest(
            apikey=key,
            id=job.ids[0],
            generation=f" {job.payload.max_length} words about it.",
            state=GENERATION_STATE.ok,
        ),
    )
    assert done.reward > 0
    return True


RESULTS: dict[str, object] = {
    "caption": {"caption": "a grey image"},
    "nsfw": {"nsfw": False},
    "interrogation": {
        "interrogation": {
            group: [{"text": "grey", "confidence": 0.9}]
            for group in ("tags", "sites", "artists", "flavors", "mediums", "movements", "techniques")
        },
    },
}


def examine(key: str) -> bool:
    """Takes forms and delivers them, images by their upload links."""
    job = ask(alchemy_offer(key))
    if not job.forms:
        return False
    for form in job.forms:
        assert form.source_image, "a form without an image"
        assert requests.get(form.source_image, timeout=10).status_code == 200
        if form.r2_upload:
            upload(form.r2_upload, webp(128, 128))
        done = ask(
            AlchemyJobSubmitRequest(
                apikey=key,
                id=form.id_,
                result=RESULTS.get(str(form.form), {str(form.form): "R2"}),
                state=GENERATION_STATE.done,
            ),
        )
        assert done.reward >= 0
    return True


class Crowd:
    """A dreamer, a scribe and an alchemist, each in a thread of its own."""

    def __init__(self, key: str) -> None:
        """Starts them with the key of their owner; all have checked in on return."""
        self._end = threading.Event()
        self.failures: list[BaseException] = []
        for work in (paint, write, examine):
            work(key)
        self._threads = [
            threading.Thread(target=self._serve, args=(work, key), daemon=True) for work in (paint, write, examine)
        ]
        if "CROWD_IDLE" not in os.environ:
            for thread in self._threads:
                thread.start()

    def _serve(self, work: Callable[[str], bool], key: str) -> None:
        while not self._end.is_set():
            try:
                if work(key):
                    continue
            except BaseException as e:  # noqa: BLE001 - told at the end
                self.failures.append(e)
            self._end.wait(PAUSE)

    def stop(self) -> None:
        """Ends the threads."""
        self._end.set()
        for thread in self._threads:
            if thread.ident:
                thread.join(timeout=30)


@pytest.fixture(scope="session")
def owner() -> Account:
    """Whose the workers are. The SDK puts AI_HORDE_DEV_APIKEY in place of every key."""
    key = os.getenv("AI_HORDE_DEV_APIKEY")
    return Account(key, "", "") if key else account("crowd")


@pytest.fixture(scope="session", autouse=True)
def crowd(owner: Account) -> Iterator[Crowd]:
    """Workers for the whole run."""
    workers = Crowd(owner.key)
    yield workers
    workers.stop()
    assert not workers.failures, f"{len(workers.failures)} failures of workers, the first: {workers.failures[0]!r}"
