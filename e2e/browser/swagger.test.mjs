// Headless Chromium opens the page of the API of a running horde, which must not
// ask any other host, and tries calls out. HORDE_URL names the horde
// (http://127.0.0.1:7001 unless set). Screenshots go to HORDE_SHOTS, or to a new
// folder below the temporary one.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { launch } from './chromium.mjs';

const HORDE = (process.env.HORDE_URL ?? 'http://127.0.0.1:7001').replace(/\/+$/, '');
const shots = process.env.HORDE_SHOTS ?? mkdtempSync(join(tmpdir(), 'horde-shots-'));
mkdirSync(shots, { recursive: true });

/** The page of the API in a window of its own, and what went wrong on it. */
async function open(options, path = '/api/') {
  const browser = await launch(options);
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  const heard = [];
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && heard.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`${HORDE}/`) && !/^(data|blob):/.test(request.url())) heard.push(`asked ${request.url()}`);
  });
  await page.goto(`${HORDE}${path}`);
  await page.locator('.opblock').first().waitFor();
  return { ...browser, page, heard };
}

/** How many operations a description has. */
async function operations(path) {
  const { paths } = await (await fetch(`${HORDE}${path}`)).json();
  return Object.values(paths).flatMap((item) => Object.keys(item).filter((key) => key !== 'parameters')).length;
}

/** Opens an operation, tries it out as it is filled in, and returns status and body. */
async function tryOut(page, method, path) {
  const block = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
  await block.locator('.opblock-summary-control').click();
  await block.getByRole('button', { name: 'Try it out' }).click();
  await block.getByRole('button', { name: 'Execute' }).click();
  const answer = block.locator('.live-responses-table tbody tr').first();
  await answer.locator('.response-col_status').waitFor();
  return {
    status: Number.parseInt(await answer.locator('.response-col_status').innerText(), 10),
    text: await answer.locator('.response-col_description').innerText(),
    block,
  };
}

for (const [name, viewport] of [
  ['desktop', { width: 1280, height: 860 }],
  ['phone', { width: 390, height: 844 }],
]) {
  test(`the page of the API lists every operation, offline (${name})`, async () => {
    const { page, heard, close } = await open({ viewport });
    try {
      assert.equal(await page.locator('.opblock').count(), await operations('/api/swagger.json'));
      await page.screenshot({ path: join(shots, `api-${name}.png`) });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `the page is ${wide} pixels wider than the window`);

      const { status, text } = await tryOut(page, 'get', '/v2/status/heartbeat');
      assert.equal(status, 200);
      assert.match(text, /OK/);
      await page.screenshot({ path: join(shots, `api-${name}-tried.png`) });

      await page.getByLabel('Description').selectOption('beyond');
      await page.locator('[data-path="/ext/v1/kudos/price"]').waitFor();
      assert.equal(await page.locator('.opblock').count(), await operations('/api/ext/openapi.json'));
      await page.screenshot({ path: join(shots, `api-${name}-beyond.png`) });
      assert.deepEqual(heard, []);
    } finally {
      await close();
    }
  });
}

test('the example of an image request is taken from the anonymous key as it is', async () => {
  const { page, heard, close } = await open({});
  try {
    const { status, text, block } = await tryOut(page, 'post', '/v2/generate/async');
    assert.equal(status, 202, text);
    await block.scrollIntoViewIfNeeded();
    await page.screenshot({ path: join(shots, 'api-request.png') });
    assert.deepEqual(heard, []);
  } finally {
    await close();
  }
});

test('the example of a price is answered, in the description that the address names', async () => {
  const { page, heard, close } = await open({ colorScheme: 'dark' }, '/api/?document=beyond');
  try {
    const { status, text } = await tryOut(page, 'post', '/ext/v1/kudos/price');
    assert.equal(status, 200, text);
    await page.screenshot({ path: join(shots, 'api-dark.png') });
    assert.deepEqual(heard, []);
  } finally {
    await close();
  }
});
