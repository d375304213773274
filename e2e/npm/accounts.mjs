// What the suites share: the horde, accounts on it, and clients for them.
// HORDE_URL names the horde (http://127.0.0.1:7001 unless set), started with
// HORDE_TEST_APIKEYS=1 and HORDE_TEST_RATELIMIT_DISABLED=1.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { AIHorde } from '@zeldafan0225/ai_horde';

export const HORDE = (process.env.HORDE_URL ?? 'http://127.0.0.1:7001').replace(/\/+$/, '');
export const MODEL = 'stable_diffusion';
export const ANONYMOUS = '0000000000';
// A WebP image of one pixel.
export const IMAGE = 'UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA';

export const client = (key, options = {}) => new AIHorde({ api_route: `${HORDE}/api/v2`, default_token: key, ...options });
export const tag = randomUUID().slice(0, 8);

/** Makes an account with the server's test endpoint; trusted unless told otherwise. */
export async function account(name, { kudos = 100_000, trusted = true } = {}) {
  const response = await fetch(`${HORDE}/api/v2/dev/test-user`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: `${name}-${tag}`, oauth_id: `npm-${name}-${tag}`, moderator: false, trusted, kudos }),
  });
  const body = await response.text();
  assert.ok([200, 201].includes(response.status), `test-user answered ${response.status}: ${body}; is HORDE_TEST_APIKEYS=1 set?`);
  return JSON.parse(body);
}

/** The error of a call that must fail. */
export async function refused(promise) {
  let answer;
  try {
    answer = await promise;
  } catch (error) {
    assert.equal(typeof error.status, 'number', `not an answer of the horde: ${error.stack}`);
    return error;
  }
  assert.fail(`not refused, answered ${JSON.stringify(answer)}`);
}
