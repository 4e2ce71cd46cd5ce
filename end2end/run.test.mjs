/**
 * `make run`'s script, with stand-ins for the server and the sample API: what it starts, what it says, how it ends.
 * Run with `node --test run.test.mjs`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { canListen, freePort } from './support/processes.mjs';

const SCRIPT = fileURLToPath(new URL('run.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cloakroom-run-'));
after(() => rmSync(folder, { recursive: true }));

function executable(name, text) {
  const file = join(folder, name);
  writeFileSync(file, `#!${process.execPath}\n${text}`);
  chmodSync(file, 0o755);
  return file;
}

/** Answers /healthz under its own name, tells what it was given, and can be told to die. */
const standIn = () => executable('stand-in.mjs', `
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
if (process.env.STAND_IN_FAILS) { console.error('the reason it failed'); process.exit(3); }
writeFileSync(process.env.STAND_IN_FILE, JSON.stringify({ pid: process.pid, env: process.env }));
const [host, port] = process.env.CLOAKROOM_LISTEN.split(':');
createServer((req, res) => {
  res.writeHead(req.headers.host === new URL(process.env.CLOAKROOM_PUBLIC_URL).host ? 200 : 421).end();
  if (req.url === '/die') process.exit(4);
}).listen(Number(port), host);
`);

/** The same for the API. */
const apiStandIn = () => executable('api-stand-in.mjs', `
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
if (process.env.API_STAND_IN_FAILS) { console.error('the reason the API failed'); process.exit(5); }
writeFileSync(process.env.STAND_IN_FILE + '.api', JSON.stringify({ pid: process.pid, env: process.env }));
const [host, port] = process.env.MESSAGES_LISTEN.split(':');
createServer((req, res) => res.writeHead(req.url === '/healthz' ? 200 : 404).end()).listen(Number(port), host);
`);

/** Starts the script with nothing of Cloakroom in its environment but what is given. */
async function run(variables) {
  const file = join(folder, `given-${Math.random()}.json`);
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CLOAKROOM_')));
  const port = await freePort();
  const devPort = await freePort();
  const apiPort = await freePort();
  const env = {
    ...inherited,
    CLOAKROOM_BIN: standIn(),
    CLOAKROOM_DEV_API_BIN: apiStandIn(),
    CLOAKROOM_PUBLIC_URL: `http://localhost:${port}`,
    CLOAKROOM_DEV_PROVIDER_PORT: String(devPort),
    CLOAKROOM_DEV_API_PORT: String(apiPort),
    CLOAKROOM_DEV_PROVIDER_STATE: join(folder, `state-${devPort}.json`),
    STAND_IN_FILE: file,
    ...variables,
  };
  const child = spawn(process.execPath, [SCRIPT], { env });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => { text += chunk; });
  const ended = once(child, 'close').then(([code]) => code);
  const says = async (pattern) => {
    while (!pattern.test(text)) {
      const over = await Promise.race([once(child.stdout, 'data'), ended.then(() => 'over')]);
      if (over === 'over' && !pattern.test(text)) assert.fail(`ended without saying ${pattern}:\n${text}`);
    }
  };
  const given = (suffix = '') => JSON.parse(readFileSync(file + suffix, 'utf8'));
  return { child, port, devPort, apiPort, ended, says, text: () => text, given, givenToApi: () => given('.api') };
}

const gone = (pid) => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

test('starts all three, says where and who, and SIGINT ends all', async () => {
  const { child, port, devPort, apiPort, ended, says, text, given, givenToApi } = await run({});
  await says(/Ctrl-C ends everything/);
  assert.match(text(), new RegExp(`Cloakroom is ready: http://localhost:${port}\\n`));
  assert.match(text(), /alice@example\.com +alice-hangs-her-coat/);
  assert.match(text(), /CLOAKROOM_ISSUER=https:\/\/YOUR-DOMAIN/);
  const { pid, env } = given();
  assert.equal(env.CLOAKROOM_ISSUER, `http://127.0.0.1:${devPort}/oauth2/default`);
  assert.equal(env.CLOAKROOM_LISTEN, `127.0.0.1:${port}`);
  assert.deepEqual(Object.keys(env).filter((name) => /^CLOAKROOM_(DEV|BIN)/.test(name)), []);
  assert.match(env.CLOAKROOM_SCOPES, /groups offline_access messages:read messages:write$/);
  assert.equal(env.CLOAKROOM_API_SAMPLE, `http://127.0.0.1:${apiPort}/api`);
  assert.match(text(), new RegExp(`sample API's messages: http://localhost:${port}/messages .*http://127\\.0\\.0\\.1:${apiPort}/api`));
  const api = givenToApi();
  assert.equal(api.env.MESSAGES_ISSUER, env.CLOAKROOM_ISSUER);
  assert.equal(api.env.MESSAGES_LISTEN, `127.0.0.1:${apiPort}`);
  assert.deepEqual(Object.keys(api.env).filter((name) => name.startsWith('CLOAKROOM_')), [], 'the API needs no secret');
  assert.ok(env.CLOAKROOM_CLIENT_SECRET.length >= 32);
  assert.equal(text().includes(env.CLOAKROOM_CLIENT_SECRET), false);
  const metadata = await fetch(`${env.CLOAKROOM_ISSUER}/.well-known/openid-configuration`);
  assert.equal((await metadata.json()).issuer, env.CLOAKROOM_ISSUER);
  child.kill('SIGINT');
  assert.equal(await ended, 0);
  assert.ok(gone(pid));
  assert.ok(gone(api.pid));
  assert.ok(await canListen('127.0.0.1', devPort));
});

const OWN = {
  CLOAKROOM_ISSUER: 'https://example.okta.com/oauth2/default', CLOAKROOM_CLIENT_ID: 'id', CLOAKROOM_CLIENT_SECRET: 'own-secret',
};

test('with a provider of one\'s own it starts no other', async () => {
  const { child, devPort, ended, says, text, given } = await run(OWN);
  await says(/Ctrl-C ends everything/);
  assert.match(text(), /Sign-in goes to https:\/\/example\.okta\.com/);
  assert.doesNotMatch(text(), /alice@|own-secret/);
  assert.equal(given().env.CLOAKROOM_CLIENT_SECRET, 'own-secret');
  assert.ok(await canListen('127.0.0.1', devPort));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('with a provider of one\'s own the API takes its tokens, and asks for no scope that it may not have', async () => {
  const { child, apiPort, ended, says, text, given, givenToApi } = await run(OWN);
  await says(/Ctrl-C ends everything/);
  assert.equal(given().env.CLOAKROOM_SCOPES, undefined);
  assert.equal(given().env.CLOAKROOM_API_SAMPLE, `http://127.0.0.1:${apiPort}/api`);
  assert.equal(givenToApi().env.MESSAGES_ISSUER, OWN.CLOAKROOM_ISSUER);
  assert.match(text(), /scopes messages:read and messages:write, which are not asked for/);
  assert.match(text(), /CLOAKROOM_SCOPES="openid .*messages:read messages:write"/);
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
  const scopes = 'openid profile messages:read messages:write';
  const named = await run({ ...OWN, CLOAKROOM_SCOPES: scopes });
  await named.says(/Ctrl-C ends everything/);
  assert.equal(named.given().env.CLOAKROOM_SCOPES, scopes);
  assert.match(named.text(), /The sample API/);
  assert.doesNotMatch(named.text(), /not asked for/);
  named.child.kill('SIGTERM');
  assert.equal(await named.ended, 0);
});

test('with an API of one\'s own under that name it starts no sample', async () => {
  const own = 'https://api.example.com/v1';
  const { child, apiPort, ended, says, text, given, givenToApi } = await run({ CLOAKROOM_API_SAMPLE: own, CLOAKROOM_DEV_API_BIN: 'nothing' });
  await says(/Ctrl-C ends everything/);
  assert.equal(given().env.CLOAKROOM_API_SAMPLE, own);
  assert.throws(givenToApi, { code: 'ENOENT' });
  assert.doesNotMatch(text(), /sample API/);
  assert.ok(await canListen('127.0.0.1', apiPort));
  child.kill('SIGTERM');
  assert.equal(await ended, 0);
});

test('a client with a key, and one without any secret, need no secret', async () => {
  for (const instead of [{ CLOAKROOM_CLIENT_KEY_FILE: 'client-key.pem' }, { CLOAKROOM_CLIENT_AUTH: 'none' }]) {
    const { child, ended, says, given } = await run({
      CLOAKROOM_ISSUER: 'https://example.okta.com/oauth2/default', CLOAKROOM_CLIENT_ID: 'id', ...instead,
    });
    await says(/Ctrl-C ends everything/);
    assert.equal(given().env.CLOAKROOM_CLIENT_SECRET, undefined);
    child.kill('SIGTERM');
    assert.equal(await ended, 0);
  }
});

test('some of the three variables are one line that names the missing ones', async () => {
  const { ended, text } = await run({ CLOAKROOM_ISSUER: 'https://example.okta.com' });
  assert.equal(await ended, 1);
  assert.match(text(), /^CLOAKROOM_CLIENT_ID and CLOAKROOM_CLIENT_SECRET are not set, but CLOAKROOM_ISSUER is\. .+\n$/);
});

test('a taken port is one line that names the variable', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = blocker.address();
  try {
    const app = await run({ CLOAKROOM_PUBLIC_URL: `http://localhost:${port}` });
    assert.equal(await app.ended, 1);
    assert.match(app.text(), new RegExp(`^Port ${port} is taken\\. .*CLOAKROOM_LISTEN.*\\n$`));
    const provider = await run({ CLOAKROOM_DEV_PROVIDER_PORT: String(port) });
    assert.equal(await provider.ended, 1);
    assert.match(provider.text(), new RegExp(`^Port ${port} is taken\\. .*CLOAKROOM_DEV_PROVIDER_PORT.*\\n$`));
    const api = await run({ CLOAKROOM_DEV_API_PORT: String(port) });
    assert.equal(await api.ended, 1);
    assert.match(api.text(), new RegExp(`^Port ${port} is taken\\. .*CLOAKROOM_DEV_API_PORT.*\\n$`));
  } finally {
    blocker.close();
  }
});

test('one port for two programs is one line that names both', async () => {
  const port = String(await freePort());
  const { ended, text } = await run({ CLOAKROOM_DEV_PROVIDER_PORT: port, CLOAKROOM_DEV_API_PORT: port });
  assert.equal(await ended, 1);
  assert.match(text(), new RegExp(`^Port ${port} is meant for both the development identity provider and the sample API\\. .*CLOAKROOM_DEV_API_PORT\\.\\n$`));
});

test('a port that is none is one line that names the variable', async () => {
  for (const name of ['CLOAKROOM_DEV_PROVIDER_PORT', 'CLOAKROOM_DEV_API_PORT']) {
    const { ended, text } = await run({ [name]: '65536' });
    assert.equal(await ended, 1);
    assert.match(text(), new RegExp(`^${name} is "65536", but has to be a port from 1 to 65535\\.\\n$`));
  }
});

test('a program that is not built is one line that says how', async () => {
  for (const name of ['CLOAKROOM_BIN', 'CLOAKROOM_DEV_API_BIN']) {
    const { ended, text } = await run({ [name]: join(folder, 'nothing') });
    assert.equal(await ended, 1);
    assert.match(text(), /^.+ is not built\. Run: make build\n$/);
  }
});

test('a program that fails to start ends everything, with its last lines', async () => {
  const { devPort, ended, text } = await run({ STAND_IN_FAILS: '1' });
  assert.equal(await ended, 3);
  assert.match(text(), /cloakroom \| the reason it failed\ncloakroom has ended \(exit code 3\)/);
  assert.ok(await canListen('127.0.0.1', devPort));
});

test('an API that fails to start ends everything, with its last lines', async () => {
  const { devPort, ended, text } = await run({ API_STAND_IN_FAILS: '1' });
  assert.equal(await ended, 5);
  assert.match(text(), /api \| the reason the API failed\napi has ended \(exit code 5\)/);
  assert.ok(await canListen('127.0.0.1', devPort));
});

test('a program that dies later ends everything', async () => {
  const { port, devPort, ended, says, text } = await run({});
  await says(/Ctrl-C ends everything/);
  await fetch(`http://127.0.0.1:${port}/die`).catch(() => undefined);
  assert.equal(await ended, 4);
  assert.match(text(), /cloakroom has ended \(exit code 4\), so everything ends\./);
  assert.ok(await canListen('127.0.0.1', devPort));
});
