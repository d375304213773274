"""Images, texts and alchemy, as somebody who asks with the SDK gets them."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import PIL.Image
import pytest
from crowd import IMAGE_MODELS, SEED, TEXT_MODEL, Account, ask, refused, some_image
from horde_sdk.ai_horde_api.ai_horde_clients import (
    AIHordeAPIAsyncClientSession,
    AIHordeAPIAsyncSimpleClient,
    AIHordeAPIManualClient,
    AIHordeAPISimpleClient,
)
from horde_sdk.ai_horde_api.apimodels import (
    AlchemyAsyncRequest,
    AlchemyAsyncRequestFormItem,
    AlchemyDeleteRequest,
    AlchemyStatusRequest,
    DeleteImageGenerateRequest,
    DeleteTextGenerateRequest,
    ImageGenerateAsyncRequest,
    ImageGenerateCheckRequest,
    ImageGenerateStatusRequest,
    ImageGenerationInputPayload,
    LorasPayloadEntry,
    ModelGenerationInputKobold,
    TextGenerateAsyncRequest,
    TextGenerateStatusRequest,
    TIPayloadEntry,
)
from horde_sdk.ai_horde_api.consts import GENERATION_STATE, RC
from horde_sdk.ai_horde_api.exceptions import AIHordeImageValidationError, AIHordeRequestError
from horde_sdk.exceptions import PayloadValidationError
from horde_sdk.generation_parameters.alchemy.consts import KNOWN_ALCHEMY_TYPES
from horde_sdk.generation_parameters.image.consts import KNOWN_IMAGE_SOURCE_PROCESSING

NOBODY = "00000000-0000-4000-8000-000000000000"
UNSERVED = ["ICBINP - I Can't Believe It's Not Photography"]  # a known model that the crowd does not offer
ALL_FORMS = [
    KNOWN_ALCHEMY_TYPES.caption,
    KNOWN_ALCHEMY_TYPES.nsfw,
    KNOWN_ALCHEMY_TYPES.interrogation,
    KNOWN_ALCHEMY_TYPES.RealESRGAN_x2plus,
]  # the SDK's model of results has no place for {"strip_background": URL}


def image(asker: Account, params: dict | None = None, **changes) -> ImageGenerateAsyncRequest:  # noqa: ANN003
    """A small image."""
    size = {"width": 64, "height": 64, "steps": 4, "n": 1}
    order = {"apikey": asker.key, "prompt": "a lighthouse ### blurry", "models": IMAGE_MODELS[:1]}
    return ImageGenerateAsyncRequest(**(order | changes), params=ImageGenerationInputPayload(**(size | (params or {}))))


def text(asker: Account, **changes) -> TextGenerateAsyncRequest:  # noqa: ANN003
    """A short text."""
    params = ModelGenerationInputKobold(max_length=80, max_context_length=1024, temperature=0.8)
    order = {"apikey": asker.key, "prompt": "Once upon a time", "models": [TEXT_MODEL], "params": params}
    return TextGenerateAsyncRequest(**(order | changes))


def alchemy(asker: Account, forms: list[KNOWN_ALCHEMY_TYPES] = ALL_FORMS) -> AlchemyAsyncRequest:
    """Forms about an image."""
    return AlchemyAsyncRequest(
        apikey=asker.key,
        forms=[AlchemyAsyncRequestFormItem(name=form) for form in forms],
        source_image=some_image(),
    )


def check_forms(status) -> None:  # noqa: ANN001
    """All forms are done, with what the crowd sends."""
    assert status.state == GENERATION_STATE.done
    assert status.is_job_complete(len(ALL_FORMS))
    results = {str(form.form): form for form in status.forms}
    assert set(results) == {str(form) for form in ALL_FORMS}
    assert results["caption"].result.caption == "a grey image"
    assert results["nsfw"].result.nsfw is False
    assert results["interrogation"].result.tags[0].confidence == 0.9
    link = results["RealESRGAN_x2plus"].result.url
    assert AIHordeAPISimpleClient().download_image_from_url(link).size == (128, 128)


class TestSimpleClient:
    """The client that waits: it asks, checks and fetches by itself."""

    def test_image(self, asker: Account) -> None:
        """A batch comes back, is downloaded, and every answer fits its model."""
        client = AIHordeAPISimpleClient()
        seen = []
        status, _ = client.image_generate_request(image(asker, {"n": 2, "seed": "7"}), check_callback=seen.append)
        assert seen and all(progress.is_possible for progress in seen)
        assert status.done and not status.faulted
        assert [g.model for g in status.generations] == IMAGE_MODELS[:1] * 2
        assert sorted(g.seed for g in status.generations) == [str(SEED), str(SEED + 1)]
        for generation in status.generations:
            assert generation.img.startswith("http")
            assert generation.state == GENERATION_STATE.ok
            assert generation.censored is False
            assert generation.gen_metadata[0].ref in ("0", "1")
            made = client.download_image_from_generation(generation)
            assert isinstance(made, PIL.Image.Image) and made.format == "WEBP" and made.size == (64, 64)

    def test_all_at_once(self, asker: Account) -> None:
        """An image in base64, an image from an image, a text and forms, each in a thread."""
        client = AIHordeAPISimpleClient()
        img2img = image(
            asker,
            {"denoising_strength": 0.5},
            source_image=some_image(),
            source_processing=KNOWN_IMAGE_SOURCE_PROCESSING.img2img,
        )
        with ThreadPoolExecutor() as pool:
            plain = pool.submit(client.image_generate_request, image(asker, r2=False))
            changed = pool.submit(client.image_generate_request, img2img)
            written = pool.submit(client.text_generate_request, text(asker))
            examined = pool.submit(client.alchemy_request, alchemy(asker))
            status, _ = plain.result()
            assert not status.generations[0].img.startswith(("http", "data:"))
            assert client.download_image_from_generation(status.generations[0]).size == (64, 64)
            status, _ = changed.result()
            assert len(status.generations) == 1
            status, _ = written.result()
            assert status.generations[0].text == " 80 words about it."
            assert status.generations[0].model == TEXT_MODEL
            assert status.done and status.finished == 1
            check_forms(examined.result()[0])

    def test_everything_an_image_may_ask_for(self, asker: Account) -> None:
        """LoRAs, inversions, post-processing and the rest arrive and are served."""
        order = image(
            asker,
            {
                "width": 512,
                "height": 512,
                "karras": True,
                "tiling": True,
                "clip_skip": 2,
                "cfg_scale": 6.5,
                "post_processing": ["RealESRGAN_x2plus", "CodeFormers"],
                "facefixer_strength": 0.5,
                "loras": [LorasPayloadEntry(name="GlowingRunesAI", model=0.8, clip=0.9, inject_trigger="any")],
                "tis": [TIPayloadEntry(name="7808", inject_ti="prompt", strength=0.7)],
            },
            nsfw=True,
            censor_nsfw=False,
            shared=True,
            slow_workers=True,
            replacement_filter=True,
        )
        status, _ = AIHordeAPISimpleClient().image_generate_request(order)
        assert len(status.generations) == 1
        assert status.shared is True

    def test_prices(self, asker: Account) -> None:
        """A dry run answers 200 with a price alone."""
        client = AIHordeAPISimpleClient()
        assert client.image_generate_request_dry_run(image(asker, dry_run=True)).kudos > 0
        assert client.text_generate_request_dry_run(text(asker, dry_run=True)).kudos > 0

    def test_refusals(self, asker: Account) -> None:
        """What is refused comes as the SDK's own errors."""
        client = AIHordeAPISimpleClient()
        with pytest.raises(AIHordeRequestError):
            client.image_generate_request(image(Account("nosuchkey-nosuchkey-22", "", "")))
        assert refused(image(Account("nosuchkey-nosuchkey-22", "", ""))).rc == RC.InvalidAPIKey
        with pytest.raises(PayloadValidationError):
            client.image_generate_request(image(asker, {"sampler_name": "no sampler"}))
        with pytest.raises(AIHordeImageValidationError):
            client.image_generate_request(
                image(asker, source_image="bm8gcGljdHVyZQ==", source_processing=KNOWN_IMAGE_SOURCE_PROCESSING.img2img),
            )


class TestAsyncClient:
    """The same with asyncio."""

    def test_all_at_once(self, asker: Account) -> None:
        """An image, a text and forms, in one session."""

        async def run() -> None:
            async with (
                aiohttp.ClientSession() as http,
                AIHordeAPIAsyncClientSession(aiohttp_session=http) as session,
            ):
                client = AIHordeAPIAsyncSimpleClient(horde_client_session=session)
                painted, written, examined = await asyncio.gather(
                    client.image_generate_request(image(asker)),
                    client.text_generate_request(text(asker)),
                    client.alchemy_request(alchemy(asker)),
                )
                made = await client.download_image_from_generation(painted[0].generations[0])
                assert made[0].size == (64, 64)
                assert written[0].generations[0].text
                check_forms(examined[0])
                assert (await client.image_generate_request_dry_run(image(asker, dry_run=True))).kudos > 0
                assert (await client.workers_all_details()).root

        asyncio.run(run())

    def test_leaving_cancels(self, asker: Account) -> None:
        """A session that ends with an error cancels what it asked for."""

        async def run() -> str:
            asked = []
            with pytest.raises(ZeroDivisionError):
                async with (
                    aiohttp.ClientSession() as http,
                    AIHordeAPIAsyncClientSession(aiohttp_session=http) as session,
                ):
                    order = image(asker, models=UNSERVED)
                    asked.append(await session.submit_request(order, order.get_default_success_response_type()))
                    raise ZeroDivisionError
            return asked[0].id_

        left = ask(ImageGenerateCheckRequest(id=asyncio.run(run())))
        assert (left.waiting, left.processing) == (0, 0)


class TestManualClient:
    """Request by request."""

    def test_waiting_image(self, asker: Account) -> None:
        """Asked, checked, looked at and cancelled, without a worker for it."""
        client = AIHordeAPIManualClient()
        accepted = ask(image(asker, {"n": 3}, models=UNSERVED))
        assert accepted.kudos > 0
        assert [warning.code for warning in accepted.warnings] == ["NoAvailableWorker"]
        check = client.get_generate_check(accepted.id_)
        assert (check.waiting, check.finished, check.done, check.is_possible) == (3, 0, False, False)
        status = client.get_generate_status(accepted.id_)
        assert status.generations == [] and status.waiting == 3
        assert ask(ImageGenerateStatusRequest(id=accepted.id_)).waiting == 3
        cancelled = client.delete_pending_image(accepted.id_)
        assert cancelled.generations == [] and cancelled.waiting == 3
        assert ask(DeleteImageGenerateRequest(id=accepted.id_)).waiting == 0

    def test_waiting_text(self, asker: Account) -> None:
        """The same for a text."""
        accepted = ask(text(asker, models=["koboldcpp/nobody-has-this"]))
        assert accepted.message  # the warning in words; texts have no codes for it
        assert ask(TextGenerateStatusRequest(id=accepted.id_)).waiting == 1
        assert ask(DeleteTextGenerateRequest(id=accepted.id_)).generations == []

    def test_waiting_forms(self, asker: Account) -> None:
        """The same for a form that the crowd does not take."""
        accepted = ask(alchemy(asker, [KNOWN_ALCHEMY_TYPES.GFPGAN]))
        assert ask(AlchemyStatusRequest(id=accepted.id_)).forms[0].state == GENERATION_STATE.waiting
        assert ask(AlchemyDeleteRequest(id=accepted.id_)).forms[0].state == GENERATION_STATE.cancelled

    @pytest.mark.parametrize(
        "request_type",
        [ImageGenerateCheckRequest, ImageGenerateStatusRequest, TextGenerateStatusRequest, AlchemyStatusRequest],
    )
    def test_unknown(self, request_type: type) -> None:
        """Nothing is there."""
        assert refused(request_type(id=NOBODY)).rc == RC.RequestNotFound
