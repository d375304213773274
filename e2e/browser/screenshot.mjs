// Takes the screenshot of the README from a running server, with an image that its worker
// generates for it:
//
//   node screenshot.mjs http://127.0.0.1:7001 ../../docs/images/page.png [light|dark] [PROMPT]

import { launch } from './chromium.mjs';

const [url, out, scheme = 'light', text = 'a red fox in the snow'] = process.argv.slice(2);
const WAIT = 240_000;

const { context, close } = await launch({ viewport: { width: 1280, height: 800 }, colorScheme: scheme });
try {
  const page = await context.newPage();
  await page.goto(url);
  const form = page.locator('form:has(textarea)').first();
  await form.locator('textarea').first().fill(text);
  await form.locator('button[type=submit]').first().click();
  await page.locator('article[data-phase=done]').first().waitFor({ timeout: WAIT });
  await page.evaluate(() => window.scrollTo(0, 0));
  await page.locator('body').click({ position: { x: 2, y: 2 } }); // no caret in the field
  await page.waitForLoadState('networkidle', { timeout: 10_000 }).catch(() => {});
  await page.screenshot({ path: out });
} finally {
  await close();
}
