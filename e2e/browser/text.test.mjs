// The page of texts, in headless Chromium, against two running hordes:
//   HORDE_URL       generates text with a real model (`horde up`)
//   HORDE_IDLE_URL  has no worker (`horde serve`)
// With HORDE_SHOTS, a folder, screenshots go there.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { launch } from './chromium.mjs';
import { assertFits, assertNamed, assertReachable, assertReadable, everywhere, shoot } from './looks.mjs';

const HORDE = process.env.HORDE_URL;
const IDLE = process.env.HORDE_IDLE_URL;

async function open(url) {
  const browser = await launch({ reducedMotion: 'reduce' });
  const page = browser.context.pages()[0] ?? (await browser.context.newPage());
  const heard = [];
  page.on('pageerror', (error) => heard.push(`error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && heard.push(`console: ${message.text()}`));
  await page.goto(url);
  await page.getByRole('link', { name: 'Text', exact: true }).click();
  await prompt(page).waitFor();
  return { ...browser, page, heard };
}

const form = (page) => page.getByRole('form', { name: 'Generate text' });
const prompt = (page) => form(page).getByLabel('Prompt', { exact: true });
const length = (page) => form(page).getByLabel('Length in tokens');
const submit = (page) => form(page).getByRole('button', { name: 'Generate' });
const newest = (page) => page.locator('article[data-phase]').first();

/** Waits for the newest request to end; throws what the page says if it fails. Returns its card and text. */
async function finished(page) {
  const card = newest(page);
  await card.and(page.locator('[data-phase=done],[data-phase=failed]')).waitFor({ timeout: 120_000 });
  assert.equal(await card.getAttribute('data-phase'), 'done', await card.innerText());
  return { card, text: await card.getByTestId('text').textContent() };
}

/** Looks at the page in every window, with light and dark colours. */
async function looksGood(page, what) {
  await everywhere(page, async (where) => {
    await page.evaluate(() => scrollTo(0, 0));
    await assertFits(page, `${what} ${where}`);
    await assertReachable(submit(page), `the button, ${what} ${where}`);
    await assertReadable(page, `${what} ${where}`);
    await shoot(page, `text ${what} ${where}`);
  });
  await assertNamed(page, what);
}

describe('a visitor who wants text', () => {
  let browser;
  before(async () => {
    browser = await open(HORDE);
    const offer = browser.page.getByText('The first free worker takes it');
    await offer.waitFor({ timeout: 60_000 });
  });
  after(() => browser?.close());

  test('writes a prompt and gets 16 tokens of it', async () => {
    const { page, context, heard } = browser;
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const sent = page.waitForRequest((request) => request.url().endsWith('/generate/text/async'));
    await prompt(page).fill('The capital of France is');
    await length(page).fill('16');
    await page.getByText(/^Costs (about )?[\d.]+ kudos$/).waitFor();
    await submit(page).click();

    const body = (await sent).postDataJSON();
    assert.deepEqual([body.prompt, body.models, body.params.max_length], ['The capital of France is', [], 16]);
    const { card, text } = await finished(page);
    assert.ok(text.trim().length > 3 && text.length < 16 * 16, `text ${JSON.stringify(text)}`);
    assert.match(await card.innerText(), /, by .*, in \d+ s, [\d.]+ kudos/);

    await card.getByRole('button', { name: 'Copy' }).click();
    await card.getByRole('button', { name: 'Copied' }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), text);
    await looksGood(page, 'done');
    assert.deepEqual(heard, []);
  });

  test('sees a long one as it comes, by keyboard', async () => {
    const { page, heard } = browser;
    await prompt(page).fill('Once upon a time, in a small village near the sea, there was');
    await length(page).fill('250');
    await page.evaluate(() => {
      window.seen = new Set();
      new MutationObserver(() => {
        const card = document.querySelector('article[data-phase=generating]');
        if (card) window.seen.add(card.querySelector('[data-testid=text]').textContent);
      }).observe(document.querySelector('main'), { childList: true, characterData: true, subtree: true });
    });
    await prompt(page).focus();
    await page.keyboard.press('Control+Enter');
    await page.locator('article[data-phase=generating]').getByText(/^Token \d+ of at most 250\./).waitFor({ timeout: 60_000 });
    await shoot(page, 'text coming');

    const { text } = await finished(page);
    const seen = (await page.evaluate(() => [...window.seen])).filter((part) => part !== '' && part !== text);
    assert.ok(seen.length > 0, 'the text came all at once');
    for (const part of seen) assert.ok(text.startsWith(part), `${JSON.stringify(part)} became ${JSON.stringify(text)}`);
    assert.deepEqual(heard, []);
  });

  test('has it end at a stop sequence of a chosen model', async () => {
    const { page } = browser;
    await prompt(page).fill('1, 2, 3, 4, 5, 6,');
    await length(page).fill('40');
    await form(page).getByLabel('Stop sequences').fill(',\n\\n');
    const model = form(page).getByLabel('Model');
    await model.selectOption({ index: 1 });
    const name = await model.inputValue();
    await page.getByText('1 thread serves it.').or(page.getByText(/threads serve it\./)).waitFor();
    await submit(page).click();

    const { card, text } = await finished(page);
    assert.ok(/^[^,\n]*[,\n]$/.test(text), `text ${JSON.stringify(text)}`);
    assert.ok((await card.innerText()).includes(name), await card.innerText());
  });

  test('is told beside the field what is wrong', async () => {
    const { page } = browser;
    await prompt(page).fill('');
    await length(page).fill('15');
    await submit(page).click();
    await page.getByText('Write what the text should continue.').waitFor();
    await page.getByText(/^A whole number from 16 to \d+\.$/).waitFor();
    assert.equal(await prompt(page).getAttribute('aria-invalid'), 'true');
    assert.equal(await length(page).getAttribute('aria-invalid'), 'true');
    assert.equal(await prompt(page).evaluate((field) => field === document.activeElement), true);
  });
});

describe('where no worker generates text', () => {
  let browser;
  before(async () => (browser = await open(IDLE)));
  after(() => browser?.close());

  test('the page says how to start one', async () => {
    const { page } = browser;
    await page.getByRole('heading', { name: 'No text worker is online' }).waitFor();
    await page.getByText('horde work --text').waitFor();
    await looksGood(page, 'idle');
  });

  test('a request waits, over a reload too, until it is cancelled', async () => {
    const { page, heard } = browser;
    await prompt(page).fill('Once upon a time');
    await submit(page).click();
    await newest(page).getByText('No worker online can generate this').waitFor();
    assert.ok(await newest(page).getByRole('button', { name: 'Cancel' }).isEnabled(), 'it cannot be cancelled');
    await page.reload();
    await newest(page).getByText('No worker online can generate this').waitFor();
    await looksGood(page, 'waiting');
    await newest(page).getByRole('button', { name: 'Cancel' }).click();
    await newest(page).getByText('Cancelled before any text was generated.').waitFor();
    await newest(page).getByRole('button', { name: 'Edit' }).click();
    assert.equal(await page.locator('article').count(), 0);
    assert.equal(await prompt(page).inputValue(), 'Once upon a time');
    assert.deepEqual(heard, []);
  });
});
