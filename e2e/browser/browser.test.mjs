// Headless Chromium types a prompt on the page of a running horde and waits for the
// image. Its environment:
//   HORDE_URL           a horde with a worker, http://127.0.0.1:7001
//   HORDE_MODEL         the model to generate with, horde_pocket
//   HORDE_SHOTS         the folder of the screenshots, a new one below the temporary one
//   HORDE_BROWSER_WAIT  seconds to wait for an image, 120

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { launch } from './chromium.mjs';

const HORDE = (process.env.HORDE_URL ?? 'http://127.0.0.1:7001').replace(/\/+$/, '');
const MODEL = process.env.HORDE_MODEL ?? 'horde_pocket';
const WAIT = Number(process.env.HORDE_BROWSER_WAIT ?? 120) * 1000;
const PROMPT = 'a red fox in the snow';

const shots = process.env.HORDE_SHOTS ?? mkdtempSync(join(tmpdir(), 'horde-shots-'));
mkdirSync(shots, { recursive: true });
const shoot = (page, name, options) => page.screenshot({ path: join(shots, `${name}.png`), ...options });

/** Complaints of the page itself: script errors, refused resources. */
function listen(page) {
  const heard = [];
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && heard.push(`console: ${message.text()}`));
  return heard;
}

const promptField = (page) => page.getByLabel('Prompt', { exact: true });
const generateButton = (page) => page.getByRole('button', { name: /^Generate( \d+)?$/ });
const accountButton = (page) => page.locator('button.account');

async function open(options) {
  const browser = await launch(options);
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  const heard = listen(page);
  await page.goto(`${HORDE}/`);
  await promptField(page).waitFor();
  return { ...browser, page, heard };
}

/** Waits until the page knows the model, and has it chosen without being told. */
async function modelServed(page) {
  const option = page.locator(`select option[value="${MODEL}"]`);
  await option.waitFor({ state: 'attached', timeout: 60_000 }).catch(() => {
    throw new Error(`the page does not list ${MODEL}: does a worker serve it?`);
  });
  if (MODEL !== 'horde_pocket') await page.getByLabel('Model').selectOption(MODEL);
  assert.equal(await page.getByLabel('Model').inputValue(), MODEL);
}

async function generate(page, prompt, n = 1) {
  await promptField(page).fill(prompt);
  await page.getByLabel('Number of images').fill(String(n));
  await generateButton(page).click();
}

/** Waits for the newest request to end; throws what the page says if it fails. */
async function finished(page) {
  const card = page.locator('article[data-phase]').first();
  await card.and(page.locator('[data-phase=done],[data-phase=failed]')).waitFor({ timeout: WAIT });
  assert.equal(await card.getAttribute('data-phase'), 'done', await card.innerText());
  const images = card.getByTestId('image');
  await images.first().waitFor();
  return images;
}

/** Size, mean, and spread of brightness of an image, measured on a canvas in the page. */
function measure(image) {
  return image.evaluate(async (img) => {
    await img.decode();
    const canvas = document.createElement('canvas');
    canvas.width = img.naturalWidth;
    canvas.height = img.naturalHeight;
    const context = canvas.getContext('2d');
    context.drawImage(img, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    let squares = 0;
    const colours = new Set();
    for (let i = 0; i < data.length; i += 4) {
      const grey = (data[i] + data[i + 1] + data[i + 2]) / 3;
      sum += grey;
      squares += grey * grey;
      colours.add(((data[i] >> 4) << 8) | ((data[i + 1] >> 4) << 4) | (data[i + 2] >> 4));
    }
    const count = data.length / 4;
    const mean = sum / count;
    return { width: canvas.width, height: canvas.height, mean, deviation: Math.sqrt(squares / count - mean * mean), colours: colours.size };
  });
}

function assertNotBlank(seen) {
  assert.ok(seen.deviation > 8, `the image is blank: ${JSON.stringify(seen)}`);
  assert.ok(seen.colours > 20, `the image has next to no colours: ${JSON.stringify(seen)}`);
}

describe('a visitor with a large window', () => {
  let browser;
  before(async () => (browser = await open()));
  after(() => browser?.close());

  test('writes a prompt and sees the image being generated', async () => {
    const { page, heard } = browser;
    await modelServed(page);
    await shoot(page, 'desktop-empty');
    const sent = [];
    page.on('request', (request) => request.url().endsWith('/generate/async') && sent.push(request));
    await generate(page, PROMPT);
    const progress = page.getByRole('progressbar');
    await progress.waitFor();
    // A quick worker may be done before a preview is drawn: then there is none to show.
    await page.locator('article img.preview, article[data-phase=done]').first().waitFor({ timeout: WAIT });
    await shoot(page, 'desktop-progress');

    const image = (await finished(page)).first();
    const seen = await measure(image);
    assert.deepEqual([seen.width, seen.height], [512, 512]);
    assertNotBlank(seen);
    await shoot(page, 'desktop-done');

    const body = sent.map((request) => request.postDataJSON()).find(({ dry_run }) => !dry_run);
    assert.deepEqual(body.models, [MODEL]);
    if (MODEL === 'horde_pocket') {
      const { steps, sampler_name, cfg_scale } = body.params;
      assert.deepEqual([steps, sampler_name, cfg_scale], [24, 'k_dpmpp_2m', 3.5]);
    }
    const agent = (await sent[0].allHeaders())['client-agent'];
    assert.match(agent, /^horde-web:\d+\.\d+\.\d+:/);
    assert.deepEqual(heard, []);
  });

  test('opens it large, by keyboard', async () => {
    const { page } = browser;
    await page.getByRole('button', { name: /^Open large/ }).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Image' }).waitFor();
    await shoot(page, 'desktop-large');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Image' }).waitFor({ state: 'detached' });
  });

  test('downloads it under a name that says what it is', async () => {
    const { page } = browser;
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download' }).first().click(),
    ]);
    assert.match(download.suggestedFilename(), /^a-red-fox-in-the-snow-\d+\.webp$/);
    const bytes = readFileSync(await download.path());
    assert.equal(bytes.subarray(8, 12).toString(), 'WEBP');
  });

  test('finds it again after a reload', async () => {
    const { page } = browser;
    await page.reload();
    const kept = page.getByRole('button', { name: `Open large: ${PROMPT}` }).first().locator('img');
    await kept.waitFor();
    assertNotBlank(await measure(kept));
  });

  test('is told beside the field what is wrong', async () => {
    const { page } = browser;
    await promptField(page).fill('');
    await generateButton(page).click();
    await page.getByText('Write what the image should show.').waitFor();
    assert.equal(await promptField(page).getAttribute('aria-invalid'), 'true');
  });

  test('looks at the state of the horde', async () => {
    const { page } = browser;
    await page.getByRole('link', { name: 'Status' }).click();
    await page.getByRole('rowheader', { name: MODEL }).waitFor();
    await shoot(page, 'desktop-status');
  });
});

test('an account sees the price, how it comes about, and what is left', async () => {
  const { page, heard, close } = await open();
  try {
    await modelServed(page);
    const answer = await page.request.post(`${HORDE}/register`, { form: { username: 'visitor' } });
    const key = (await answer.text()).match(/ah-api-key">([^<]+)</)[1];
    const button = accountButton(page);
    await button.click();
    const account = page.getByRole('dialog', { name: 'Account' });
    await account.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    await button.getByText('kudos').waitFor();
    await page.keyboard.press('Escape');
    const before = await button.innerText();

    await promptField(page).fill(PROMPT);
    const cost = page.getByText(/^Costs [\d.]+ kudos$/);
    await cost.waitFor();
    const kudos = Number((await cost.innerText()).match(/[\d.]+/)[0]);
    assert.ok(kudos > 3, `an image costs ${kudos}`);
    await cost.click();
    const rows = page.getByRole('table', { name: 'How the price comes about' }).getByRole('row');
    await rows.first().waitFor();
    assert.match(await rows.first().innerText(), /price network/);
    assert.ok((await rows.last().innerText()).trim().endsWith(String(kudos)), await rows.last().innerText());
    await page.getByText('Your account has 0 kudos; what it lacks is forgiven, and 14 are left.').waitFor();
    assert.equal(await page.getByText('which costs you nothing').count(), 0, 'an account is told that it pays nothing');
    await shoot(page, 'desktop-price');

    await generateButton(page).click();
    await finished(page);
    // The first movement lifts a new account to its floor.
    await page.waitForFunction((text) => document.querySelector('button.account').innerText !== text, before);
    assert.match(await button.innerText(), /14\s*kudos/);
    await button.click();
    const movements = account.getByRole('region', { name: 'Latest kudos movements' }).getByRole('listitem');
    await movements.last().waitFor();
    assert.match(await movements.last().innerText(), /^Request accepted.*\+14$/s);
    await shoot(page, 'desktop-account');
    assert.deepEqual(heard, []);
  } finally {
    await close();
  }
});

test('an account gets the secret of its webhooks, and a new one, each shown once', async () => {
  const { page, context, heard, close } = await open();
  try {
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const answer = await page.request.post(`${HORDE}/register`, { form: { username: 'receiver' } });
    const key = (await answer.text()).match(/ah-api-key">([^<]+)</)[1];
    await accountButton(page).click();
    const account = page.getByRole('dialog', { name: 'Account' });
    await account.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    const webhooks = account.getByRole('region', { name: 'Webhooks' });
    await webhooks.getByText('Not signed yet').waitFor();

    // The first one.
    await webhooks.getByRole('button', { name: 'Get a secret' }).click();
    const shown = webhooks.getByRole('group', { name: 'New webhook secret' });
    const first = await shown.getByLabel('Webhook secret').inputValue();
    assert.match(first, /^whsec_[\w+/]+=*$/);
    assert.equal(await shown.getByText('by the old secret').count(), 0, 'there was no old secret');
    await shown.getByRole('button', { name: 'Copy' }).click();
    await shown.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), first);
    await shown.getByRole('button', { name: 'I have it' }).click();
    await webhooks.getByText('Signed with your secret of').waitFor();
    assert.ok(!(await page.content()).includes(first), 'the page still has the secret');

    // One in its place: only after a question, which can be declined.
    const fresh = webhooks.getByRole('button', { name: 'New secret' });
    const question = webhooks.getByRole('group', { name: 'Replace the webhook secret' });
    await fresh.click();
    await question.getByRole('button', { name: 'Keep the old one' }).click();
    await fresh.click();
    await question.getByRole('button', { name: 'Replace the secret' }).click();
    await shown.getByText('by the old secret too for a day').waitFor();
    const second = await shown.getByLabel('Webhook secret').inputValue();
    assert.match(second, /^whsec_/);
    assert.notEqual(second, first);
    assert.ok(await shown.getByRole('button', { name: 'Copy', exact: true }).isVisible(), 'a secret counts as copied that is new');
    await shoot(page, 'desktop-webhook-secret');

    // It is gone with the page.
    await page.reload();
    await accountButton(page).click();
    await webhooks.getByText('Signed with your secret of').waitFor();
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));
    assert.ok(!kept.includes('whsec_') && !(await page.content()).includes(second), 'the secret was kept');
    assert.deepEqual(heard, []);
  } finally {
    await close();
  }
});

test('a visitor is told before sending what the horde would refuse', async () => {
  const { page, close } = await open();
  try {
    await modelServed(page);
    const hint = page.getByText('Ctrl + Enter');
    assert.ok(await hint.isVisible(), 'the keyboard is not mentioned where there is one');
    await promptField(page).fill(PROMPT);
    await page.getByText(/^Costs [\d.]+ kudos$/).click();
    await page.getByText('You generate anonymously, which costs you nothing').waitFor();
    await page.getByText('More settings').click();
    await page.getByLabel('Steps').fill('500');
    await page.getByLabel('Number of images').fill('20');
    await page.getByText('This needs more kudos than the account has. Change').waitFor();
    await generateButton(page).click();
    const refusal = page.getByRole('alert').filter({ hasText: 'kudos upfront' });
    await refusal.waitFor();
    await page.getByLabel('Steps').fill('20');
    await refusal.waitFor({ state: 'detached' });
  } finally {
    await close();
  }
});

test('a phone: everything fits, two images arrive', async () => {
  const { page, close } = await open({ viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  try {
    await modelServed(page);
    assert.ok(!(await page.getByText('Ctrl + Enter').isVisible()), 'a phone has no Ctrl key');
    await page.getByRole('button', { name: 'Account: Anonymous' }).waitFor();
    await shoot(page, 'phone-empty', { fullPage: true });
    await generate(page, 'a castle in the mountains at night', 2);
    const images = await finished(page);
    assert.equal(await images.count(), 2);
    for (const image of await images.all()) assertNotBlank(await measure(image));
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} px too wide`);
    await shoot(page, 'phone-done', { fullPage: true });
  } finally {
    await close();
  }
});

test('dark colours by preference, light ones by choice', async () => {
  const { page, close } = await open({ colorScheme: 'dark' });
  try {
    const brightness = () =>
      page.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3);
    assert.ok((await brightness()) < 60);
    await shoot(page, 'desktop-dark');
    await page.getByRole('button', { name: 'Use light colours' }).click();
    assert.ok((await brightness()) > 200);
    await page.reload();
    assert.ok((await brightness()) > 200, 'the choice is forgotten');
  } finally {
    await close();
  }
});

after(() => {
  console.log(`screenshots: ${shots}`);
});
