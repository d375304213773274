// Headless Chromium follows requests on the page of a running horde without workers
// (HORDE_IDLE_URL, or else HORDE_URL); the test plays those. Screenshots go to HORDE_SHOTS, if it is set.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './chromium.mjs';
import { api, makeWay, makeWorker, openStreams, until } from './scripted.mjs';

const HORDE = (process.env.HORDE_IDLE_URL ?? process.env.HORDE_URL ?? 'http://127.0.0.1:7001').replace(/\/+$/, '');
const shots = process.env.HORDE_SHOTS;
if (shots) mkdirSync(shots, { recursive: true });

async function shoot(page, name) {
  if (!shots) return;
  const before = page.viewportSize();
  for (const [width, height] of [[390, 844], [1366, 768], [1440, 900]]) {
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true });
  }
  await page.setViewportSize(before);
}

async function openPage(context, url = HORDE) {
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  await page.goto(`${url}/`);
  await page.locator('#prompt').waitFor();
  return page;
}

/** Sends a prompt. Other settings come from the draft that the page finds when it is loaded. */
async function generate(page, prompt) {
  await page.locator('#prompt').fill(prompt);
  await page.locator('form:has(#prompt) button[type=submit]').click();
}

async function draft(page, settings) {
  await page.evaluate((kept) => localStorage.setItem('horde.draft', JSON.stringify({ model: '', ...kept })), settings);
  await page.reload();
  await page.locator('#prompt').waitFor();
}

const cards = (page, phase) => page.locator(phase ? `article[data-phase=${phase}]` : 'article[data-phase]');

describe('the page follows its requests', () => {
  let browser;
  let worker;
  before(async () => {
    browser = await launch();
    worker = await makeWorker(HORDE, 'streams');
  });
  after(() => browser?.close());

  test('eight requests wait, and the page, its tabs and the server stay usable', async () => {
    const first = await openPage(browser.context);
    await draft(first, {});
    for (let i = 1; i <= 8; i++) {
      await generate(first, `a lighthouse, number ${i}`);
      await until(`request ${i} is accepted`, async () => (await cards(first, 'waiting').count()) === i);
    }
    await until('one stream follows all', async () => (await openStreams(HORDE)) === 1);
    await shoot(first, 'eight-waiting');

    await cards(first).first().getByRole('button', { name: 'Cancel' }).click();
    await cards(first, 'cancelled').waitFor();

    // A second tab loads, shows the same, and needs no stream of its own.
    const second = await openPage(browser.context);
    await until('the second tab has the requests', async () => (await cards(second, 'waiting').count()) === 7);
    const job = await worker.pop();
    await worker.report(job.id, 3, 9);
    await first.getByText('Step 3 of 9').waitFor();
    await second.getByText('Step 3 of 9').waitFor();
    assert.equal(await openStreams(HORDE), 1);

    // The tab that watched for both is closed: the other goes on.
    await first.close();
    await worker.report(job.id, 5, 9);
    await second.getByText('Step 5 of 9').waitFor();
    await until('one stream is left', async () => (await openStreams(HORDE)) === 1);
    await worker.deliver(job);
    await cards(second, 'done').getByTestId('image').waitFor();

    while ((await cards(second, 'waiting').count()) > 0) {
      const left = await cards(second, 'waiting').count();
      await cards(second, 'waiting').first().getByRole('button', { name: 'Cancel' }).click();
      await until('a request is cancelled', async () => (await cards(second, 'waiting').count()) === left - 1);
    }
    await until('no stream is left', async () => (await openStreams(HORDE)) === 0);
    await second.close();
  });

  test('cancel is not the end: what a worker has in hand is shown, charged and kept', async () => {
    const page = await openPage(browser.context);
    await draft(page, { n: 3 });
    await generate(page, 'a castle at night');
    await cards(page, 'waiting').waitFor();
    const job = await worker.pop();
    await worker.report(job.id, 1, 9);
    await page.getByText('Step 1 of 9').waitFor();
    await cards(page, 'generating').getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('1 image is still being generated and will be charged.').waitFor();
    await shoot(page, 'cancelled-in-hand');

    await page.reload(); // what was said before is still so
    await page.getByText('1 image is still being generated and will be charged.').waitFor();
    await worker.report(job.id, 6, 9);
    await page.getByText('step 6 of 9').waitFor();
    await worker.deliver(job);
    await cards(page, 'done').getByTestId('image').waitFor();
    await page.getByText('1 of 3 images: the rest was cancelled.').waitFor();
    await shoot(page, 'cancelled-kept');
    await page.reload();
    await page.getByRole('button', { name: /^Open large: a castle at night/ }).waitFor();
    await page.close();
  });

  test('counters agree with what is shown', async () => {
    const page = await openPage(browser.context);
    await draft(page, { n: 3 });
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route('**/blob/**', async (route) => {
      await held;
      await route.continue();
    });
    await generate(page, 'three boats');
    await cards(page, 'waiting').waitFor();
    for (let i = 0; i < 3; i++) await worker.deliver(await worker.pop());
    await page.getByText('0 of 3 finished, 3 being fetched').waitFor();
    assert.equal(await page.getByTestId('image').count(), 0);
    release();
    await cards(page, 'done').waitFor();
    assert.equal(await cards(page, 'done').getByTestId('image').count(), 3);
    await shoot(page, 'three-done');
    await page.close();
  });

  test('an image that cannot be reached is told from one that was never uploaded', async () => {
    const page = await openPage(browser.context);
    await draft(page, { n: 2 });
    await page.route('**/blob/**', (route) => route.abort('connectionrefused'));
    await generate(page, 'two boats');
    await cards(page, 'waiting').waitFor();
    await worker.deliver(await worker.pop());
    await worker.deliver(await worker.pop(), 0, { upload: false });
    await page.getByText(/This browser cannot reach the image at 127\.0\.0\.1:\d+\./).waitFor();
    await page.getByText('The worker did not upload this image.').waitFor();
    await shoot(page, 'not-there');
    await page.unroute('**/blob/**');
    const unreachable = page.locator('figure').filter({ hasText: 'cannot reach' });
    await unreachable.getByRole('button', { name: 'Fetch it again' }).click();
    await page.getByTestId('image').waitFor();
    assert.equal(await page.getByText('cannot reach').count(), 0);
    assert.equal(await page.getByText('The worker did not upload this image.').count(), 1);
    await page.close();
  });

  test('after an outage of 15 s the page goes on where the request is', async () => {
    const way = await makeWay(HORDE);
    const page = await openPage(browser.context, way.url);
    try {
      await draft(page, {});
      await generate(page, 'a lighthouse in a storm');
      await cards(page, 'waiting').waitFor();
      const before = await worker.pop();
      await worker.report(before.id, 0, 24);
      await worker.report(before.id, 4, 24);
      await page.getByText('Step 4 of 24').waitFor();
      await page.getByText('longer than expected').waitFor(); // four steps in no time, and then nothing

      // Meanwhile the worker gives the job back, and another one begins it anew.
      await way.cut();
      const outage = Date.now();
      await page.getByText('The horde does not answer at the moment.').waitFor();
      await page.getByText('time left unknown').waitFor();
      await shoot(page, 'outage');
      await worker.giveBack(before.id);
      const other = await makeWorker(HORDE, 'another');
      const again = await other.pop();
      await new Promise((resolve) => setTimeout(resolve, outage + 15_000 - Date.now()));
      await way.mend();

      await page.getByText('A worker has it').or(page.getByText('Being generated')).waitFor();
      assert.equal(await page.getByText('does not answer').count(), 0, 'the outage is over, and said to last');
      assert.equal(await page.getByText('Step 4 of 24').count(), 0, 'the step of a job that is over stays');
      for (const step of [2, 9]) {
        await other.report(again.id, step, 24);
        await page.getByText(`Step ${step} of 24`).waitFor();
      }
      await page.getByText('another').waitFor();
      await other.deliver(again);
      await cards(page, 'done').getByTestId('image').waitFor();
    } finally {
      await page.close();
      await way.close();
    }
  });
});

/** A browser with pages that lack something. */
async function launchWithout(what) {
  const browser = await launch();
  await browser.context.addInitScript(what);
  return browser;
}

// As in a page by plain http from another machine.
test('where pages have no locks, tabs share one stream all the same', async () => {
  const browser = await launchWithout(() => Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }));
  try {
    const worker = await makeWorker(HORDE, 'lease');
    const first = await openPage(browser.context);
    await draft(first, {});
    await generate(first, 'a boat for two');
    await cards(first, 'waiting').waitFor();
    const second = await openPage(browser.context);
    await cards(second, 'waiting').waitFor();
    const job = await worker.pop();
    for (const step of [1, 2]) {
      await worker.report(job.id, step, 9);
      for (const page of [first, second]) await page.getByText(`Step ${step} of 9`).waitFor();
    }
    await until('one stream is open', async () => (await openStreams(HORDE)) === 1);
    await first.close();
    await worker.report(job.id, 3, 9);
    await second.getByText('Step 3 of 9').waitFor();
    await worker.deliver(job);
    await cards(second, 'done').getByTestId('image').waitFor();
  } finally {
    await browser.close();
  }
});

test('where tabs cannot speak with each other, each follows all it has over one stream', async () => {
  const browser = await launchWithout(() => delete globalThis.BroadcastChannel);
  try {
    const page = await openPage(browser.context);
    await draft(page, {});
    for (let i = 1; i <= 7; i++) {
      await generate(page, `a lone boat, number ${i}`);
      await until(`request ${i} is accepted`, async () => (await cards(page, 'waiting').count()) === i);
    }
    assert.equal(await openStreams(HORDE), 1);
    for (const { id } of JSON.parse(await page.evaluate(() => localStorage.getItem('horde.pending')))) {
      await api(HORDE, 'DELETE', `/api/v2/generate/status/${id}`);
    }
    await until('all have ended', async () => (await openStreams(HORDE)) === 0);
    await until('all are cancelled', async () => (await cards(page, 'cancelled').count()) === 7);
  } finally {
    await browser.close();
  }
});
