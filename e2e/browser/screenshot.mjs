// Takes the screenshot of the README from a running server, with images that its
// worker generates for it:
//
//   node screenshot.mjs http://127.0.0.1:7001 ../../docs/images/page.png [light|dark]

import { launch } from './chromium.mjs';

const [url, out, scheme = 'light'] = process.argv.slice(2);
const PROMPTS = ['a lighthouse at sunset, oil painting', 'a sailing boat on a calm sea', 'a red fox in the snow'];
const WAIT = 240_000;

const { context, close } = await launch({ viewport: { width: 1280, height: 800 }, colorScheme: scheme });
try {
  const page = await context.newPage();
  await page.goto(url);
  const form = page.locator('form:has(textarea)').first();
  const prompt = form.locator('textarea').first();
  const submit = form.locator('button[type=submit]').first();
  for (const text of PROMPTS) {
    await prompt.fill(text);
    await submit.click();
    await page.locator('article[data-phase]:not([data-phase=done])').first().waitFor();
    await page.locator('article[data-phase]').first().and(page.locator('[data-phase=done]')).waitFor({ timeout: WAIT });
  }
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.locator('body').click({ position: { x: 2, y: 2 } }); // no caret in the field
  await page.waitForLoadState('networkidle', { timeout: 10_000 }).catch(() => {});
  await page.screenshot({ path: out });
} finally {
  await close();
}
