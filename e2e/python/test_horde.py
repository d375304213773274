"""Accounts, workers, shared keys, styles and figures, through the SDK's models."""

from __future__ import annotations

import urllib.request
from uuid import uuid4

import pytest
from crowd import API, IMAGE_MODELS, TEXT_MODEL, Account, ask, image_offer, refused, text_offer, alchemy_offer, account
from horde_sdk.ai_horde_api.ai_horde_clients import AIHordeAPISimpleClient
from horde_sdk.ai_horde_api.apimodels import (
    AIHordeGetPrivacyPolicyRequest,
    AIHordeGetSponsorsRequest,
    AIHordeGetTermsRequest,
    AlchemyJobSubmitRequest,
    AllStylesImageRequest,
    AllStylesTextRequest,
    AllTeamDetailsRequest,
    AllWorkersDetailsRequest,
    CollectionByIDRequest,
    CreateCollectionRequest,
    CreateStyleImageRequest,
    CreateStyleTextRequest,
    CreateTeamRequest,
    DeleteCollectionRequest,
    DeleteStyleImageRequest,
    DeleteStyleTextRequest,
    DeleteTeamRequest,
    DeleteWorkerRequest,
    FindUserRequest,
    HordeDocument,
    HordePerformanceRequest,
    HordeStatusModelsAllRequest,
    HordeStatusModelsSingleRequest,
    ImageGenerateAsyncRequest,
    ImageGenerateCheckRequest,
    ImageGenerationInputPayload,
    ImageGenerationJobSubmitRequest,
    KudosTransferRequest,
    ListUsersDetailsRequest,
    ModelStyleInputParamsKobold,
    ModelStyleInputParamsStable,
    ModifyStyleImageRequest,
    ModifyStyleTextRequest,
    ModifyUserRequest,
    ModifyWorkerRequest,
    NewsRequest,
    SharedKeyCreateRequest,
    SharedKeyDeleteRequest,
    SharedKeyDetailsRequest,
    SharedKeyModifyRequest,
    SingleStyleImageByIDRequest,
    SingleStyleImageByNameRequest,
    SingleStyleTextByIDRequest,
    SingleStyleTextByNameRequest,
    SingleTeamDetailsRequest,
    SingleUserDetailsRequest,
    SingleWorkerDetailsRequest,
    SingleWorkerNameDetailsRequest,
    StyleImageExampleAddRequest,
    TextGenerationJobSubmitRequest,
    UpdateCollectionRequest,
)
from horde_sdk.ai_horde_api.consts import GENERATION_STATE, METADATA_TYPE, METADATA_VALUE, RC

NOBODY = "00000000-0000-4000-8000-000000000000"


class TestWorkerSide:
    """What a worker gets that is not served as the crowd is."""

    def test_empty_pops(self) -> None:
        """Nothing to do, and why."""
        mine = account(f"idle {uuid4()}")
        name = f"idle {uuid4()}"
        job = ask(image_offer(mine.key, name=name, models=["stable_diffusion"]))
        assert job.id_ is None and job.ids == [] and not job.ids_present
        job = ask(text_offer(mine.key, name=name + " too", models=["koboldcpp/nobody-asks-for-this"]))
        assert job.id_ is None and job.ids == []
        job = ask(alchemy_offer(mine.key, name=name + " also", forms=["GFPGAN"]))
        assert not job.forms

    def test_fault_and_censorship(self, asker: Account, owner: Account) -> None:
        """A job given back goes round again; a censored one says so."""
        mine = account(f"faulty {uuid4()}")
        name = f"faulty {uuid4()}"
        model = "Anything Diffusion"
        ask(image_offer(mine.key, name=name, models=[model]))
        accepted = ask(
            ImageGenerateAsyncRequest(
                apikey=asker.key,
                prompt="a harbour",
                models=[model],
                params=ImageGenerationInputPayload(width=64, height=64, steps=4),
            ),
        )
        job = ask(image_offer(mine.key, name=name, models=[model]))
        assert job.model == model and job.payload.seed and job.ttl >= 150
        fault = ImageGenerationJobSubmitRequest(
            apikey=mine.key, id=job.ids[0], state=GENERATION_STATE.faulted, generation="faulted", seed=-1
        )
        assert ask(fault).reward == 0
        assert ask(ImageGenerateCheckRequest(id=accepted.id_)).waiting == 1
        job = ask(image_offer(mine.key, name=name, models=[model]))
        result = ImageGenerationJobSubmitRequest(
            apikey=mine.key,
            id=job.ids[0],
            state=GENERATION_STATE.censored,
            generation="R2",
            seed=1,
            censored=True,
            gen_metadata=[{"type": METADATA_TYPE.censorship, "value": METADATA_VALUE.nsfw}],
        )
        assert ask(result).reward > 0
        assert refused(result).rc == RC.DuplicateGen
        assert ask(ImageGenerateCheckRequest(id=accepted.id_)).done

    def test_refusals(self, owner: Account) -> None:
        """Jobs that are nobody's."""
        for request in (
            ImageGenerationJobSubmitRequest(
                apikey=owner.key, id=NOBODY, state=GENERATION_STATE.ok, generation="R2", seed=1
            ),
            TextGenerationJobSubmitRequest(apikey=owner.key, id=NOBODY, state=GENERATION_STATE.ok, generation="x"),
            AlchemyJobSubmitRequest(apikey=owner.key, id=NOBODY, state=GENERATION_STATE.done, result={"caption": "x"}),
        ):
            assert refused(request).rc == RC.InvalidJobID
        assert refused(image_offer("nosuchkey-nosuchkey-22")).rc == RC.InvalidAPIKey
        assert refused(image_offer("0000000000", name=f"anonymous {uuid4()}")).rc == RC.AnonForbiddenWorker


class TestWorkers:
    """The list, one, by name, changed and deleted."""

    def test_lists(self, owner: Account) -> None:
        """All three kinds are there, with what each kind has."""
        client = AIHordeAPISimpleClient()
        everybody = {worker.name: worker for worker in client.workers_all_details().root}
        dreamer, scribe, alchemist = (everybody["SDK " + kind] for kind in ("dreamer", "scribe", "alchemist"))
        assert dreamer.models and dreamer.img2img and dreamer.lora and dreamer.post_processing
        assert dreamer.online and not dreamer.maintenance_mode and dreamer.team.name is None
        float(dreamer.performance.split()[0])
        assert scribe.max_length == 512 and scribe.max_context_length == 4096 and scribe.models == [TEXT_MODEL]
        assert alchemist.forms
        for kind, name in (("image", "dreamer"), ("text", "scribe"), ("interrogation", "alchemist")):
            only = ask(AllWorkersDetailsRequest(type=kind)).root
            assert "SDK " + name in {worker.name for worker in only}
            assert {worker.type_ for worker in only} == {kind}
        assert client.worker_details(dreamer.id_).name == "SDK dreamer"
        assert client.worker_details_by_name("SDK dreamer").id_ == dreamer.id_
        ask(ModifyUserRequest(apikey=owner.key, user_id=owner.id, public_workers=True))
        assert ask(SingleWorkerDetailsRequest(worker_id=dreamer.id_, apikey=owner.key)).owner == owner.alias

    def test_change_and_delete(self) -> None:
        """The pause button, a note, and the end."""
        mine = account(f"keeper {uuid4()}")
        name = f"kept {uuid4()}"
        ask(text_offer(mine.key, name=name, models=["koboldcpp/nobody-asks-for-this"]))
        worker = ask(SingleWorkerNameDetailsRequest(worker_name=name))
        client = AIHordeAPISimpleClient()
        change = ModifyWorkerRequest(
            apikey=mine.key, worker_id=worker.id_, maintenance=True, name=name, team="", info="back soon"
        )
        changed = client.worker_modify(change)
        assert changed.maintenance is True and changed.info == "back soon" and changed.team == "None"
        assert client.worker_details(worker.id_).maintenance_mode
        in_the_way = refused(text_offer(mine.key, name=name, models=["koboldcpp/nobody-asks-for-this"]))
        assert in_the_way.rc == RC.WorkerMaintenance and "maintenance mode" in in_the_way.message
        gone = ask(DeleteWorkerRequest(apikey=mine.key, worker_id=worker.id_))
        assert gone.deleted_id == worker.id_ and gone.deleted_name == name
        assert refused(SingleWorkerDetailsRequest(worker_id=worker.id_)).rc == RC.WorkerNotFound


class TestAccounts:
    """Who am I, who is there, and kudos between us."""

    def test_users(self, asker: Account) -> None:
        """The same account by key, by id, and in the list."""
        me = ask(FindUserRequest(apikey=asker.key))
        assert me.username == asker.alias and str(me.id_) == asker.id and me.trusted
        assert all(value is not None for value in me.kudos_details.model_dump().values())
        other = ask(SingleUserDetailsRequest(user_id=asker.id))
        assert other.username == me.username and other.contact is None
        # The list has nulls for what only others may see, as the original has. The SDK knows all of them but one.
        unknown = refused(ListUsersDetailsRequest(page=1, sort="kudos")).object_data
        assert {error["loc"][1] for error in unknown["exception"].errors()} == {"proxy_passkey"}
        assert me.username in {user["username"] for user in unknown["raw_response"]}
        assert refused(FindUserRequest(apikey="nosuchkey-nosuchkey-22")).rc == RC.UserNotFound
        changed = ask(ModifyUserRequest(apikey=asker.key, user_id=asker.id, public_workers=True))
        assert changed.public_workers is True

    def test_transfer(self, asker: Account, friend: Account) -> None:
        """Ten kudos change hands."""
        before = ask(FindUserRequest(apikey=friend.key)).kudos
        assert ask(KudosTransferRequest(apikey=asker.key, username=friend.alias, amount=10)).transferred == 10
        assert ask(FindUserRequest(apikey=friend.key)).kudos == before + 10
        to_myself = KudosTransferRequest(apikey=friend.key, username=friend.alias, amount=10)
        assert refused(to_myself).rc == RC.KudosTransferToSelf

    def test_shared_keys(self, asker: Account) -> None:
        """Made, read, changed, used and deleted."""
        limits = {
            "kudos": 5000,
            "expiry": 30,
            "name": "for the club",
            "max_image_pixels": 65536,
            "max_image_steps": 30,
            "max_text_tokens": 200,
        }
        made = ask(SharedKeyCreateRequest(apikey=asker.key, **limits))
        assert made.username == asker.alias and made.utilized == 0 and made.expiry
        read = ask(SharedKeyDetailsRequest(id=made.sharedkey_id))
        assert (read.name, read.kudos, read.max_image_pixels) == ("for the club", 5000, 65536)
        changes = SharedKeyModifyRequest(apikey=asker.key, id=made.sharedkey_id, **(limits | {"kudos": 10}))
        assert ask(changes).kudos == 10
        assert str(made.sharedkey_id) in {str(key) for key in ask(FindUserRequest(apikey=asker.key)).sharedkey_ids}
        assert ask(SharedKeyDeleteRequest(apikey=asker.key, id=made.sharedkey_id)).message == "OK"
        assert refused(SharedKeyDetailsRequest(id=made.sharedkey_id)).rc == RC.InvalidAPIKey


class TestFigures:
    """What the horde says about itself."""

    def test_status(self) -> None:
        """Performance, models and news."""
        performance = ask(HordePerformanceRequest())
        assert performance.worker_count and performance.text_worker_count and performance.interrogator_count
        models = ask(HordeStatusModelsAllRequest(type="image")).root
        assert set(IMAGE_MODELS) <= {model.name for model in models}
        assert {model.type_ for model in models} == {"image"}
        assert TEXT_MODEL in {model.name for model in ask(HordeStatusModelsAllRequest(type="text")).root}
        one = ask(HordeStatusModelsSingleRequest(model_name=IMAGE_MODELS[0])).root
        assert [model.name for model in one] == IMAGE_MODELS[:1] and one[0].count >= 1
        for piece in ask(NewsRequest()).root:
            assert piece.title and piece.newspiece


class TestStyles:
    """Styles of both kinds, their examples and collections."""

    @pytest.fixture
    def designer(self) -> Account:
        """Who makes them."""
        return account(f"designer {uuid4()}")

    def test_image_styles(self, designer: Account) -> None:
        """Made, found three ways, given an example, used, changed and deleted."""
        name = f"engraving {uuid4()}"
        look = {
            "name": name,
            "info": "copper plates",
            "prompt": "{p}, engraving ### {np}",
            "params": ModelStyleInputParamsStable(steps=8, width=64, height=64, cfg_scale=5, sampler_name="k_euler"),
            "public": True,
            "nsfw": False,
            "tags": ["print", "line"],
            "models": IMAGE_MODELS[:1],
        }
        made = ask(CreateStyleImageRequest(apikey=designer.key, **look))
        by_id = ask(SingleStyleImageByIDRequest(style_id=made.id_))
        assert by_id.name == name and by_id.creator == designer.alias and by_id.params.steps == 8
        assert ask(SingleStyleImageByNameRequest(style_name=name)).id_ == made.id_
        assert made.id_ in {style.id_ for style in ask(AllStylesImageRequest(sort="age", tag="print")).root}
        example = ask(
            StyleImageExampleAddRequest(
                apikey=designer.key, style_id=made.id_, url=f"https://example.org/{made.id_}.webp", primary=True
            ),
        )
        # The SDK cannot put an example's id into a path, so it can neither change nor delete one.
        assert ask(SingleStyleImageByIDRequest(style_id=made.id_)).examples[0].id_ == example.id_

        order = ImageGenerateAsyncRequest(apikey=designer.key, prompt="a ship", models=IMAGE_MODELS[:1], style=made.id_)
        status, _ = AIHordeAPISimpleClient().image_generate_request(order)
        assert [generation.model for generation in status.generations] == IMAGE_MODELS[:1]
        assert ask(SingleStyleImageByIDRequest(style_id=made.id_)).use_count == 1

        ask(ModifyStyleImageRequest(apikey=designer.key, style_id=made.id_, **(look | {"info": "steel plates", "sharedkey": None})))
        assert ask(SingleStyleImageByIDRequest(style_id=made.id_)).info == "steel plates"
        assert ask(DeleteStyleImageRequest(apikey=designer.key, style_id=made.id_)).message == "OK"
        assert refused(SingleStyleImageByIDRequest(style_id=made.id_)).rc

    def test_text_styles(self, designer: Account) -> None:
        """The same for texts."""
        name = f"ballad {uuid4()}"
        voice = {
            "name": name,
            "prompt": "Sing of {p}",
            "params": ModelStyleInputParamsKobold(temperature=0.9, top_p=0.8),
            "tags": ["song"],
            "models": [TEXT_MODEL],
        }
        made = ask(CreateStyleTextRequest(apikey=designer.key, **voice))
        assert ask(SingleStyleTextByIDRequest(style_id=made.id_)).params.temperature == 0.9
        assert ask(SingleStyleTextByNameRequest(style_name=name)).id_ == made.id_
        assert made.id_ in {style.id_ for style in ask(AllStylesTextRequest(sort="age", tag="song")).root}
        ask(ModifyStyleTextRequest(apikey=designer.key, style_id=made.id_, **(voice | {"tags": ["tune"]})))
        assert ask(DeleteStyleTextRequest(apikey=designer.key, style_id=made.id_)).message == "OK"

    def test_collections(self, designer: Account) -> None:
        """A collection of one style."""
        style = ask(
            CreateStyleImageRequest(
                apikey=designer.key,
                name=f"woodcut {uuid4()}",
                prompt="{p}, woodcut ### {np}",
                params=ModelStyleInputParamsStable(steps=8),
                models=IMAGE_MODELS[:1],
                tags=["print"],
            ),
        )
        name = f"prints {uuid4()}"
        made = ask(CreateCollectionRequest(apikey=designer.key, name=name, info="ink", public=True, styles=[style.id_]))
        read = ask(CollectionByIDRequest(collection_id=made.id_))
        assert read.name == name and [part.id_ for part in read.styles] == [style.id_]
        # The list and by name: the SDK prepares a GET with a body for both, and stops itself.
        change = UpdateCollectionRequest(
            apikey=designer.key, collection_id=made.id_, name=name, info="more ink", public=True, styles=[style.id_]
        )
        assert ask(change).id_ == made.id_
        assert ask(DeleteCollectionRequest(apikey=designer.key, collection_id=made.id_)).message == "OK"


class TestTeamsAndDocuments:
    """What a horde says of the teams of its workers, and of itself."""

    def test_teams(self) -> None:
        """A team from its creation to its end. The SDK's answer to a change has members that hordes leave out."""
        creator = account("creator")
        name = f"keepers {uuid4()}"
        made = ask(CreateTeamRequest(apikey=creator.key, name=name, info="we keep the light on"))
        team = ask(SingleTeamDetailsRequest(team_id=made.id_))
        assert (team.name, team.info, team.creator) == (name, "we keep the light on", creator.alias)
        assert (team.requests_fulfilled, team.worker_count, team.workers, team.models) == (0, 0, [], [])
        assert name in {each.name for each in ask(AllTeamDetailsRequest()).root}
        assert refused(CreateTeamRequest(apikey=creator.key, name=name.upper())).rc == RC.TeamNameAlreadyExists
        assert ask(DeleteTeamRequest(apikey=creator.key, team_id=made.id_)).deleted_name == name

    @pytest.mark.parametrize(
        "request_type", [AIHordeGetTermsRequest, AIHordeGetPrivacyPolicyRequest, AIHordeGetSponsorsRequest]
    )
    def test_documents(self, request_type: type) -> None:
        """Each document comes in both formats. The SDK prepares a GET with a body and stops itself: only its models read."""
        path = API + request_type.get_api_endpoint_subpath().value.lstrip("/")

        def document(kind: str) -> HordeDocument:
            with urllib.request.urlopen(f"{path}?format={kind}") as answer:  # noqa: S310
                return HordeDocument.model_validate_json(answer.read())

        assert "<h1>" in document("html").html
        assert document("markdown").markdown.startswith("# ")
