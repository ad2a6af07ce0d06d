// Drives ChatKitty's own SDK through one scenario; prints what it saw as one line of JSON.
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import sdk from 'chatkitty-platform-sdk';

const { ChatKitty } = sdk;
const { CHATKITTY_BASE_URL, CHATKITTY_TOKEN_URL, CHATKITTY_CLIENT_ID, CHATKITTY_CLIENT_SECRET } = process.env;
// Without addresses the SDK would talk to the live ChatKitty.
for (const name of ['BASE_URL', 'TOKEN_URL', 'CLIENT_ID', 'CLIENT_SECRET'])
  assert.ok(process.env[`CHATKITTY_${name}`], `CHATKITTY_${name} is not set`);

const client = (clientSecret = CHATKITTY_CLIENT_SECRET) =>
  new ChatKitty({
    clientId: CHATKITTY_CLIENT_ID,
    clientSecret,
    basePath: CHATKITTY_BASE_URL,
    authorizationBasePath: CHATKITTY_TOKEN_URL,
  }).Application;

/** What a call that must fail failed with. */
const failure = async (call) => {
  const error = await call.then(
    () => assert.fail('the call succeeded'),
    (error) => error,
  );
  assert.ok(error.response, error);
  return { status: error.response.status, data: error.response.data };
};

const nextLine = () =>
  new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    lines.once('line', () => {
      lines.close();
      resolve();
    });
  });

const scenarios = {
  'retrieve-application': async () => (await client().retrieveAuthenticatedApplication()).data,
  'retrieve-settings': async () => (await client().retrieveAuthenticatedApplicationSettings()).data,
  'update-settings': async () => {
    const api = client();
    const sent = { guestUsers: 'DISABLED', userCreatedChannels: 'DISABLED' };
    const updated = (await api.updateAuthenticatedApplicationSettings(sent)).data;
    const read = (await api.retrieveAuthenticatedApplicationSettings()).data;
    assert.deepEqual(read, updated);
    return read;
  },
  'bad-settings': async () =>
    failure(client().updateAuthenticatedApplicationSettings({ guestUsers: 'disabled', userCreatedChannels: 'ENABLED' })),
  'wrong-secret': async () => failure(client('wrong').retrieveAuthenticatedApplication()),
  'expired-token': async () => {
    const api = client();
    await api.retrieveAuthenticatedApplication();
    console.log('"token in use"');
    await nextLine();
    return failure(api.retrieveAuthenticatedApplication());
  },
  parallel: async () => {
    const api = client();
    const replies = await Promise.all([
      api.retrieveAuthenticatedApplication(),
      api.retrieveAuthenticatedApplicationSettings(),
      api.retrieveAuthenticatedApplication(),
    ]);
    return replies.map((reply) => reply.status);
  },
};

const scenario = scenarios[process.argv[2]];
assert.ok(scenario, `no scenario ${process.argv[2]}; there are ${Object.keys(scenarios).join(', ')}`);
console.log(JSON.stringify(await scenario()));
process.exit(0);
