// Discovers the authorization server, gets a token, asks about it and gives it back, with an OAuth client that was
// written by others. Prints what it saw as one line of JSON.
// Usage: node oauth.mjs ISSUER CLIENT-ID CLIENT-SECRET basic|post [SCOPE]
import * as client from 'openid-client';

const [, , issuer, clientId, clientSecret, method, scope] = process.argv;
const authentications = { basic: client.ClientSecretBasic, post: client.ClientSecretPost };
const config = await client.discovery(new URL(issuer), clientId, undefined, authentications[method](clientSecret), {
  algorithm: 'oauth2',
  execute: [client.allowInsecureRequests],
});
const tokens = await client.clientCredentialsGrant(config, scope ? { scope } : {});
const before = await client.tokenIntrospection(config, tokens.access_token);
await client.tokenRevocation(config, tokens.access_token);
const after = await client.tokenIntrospection(config, tokens.access_token);
const { issuer: named, token_endpoint, scopes_supported } = config.serverMetadata();
console.log(JSON.stringify({ metadata: { issuer: named, token_endpoint, scopes_supported }, tokens, before, after }));
