// What a page of another origin can do to the control plane: nothing. Usage: node origins.mjs, with the server's address and
// credentials in the environment, and with MOCK_ADMIN_TOKEN where it asks for one, so that the browser is logged in.
// Prints a line for each origin that got nowhere, and for what the server's own page could do; ends by stopping the server.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { withBrowser } from './browser.mjs';

const { CHATKITTY_BASE_URL: mock, CHATKITTY_CLIENT_ID: id, CHATKITTY_CLIENT_SECRET: secret, MOCK_ADMIN_TOKEN: token } = process.env;
assert.ok(mock, 'CHATKITTY_BASE_URL is not set');
const { port } = new URL(mock);
const authorization = token ? { authorization: `Bearer ${token}` } : {};

const READS = [
  '/_mock/', '/_mock/traffic', '/_mock/exchanges/1', `/_mock/applications/${id}/settings?reveal=1`, '/_mock/openapi.json',
  '/_mock/api/applications', `/_mock/api/applications/${id}`, `/_mock/api/applications/${id}/export`, '/_mock/api/state?application=development',
  '/_mock/api/exchanges', '/_mock/api/exchanges.har', '/_mock/api/events?after=0', '/_mock/api/report?format=html',
];
const WRITES = [
  ['POST', '/_mock/api/reset', {}], ['POST', '/_mock/api/applications', { name: 'forged' }], ['DELETE', `/_mock/api/applications/${id}`],
  ['PATCH', `/_mock/api/applications/${id}`, { resources: {} }], ['POST', `/_mock/api/applications/${id}/credentials`, {}],
  ['DELETE', `/_mock/api/applications/${id}/tokens`], ['DELETE', '/_mock/api/exchanges'], ['POST', '/_mock/api/snapshots', { name: 'forged' }],
  ['PUT', '/_mock/api/clock', { now: '2030-01-01T00:00:00Z', frozen: true }], ['POST', '/_mock/api/clock/advance', { seconds: 86400 }],
  ['PUT', '/_mock/api/expectations', [{ operation: 'retrieveApplication', times: 9 }]], ['POST', '/_mock/api/shutdown'],
  ['POST', '/_mock/applications', { name: 'forged' }], ['POST', '/_mock/state/reset', {}], ['POST', '/_mock/state/advance', { seconds: '5' }],
  ['POST', `/_mock/applications/${id}/delete`, {}], ['POST', `/_mock/applications/${id}/rotate`, {}],
  ['POST', '/_mock/contract/try', { application: id, method: 'GET', target: '/v1/application' }], ['POST', '/_mock/login', { token: token ?? 'x' }],
];

/** Everything that a page has tried, run inside of it. Gives what it could read, and how many things it tried. */
async function attack({ target, reads, writes }) {
  const read = [];
  let tried = 0;
  const saw = (how, url, text) => text && read.push({ how, url, text: String(text).slice(0, 100_000) });
  const settled = (promise) => Promise.race([promise, new Promise((over) => setTimeout(over, 3_000))]).catch(() => undefined);
  const ask = (url, options) => {
    tried += 1;
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 2_500);
    return settled(fetch(target + url, { credentials: 'include', signal: abort.signal, ...options }).then(async (reply) =>
      reply.ok && saw(`fetch ${JSON.stringify(options)}`, url, await reply.text())));
  };
  const loaded = (element, url) => new Promise((done) => {
    tried += 1;
    element.onload = () => {
      try { saw(element.tagName, url, element.contentDocument?.body?.textContent); } catch { /* another origin's document */ }
      done();
    };
    element.onerror = done;
    setTimeout(done, 1_000);
    document.body.append(element);
  });
  const made = (tag, fields) => Object.assign(document.createElement(tag), fields);

  await Promise.all(reads.map(async (url) => {
    await Promise.all(['cors', 'no-cors', 'same-origin'].flatMap((mode) => ['GET', 'HEAD'].map((method) => ask(url, { mode, method }))));
    await Promise.all([
      loaded(made('img', { src: target + url }), url), loaded(made('script', { src: target + url }), url),
      loaded(made('link', { rel: 'stylesheet', href: target + url }), url), loaded(made('iframe', { src: target + url }), url),
      loaded(made('object', { data: target + url }), url), loaded(made('embed', { src: target + url }), url),
      settled(new Promise((done) => {
        tried += 1;
        const source = new EventSource(target + url, { withCredentials: true });
        for (const name of ['message', 'exchange', 'open']) source.addEventListener(name, (event) => saw(`EventSource ${name}`, url, event.data ?? 'open'));
        source.onerror = () => { source.close(); done(); };
        setTimeout(() => source.close(), 1_500);
      })),
      settled(new Promise((done) => {
        tried += 1;
        const socket = new WebSocket(target.replace('http', 'ws') + url);
        socket.onopen = () => { saw('WebSocket', url, 'open'); done(); };
        socket.onerror = done;
      })),
    ]);
  }));
  document.body.replaceChildren();
  const opened = window.open(target + '/_mock/api/applications');
  tried += 1;
  await new Promise((over) => setTimeout(over, 500));
  try { saw('window.open', '/_mock/api/applications', opened?.document?.body?.textContent); } catch { /* another origin's document */ }
  opened?.close();

  await Promise.all(writes.map(async ([method, url, body]) => {
    const json = JSON.stringify(body);
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/json', ''];
    const as = (type) => (body && method !== 'GET' ? new Blob([json], { type }) : undefined);
    const simple = types.flatMap((type) => ['cors', 'no-cors'].map((mode) => ask(url, { mode, method: mode === 'no-cors' ? 'POST' : method, body: as(type) })));
    const override = { 'x-http-method-override': method, 'x-method-override': method };
    await Promise.all([...simple, ask(url, { method: 'POST', headers: override, body: as('text/plain') }), ask(url, { method: 'GET', headers: override }), ask(`${url}?_method=${method}`, { mode: 'no-cors' })]);
    for (const type of types) {
      tried += 1;
      navigator.sendBeacon(target + url, new Blob([json ?? ''], { type }));
    }
    for (const enctype of ['application/x-www-form-urlencoded', 'multipart/form-data', 'text/plain', 'get']) {
      for (const where of url.endsWith('/reset') || url.endsWith('/applications') ? ['iframe', '_blank'] : ['iframe']) {
        tried += 1;
        const frame = made('iframe', { name: `f${tried}` });
        const form = made('form', { action: target + url, target: where === '_blank' ? `w${tried}` : frame.name });
        if (enctype === 'get') form.method = 'get';
        else Object.assign(form, { method: 'post', enctype });
        // As text, one field is the whole body: its name up to a `=` within a member that nobody reads.
        const fields = enctype === 'text/plain' ? { [`${(json ?? '{}').slice(0, -1)}${json && json !== '{}' ? ',' : ''}"_":"`]: '"}' } : { ...body, _method: method };
        for (const [name, value] of Object.entries(fields)) form.append(made('input', { type: 'hidden', name, value: typeof value === 'object' ? JSON.stringify(value) : value }));
        document.body.append(frame, form);
        const shown = where === '_blank' ? window.open('', form.target) : null;
        form.submit();
        await new Promise((over) => setTimeout(over, 250));
        try { saw(`form ${enctype} ${where}`, url, (shown?.document ?? frame.contentDocument)?.body?.textContent?.trim()); } catch { /* another origin's document */ }
        shown?.close();
      }
    }
  }));
  return { read, tried };
}

/** What the server holds, asked for by a program that is no browser. */
async function held() {
  const get = async (path) => {
    const reply = await fetch(`${mock}/_mock/api${path}`, { headers: authorization });
    assert.equal(reply.status, 200, path);
    return reply.json();
  };
  const { applications } = await get('/applications');
  const clock = await get('/clock');
  return {
    applications: await Promise.all(applications.map((one) => get(`/applications/${one.client_id}`))),
    snapshots: await get('/snapshots'), expectations: await get('/expectations'), isReal: clock.real, isFrozen: clock.frozen,
    exchanges: (await get('/exchanges')).exchanges.map((one) => `${one.id} ${one.request.method} ${one.request.target}`),
  };
}

const site = createServer((request, reply) => reply.setHeader('content-type', 'text/html').end('<!DOCTYPE html><title>elsewhere</title><body>'));
await new Promise((done) => site.listen(0, '127.0.0.1', done));
const elsewhere = site.address().port;

/** Opens a page; one on the server's own port comes, as in DNS rebinding, from what the name led to before. */
async function open(context, origin) {
  const page = await context.newPage();
  if (new URL(origin).port === port) await context.route(`${origin}/elsewhere`, (route) => route.fulfill({ contentType: 'text/html', body: '<!DOCTYPE html><title>elsewhere</title><body>' }));
  await page.goto(`${origin}/elsewhere`);
  return page;
}

/** What the server answers to a page, before the browser judges whether the page may see it. */
async function watched(page) {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  const requests = new Map();
  const answers = [];
  session.on('Network.requestWillBeSent', ({ requestId, request, type }) => requests.set(requestId, { ...request, type }));
  session.on('Network.responseReceivedExtraInfo', ({ requestId, statusCode, headers }) => answers.push({ requestId, status: statusCode, headers }));
  return () => answers.map((answer) => ({ ...answer, ...requests.get(answer.requestId), headers: answer.headers })).filter(({ url }) => url && new URL(url).pathname.startsWith('/_mock'));
}

const names = ['evil.example', '127.0.0.1.evil.example'];
const local = `http://localhost:${port}`;
await withBrowser(async (browser) => {
  const context = await browser.newContext();
  for (const origin of token ? [mock, local] : []) {
    const page = await context.newPage();
    await page.goto(`${origin}/_mock/`);
    await page.getByLabel('Admin token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Applications' }).waitFor();
    await page.close();
  }
  // Something to be forgotten, something to be read.
  await fetch(`${mock}/v1/application?before`);
  const before = await held();
  // Being logged in matters to pages of the same site, whose requests have the cookie.
  const [elsewhereHere, elsewhereLocal] = ['127.0.0.1', 'localhost'].map((name) => `http://${name}:${elsewhere}`);
  const stories = token
    ? [[elsewhereHere, mock], [elsewhereLocal, local]]
    : [[elsewhereLocal, mock], [`http://evil.example:${elsewhere}`, mock], ...names.map((name) => [`http://${name}:${port}`, `http://${name}:${port}`])];
  for (const [origin, target] of stories) {
    const page = await open(context, origin);
    const answers = await watched(page);
    const { read, tried } = await page.evaluate(attack, { target, reads: READS, writes: WRITES });
    // Under a name of its own it may read that it is refused.
    assert.deepEqual(read.filter(({ text }) => !text.includes('CK0906')).map(({ how, url }) => `${how} ${url}`), [], `${origin} read something`);
    const answered = answers();
    const refused = answered.filter(({ status }) => status === 403).length;
    assert.ok(tried > 500 && refused > 200, `${origin}: ${tried} attempts, ${refused} of them refused`);
    for (const { status, headers, method, url } of answered) {
      const fields = Object.keys(headers).filter((name) => name.toLowerCase().startsWith('access-control-'));
      assert.deepEqual(fields, [], url);
      assert.ok(status >= 400, `${origin}: ${method} ${url} got ${status}`);
    }
    assert.deepEqual(await held(), before, `${origin} changed something`);
    await Promise.all(context.pages().map((one) => one.close()));
    console.log(`saw nothing come of ${tried} attempts from ${new URL(origin).hostname}${origin.endsWith(`:${port}`) ? ' on the own port' : ''}, ${refused} refused`);
  }

  // A frame without an origin.
  const page = await open(context, `http://localhost:${elsewhere}`);
  await page.evaluate(async ({ target, writes }) => {
    const script = `for (const [, url, body] of ${JSON.stringify(writes)}) {
      fetch('${target}' + url, { method: 'POST', mode: 'no-cors', credentials: 'include', body: JSON.stringify(body) }).catch(() => 0);
      const form = document.createElement('form'); form.method = 'post'; form.action = '${target}' + url; form.target = 'f'; document.body.append(form); form.submit();
    }`;
    document.body.append(Object.assign(document.createElement('iframe'), { sandbox: 'allow-scripts allow-forms', srcdoc: `<body><iframe name=f></iframe><script>${script}</script>` }));
    await new Promise((over) => setTimeout(over, 1_500));
  }, { target: mock, writes: WRITES });
  assert.deepEqual(await held(), before, 'a frame without an origin changed something');
  console.log('saw nothing come of a frame without an origin');
  // The data plane is open to pages, so the page and the server do meet.
  const data = await page.evaluate(async (target) => (await fetch(`${target}/v1/application`)).status, mock);
  assert.equal(data, 401);
  await page.close();

  // The same attempts from the server's own page do what they say.
  const own = await context.newPage();
  await own.goto(`${mock}/_mock/`);
  const some = (method, path) => WRITES.filter(([how, url]) => how === method && url === path);
  const { read } = await own.evaluate(attack, { target: mock, reads: ['/_mock/api/applications', `/_mock/api/applications/${id}/export`, '/_mock/api/exchanges'], writes: some('POST', '/_mock/api/applications') });
  assert.ok(read.some(({ text }) => text.includes(secret)) && read.some(({ text }) => text.includes('/v1/application?before')), 'the own page reads credentials and journal');
  const after = await held();
  assert.ok(after.applications.some(({ name }) => name === 'forged'), 'the own page creates an application');
  console.log('saw the own page read credentials and journal, and create an application');
  assert.equal(await own.evaluate(async () => (await fetch('/_mock/api/shutdown', { method: 'POST' })).status), 202);
  console.log('saw the own page stop the server');
}, [
  `--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1`).join(',')}`,
  '--disable-popup-blocking',
  // Newer browsers ask a person before a page may ask this machine; this one behaves as if that had been allowed.
  '--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,LocalNetworkAccessForWorkers,BlockInsecurePrivateNetworkRequests',
]);
site.close();
