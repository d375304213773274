// The page under normal use: nothing sticks out of the window, what sends a request can
// be reached, what went wrong is said beside it, and the state of the horde is what it
// is. Headless Chromium at the sizes that people have, with
// light and dark colours, against two running hordes:
//   HORDE_URL       has a worker that sketches (`horde up --engine sketch`)
//   HORDE_IDLE_URL  has none (`horde serve`)
// Both are called HORDE_TITLE. With HORDE_SHOTS, a folder, screenshots go there.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './chromium.mjs';
import { assertFits, assertNamed, assertReachable, assertReadable, colours, everywhere, SCHEMES, shoot, WINDOWS } from './looks.mjs';

const HORDE = process.env.HORDE_URL;
const IDLE = process.env.HORDE_IDLE_URL;
const TITLE = process.env.HORDE_TITLE;

/** Words that have nowhere to break, and more of them than fit into a line. */
const LONG_WORD = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
const PROMPT = `${LONG_WORD} neben einem roten Fuchs im Schnee, ${'sehr '.repeat(40)}ausführlich, ${LONG_WORD.toLowerCase().repeat(2)}`;

async function open(url = HORDE, options = {}) {
  const browser = await launch({ viewport: WINDOWS.laptop, reducedMotion: 'reduce', ...options });
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  await page.goto(url);
  return { ...browser, page };
}

const prompt = (page) => page.getByLabel('Prompt', { exact: true });
const submit = (page) => page.locator('button[type=submit].submit');

/** Opens the page again, with nothing written. */
async function afresh(page) {
  await page.goto('about:blank'); // the page keeps its draft until it is gone
  await page.goto(`${HORDE}/theme.js`);
  await page.evaluate(() => localStorage.clear());
  await page.goto(HORDE);
  await page.locator('select option[value="horde_sketch"]').waitFor({ state: 'attached' });
}

/** Waits for the newest request to be done. */
async function finished(page) {
  const card = page.locator('article[data-phase]').first();
  await card.and(page.locator('[data-phase=done],[data-phase=failed]')).waitFor({ timeout: 30_000 });
  assert.equal(await card.getAttribute('data-phase'), 'done', await card.innerText());
  return card;
}

/** Lets a moderator of the idle horde close and open it for new accounts. */
async function raidMode(page) {
  const moderator = await page.request.post(`${IDLE}/api/v2/dev/test-user`, { data: { moderator: true } });
  const { api_key } = await moderator.json();
  return async (raid_mode) => {
    const answer = await page.request.put(`${IDLE}/api/v2/status/modes`, { headers: { apikey: api_key }, data: { raid_mode } });
    assert.ok(answer.ok(), await answer.text());
  };
}

describe('the form', () => {
  let browser;
  before(async () => {
    browser = await open();
    await browser.page.locator('select option[value="horde_sketch"]').waitFor({ state: 'attached', timeout: 30_000 });
  });
  after(() => browser?.close());

  test('fits and can be sent in every window, with all settings open', async () => {
    const { page } = browser;
    await everywhere(page, async (where) => {
      await page.evaluate(() => scrollTo(0, 0));
      await assertFits(page, `empty ${where}`);
      await assertReachable(submit(page), `the button on the empty page, ${where}`);
      await assertReadable(page, `empty ${where}`);
      await shoot(page, `empty ${where}`);
    });

    await prompt(page).fill(PROMPT);
    await page.getByText('More settings').click();
    await page.getByRole('button', { name: 'Custom size' }).click();
    await page.getByText(/^Costs /).waitFor();
    await everywhere(page, async (where) => {
      await page.evaluate(() => scrollTo(0, 0));
      await assertFits(page, `settings ${where}`);
      await assertReachable(submit(page), `the button below the settings, ${where}`);
      await assertReadable(page, `settings ${where}`);
      await shoot(page, `settings ${where}`);
      for (const last of [page.getByLabel('Seed', { exact: true }), page.locator('label.drop')]) {
        await last.scrollIntoViewIfNeeded();
        await last.evaluate((element) => element.scrollIntoView({ block: 'center' }));
        await assertReachable(last, `the last settings, ${where}`);
        await assertReachable(submit(page), `the button with the last settings, ${where}`);
      }
    });
    await page.getByText(/^Costs /).click();
    await everywhere(page, async (where) => {
      await assertFits(page, `price ${where}`);
      await assertReachable(submit(page), `the button above the opened price, ${where}`);
    });
    await assertNamed(page, 'the form');
  });

  test('shows one to eight images in every window', async () => {
    const { page } = browser;
    await afresh(page);
    await prompt(page).fill(PROMPT);
    await page.getByText('More settings').click();
    await page.getByLabel('Steps').fill('2');
    for (let n = 1; n <= 8; n++) {
      await page.setViewportSize(WINDOWS.laptop);
      await page.getByLabel('Number of images').fill(String(n));
      await submit(page).click();
      const card = await finished(page);
      assert.equal(await card.getByTestId('image').count(), n);
      const look = async (where) => {
        await assertFits(page, `${n} images, ${where}`);
        await card.evaluate((element) => element.scrollIntoView());
        await shoot(page, `images ${n} ${where}`);
        await assertReadable(page, `${n} images, ${where}`);
      };
      // What colours there are does not depend on how many images.
      await everywhere(page, look, n === 1 || n === 3 || n === 8 ? SCHEMES : [SCHEMES[n % 2]]);
    }
    await page.setViewportSize(WINDOWS.phone);
    await page.getByRole('button', { name: /^Open large/ }).first().click();
    await everywhere(page, async (where) => {
      await assertFits(page, `one image large, ${where}`);
      await assertReachable(page.getByRole('button', { name: 'Close' }), `closing the large image, ${where}`);
      await assertReachable(page.getByRole('dialog').getByRole('heading', { level: 2 }), `the prompt of the large image, ${where}`);
      const apart = await page.getByRole('dialog').evaluate((dialog) => {
        const [image, words] = ['img', 'aside'].map((name) => dialog.querySelector(name).getBoundingClientRect());
        return image.bottom <= words.top + 0.5 || image.right <= words.left + 0.5;
      });
      assert.ok(apart, `${where}: the large image lies on its words`);
      await shoot(page, `large ${where}`);
    });
    await page.keyboard.press('Escape');
    await assertNamed(page, 'the images');
  });

  test('says a refusal beside the button, in words of the page, with what can be done', async () => {
    const { page } = browser;
    await page.reload();
    await prompt(page).fill(PROMPT);
    await page.getByLabel('Number of images').fill('1');
    await page.getByRole('button', { name: 'Custom size' }).click();
    await page.getByLabel('Height', { exact: true }).fill('1024');
    const refusal = page.locator('form').getByRole('alert').filter({ hasText: 'needs more kudos' });
    const smaller = page.getByRole('button', { name: 'Make it smaller so that it needs no kudos' });
    let wider = 0;
    for (const [name, size] of Object.entries(WINDOWS)) {
      await page.setViewportSize(size);
      // Other settings each time: a refusal is about what was sent.
      await page.getByLabel('Width', { exact: true }).fill(String(1984 + 64 * (wider++ % 2)));
      await refusal.waitFor({ state: 'detached' });
      await prompt(page).focus();
      await page.keyboard.press('Control+Enter');
      await refusal.waitFor();
      await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'alert');
      await assertReachable(refusal, `the refusal, ${name}`);
      await assertReachable(submit(page), `the button beside the refusal, ${name}`);
      await assertReachable(smaller, `the remedy, ${name}`);
      await assertFits(page, `refusal ${name}`);
      const words = await refusal.innerText();
      assert.doesNotMatch(words, /allow_downgrade|slow_workers|params\.|[a-z]+_(workers|downgrade|image)/, `${name}: fields of the API`);
      for (const scheme of SCHEMES) {
        await colours(page, scheme);
        await assertReadable(page, `refusal ${name} ${scheme}`);
        await shoot(page, `refusal ${name} ${scheme}`);
      }
    }

    const sent = page.waitForRequest((request) => request.url().endsWith('/generate/async'));
    await smaller.click();
    const body = (await sent).postDataJSON();
    assert.equal(body.allow_downgrade, true);
    assert.ok(body.params.width * body.params.height <= 1024 * 1024, `${body.params.width} × ${body.params.height} is not smaller`);
    await finished(page);
    for (const side of ['Width', 'Height']) {
      assert.equal(Number(await page.getByLabel(side, { exact: true }).inputValue()), body.params[side.toLowerCase()], 'the form shows what was asked for');
    }
    assert.equal(await refusal.count(), 0);
  });

  test('has room for long names of models, workers, accounts and hordes', async () => {
    const { page, context } = browser;
    const name = `${LONG_WORD} ${LONG_WORD}`;
    const user = { username: `${LONG_WORD}#1234567`, id: 1234567, kudos: 1234567890.12, concurrency: 30, worker_count: 1234 };
    const movements = [{ at: '2026-11-25T09:00:00Z', text: `Image delivered, ${name} by your worker "${name}"`, amount: 1234567.89, balance: 9 }];
    const webhooks = {
      webhooks: [{
        id: 'a', request: 'b', type: 'image', url: `https://example.org/${LONG_WORD}/${LONG_WORD}`, state: 'failed', attempts: 3,
        created: '2026-11-25T09:00:00Z', next: '2026-11-25T10:00:00Z', error: 'the address could not be reached',
      }],
      pending: 0, failed: 1, dead: 0, secret_since: '2026-11-25T09:00:00Z',
    };
    const model = { name, count: 1, performance: 1e6, queued: 9e7, jobs: 15, eta: 90, type: 'image' };
    await context.route('**/api/v2/status/models*', (route) => route.fulfill({ json: [model] }));
    await context.route('**/api/v2/find_user', (route) => route.fulfill({ json: user }));
    await context.route('**/api/ext/v1/kudos/history*', (route) => route.fulfill({ json: { movements } }));
    await context.route('**/api/ext/v1/webhooks?*', (route) => route.fulfill({ json: webhooks }));
    await context.route('**/api/ext/v1/webhooks/secret', (route) => route.fulfill({ json: { secret: `whsec_${LONG_WORD}` } }));
    // Without a stream of events the page polls: there the names can be put in.
    await context.route('**/events*', (route) => route.abort());
    await context.route('**/api/v2/generate/status/*', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      for (const generation of body.generations ?? []) Object.assign(generation, { model: name, worker_name: name });
      await route.fulfill({ response, json: body });
    });
    try {
      await page.evaluate(() => localStorage.clear());
      await page.reload();
      await page.locator(`select option[value="${name}"]`).waitFor({ state: 'attached' });
      await page.getByLabel('Model').selectOption('');
      await prompt(page).fill(PROMPT);
      await submit(page).click();
      const card = await finished(page);
      assert.ok((await card.innerText()).includes(name), 'the card does not name the worker');
      await page.getByLabel('Model').selectOption(name);
      await page.locator('.bar .home > span').evaluate((title, long) => (title.textContent = long), name.repeat(3));

      await page.locator('button.account').click();
      await page.getByLabel('API key').fill('a key');
      await page.keyboard.press('Enter');
      const account = page.getByRole('dialog', { name: 'Account' });
      await account.getByText('Latest kudos movements').waitFor();
      await everywhere(page, async (where) => {
        await assertFits(page, `an account with a long name, ${where}`);
        await assertReachable(page.locator('button.account'), `the account's button, ${where}`);
        await account.getByRole('button', { name: 'Use' }).scrollIntoViewIfNeeded();
        await assertReachable(account.getByRole('button', { name: 'Use' }), `the button in the account, ${where}`);
        await assertReadable(page, `account ${where}`);
        await shoot(page, `account ${where}`);
      });
      for (const [button, next] of [['New secret', 'Replace the secret'], ['Replace the secret', 'Copy']]) {
        await account.getByRole('button', { name: button }).click();
        await everywhere(page, async (where) => {
          await assertFits(page, `${next}, ${where}`);
          await account.getByRole('button', { name: next }).scrollIntoViewIfNeeded();
          await assertReachable(account.getByRole('button', { name: next }), `${next}, ${where}`);
          await assertReadable(page, `${next} ${where}`);
          await shoot(page, `${next} ${where}`);
        });
      }
      await assertNamed(page, 'the account');
      await page.keyboard.press('Escape');
      await everywhere(page, async (where) => {
        await assertFits(page, `long names, ${where}`);
        await shoot(page, `names ${where}`);
      });
      await page.getByRole('link', { name: 'Status' }).click();
      await page.getByRole('rowheader', { name }).waitFor();
      await everywhere(page, (where) => assertFits(page, `status with long names, ${where}`));
    } finally {
      await context.unrouteAll({ behavior: 'ignoreErrors' });
      await page.evaluate(() => localStorage.clear());
    }
  });

  test('is told of an outage of 15 s, keeps what was written, and recovers by itself', async () => {
    const { page, context } = browser;
    await afresh(page);
    await page.setViewportSize(WINDOWS.laptop);
    await prompt(page).fill(PROMPT);
    await page.getByText(/^Costs /).waitFor();
    const away = page.getByRole('status').filter({ hasText: 'does not answer' });
    await context.route('**/api/**', (route) => route.abort('connectionrefused'));
    const over = Date.now() + 15_000;

    await submit(page).click();
    const refusal = page.locator('form').getByRole('alert').filter({ hasText: 'does not answer' });
    await refusal.waitFor();
    await assertReachable(refusal, 'no answer to the request');
    await page.evaluate(() => dispatchEvent(new Event('online'))); // looks at once
    await away.waitFor();
    await prompt(page).fill('written while the server was away');
    await everywhere(page, async (where) => {
      await page.evaluate(() => scrollTo(0, 0));
      await assertFits(page, `outage ${where}`);
      await assertReachable(away.locator('p'), `the outage is said, ${where}`);
      await assertReachable(submit(page), `the button in an outage, ${where}`);
      await assertReadable(page, `outage ${where}`);
    });
    await shoot(page, 'outage');
    await page.getByRole('link', { name: 'Status' }).click();
    const state = page.locator('[data-level]');
    await page.locator('[data-level=down]').waitFor();
    assert.match(await state.innerText(), /does not answer/);
    assert.doesNotMatch(await page.locator('main').innerText(), /works|Ready/);
    await shoot(page, 'status without a server');
    await page.getByRole('link', { name: 'Create', exact: true }).click();

    await page.waitForTimeout(Math.max(0, over - Date.now())); // the outage is 15 s
    assert.ok(await away.isVisible(), 'the page thinks that the server answers');
    await context.unroute('**/api/**');
    await away.waitFor({ state: 'detached', timeout: 30_000 });
    assert.equal(await prompt(page).inputValue(), 'written while the server was away');
    await page.getByText(/^Costs /).waitFor();
    await submit(page).click();
    await finished(page);
  });
});

test('the status is what it is: no worker, maintenance, text only, queue', async () => {
  const { page, close } = await open(`${IDLE}/#/status`);
  try {
    const level = (name) => page.locator(`[data-level=${name}]`);
    await level('idle').waitFor();
    assert.match(await level('idle').innerText(), /No worker is online/);
    await everywhere(page, async (where) => {
      await assertFits(page, `status ${where}`);
      await assertReadable(page, `status ${where}`);
      await shoot(page, `status without workers ${where}`);
    });

    const figures = { worker_count: 0, thread_count: 0, text_worker_count: 2, interrogator_count: 0, queued_requests: 0, queued_megapixelsteps: 0, past_minute_megapixelsteps: 0 };
    const model = { name: `${LONG_WORD} ${LONG_WORD}`, count: 1, performance: 1e6, queued: 9e7, jobs: 15, eta: 90, type: 'image' };
    for (const [what, answers, name, words] of [
      ['text only', { performance: figures }, 'idle', /No worker generates images.*2 text workers/s],
      ['busy', { performance: { ...figures, worker_count: 1, thread_count: 1, queued_requests: 15, queued_megapixelsteps: 90 }, models: [model] }, 'busy', /Busy.*15 images in the queue/s],
      ['in maintenance', { modes: { maintenance_mode: true, invite_only_mode: false } }, 'closed', /Maintenance.*No new requests/s],
      ['no database', { heartbeat: { message: 'DOWN', version: '1.0', db_connection: false } }, 'down', /cannot work.*database/s],
    ]) {
      for (const [path, body] of Object.entries(answers)) await page.route(`**/api/v2/status/${path}*`, (route) => route.fulfill({ json: body }));
      await page.reload();
      await level(name).waitFor();
      assert.match(await level(name).innerText(), words, what);
      await page.setViewportSize(WINDOWS.phone);
      await assertFits(page, `status, ${what}`);
      await shoot(page, `status ${what}`);
      await page.unrouteAll();
    }
  } finally {
    await close();
  }
});

describe('every page', () => {
  let browser;
  before(async () => (browser = await open(IDLE)));
  after(() => browser?.close());

  test('bears the name of the horde', async () => {
    const { page } = browser;
    await page.getByRole('contentinfo').getByText(TITLE).waitFor();
    assert.equal(await page.title(), TITLE);
    assert.equal(await page.locator('.bar .home').innerText(), TITLE);
    assert.match(await page.locator('h1').textContent(), new RegExp(`^${TITLE.replace(/[^\w ]/g, '\\$&')}`));
    for (const path of ['/register', '/nothing', '/terms', '/privacy', '/sponsors', '/api/']) {
      await page.goto(IDLE + path);
      assert.ok((await page.title()).endsWith(` · ${TITLE}`), `${path}: ${await page.title()}`);
      assert.equal(await page.locator('.bar .home').innerText(), TITLE);
      assert.ok((await page.getByRole('contentinfo').innerText()).includes(TITLE), `${path}: no name in the foot`);
      assert.equal(await page.locator('.bar b').count(), 0, 'the title is markup');
    }
  });

  test('of the server has the look of the page, in every window', async () => {
    const { page } = browser;
    const complaints = [];
    page.on('console', (message) => message.type() === 'error' && !/status of 404/.test(message.text()) && complaints.push(message.text()));
    await page.goto(IDLE);
    await colours(page, 'light');
    const look = () => page.evaluate(() => ['backgroundColor', 'fontFamily', 'color'].map((p) => getComputedStyle(document.body)[p]).join());
    const wanted = await look();
    for (const path of ['/register', '/nothing', '/terms', '/privacy', '/sponsors', '/api/']) {
      const response = await page.goto(IDLE + path);
      assert.equal(response.status(), path === '/nothing' ? 404 : 200);
      await colours(page, 'light');
      assert.equal(await look(), wanted, `${path} looks different`);
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Create' }).waitFor();
      await everywhere(page, async (where) => {
        await assertFits(page, `${path} ${where}`);
        await assertReadable(page, `${path} ${where}`);
        await shoot(page, `server ${path.replaceAll('/', '')} ${where}`);
      });
      await assertNamed(page, path);
    }

    await page.goto(`${IDLE}/register`);
    const raid = await raidMode(page);
    await raid(true);
    await page.getByLabel('Name that others see').fill('<visitor>');
    await page.getByRole('button', { name: 'Get an API key' }).click();
    await page.getByRole('alert').waitFor();
    assert.equal(await page.getByLabel('Name that others see').inputValue(), '<visitor>', 'what was typed is lost');
    assert.ok(await page.getByLabel('Name that others see').evaluate((input) => input === document.activeElement));
    await shoot(page, 'server register refused');
    await raid(false);
    await page.getByLabel('Name that others see').fill('visitor');
    await page.getByRole('button', { name: 'Get an API key' }).click();
    await page.locator('code.ah-api-key').waitFor();
    await everywhere(page, async (where) => assertFits(page, `the key ${where}`));
    await shoot(page, 'server register key');
    assert.deepEqual(complaints, []);
  });

  test('keeps the colours that were chosen, and can be used by keyboard', async () => {
    const { page } = browser;
    await colours(page, 'light');
    await page.setViewportSize(WINDOWS.laptop);
    await page.goto(IDLE);
    await page.getByRole('button', { name: 'Use dark colours' }).click();
    const dark = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.goto(`${IDLE}/register`);
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), dark, 'the choice is forgotten');

    for (const url of [IDLE, `${IDLE}/register`]) {
      await page.goto('about:blank');
      await page.goto(url);
      await page.locator('.bar nav a').first().waitFor();
      for (let i = 0; i < 6; i++) {
        await page.keyboard.press('Tab');
        const focus = await page.evaluate(() => {
          const element = document.activeElement;
          const box = element.getBoundingClientRect();
          const style = getComputedStyle(element);
          return { what: element.outerHTML.slice(0, 100), outline: style.outline, top: box.top, seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.top >= 0 && box.width > 0 };
        });
        assert.ok(focus.seen, `the focus is not seen: ${JSON.stringify(focus)}`);
      }
    }
  });
});
