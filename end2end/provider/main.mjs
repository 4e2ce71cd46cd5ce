#!/usr/bin/env node
/**
 * Command line of the development identity provider. See `--help`.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { accounts } from './accounts.mjs';

const HELP = `The development identity provider: an OpenID Provider in Okta's shape, for this machine only.

  --port PORT            default 9400, or CLOAKROOM_DEV_PROVIDER_PORT; 0 picks a free one
  --public-url URL       where browsers find the application; default http://localhost:3000, or CLOAKROOM_PUBLIC_URL
  --client-id ID         default cloakroom-dev, or CLOAKROOM_CLIENT_ID
  --client-secret SECRET default cloakroom-dev-secret, or CLOAKROOM_CLIENT_SECRET
  --client-metadata JSON what the client is registered with beside the usual, such as
                         {"token_endpoint_auth_method":"private_key_jwt","jwks_uri":".."}
  --require-par          accept pushed authorization requests only
  --code-ttl SECONDS     how long an authorization code is good for; default 60
  --token-ttl SECONDS    how long an access token is good for; default 3600
  --state-file FILE      keep keys, sessions and tokens there over a restart
  --record FILE          for tests: write every code, verifier, token, secret and token request there, one JSON object a
                         line
  --ready-file FILE      write {"issuer","port","pid"} there once it answers
`;

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function options() {
  const { env } = process;
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: 'string', default: env.CLOAKROOM_DEV_PROVIDER_PORT || '9400' },
        'public-url': { type: 'string', default: env.CLOAKROOM_PUBLIC_URL || 'http://localhost:3000' },
        'client-id': { type: 'string', default: env.CLOAKROOM_CLIENT_ID || 'cloakroom-dev' },
        'client-secret': { type: 'string', default: env.CLOAKROOM_CLIENT_SECRET || 'cloakroom-dev-secret' },
        'client-metadata': { type: 'string', default: '{}' },
        'require-par': { type: 'boolean', default: false },
        'code-ttl': { type: 'string', default: '60' },
        'token-ttl': { type: 'string', default: '3600' },
        'state-file': { type: 'string' },
        record: { type: 'string' },
        'ready-file': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    fail(`${error.message} (--help shows the options)`);
  }
  if (values.help) {
    process.stdout.write(HELP);
    process.exit(0);
  }
  return values;
}

function wholeNumber(name, text, least, most) {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    fail(`${name} is "${text}", but has to be a whole number from ${least} to ${most}.`);
  }
  return value;
}

function webUrl(name, text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) fail(`${name} is "${text}", but has to be an http or https URL.`);
  return text;
}

function jsonObject(name, text) {
  try {
    const value = JSON.parse(text);
    if (value && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch {
    // Said below.
  }
  return fail(`${name} has to be a JSON object.`);
}

const values = options();
const port = wholeNumber('--port', values.port, 0, 65535);
const log = (line) => process.stdout.write(`${line}\n`);
const settings = {
  port,
  publicUrl: webUrl('--public-url', values['public-url']),
  clientId: values['client-id'],
  clientSecret: values['client-secret'],
  clientMetadata: jsonObject('--client-metadata', values['client-metadata']),
  requirePar: values['require-par'],
  codeTtl: wholeNumber('--code-ttl', values['code-ttl'], 1, 3600),
  accessTokenTtl: wholeNumber('--token-ttl', values['token-ttl'], 1, 86400),
  stateFile: values['state-file'],
  record: values.record,
  log,
};

let startProvider;
try {
  ({ startProvider } = await import('./server.mjs'));
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  fail('The packages of the development identity provider are not installed. Run: npm ci --prefix end2end');
}

let running;
try {
  running = await startProvider(settings);
} catch (error) {
  if (error.code !== 'EADDRINUSE') throw error;
  fail(`Port ${port} is taken. End what listens there, or set CLOAKROOM_DEV_PROVIDER_PORT to another port.`);
}

log(`Development identity provider: ${running.issuer}`);
log(`Demo accounts: ${accounts.map(({ email, password, code }) => [email, password, code].filter(Boolean).join(' / ')).join(', ')}`);
if (values['ready-file']) {
  writeFileSync(values['ready-file'], JSON.stringify({ issuer: running.issuer, port: running.port, pid: process.pid }));
}

let closing = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    if (closing) return;
    closing = true;
    running.close().then(() => process.exit(0));
  });
}
