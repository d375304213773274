// The npm client @zeldafan0225/ai_horde, unmodified, plays requester and worker
// of images against a running horde (see accounts.mjs).
// The client turns every refusal into an APIError whose name is the return code.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { randomUUID } from 'node:crypto';
import { ErrorMessages } from '@zeldafan0225/ai_horde';
import { ANONYMOUS, MODEL, IMAGE, account, client, refused, tag } from './accounts.mjs';

let owner, other, poor, requester, worker, stranger;
before(async () => {
  owner = await account('owner');
  other = await account('other');
  poor = await account('poor', { kudos: 0, trusted: false });
  requester = client(other.api_key);
  worker = client(owner.api_key);
  stranger = client(poor.api_key);
});

/** A request that only this run's workers see: the model is fixed, the name rare. */
const order = (extra = {}, params = {}) => ({
  prompt: 'a red fox in the snow ### blurry',
  models: [MODEL],
  r2: false,
  ...extra,
  params: { width: 64, height: 64, steps: 4, n: 1, sampler_name: 'k_euler', ...params },
});

const offer = (extra = {}) => ({
  name: `npm worker ${tag}`,
  models: [MODEL],
  bridge_agent: 'AI Horde Worker reGen:13:https://example.org/npm',
  max_pixels: 262144,
  amount: 1,
  priority_usernames: [other.alias],
  ...extra,
});

/** Pops until the job belongs to the given request; others are put back as faulted. */
async function popFor(id, extra) {
  for (let i = 0; i < 20; i++) {
    const job = await worker.postImageGenerationPop(offer(extra));
    assert.ok(job.id, `no job: skipped ${JSON.stringify(job.skipped)}`);
    const check = await requester.getImageGenerationCheck(id, { force: true });
    if (check.processing > 0) return job;
    await worker.postImageGenerationSubmit({ id: job.id, generation: 'none', seed: -1, state: 'faulted' });
  }
  assert.fail('other requests were in the way; use a server of its own');
}

describe('an image', () => {
  test('goes round as base64', async () => {
    const accepted = await requester.postAsyncImageGenerate(order({}, { seed: '42' }));
    assert.match(accepted.id, /^[0-9a-f-]{36}$/);
    assert.equal(typeof accepted.kudos, 'number');

    const masked = await requester.getImageGenerationCheck(accepted.id, { fields: ['done', 'waiting'] });
    assert.deepEqual(masked, { done: false, waiting: 1 });

    const job = await popFor(accepted.id);
    assert.equal(job.model, MODEL);
    assert.deepEqual(job.ids, [job.id]);
    assert.equal(job.payload.prompt, 'a red fox in the snow ### blurry');
    assert.equal(job.payload.seed, '42');
    assert.equal(job.payload.ddim_steps, 4);
    assert.equal(job.payload.width, 64);
    assert.ok(job.ttl >= 150);

    const during = await requester.getImageGenerationCheck(accepted.id, { force: true });
    assert.deepEqual([during.waiting, during.processing, during.finished, during.done], [0, 1, 0, false]);

    const submitted = await worker.postImageGenerationSubmit({
      id: job.id,
      generation: IMAGE,
      seed: 42,
      gen_metadata: [{ type: 'information', value: 'see_ref', ref: 'painted by npm' }],
    });
    assert.ok(submitted.reward > 0);

    const status = await requester.getImageGenerationStatus(accepted.id, { force: true });
    assert.equal(status.done, true);
    assert.equal(status.finished, 1);
    assert.equal(status.generations.length, 1);
    const [image] = status.generations;
    assert.equal(image.id, job.id);
    assert.equal(image.seed, '42');
    assert.equal(image.model, MODEL);
    assert.equal(image.worker_name, `npm worker ${tag}`);
    assert.equal(image.censored, false);
    assert.equal(image.state, 'ok');
    assert.deepEqual(image.gen_metadata, [{ type: 'information', value: 'see_ref', ref: 'painted by npm' }]);
    assert.equal(Buffer.from(image.img, 'base64').subarray(8, 12).toString(), 'WEBP');
  });

  test('goes round by upload and download links', async () => {
    const { id } = await requester.postAsyncImageGenerate(order({ r2: true }));
    const job = await popFor(id);
    assert.equal(job.r2_uploads.length, 1);
    assert.equal(job.r2_uploads[0], job.r2_upload);
    const bytes = Buffer.from(IMAGE, 'base64');
    const put = await fetch(job.r2_upload, { method: 'PUT', body: bytes });
    assert.ok(put.ok, `upload: ${put.status} ${await put.text()}`);
    await worker.postImageGenerationSubmit({ id: job.id, generation: 'R2', seed: 7 });

    const { generations } = await requester.getImageGenerationStatus(id, { force: true });
    const got = await fetch(generations[0].img);
    assert.equal(got.status, 200);
    assert.equal(got.headers.get('content-type'), 'image/webp');
    assert.ok(got.headers.get('access-control-allow-origin'), 'the image host must be open to pages elsewhere');
    assert.deepEqual(Buffer.from(await got.arrayBuffer()), bytes);
  });

  test('batches go to one worker and finish one by one', async () => {
    const { id } = await requester.postAsyncImageGenerate(order({}, { n: 2, seed: '9' }));
    const job = await popFor(id, { amount: 2 });
    assert.equal(job.ids.length, 2);
    assert.equal(job.payload.n_iter, 2);
    await worker.postImageGenerationSubmit({ id: job.ids[0], generation: IMAGE, seed: 9 });
    const half = await requester.getImageGenerationStatus(id, { force: true });
    assert.deepEqual([half.finished, half.processing, half.done, half.generations.length], [1, 1, false, 1]);
    await worker.postImageGenerationSubmit({ id: job.ids[1], generation: IMAGE, seed: 10 });
    const full = await requester.getImageGenerationStatus(id, { force: true });
    assert.deepEqual([full.finished, full.done], [2, true]);
    assert.deepEqual(full.generations.map((g) => g.seed).sort(), ['10', '9']);
  });

  test('image to image hands the source over', async () => {
    const { id } = await requester.postAsyncImageGenerate(
      order({ source_image: IMAGE, source_processing: 'img2img' }, { denoising_strength: 0.5 }),
    );
    const job = await popFor(id);
    assert.equal(job.source_processing, 'img2img');
    assert.equal(job.payload.denoising_strength, 0.5);
    assert.ok(job.source_image, 'the job has no source image');
    const source = /^https?:/.test(job.source_image)
      ? Buffer.from(await (await fetch(job.source_image)).arrayBuffer())
      : Buffer.from(job.source_image, 'base64');
    assert.equal(source.subarray(8, 12).toString(), 'WEBP');
    await worker.postImageGenerationSubmit({ id: job.id, generation: IMAGE, seed: 1 });
  });

  test('is given up after the third fault', async () => {
    const { id } = await requester.postAsyncImageGenerate(order());
    for (let i = 0; i < 3; i++) {
      const job = await popFor(id);
      const { reward } = await worker.postImageGenerationSubmit({ id: job.id, generation: 'faulted', seed: -1, state: 'faulted' });
      assert.equal(reward, 0);
    }
    const check = await requester.getImageGenerationCheck(id, { force: true });
    assert.equal(check.faulted, true);
  });

  test('can be cancelled without a key', async () => {
    const { id } = await requester.postAsyncImageGenerate(order());
    const before = await client(undefined).deleteImageGenerationRequest(id);
    assert.deepEqual(before.generations, []);
    assert.equal(before.waiting, 1);
    const after = await requester.getImageGenerationCheck(id, { force: true });
    assert.deepEqual([after.waiting, after.processing], [0, 0]);
  });

  test('has a price that can be asked first', async () => {
    const answer = await requester.postAsyncImageGenerate(order({ dry_run: true }));
    assert.deepEqual(Object.keys(answer), ['kudos']);
    assert.ok(answer.kudos > 0);
  });
});

describe('the horde', () => {
  test('tells accounts who they are', async () => {
    const user = await requester.findUser({ token: other.api_key });
    assert.equal(user.username, other.alias);
    assert.equal(String(user.id), String(other.user_id));
    assert.equal(user.trusted, true);
    assert.equal(typeof user.kudos, 'number');
    assert.equal('message' in user, false);
    assert.deepEqual(await requester.findUser({ token: other.api_key, fields: ['username'] }), { username: other.alias });
    assert.equal((await refused(requester.findUser({ token: 'no-such-key-anywhere' }))).status, 404);
  });

  test('charges the requester and pays the worker', async () => {
    const [paidBefore, earnedBefore] = await Promise.all([balance(other), balance(owner)]);
    const { id } = await requester.postAsyncImageGenerate(order());
    const job = await popFor(id);
    await worker.postImageGenerationSubmit({ id: job.id, generation: IMAGE, seed: 1 });
    assert.ok((await balance(other)) < paidBefore, 'the requester paid nothing');
    assert.ok((await balance(owner)) > earnedBefore, 'the worker earned nothing');
  });

  test('is alive, busy and lists the models it serves', async () => {
    assert.equal(await requester.getHeartbeat(), true);
    await worker.postImageGenerationPop(offer());
    const performance = await requester.getPerformance({ force: true });
    assert.ok(performance.worker_count >= 1);
    assert.ok(performance.thread_count >= 1);
    assert.equal(typeof performance.queued_megapixelsteps, 'number');
    assert.deepEqual(Object.keys(await requester.getPerformance({ force: true, fields: ['worker_count'] })), ['worker_count']);
    const models = await requester.getModels({ force: true });
    const model = models.find(({ name }) => name === MODEL);
    assert.ok(model, `${MODEL} is not among ${models.map((m) => m.name)}`);
    assert.ok(model.count >= 1);
    assert.equal(model.type, 'image');
  });

  async function balance(user) {
    return (await client(user.api_key).findUser({ token: user.api_key })).kudos;
  }
});

describe('a refusal names its return code', () => {
  const lora = (i) => ({ name: `lora ${i}` });
  const nobody = randomUUID();
  const ask = (who, extra, params) => () => who().postAsyncImageGenerate(order(extra, params));
  const rich = () => requester;
  const broke = () => stranger;

  const cases = [
    ['InvalidAPIKey', 401, ask(() => client('this-is-no-key-at-all'))],
    ['InvalidAPIKey', 401, () => client('this-is-no-key-at-all').postImageGenerationPop(offer())],
    ['RequestNotFound', 404, () => requester.getImageGenerationCheck(nobody)],
    ['RequestNotFound', 404, () => requester.getImageGenerationStatus(nobody)],
    ['RequestNotFound', 404, () => requester.deleteImageGenerationRequest(nobody)],
    ['RequestNotFound', 404, () => requester.getImageGenerationCheck('not-a-uuid')],
    ['InvalidJobID', 404, () => worker.postImageGenerationSubmit({ id: nobody, generation: IMAGE, seed: 1 })],
    ['AnonForbiddenWorker', 403, () => client(ANONYMOUS).postImageGenerationPop(offer({ name: `anon ${tag}` }))],
    ['BadRequest', 400, () => worker.postImageGenerationPop(offer({ name: `odd ${tag}`, models: ['no such model anywhere'] }))],
    ['InvalidPriorityUsername', 400, () => worker.postImageGenerationPop(offer({ priority_usernames: ['nobody'] }))],
    ['WorkerNotFound', 404, ask(rich, { workers: [nobody] })],
    ['KudosUpfront', 403, ask(broke, {}, { width: 2048, height: 2048, steps: 50 })],
    ['KudosUpfront', 403, ask(broke, { slow_workers: false })],
    ['RequiresTrust', 400, ask(broke, { disable_batching: true }, { n: 2 })],
    ['UnexpectedModelName', 400, ask(rich, { models: ['RealESRGAN_x4plus'] })],
    ['TooManyUpscalers', 400, ask(rich, {}, { post_processing: ['RealESRGAN_x4plus', 'NMKD_Siax'] })],
    ['BadCFGDecimals', 400, ask(rich, {}, { cfg_scale: 7.123 })],
    ['TooManyLoras', 400, ask(rich, {}, { loras: [0, 1, 2, 3, 4, 5].map(lora) })],
    ['BadLoraVersion', 400, ask(rich, {}, { loras: [{ name: 'a fox', is_version: true }] })],
    ['TooManyTIs', 400, ask(rich, {}, { tis: Array.from({ length: 21 }, (_, i) => ({ name: `ti ${i}` })) })],
    ['SourceMaskUnnecessary', 400, ask(rich, { source_mask: IMAGE })],
    ['ControlNetSourceMissing', 400, ask(rich, {}, { control_type: 'canny' })],
    ['ImageValidationFailed', 400, ask(rich, { source_image: Buffer.from('no image').toString('base64') })],
    ['OnlyServiceAccountProxy', 400, ask(rich, { proxied_account: 'somebody' })],
    ['BadRequest', 400, ask(rich, { webhook: 'http://example.org/hook' })],
    ['MissingExtraTexts.', 400, ask(rich, {}, { workflow: 'qr_code' })],
    ['BannedClientAgent', 403, ask(() => client(other.api_key, { client_agent: 'My-Project:v0.0.1:My-Contact' }))],
  ];
  for (const [i, [name, status, call]] of cases.entries()) {
    test(`${name} (${i + 1})`, async () => {
      const error = await refused(call());
      assert.deepEqual([error.name, error.status], [name, status], `${error.name} ${error.status}: ${JSON.stringify(error.rawError)}`);
      if (name in ErrorMessages) assert.equal(error.message, ErrorMessages[name]);
      assert.deepEqual(error.errors, {}, 'only failed validation lists fields');
    });
  }

  test('WrongCredentials for a stranger’s job and worker, DuplicateGen for a second result', async () => {
    const { id } = await requester.postAsyncImageGenerate(order());
    const job = await popFor(id);
    const result = { id: job.id, generation: IMAGE, seed: 1 };
    assert.equal((await refused(stranger.postImageGenerationSubmit(result))).name, 'WrongCredentials');
    assert.equal((await refused(stranger.postImageGenerationPop(offer()))).name, 'WrongCredentials');
    await worker.postImageGenerationSubmit(result);
    const again = await refused(worker.postImageGenerationSubmit(result));
    assert.deepEqual([again.name, again.status], ['DuplicateGen', 400]);
  });

  test('a payload that fails validation names every field', async () => {
    const error = await refused(
      requester.postAsyncImageGenerate({
        prompt: '',
        models: MODEL,
        params: { width: 500, height: 64, steps: 501, n: 0, sampler_name: 'k_nothing', seed: 42 },
      }),
    );
    assert.equal(error.status, 400);
    assert.equal(error.name, 'Input payload validation failed');
    assert.deepEqual(
      Object.keys(error.errors).sort(),
      ['models', 'params.n', 'params.sampler_name', 'params.seed', 'params.steps', 'params.width', 'prompt'],
    );
    assert.equal(error.errors['params.width'], '500 is not a multiple of 64');
  });

  test('a missing prompt is a failed validation', async () => {
    const error = await refused(requester.postAsyncImageGenerate({ params: {} }));
    assert.deepEqual([error.status, error.errors], [400, { prompt: "'prompt' is a required property" }]);
  });
});

describe('teams and statistics', () => {
  test('a team from its creation to its end', async () => {
    const name = `keepers ${tag}`;
    const made = await worker.createTeam({ name, info: 'we keep the light on' });
    assert.deepEqual(Object.keys(made).sort(), ['id', 'info', 'name']);
    assert.equal((await refused(worker.createTeam({ name: name.toUpperCase() }))).name, 'TeamNameAlreadyExists');
    assert.equal((await refused(stranger.createTeam({ name: `poor ${tag}` }))).name, 'UntrustedTeamCreation');

    assert.deepEqual(await worker.updateTeam({ info: 'day and night' }, made.id), { info: 'day and night' });
    const team = (await worker.getTeams({ force: true })).find((each) => each.id === made.id);
    assert.deepEqual([team.name, team.info, team.creator, team.worker_count], [name, 'day and night', owner.alias, 0]);
    // The client sends its key along, and a key says that a moderator asks.
    assert.equal((await refused(worker.getTeam(made.id, { force: true }))).name, 'NotModerator');
    assert.deepEqual(await worker.deleteTeam(made.id), { deleted_id: made.id, deleted_name: name });
    assert.equal((await refused(worker.getTeam(made.id, { force: true }))).name, 'TeamNotFound');
  });

  test('each delivery is counted at once', async () => {
    const anybody = client();
    const before = await anybody.getImageTotalStats({ force: true });
    const { id } = await requester.postAsyncImageGenerate(order());
    const job = await popFor(id);
    await worker.postImageGenerationSubmit({ id: job.id, generation: IMAGE, seed: 1 });

    const after = await anybody.getImageTotalStats({ force: true });
    assert.ok(after.total.images > before.total.images, JSON.stringify({ before, after }));
    assert.ok(after.minute.images > 0 && after.total.ps >= before.total.ps + 64 * 64 * 4);
    assert.ok((await anybody.getImageModelStats({ force: true })).day[MODEL] > 0);
    assert.deepEqual(Object.keys(await anybody.getTextTotalStats({ force: true })).sort(), ['day', 'hour', 'minute', 'month', 'total']);
  });
});
