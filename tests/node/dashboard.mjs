// The dashboard as a person uses it, in a real browser. Usage: node dashboard.mjs STORY, with the server's address and
// credentials in the environment. Prints a line for each thing that was seen, and ends with an error at the first that was not.
// With DASHBOARD_SCREENSHOTS=FOLDER the pages are kept as pictures, with README_SCREENSHOTS=FOLDER those of the README.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sdk from 'chatkitty-platform-sdk';
import { NARROW, WIDE, axe, isWithinWindow, openPage, withBrowser } from './browser.mjs';

const { CHATKITTY_BASE_URL: origin, CHATKITTY_CLIENT_ID: firstId, DASHBOARD_SCREENSHOTS: pictures, README_SCREENSHOTS: readme } = process.env;
assert.ok(origin, 'CHATKITTY_BASE_URL is not set');

const saw = (text) => console.log(`saw ${text}`);
const first = `/_mock/applications/${firstId}`;

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, caret: 'initial' });
}

async function readmePicture(page, name, height) {
  if (!readme) return;
  mkdirSync(readme, { recursive: true });
  await page.setViewportSize({ width: 1000, height });
  await page.screenshot({ path: join(readme, `${name}.png`), caret: 'initial' });
  await page.setViewportSize(WIDE);
}

const api = async (method, path, body) => {
  const reply = await fetch(`${origin}/_mock/api${path}`, {
    method,
    headers: body ? { 'content-type': 'application/json' } : {},
    body: body && JSON.stringify(body),
  });
  const text = await reply.text();
  assert.ok(reply.ok, `${method} ${path}: ${reply.status} ${text}`);
  return text && JSON.parse(text);
};

/** The service's own SDK with the credentials that a page showed. */
const client = (clientId, clientSecret) =>
  new sdk.ChatKitty({ clientId, clientSecret, basePath: origin, authorizationBasePath: `${origin}/oauth/token` }).Application;

const settingsOf = async (app) => (await app.retrieveAuthenticatedApplicationSettings()).data;

const create = async (page, go, name) => {
  await go('/_mock/');
  await page.getByRole('textbox', { name: 'Application name' }).fill(name);
  await page.getByRole('button', { name: 'Create application' }).click();
  await page.waitForURL(/created=1/);
  const shown = (label) => page.getByLabel(label, { exact: true }).inputValue();
  return { id: await shown('Client ID'), secret: await shown('Client secret') };
};

const stories = {
  /** From nothing to a toggled setting, with the SDK as the application's client. */
  async walk(browser) {
    for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
      const { page, go, close } = await openPage(browser, origin, { viewport });
      const { id, secret } = await create(page, go, size === 'wide' ? 'checkout' : 'checkout-narrow');
      await page.getByRole('button', { name: 'Copy Client secret' }).click();
      await page.getByRole('button', { name: '✓ Copied' }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
      await picture(page, `created-${size}`);
      saw(`credentials shown and copied (${size})`);

      const traffic = await openPage(browser, origin, { viewport });
      await traffic.go('/_mock/traffic');
      await traffic.page.getByText('Live', { exact: true }).waitFor();
      const app = client(id, secret);
      assert.equal((await settingsOf(app)).guestUsers, 'ENABLED');
      const row = traffic.page.getByRole('row').filter({ hasText: 'GET /v1/application/settings' }).first();
      await row.waitFor();
      saw(`an SDK's exchange live (${size})`);

      await page.getByRole('link', { name: 'Settings', exact: true }).click();
      const guests = page.getByRole('switch', { name: 'guestUsers' });
      assert.equal(await guests.isChecked(), true);
      await guests.focus();
      await page.keyboard.press('Space');
      await page.getByText('✓ Saved').waitFor();
      assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'switch', 'the focus is kept');
      assert.equal(await page.getByRole('switch', { name: 'guestUsers' }).isChecked(), false);
      assert.equal((await settingsOf(app)).guestUsers, 'DISABLED');
      await picture(page, `settings-${size}`);
      if (size === 'wide') await readmePicture(page, 'dashboard-settings', 700);
      saw(`the SDK read a switched setting (${size})`);

      const bad = app.updateAuthenticatedApplicationSettings({ guestUsers: 'disabled', userCreatedChannels: 'ENABLED' });
      const refused = await bad.then(() => assert.fail('taken'), (error) => error.response);
      const link = /<([^>]*)>/.exec(refused.headers.link)[1];
      await traffic.page.getByRole('row').filter({ hasText: 'violation' }).first().waitFor();
      await picture(traffic.page, `traffic-${size}`);
      await traffic.go(link);
      await traffic.page.locator('.violations').getByText('is none of the allowed values').waitFor();
      assert.match(await traffic.page.locator('.instances mark').textContent(), /"disabled"/);
      const line = await traffic.page.locator('.excerpt .meant').textContent();
      assert.match(line, /184\s+enum: \[DISABLED, ENABLED\]/);
      assert.ok(await isWithinWindow(traffic.page), `${link} is wider than its window`);
      await picture(traffic.page, `exchange-${size}`);
      if (size === 'wide') await readmePicture(traffic.page, 'dashboard-exchange', 620);
      saw(`a permalink to the marked line (${size})`);
      await traffic.close();
      await close();
    }
  },

  /** Names that would be markup, or break the page. */
  async names(browser) {
    const names = ['<script>alert(1)</script><b>"&amp;', 'x'.repeat(10_000), 'مرحبا بالعالم', '🐈 چَت 👩‍👩‍👧', "'; drop table --"];
    for (const viewport of [WIDE, NARROW]) {
      const { page, go, close } = await openPage(browser, origin, { viewport });
      for (const name of names) {
        const { id } = await create(page, go, `${name}${viewport.width}`);
        assert.equal(await page.getByRole('heading', { level: 1 }).textContent(), `${name}${viewport.width}`);
        for (const path of ['/_mock/', `/_mock/applications/${id}/settings`, '/_mock/traffic']) {
          await go(path);
          assert.ok(await isWithinWindow(page), `${path} is wider than its window with ${name.slice(0, 20)}`);
        }
      }
      await go('/_mock/');
      for (const name of names) assert.ok((await page.textContent('table')).includes(`${name}${viewport.width}`));
      await picture(page, `names-${viewport.width}`);
      await close();
    }
    saw('names as text');
    const { page, go, expected, close } = await openPage(browser, origin);
    await go('/_mock/');
    await page.getByRole('textbox', { name: 'Application name' }).fill('development');
    await page.getByRole('button', { name: 'Create application' }).click();
    await page.getByText('an application of this name exists').waitFor();
    assert.equal(await page.getByRole('textbox', { name: 'Application name' }).inputValue(), 'development');
    await expected(/status of 409/);
    await go('/_mock/applications/nobody');
    await page.getByText('there is no application nobody').waitFor();
    await go('/_mock/exchanges/999999');
    await page.getByText('the journal has no exchange 999999').waitFor();
    await expected(/status of 404/);
    saw('refusals as pages');
    await close();
  },

  /** Two people, one setting. */
  async conflict(browser) {
    const one = await openPage(browser, origin);
    const other = await openPage(browser, origin);
    await one.go(`${first}/settings`);
    await other.go(`${first}/settings`);
    await one.page.getByRole('switch', { name: 'guestUsers' }).click();
    await one.page.getByText('✓ Saved').waitFor();
    await other.page.getByRole('switch', { name: 'userCreatedChannels' }).click();
    await other.page.getByText('Somebody else has saved this meanwhile').waitFor();
    await other.expected(/status of 409/);
    const settings = (await api('GET', `/applications/${firstId}`)).resources['/v1/application/settings'];
    assert.deepEqual([settings.guestUsers, settings.userCreatedChannels], ['DISABLED', 'ENABLED']);
    assert.equal(await other.page.getByRole('switch', { name: 'guestUsers' }).isChecked(), false, 'the page shows what is there');
    await other.page.getByRole('switch', { name: 'userCreatedChannels' }).click();
    await other.page.getByText('✓ Saved').waitFor();
    saw('the later of two people is told');
    await one.close();

    const json = other.page.getByLabel('JSON of /v1/application/settings');
    await json.fill((await json.inputValue()).replace('"DISABLED"', '"disabled"'));
    await other.page.getByText('is none of the allowed values').waitFor();
    saw('a mistake while it is written');
    await other.page.getByRole('button', { name: 'Save /v1/application/settings' }).click();
    await other.page.getByRole('alert').getByText('/guestUsers').waitFor();
    await other.expected(/status of 400/);
    await picture(other.page, 'refused');
    await json.fill('{');
    await other.page.getByText('this is no JSON').waitFor();
    const properties = other.page.getByLabel('JSON of /v1/application', { exact: true });
    await properties.fill((await properties.inputValue()).replace('"properties": {}', '"properties": {"tier": "gold"}'));
    await other.page.getByText('It is what the contract says').waitFor();
    await other.page.getByRole('button', { name: 'Save /v1/application', exact: true }).click();
    await other.page.getByText('✓ Saved').waitFor();
    const { properties: saved } = (await api('GET', `/applications/${firstId}`)).resources['/v1/application'];
    assert.deepEqual(saved, { tier: 'gold' });
    saw('properties saved as JSON');
    await other.close();
  },

  /** A thousand exchanges while the page is open. */
  async live(browser) {
    const { page, go, close } = await openPage(browser, origin);
    await go('/_mock/traffic');
    await page.getByText('Live', { exact: true }).waitFor();
    await page.evaluate(() => {
      globalThis.longest = 0;
      let last = performance.now();
      const frame = (now) => {
        globalThis.longest = Math.max(globalThis.longest, now - last);
        last = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    const send = async (count, path) => {
      for (let sent = 0; sent < count; sent += 20)
        await Promise.all(Array.from({ length: 20 }, () => fetch(origin + path).then((reply) => reply.arrayBuffer())));
    };
    const rows = () => page.locator('#rows tr').count();
    await send(1_200, '/v1/application');
    const { exchanges: [{ id: newestId }] } = await api('GET', '/exchanges?order=newest&limit=1&view=summary');
    await page.locator(`#exchange-${newestId}`).waitFor();
    assert.equal(await rows(), 1_000);
    const longest = Math.round(await page.evaluate(() => globalThis.longest));
    saw(`1,200 exchanges as 1,000 rows; the longest frame took ${longest} ms`);
    assert.ok(longest < 2_000, `a frame took ${longest} ms`);

    const newest = page.locator('#rows a').first();
    await newest.focus();
    const pause = page.getByRole('button', { name: 'Pause' });
    await pause.click();
    await send(40, '/v1/application/settings');
    await page.getByRole('button', { name: 'Resume (40 new)' }).click();
    await page.getByRole('row').filter({ hasText: '/v1/application/settings' }).first().waitFor();
    assert.equal(await rows(), 1_000);
    saw('a pause that counts');

    await page.getByLabel('Status').fill('4XX');
    await page.getByLabel('Operation').fill('retrieveApplicationSettings');
    await page.getByRole('button', { name: 'Filter' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    assert.equal(await rows(), 40);
    await send(20, '/v1/application');
    await send(20, '/v1/application/settings');
    await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 60);
    saw('live rows by the filter');
    await close();
  },

  /** The server goes and comes back while pages are open. */
  async gone(browser) {
    const serve = (port) =>
      new Promise((resolve) => {
        const child = spawn(process.env.MOCK_BINARY, ['serve', '-q', '--port', port], { stdio: ['ignore', 'pipe', 'inherit'] });
        child.stdout.once('data', (line) => resolve({ child, ready: JSON.parse(line) }));
      });
    const stop = ({ child }) => new Promise((resolve) => child.once('exit', resolve) && child.kill('SIGTERM'));
    let server = await serve('0');
    const { url, port } = server.ready;
    const ask = () => fetch(`${url}/v1/application`).then((reply) => reply.arrayBuffer());
    try {
      const { page, go, close, trouble } = await openPage(browser, url);
      await ask();
      await ask();
      await go('/_mock/traffic');
      await page.getByText('Live', { exact: true }).waitFor();
      await stop(server);
      await page.getByText('The server does not answer').waitFor();
      await page.getByText('Connection lost').waitFor();
      await picture(page, 'gone');
      assert.equal(await page.locator('#rows tr').count(), 2, 'what was there stays there');
      server = await serve(String(port));
      await page.getByText('Live', { exact: true }).waitFor({ timeout: 30_000 });
      await ask();
      // Its ids begin anew, and are shown all the same.
      await page.waitForFunction(() => document.querySelectorAll('#rows tr').length === 3);
      saw('a server that is gone, and back');
      // The browser itself logs each attempt in vain.
      assert.ok(trouble.every((line) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|hx-sse|htmx/.test(line)), trouble.join('\n'));
      trouble.length = 0;
      await close();
    } finally {
      await stop(server);
    }
  },

  /** Time, snapshots, the way back. */
  async state(browser) {
    for (const [size, viewport] of [['wide', WIDE], ['narrow', NARROW]]) {
      const { page, go, close } = await openPage(browser, origin, { viewport });
      const name = `clockwork-${size}`;
      const { id, secret } = await create(page, go, name);
      const app = client(id, secret);
      const change = (guestUsers) => app.updateAuthenticatedApplicationSettings({ guestUsers, userCreatedChannels: 'ENABLED' });
      await change('ENABLED');
      await page.getByRole('link', { name: 'State', exact: true }).click();
      await page.getByLabel('Application').selectOption(name);
      await page.getByRole('button', { name: 'Show' }).click();
      const resource = page.locator('details').filter({ has: page.locator('summary', { hasText: '/v1/application/settings' }) });
      await resource.locator('summary').click();
      await resource.getByText('"ENABLED"').first().waitFor();

      await page.getByLabel('Snapshot name').fill(`good-${size}`);
      await page.getByRole('button', { name: 'Save snapshot' }).click();
      await page.getByText('The snapshot was saved').waitFor();
      await change('DISABLED');
      await page.getByRole('link', { name: `Compare good-${size}` }).click();
      await page.getByRole('heading', { name: /What has changed/ }).waitFor();
      assert.deepEqual(await page.locator('.difference mark').allTextContents(), ['"ENABLED"', '"DISABLED"']);
      await picture(page, `state-${size}`);
      await page.getByRole('button', { name: `Restore good-${size}` }).click();
      await page.getByText('The state of the snapshot is back').waitFor();
      assert.equal((await settingsOf(app)).guestUsers, 'ENABLED');
      saw(`a snapshot compared and restored (${size})`);

      await change('DISABLED');
      await page.getByRole('button', { name: 'Reset', exact: true }).click();
      await page.getByText('The state is what it was at the start').waitFor();
      assert.equal((await settingsOf(app)).guestUsers, 'ENABLED');
      await page.getByRole('button', { name: 'Undo the reset' }).click();
      await page.getByText('The state of the snapshot is back').waitFor();
      assert.equal((await settingsOf(app)).guestUsers, 'DISABLED');
      saw(`a reset undone (${size})`);

      await page.getByRole('button', { name: 'Freeze time' }).click();
      await page.getByText('stands still').first().waitFor();
      assert.equal((await settingsOf(app)).guestUsers, 'DISABLED');
      await page.getByLabel('Seconds').fill('43200');
      await page.getByRole('button', { name: 'Advance' }).click();
      await page.getByText('The time was changed').waitFor();
      const refused = await settingsOf(app).then(() => assert.fail('the token is good still'), (error) => error.response);
      assert.equal(refused.status, 401);
      await page.getByRole('button', { name: 'Back to the real time' }).click();
      await page.getByText('The clock is what it was at first').waitFor();
      saw(`a token that time took (${size})`);
      await close();
    }
    const { page, go, expected, close } = await openPage(browser, origin);
    await go('/_mock/state');
    await page.getByLabel('Seconds').fill('soon');
    await page.getByRole('button', { name: 'Advance' }).click();
    await page.getByRole('alert').waitFor();
    await expected(/status of 400/);
    saw('a time that is none');
    await close();
  },

  /** Coverage, trying the contract, reports. */
  async evidence(browser) {
    const { page, go, expected, close } = await openPage(browser, origin);
    await go('/_mock/contract');
    const put = page.locator('.operation').filter({ hasText: 'PUT /v1/application/settings' });
    const refusedStatus = put.locator('.point').filter({ hasText: /^400,/ });
    assert.match(await refusedStatus.textContent(), /never touched/);
    await page.getByLabel('Method').fill('PUT');
    await page.getByLabel('Path and query').fill('/v1/application/settings');
    await page.getByLabel('JSON body').fill('{"guestUsers": "DISABLED"}');
    await page.getByRole('button', { name: 'Send the request' }).click();
    await page.locator('.violations').getByText('the required property').waitFor();
    saw('a request tried and its exchange');
    await page.getByText('As curl').click();
    const curl = await page.locator('#copy-0').textContent();
    assert.match(curl, /^curl -X PUT '.*\/v1\/application\/settings' \\\n/);
    assert.match(curl, /--data-raw '\{"guestUsers": "DISABLED"\}'/);
    await go('/_mock/contract');
    assert.match(await refusedStatus.textContent(), /, touched/);
    await page.getByLabel('Path and query').fill('/v1/application');
    await page.getByLabel('Status or example').fill('code=404');
    await page.getByRole('button', { name: 'Send the request' }).click();
    await page.getByRole('heading', { name: /→ 404/ }).waitFor();
    await go('/_mock/contract');
    await page.getByLabel('Path and query').fill('http://elsewhere.test/');
    await page.getByRole('button', { name: 'Send the request' }).click();
    await page.getByText('Give a path of the contract').waitFor();
    await expected(/status of 422/);
    saw('coverage that grows, and an answer by choice');

    await page.getByRole('link', { name: 'Reports', exact: true }).click();
    await page.getByText('the contract was broken').waitFor();
    for (const format of ['html', 'text', 'markdown', 'junit', 'sarif', 'github', 'json', 'har']) {
      const started = page.waitForEvent('download');
      await page.getByRole('link', { name: format, exact: true }).click();
      const file = await (await started).path();
      assert.ok(readFileSync(file, 'utf8').length > 20, format);
    }
    saw('eight reports downloaded');
    await close();
  },

  /** Links and forms alone. */
  async scriptless(browser) {
    const { page, go, close } = await openPage(browser, origin, { scripts: false });
    const { id, secret } = await create(page, go, 'scriptless');
    const app = client(id, secret);
    await go(`/_mock/applications/${id}/settings`);
    assert.equal(await page.getByRole('button', { name: /Copy/ }).count(), 0);
    assert.notEqual(await page.getByLabel('Client secret', { exact: true }).inputValue(), secret, 'secrets are hidden');
    await page.getByRole('link', { name: 'Reveal the secret' }).click();
    assert.equal(await page.getByLabel('Client secret', { exact: true }).inputValue(), secret);
    const setting = page.locator('form.setting').filter({ has: page.getByRole('switch', { name: 'guestUsers' }) });
    await setting.getByRole('switch').click();
    await setting.getByRole('button', { name: 'Save' }).click();
    await page.getByText('✓ Saved').waitFor();
    assert.equal((await settingsOf(app)).guestUsers, 'DISABLED');
    await page.getByRole('button', { name: 'Rotate the secret' }).click();
    const rotated = await page.getByLabel('Client secret', { exact: true }).inputValue();
    assert.notEqual(rotated, secret);
    assert.equal((await settingsOf(client(id, rotated))).guestUsers, 'DISABLED');
    await page.getByRole('button', { name: 'Expire all tokens' }).click();
    await page.getByText('All tokens of this application have expired').waitFor();
    assert.equal((await settingsOf(app).catch((error) => error.response)).status, 401);
    await go('/_mock/traffic');
    await page.getByText('Live updates need scripts').waitFor();
    await page.getByRole('link', { name: /application\/settings/ }).first().click();
    await page.getByRole('heading', { name: 'Response' }).waitFor();
    await go(`/_mock/applications/${id}/settings`);
    await page.getByRole('button', { name: 'Delete the application' }).click();
    await page.getByRole('heading', { name: 'Applications' }).waitFor();
    assert.equal(await page.getByRole('link', { name: 'scriptless' }).count(), 0);
    saw('every form without scripts');
    await close();
  },

  /** Where the control plane wants the admin token. */
  async login(browser) {
    const { page, go, expected, close } = await openPage(browser, origin);
    await go('/_mock/traffic?status=4XX');
    await expected(/status of 401/);
    await page.getByLabel('Admin token').fill('wrong');
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('This is not the admin token').waitFor();
    await expected(/status of 401/);
    assert.deepEqual((await axe(page)).found, []);
    await page.getByLabel('Admin token').fill(process.env.MOCK_ADMIN_TOKEN);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Live', { exact: true }).waitFor();
    assert.match(page.url(), /status=4XX/);
    const cookies = await page.context().cookies();
    assert.deepEqual(cookies.map(({ httpOnly, sameSite, path }) => [httpOnly, sameSite, path]), [[true, 'Strict', '/_mock']]);
    saw('a login that leads where one wanted to go');
    await close();
  },

  /** Every page, both schemes, both widths: axe-core, the width, the console, the origin. */
  async pages(browser) {
    const { client_id: id, client_secret: secret } = await api('GET', `/applications/${firstId}`);
    const app = client(id, secret);
    await settingsOf(app);
    await app.updateAuthenticatedApplicationSettings({ guestUsers: 'DISABLED', userCreatedChannels: 'ENABLED' });
    await app.updateAuthenticatedApplicationSettings({ guestUsers: 1 }).catch(() => {});
    await api('POST', '/snapshots', { name: 'before' });
    await api('PATCH', `/applications/${firstId}`, { resources: { '/v1/application/settings': { guestUsers: 'ENABLED', userCreatedChannels: 'ENABLED' } } });
    const { exchanges } = await api('GET', '/exchanges?order=newest&view=summary');
    const [broken, changed] = ['violation', 'pass'].map((verdict) => exchanges.find((exchange) => exchange.verdict === verdict).id);
    const paths = {
      applications: '/_mock/',
      application: first,
      settings: `${first}/settings`,
      traffic: '/_mock/traffic',
      contract: '/_mock/contract',
      state: '/_mock/state',
      'state-one': '/_mock/state?application=development&since=1',
      reports: '/_mock/reports',
      'traffic-empty': '/_mock/traffic?status=599',
      'exchange-broken': `/_mock/exchanges/${broken}`,
      'exchange-changed': `/_mock/exchanges/${changed}`,
    };
    let passed = 0;
    for (const scheme of ['light', 'dark'])
      for (const viewport of [WIDE, NARROW]) {
        const { page, go, close } = await openPage(browser, origin, { viewport, scheme });
        for (const [name, path] of Object.entries(paths)) {
          await go(path);
          await page.evaluate(() => document.querySelectorAll('details').forEach((details) => (details.open = true)));
          const { found, passed: rules } = await axe(page);
          assert.deepEqual(found, [], `${path} in ${scheme} at ${viewport.width}`);
          assert.ok(await isWithinWindow(page), `${path} is wider than ${viewport.width}`);
          passed += rules;
          await picture(page, `page-${name}-${scheme}-${viewport.width}`);
        }
        await close();
      }
    saw(`${Object.keys(paths).length} pages in two schemes at two widths: 0 axe findings, ${passed} rules passed`);
  },
};

const story = stories[process.argv[2]];
assert.ok(story, `no story ${process.argv[2]}; there are ${Object.keys(stories).join(', ')}`);
await withBrowser(story);
process.exit(0);
