// The npm client @zeldafan0225/ai_horde, unmodified, gets a text of the model that MODEL
// names from a worker that runs already.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { account, client } from './accounts.mjs';

const PATIENCE = 120_000; // ms

test('a text of a real model', async () => {
  const { api_key: key } = await account('writer');
  const horde = client(key);
  const { id } = await horde.postAsyncTextGenerate({
    prompt: '1, 2, 3, 4, 5, 6,',
    models: [process.env.MODEL],
    params: { max_length: 30, max_context_length: 1024, temperature: 0, stop_sequence: ['9'] },
  });

  const end = Date.now() + PATIENCE;
  let status;
  do {
    await sleep(200);
    status = await horde.getTextGenerationStatus(id, { force: true });
  } while (!status.done && Date.now() < end);
  assert.deepEqual([status.done, status.faulted, status.finished], [true, false, 1]);
  const [text] = status.generations;
  assert.equal(text.text, ' 7, 8, 9');
  assert.equal(text.model, process.env.MODEL);
  assert.equal(text.worker_name, 'a scribe');
});
