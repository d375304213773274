import { launch } from './chromium.mjs';
import { mkdirSync } from 'node:fs';
const base = process.env.HORDE_URL ?? 'http://127.0.0.1:7099';
const dir = '/tmp/shots'; mkdirSync(dir, { recursive: true });
const only = process.argv.slice(2);
async function shot(name, fn, opts = {}) {
  if (only.length && !only.some((o) => name.startsWith(o))) return;
  const { context, close } = await launch(opts);
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('console', (m) => ['error', 'warning'].includes(m.type()) && console.log(name, m.type(), m.text()));
    page.on('pageerror', (e) => console.log(name, 'PAGEERROR', e.message));
    await page.goto(base + '/');
    await page.waitForTimeout(1300);
    const full = await fn(page);
    await page.screenshot({ path: `${dir}/${name}.png`, fullPage: full === true });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (over > 0) console.log(name, 'horizontal overflow', over);
  } finally { await close(); }
}
const phone = { viewport: { width: 375, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
const dark = { colorScheme: 'dark' };
const order = async (page, text, n = 1) => {
  await page.fill('#prompt', text);
  await page.fill('#n', String(n));
  await page.click('button[type=submit].paint');
};
const done = (page) => page.waitForSelector('[data-phase=done]', { timeout: 60000 });
await shot('empty', async () => {});
await shot('empty-dark', async () => {}, dark);
await shot('progress', async (p) => { await order(p, 'a red fox in the snow'); await p.waitForTimeout(3700); });
await shot('progress-dark', async (p) => { await order(p, 'a castle in the mountains at night'); await p.waitForTimeout(3700); }, dark);
await shot('many', async (p) => { await order(p, 'a robot holding a flower', 4); await p.waitForTimeout(8500); });
await shot('queue', async (p) => { await order(p, 'a slow boat'); await p.waitForTimeout(1500); });
await shot('done', async (p) => {
  await order(p, 'a red fox in the snow'); await done(p);
  await order(p, 'a pizza in space', 2); await done(p);
  await order(p, 'a castle in the mountains at night'); await p.waitForTimeout(300); await done(p); return true; });
await shot('lightbox', async (p) => { await order(p, 'a red fox in the snow'); await done(p); await p.click('.open'); await p.waitForTimeout(500); });
await shot('lightbox-phone', async (p) => { await order(p, 'a red fox in the snow'); await done(p); await p.click('.open'); await p.waitForTimeout(500); }, phone);
await shot('error-refuse', async (p) => { await order(p, 'refuse me'); await p.waitForTimeout(600); return true; });
await shot('error-wrong', async (p) => { await order(p, 'wrong settings'); await p.waitForTimeout(600); return true; });
await shot('error-fail', async (p) => { await order(p, 'fail please'); await p.waitForSelector('[data-phase=failed]'); });
await shot('more', async (p) => { await p.click('summary'); await p.click('text=Custom size'); await p.setInputFiles('input[type=file]', '/tmp/web-pics/00.webp'); await p.waitForTimeout(400); return true; });
await shot('account', async (p) => { await p.click('.who'); await p.fill('#apikey', 'abc'); await p.click('text=Use >> nth=0'); await p.waitForTimeout(500); });
await shot('account-phone', async (p) => { await p.click('.who'); await p.fill('#apikey', 'bad'); await p.click('form button:has-text("Use")'); await p.waitForTimeout(500); }, phone);
await shot('status', async (p) => { await p.click('nav >> text=Horde'); await p.waitForTimeout(500); });
await shot('status-phone', async (p) => { await p.click('nav >> text=Horde'); await p.waitForTimeout(500); }, { ...phone, ...dark });
await shot('phone', async () => true, phone);
await shot('phone-progress', async (p) => { await order(p, 'a red fox in the snow'); await p.waitForTimeout(3700); }, phone);
await shot('phone-done-dark', async (p) => { await order(p, 'a red fox in the snow'); await done(p); await order(p, 'two cats next to a tree', 2); await p.waitForTimeout(300); await done(p); return true; }, { ...phone, ...dark });
