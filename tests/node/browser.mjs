// A real browser on the dashboard: Debian's chromium, driven by playwright-core. Every page that a story opens is
// watched: what it logs, what it throws, and where it sends requests.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
assert.ok(existsSync(EXECUTABLE), `${EXECUTABLE} is missing; install it: apt-get install chromium`);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export const WIDE = { width: 1280, height: 900 };
export const NARROW = { width: 360, height: 740 };

/** Opens the browser, with `more` arguments, runs `use` with it, and closes it whatever happens. */
export async function withBrowser(use, more = []) {
  const browser = await chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...more,
    ],
  });
  try {
    return await use(browser);
  } finally {
    await browser.close();
  }
}

/** A page at `origin` that fails its story when it logs anything, throws, or asks another origin. */
export async function openPage(browser, origin, { viewport = WIDE, scheme = 'light', scripts = true } = {}) {
  const context = await browser.newContext({
    viewport,
    colorScheme: scheme,
    javaScriptEnabled: scripts,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const trouble = [];
  // What a story provokes on purpose, such as a refused form, is taken off by `expected`.
  page.on('console', (message) => trouble.push(`console ${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => trouble.push(`error: ${error.message}`));
  page.on('request', (request) => {
    const { origin: asked, protocol } = new URL(request.url());
    if (asked !== origin && protocol !== 'data:') trouble.push(`request to ${request.url()}`);
  });
  const go = (path) => page.goto(origin + path);
  const expected = async (pattern) => {
    // The browser logs a refusal on its own time, which may be after the page shows it.
    const until = Date.now() + 5_000;
    while (!trouble.some((line) => pattern.test(line)) && Date.now() < until) await page.waitForTimeout(50);
    const rest = trouble.filter((line) => !pattern.test(line));
    assert.notEqual(rest.length, trouble.length, `nothing was logged that fits ${pattern}`);
    trouble.splice(0, trouble.length, ...rest);
  };
  const close = async () => {
    await context.close();
    assert.deepEqual(trouble, []);
  };
  return { page, go, expected, close, trouble };
}

/** What axe-core finds on the page as it is. */
export async function axe(page) {
  // The policy of the page lets no other script in, so it is evaluated as the browser's own.
  await page.evaluate(readFileSync(AXE, 'utf8') + '; undefined');
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations', 'passes'] }));
  const found = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} — ${node.failureSummary}`));
  return { found, passed: passes.length };
}

/** Whether the page is no wider than its window. */
export const isWithinWindow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
