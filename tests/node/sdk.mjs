// Drives one of ChatKitty's own SDKs through one scenario; prints what it saw as one line of JSON.
// Usage: node sdk.mjs PACKAGE SCENARIO [BASE-PATH]
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';

const { CHATKITTY_BASE_URL, CHATKITTY_TOKEN_URL, CHATKITTY_CLIENT_ID, CHATKITTY_CLIENT_SECRET } = process.env;
// Without addresses the SDKs would talk to the live ChatKitty.
for (const name of ['BASE_URL', 'TOKEN_URL', 'CLIENT_ID', 'CLIENT_SECRET'])
  assert.ok(process.env[`CHATKITTY_${name}`], `CHATKITTY_${name} is not set`);

/** What the SDKs call the same things, and how each sends settings. */
const sdks = {
  'chatkitty-platform-sdk': {
    api: (client) => client.Application,
    application: 'retrieveAuthenticatedApplication',
    settings: 'retrieveAuthenticatedApplicationSettings',
    update: 'updateAuthenticatedApplicationSettings',
    changed: (_, guests, channels) => ({ guestUsers: guests, userCreatedChannels: channels }),
  },
  chatkitty: {
    api: (client) => client.ApplicationApi,
    application: 'retrieveApplication',
    settings: 'retrieveApplicationSettings',
    update: 'updateApplicationSettings',
    // Its model of the body is the whole resource, links included.
    changed: (resource, guests, channels) => ({ ...resource, guest_users: guests, user_created_channels: channels }),
  },
};

const [, , name, scenarioName, basePath = ''] = process.argv;
const sdk = sdks[name];
assert.ok(sdk, `no SDK ${name}; there are ${Object.keys(sdks).join(', ')}`);
const { ChatKitty } = (await import(name)).default;

const connect = (clientSecret = CHATKITTY_CLIENT_SECRET) => {
  const api = sdk.api(
    new ChatKitty({
      clientId: CHATKITTY_CLIENT_ID,
      clientSecret,
      basePath: CHATKITTY_BASE_URL + basePath,
      authorizationBasePath: CHATKITTY_TOKEN_URL,
    }),
  );
  return {
    application: () => api[sdk.application](),
    settings: () => api[sdk.settings](),
    update: async (guests, channels) => api[sdk.update](sdk.changed((await api[sdk.settings]()).data, guests, channels)),
  };
};

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
  'retrieve-application': async () => (await connect().application()).data,
  'retrieve-settings': async () => (await connect().settings()).data,
  'update-settings': async () => {
    const api = connect();
    const updated = (await api.update('DISABLED', 'DISABLED')).data;
    const read = (await api.settings()).data;
    assert.deepEqual(read, updated);
    return read;
  },
  'bad-settings': async () => failure(connect().update('disabled', 'ENABLED')),
  'wrong-secret': async () => failure(connect('wrong').application()),
  'not-found': async () => failure(connect().application()),
  'expired-token': async () => {
    const api = connect();
    await api.application();
    console.log('"token in use"');
    await nextLine();
    return failure(api.application());
  },
  parallel: async () => {
    const api = connect();
    const replies = await Promise.all([api.application(), api.settings(), api.application()]);
    return replies.map((reply) => reply.status);
  },
};

const scenario = scenarios[scenarioName];
assert.ok(scenario, `no scenario ${scenarioName}; there are ${Object.keys(scenarios).join(', ')}`);
console.log(JSON.stringify(await scenario()));
process.exit(0);
