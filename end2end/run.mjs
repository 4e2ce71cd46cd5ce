#!/usr/bin/env node
/**
 * `make run`: starts the development identity provider, the sample API and Cloakroom, says where they are, and ends them
 * together. With CLOAKROOM_ISSUER, CLOAKROOM_CLIENT_ID and CLOAKROOM_CLIENT_SECRET set it starts no provider and uses that
 * one, with CLOAKROOM_API_SAMPLE set no sample API.
 */
import { randomBytes } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { accounts } from './provider/accounts.mjs';
import { canListen, Program, untilHealthy } from './support/processes.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, '..');
const PROVIDER_VARIABLES = ['CLOAKROOM_ISSUER', 'CLOAKROOM_CLIENT_ID', 'CLOAKROOM_CLIENT_SECRET'];
/** What the development provider is asked for, and what the sample API wants besides: other providers may not know it. */
const DEVELOPMENT_SCOPES = 'openid profile email groups offline_access';
const API_SCOPES = 'messages:read messages:write';
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

class Refusal extends Error {}

/** The provider that the environment names, or undefined where it names none. */
function ownProvider(env) {
  const otherSecret = env.CLOAKROOM_CLIENT_SECRET_FILE || env.CLOAKROOM_CLIENT_KEY_FILE || env.CLOAKROOM_CLIENT_KEY
    || env.CLOAKROOM_CLIENT_AUTH === 'none';
  const set = PROVIDER_VARIABLES.filter((name) => env[name] || (name === 'CLOAKROOM_CLIENT_SECRET' && otherSecret));
  if (set.length === 0) return undefined;
  const missing = PROVIDER_VARIABLES.filter((name) => !set.includes(name));
  if (missing.length > 0) {
    throw new Refusal(`${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not set, but ${set.join(' and ')} `
      + `${set.length > 1 ? 'are' : 'is'}. Set all three to use your own provider, or none to use the development one.`);
  }
  return env.CLOAKROOM_ISSUER;
}

function parseListen(text) {
  const [, host, port] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(text) ?? [];
  if (!port || Number(port) > 65535) {
    throw new Refusal(`CLOAKROOM_LISTEN is "${text}", but has to be an address and a port, such as 127.0.0.1:3000.`);
  }
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function parsePublicUrl(text) {
  if (!URL.canParse(text) || !/^https?:/.test(text)) {
    throw new Refusal(`CLOAKROOM_PUBLIC_URL is "${text}", but has to be an http or https URL, such as http://localhost:3000.`);
  }
  return new URL(text);
}

/** Where Cloakroom listens and where browsers find it; one follows from the other where only one is set. */
function addresses(env) {
  const given = env.CLOAKROOM_PUBLIC_URL ? parsePublicUrl(env.CLOAKROOM_PUBLIC_URL) : undefined;
  const followsUrl = given?.protocol === 'http:' && LOOPBACK.has(given.hostname);
  const listen = parseListen(env.CLOAKROOM_LISTEN || `127.0.0.1:${followsUrl ? given.port || 80 : 3000}`);
  const publicUrl = given ?? new URL(`http://localhost:${listen.port}`);
  return { listen, publicUrl };
}

function portOf(env, name, otherwise) {
  const text = env[name] || String(otherwise);
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > 65535) {
    throw new Refusal(`${name} is "${text}", but has to be a port from 1 to 65535.`);
  }
  return Number(text);
}

async function requirePorts(listen, publicUrl, others) {
  // Browsers try [::1] first for "localhost": a program there would answer instead of Cloakroom.
  const hosts = publicUrl.hostname === 'localhost' ? [listen.host, '::1'] : [listen.host];
  for (const host of hosts) {
    if (!await canListen(host, listen.port)) {
      throw new Refusal(`Port ${listen.port} is taken. End what listens there, or choose another with `
        + `CLOAKROOM_PUBLIC_URL=http://localhost:${listen.port + 1} CLOAKROOM_LISTEN=127.0.0.1:${listen.port + 1}.`);
    }
  }
  const taken = new Map([[listen.port, 'Cloakroom']]);
  for (const { port, what, variable } of others) {
    if (taken.has(port)) {
      throw new Refusal(`Port ${port} is meant for both ${taken.get(port)} and ${what}. Choose another for ${what} with ${variable}.`);
    }
    taken.set(port, what);
    if (!await canListen('127.0.0.1', port)) {
      throw new Refusal(`Port ${port} is taken. End what listens there, or choose another for ${what} with ${variable}=${port + 1}.`);
    }
  }
}

/** @param {string | undefined} chosen @param {string} usual from the workspace root */
function requireBinary(chosen, usual) {
  const binary = resolve(ROOT, chosen || usual);
  try {
    accessSync(binary, constants.X_OK);
  } catch {
    throw new Refusal(`${relative(process.cwd(), binary)} is not built. Run: make build`);
  }
  return binary;
}

/** Keeps a program's lines back until everything runs, then prints them as they come. */
class Output {
  #held = [];

  #open = false;

  /** @param {string} name */
  line(name) {
    return (text) => {
      const line = `${name} | ${text}`;
      if (this.#open) process.stdout.write(`${line}\n`);
      else this.#held.push(line);
    };
  }

  open() {
    this.#open = true;
    for (const line of this.#held.splice(0)) process.stdout.write(`${line}\n`);
  }

  /** The last lines that nobody has seen yet. */
  rest(count = 30) {
    return this.#held.splice(0).slice(-count);
  }
}

function greeting({ publicUrl, issuer, development, api, scopes }) {
  const home = publicUrl.origin;
  const lines = ['', `Cloakroom is ready: ${home}`, ''];
  if (development) {
    lines.push(
      `Sign in at the development identity provider (${issuer}) as`,
      ...accounts.map(({ email, password, groups }) => `  ${email.padEnd(20)} ${password.padEnd(24)} ${groups.join(', ')}`),
      '',
      ...(api ? [`The sample API's messages: ${home}/messages (the API itself: ${api})`, ''] : []),
      'To use Okta instead, add a web application there with',
      `  sign-in redirect URI   ${home}/auth/callback`,
      `  sign-out redirect URI  ${home}/`,
      'and start with these three set:',
      '  CLOAKROOM_ISSUER=https://YOUR-DOMAIN/oauth2/default CLOAKROOM_CLIENT_ID=.. CLOAKROOM_CLIENT_SECRET=.. make run',
    );
  } else {
    lines.push(
      `Sign-in goes to ${issuer}. Registered there has to be`,
      `  sign-in redirect URI   ${home}/auth/callback`,
      `  sign-out redirect URI  ${home}/`,
    );
    if (api) lines.push('', ...ownApiLines({ home, api, scopes }));
  }
  lines.push('', 'Ctrl-C ends everything.', '');
  return lines.join('\n');
}

/** What the sample API needs of a provider that is not ours; scopes that it does not know would end every sign-in. */
function ownApiLines({ home, api, scopes }) {
  const lines = [`The sample API (${home}/messages; the API itself: ${api}) takes that issuer's access tokens.`];
  const wanted = API_SCOPES.split(' ');
  if (!wanted.every((scope) => scopes.includes(scope))) {
    lines.push(
      `It wants the scopes ${wanted.join(' and ')}, which are not asked for. Add them to the authorization server, then set`,
      `  CLOAKROOM_SCOPES="openid profile email offline_access ${API_SCOPES}"`,
    );
  }
  return lines;
}

const programs = [];
const output = new Output();
let ending;

/** Ends what runs, the last started first, and then this process. */
function end(code) {
  ending ??= (async () => {
    for (const program of [...programs].reverse()) await program.stop();
    process.exit(code);
  })();
  return ending;
}

function start(name, command, args, env) {
  const program = new Program(name, command, args, { env, cwd: ROOT, onLine: output.line(name) });
  programs.push(program);
  program.finished.then(() => {
    if (ending) return;
    const rest = output.rest();
    process.stderr.write([...rest, `${name} has ended (${program.how}), so everything ends.`, ''].join('\n'));
    end(program.code || 1);
  });
  return program;
}

/** Starts the sample API for one issuer's tokens. It learns nothing of Cloakroom's settings. */
async function startApi(binary, port, issuer, env) {
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('CLOAKROOM_')));
  const api = start('api', binary, [], { ...own, MESSAGES_ISSUER: issuer, MESSAGES_LISTEN: `127.0.0.1:${port}` });
  await untilHealthy(api, { host: '127.0.0.1', port });
  return `http://127.0.0.1:${port}/api`;
}

async function main() {
  const { env } = process;
  const issuerOfOwn = ownProvider(env);
  const { listen, publicUrl } = addresses(env);
  const devPort = issuerOfOwn === undefined ? portOf(env, 'CLOAKROOM_DEV_PROVIDER_PORT', 9400) : undefined;
  const apiPort = env.CLOAKROOM_API_SAMPLE ? undefined : portOf(env, 'CLOAKROOM_DEV_API_PORT', 4001);
  const binary = requireBinary(env.CLOAKROOM_BIN, 'target/release/cloakroom');
  const apiBinary = apiPort && requireBinary(env.CLOAKROOM_DEV_API_BIN, 'target/release/examples/messages');
  await requirePorts(listen, publicUrl, [
    { port: devPort, what: 'the development identity provider', variable: 'CLOAKROOM_DEV_PROVIDER_PORT' },
    { port: apiPort, what: 'the sample API', variable: 'CLOAKROOM_DEV_API_PORT' },
  ].filter(({ port }) => port !== undefined));

  // What is meant for this script is no setting of Cloakroom's.
  const inherited = Object.fromEntries(Object.entries(env)
    .filter(([name]) => name !== 'CLOAKROOM_BIN' && !name.startsWith('CLOAKROOM_DEV_')));
  const settings = {
    ...inherited,
    CLOAKROOM_LOG_FORMAT: env.CLOAKROOM_LOG_FORMAT || 'text',
    CLOAKROOM_PUBLIC_URL: publicUrl.origin,
    CLOAKROOM_LISTEN: `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${listen.port}`,
  };
  let issuer = issuerOfOwn;
  if (devPort !== undefined) {
    issuer = `http://127.0.0.1:${devPort}/oauth2/default`;
    settings.CLOAKROOM_ISSUER = issuer;
    settings.CLOAKROOM_CLIENT_ID = 'cloakroom-dev';
    settings.CLOAKROOM_CLIENT_SECRET = randomBytes(32).toString('base64url');
    settings.CLOAKROOM_SCOPES = env.CLOAKROOM_SCOPES || `${DEVELOPMENT_SCOPES} ${API_SCOPES}`;
    const stateFile = env.CLOAKROOM_DEV_PROVIDER_STATE || join(ROOT, 'target', 'dev-provider', 'state.json');
    const args = [join(HERE, 'provider', 'main.mjs'), '--port', String(devPort), '--state-file', stateFile];
    const provider = start('provider', process.execPath, args, settings);
    await untilHealthy(provider, { host: '127.0.0.1', port: devPort });
  }
  let api;
  if (apiPort !== undefined) {
    api = await startApi(apiBinary, apiPort, issuer, env);
    settings.CLOAKROOM_API_SAMPLE = api;
  }
  const cloakroom = start('cloakroom', binary, [], settings);
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[listen.host] ?? listen.host;
  await untilHealthy(cloakroom, { host, port: listen.port, hostHeader: publicUrl.host });
  output.open();
  const scopes = (settings.CLOAKROOM_SCOPES ?? '').split(' ');
  process.stdout.write(`${greeting({ publicUrl, issuer, development: devPort !== undefined, api, scopes })}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0));

main().catch((error) => {
  if (ending) return;
  // A program that ended reports itself, in `start`.
  if (programs.some((program) => program.ended)) return;
  process.stderr.write(`${[...output.rest(), error instanceof Refusal ? error.message : error.stack].join('\n')}\n`);
  end(1);
});
