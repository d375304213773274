// The npm client @zeldafan0225/ai_horde, unmodified: texts and alchemy from both
// sides, and everything that it knows about accounts, workers, shared keys and
// ratings. Styles came with a later version.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { randomUUID } from 'node:crypto';
import { ErrorMessages } from '@zeldafan0225/ai_horde';
import { MODEL, IMAGE, account, client, refused, tag } from './accounts.mjs';

const TEXT_MODEL = `koboldcpp/npm-${tag}`; // nobody else asks for it

let owner, other, requester, worker;
before(async () => {
  owner = await account('keeper');
  other = await account('reader');
  requester = client(other.api_key);
  worker = client(owner.api_key);
});

describe('a text', () => {
  const order = (extra = {}, params = {}) => ({
    prompt: 'Once upon a time',
    models: [TEXT_MODEL],
    ...extra,
    params: { max_length: 80, max_context_length: 1024, temperature: 0.8, stop_sequence: ['\n\n'], ...params },
  });
  const pop = (extra = {}) =>
    worker.postTextGenerationPop({
      name: `npm scribe ${tag}`,
      models: [TEXT_MODEL],
      bridge_agent: 'KoboldCppEmbedWorker:2:https://example.org/npm',
      max_length: 512,
      max_context_length: 4096,
      softprompts: [],
      priority_usernames: [other.alias],
      ...extra,
    });

  test('goes round', async () => {
    const empty = await pop();
    assert.equal(empty.id, null);
    assert.deepEqual(empty.ids, []);

    const accepted = await requester.postAsyncTextGenerate(order());
    assert.match(accepted.id, /^[0-9a-f-]{36}$/);
    const masked = await requester.getTextGenerationStatus(accepted.id, { force: true, fields: ['done', 'waiting'] });
    assert.deepEqual(masked, { done: false, waiting: 1 });

    const job = await pop();
    assert.equal(job.model, TEXT_MODEL);
    assert.equal(job.payload.prompt, 'Once upon a time');
    assert.equal(job.payload.max_length, 80);
    assert.equal(job.payload.temperature, 0.8);
    assert.deepEqual(job.payload.stop_sequence, ['\n\n']);
    const { reward } = await worker.postTextGenerationSubmit({ id: job.id, generation: ' there was a fox.', state: 'ok', seed: 4 });
    assert.ok(reward > 0);

    const status = await requester.getTextGenerationStatus(accepted.id, { force: true });
    assert.deepEqual([status.done, status.faulted, status.finished, status.waiting], [true, false, 1, 0]);
    assert.equal('message' in status, false);
    const [text] = status.generations;
    assert.equal(text.text, ' there was a fox.');
    assert.equal(text.model, TEXT_MODEL);
    assert.equal(text.worker_name, `npm scribe ${tag}`);
    assert.deepEqual(text.gen_metadata, []);

    const again = await refused(worker.postTextGenerationSubmit({ id: job.id, generation: 'x', state: 'ok', seed: 4 }));
    assert.equal(again.name, 'DuplicateGen');
  });

  test('is handed out as often as it was asked for', async () => {
    const { id } = await requester.postAsyncTextGenerate(order({}, { n: 2 }));
    for (const generation of ['one', 'two']) {
      const job = await pop();
      await worker.postTextGenerationSubmit({ id: job.id, generation, state: 'ok', seed: 1 });
    }
    const { generations } = await requester.getTextGenerationStatus(id, { force: true });
    assert.deepEqual(generations.map((g) => g.text).sort(), ['one', 'two']);
  });

  test('can be cancelled, priced and refused', async () => {
    const { id } = await requester.postAsyncTextGenerate(order());
    const cancelled = await client(undefined).deleteTextGenerationRequest(id);
    assert.deepEqual([cancelled.generations, cancelled.waiting], [[], 1]);
    assert.deepEqual(Object.keys(await requester.postAsyncTextGenerate(order({ dry_run: true }))), ['kudos']);
    const cases = [
      ['RequestNotFound', () => requester.getTextGenerationStatus(randomUUID())],
      ['InvalidJobID', () => worker.postTextGenerationSubmit({ id: randomUUID(), generation: 'x', state: 'ok', seed: 1 })],
      ['TokenOverflow', () => requester.postAsyncTextGenerate(order({}, { max_length: 1024, max_context_length: 512 }))],
      ['InvalidAPIKey', () => client('no-key-of-anybody').postAsyncTextGenerate(order())],
    ];
    for (const [name, call] of cases) {
      const error = await refused(call());
      assert.equal(error.name, name, JSON.stringify(error.rawError));
      if (name in ErrorMessages) assert.equal(error.message, ErrorMessages[name]);
    }
  });
});

describe('alchemy', () => {
  const pop = (forms) =>
    worker.postInterrogationPop({
      name: `npm alchemist ${tag}`,
      forms,
      amount: 4,
      bridge_agent: 'AI Horde Worker:24:https://example.org/npm',
      max_tiles: 16,
      priority_usernames: [other.alias],
    });

  test('goes round with words and images', async () => {
    const { id } = await requester.postAsyncInterrogate({
      forms: [{ name: 'caption' }, { name: 'nsfw' }, { name: 'RealESRGAN_x2plus' }],
      source_image: IMAGE,
    });
    const waiting = await requester.getInterrogationStatus(id, { force: true });
    assert.equal(waiting.state, 'waiting');
    assert.deepEqual(waiting.forms.map((f) => f.state), ['waiting', 'waiting', 'waiting']);

    const { forms } = await pop(['caption', 'nsfw', 'RealESRGAN_x2plus']);
    assert.deepEqual(forms.map((f) => f.form).sort(), ['RealESRGAN_x2plus', 'caption', 'nsfw']);
    const results = { caption: { caption: 'a dot' }, nsfw: { nsfw: false }, RealESRGAN_x2plus: { RealESRGAN_x2plus: 'R2' } };
    for (const form of forms) {
      assert.equal((await fetch(form.source_image)).status, 200);
      if (form.r2_upload) assert.ok((await fetch(form.r2_upload, { method: 'PUT', body: Buffer.from(IMAGE, 'base64') })).ok);
      const { reward } = await worker.postInterrogationSubmit({ id: form.id, result: results[form.form], state: 'ok' });
      assert.ok(reward > 0);
    }
    const done = await requester.getInterrogationStatus(id, { force: true });
    assert.equal(done.state, 'done');
    const result = Object.fromEntries(done.forms.map((f) => [f.form, f.result]));
    assert.deepEqual(result.caption, { caption: 'a dot' });
    assert.deepEqual(result.nsfw, { nsfw: false });
    assert.equal((await fetch(result.RealESRGAN_x2plus.RealESRGAN_x2plus)).status, 200);
  });

  test('can be cancelled and refused', async () => {
    const { id } = await requester.postAsyncInterrogate({ forms: [{ name: 'vectorize' }], source_image: IMAGE });
    const cancelled = await client(undefined).deleteInterrogationRequest(id);
    assert.equal(cancelled.forms.length, 1);
    assert.equal((await requester.getInterrogationStatus(id, { force: true })).forms[0].state, 'cancelled');
    const cases = [
      ['ImageValidationFailed', () => requester.postAsyncInterrogate({ forms: [{ name: 'caption' }], source_image: 'bm9uZQ==' })],
      ['InvalidJobID', () => worker.postInterrogationSubmit({ id: randomUUID(), result: { caption: 'x' }, state: 'ok' })],
      ['RequestNotFound', () => requester.getInterrogationStatus(randomUUID())],
    ];
    for (const [name, call] of cases) {
      const error = await refused(call());
      assert.equal(error.name, name, JSON.stringify(error.rawError));
    }
    const odd = await refused(requester.postAsyncInterrogate({ forms: [{ name: 'divination' }], source_image: IMAGE }));
    assert.equal(odd.status, 400);
  });
});

describe('shared keys', () => {
  test('are made, read, changed, used and deleted', async () => {
    const made = await requester.putSharedKey({ name: 'npm club', kudos: 5000, expiry: 30, max_image_pixels: 262144, max_image_steps: 20, max_text_tokens: 200 });
    assert.match(made.id, /^[0-9a-f-]{36}$/);
    assert.deepEqual([made.username, made.kudos, made.utilized], [other.alias, 5000, 0]);
    const read = await requester.getSharedKey(made.id);
    assert.equal(read.name, 'npm club');
    assert.equal('message' in read, false);
    assert.equal((await requester.updateSharedKey({ kudos: 4000 }, made.id)).kudos, 4000);

    const guest = client(made.id);
    const accepted = await guest.postAsyncImageGenerate({ prompt: 'a gate', models: [MODEL], params: { width: 64, height: 64, steps: 4 } });
    assert.ok(accepted.id);
    await requester.deleteImageGenerationRequest(accepted.id);
    const tooFine = await refused(guest.postAsyncImageGenerate({ prompt: 'a gate', models: [MODEL], params: { width: 64, height: 64, steps: 21 } }));
    assert.equal(tooFine.status, 400, JSON.stringify(tooFine.rawError));

    assert.equal((await requester.deleteSharedKey(made.id)).message, 'OK');
    assert.equal((await refused(requester.getSharedKey(made.id))).name, 'InvalidAPIKey');
  });
});

describe('a rating', () => {
  test('pays once, for images that were shared', async () => {
    const model = 'Deliberate';
    const { id } = await requester.postAsyncImageGenerate({
      prompt: 'a pair of boats',
      models: [model],
      shared: true,
      r2: false,
      params: { width: 64, height: 64, steps: 4, n: 2 },
    });
    const job = await worker.postImageGenerationPop({
      name: `npm painter ${tag}`,
      models: [model],
      max_pixels: 262144,
      amount: 2,
      bridge_agent: 'AI Horde Worker reGen:13:https://example.org/npm',
      priority_usernames: [other.alias],
    });
    assert.equal(job.ids.length, 2);
    for (const one of job.ids) await worker.postImageGenerationSubmit({ id: one, generation: IMAGE, seed: 1 });
    await requester.getImageGenerationStatus(id, { force: true });
    const ratings = { best: job.ids[0], ratings: [{ id: job.ids[0], rating: 8, artifacts: 1 }, { id: job.ids[1], rating: 5, artifacts: 2 }] };
    const { reward } = await requester.postRating(id, ratings);
    assert.equal(typeof reward, 'number');
    assert.equal((await refused(requester.postRating(id, ratings))).name, 'AestheticsAlreadyExist');
    assert.equal((await refused(requester.postRating(randomUUID(), ratings))).name, 'RequestNotFound');
  });
});

describe('accounts and workers', () => {
  test('are listed, changed and deleted', async () => {
    const user = await requester.getUserDetails(Number(other.user_id), { force: true });
    assert.equal(user.username, other.alias);
    for (const part of Object.values(user.kudos_details)) assert.equal(typeof part, 'number');
    assert.ok((await requester.getUsers()).length > 0);
    assert.equal((await requester.updateUser({ public_workers: true }, Number(other.user_id))).public_workers, true);

    const name = `npm idler ${tag}`;
    await worker.postTextGenerationPop({ name, models: [TEXT_MODEL], max_length: 80, max_context_length: 1024, bridge_agent: 'KoboldCppEmbedWorker:2:x' });
    const found = (await worker.getWorkers()).find((w) => w.name === name);
    assert.ok(found, 'the worker is not listed');
    assert.equal(found.type, 'text');
    assert.ok(Number.isFinite(parseFloat(found.performance)), found.performance);
    assert.equal(typeof found.team, 'object');
    const changed = await worker.updateWorker({ maintenance: true, name, team: '', info: 'asleep' }, found.id);
    assert.deepEqual([changed.maintenance, changed.info], [true, 'asleep']);
    assert.equal((await worker.getWorkerDetails(found.id, { force: true })).maintenance_mode, true);
    assert.equal((await refused(requester.updateWorker({ maintenance: false }, found.id))).status, 403);
    const gone = await worker.deleteWorker(found.id);
    assert.deepEqual(gone, { deleted_id: found.id, deleted_name: name });
    assert.equal((await refused(worker.getWorkerDetails(found.id, { force: true }))).name, 'WorkerNotFound');
  });

  test('pass kudos on', async () => {
    const before = (await client(owner.api_key).findUser({ token: owner.api_key })).kudos;
    assert.deepEqual(await requester.postKudosTransfer({ username: owner.alias, amount: 25 }), { transferred: 25 });
    assert.equal((await client(owner.api_key).findUser({ token: owner.api_key })).kudos, before + 25);
    assert.equal((await refused(worker.postKudosTransfer({ username: owner.alias, amount: 25 }))).name, 'KudosTransferToSelf');
  });

  test('are told the news, and which models are served', async () => {
    const [piece] = await requester.getNews({ force: true });
    assert.equal(typeof piece.newspiece, 'string');
    const [model] = await requester.getModel(MODEL);
    assert.equal(model?.name ?? MODEL, MODEL);
    assert.equal((await refused(requester.getModes({ force: true }))).name, 'NotModerator');
  });
});
