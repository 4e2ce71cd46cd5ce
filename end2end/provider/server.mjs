/**
 * The HTTP server around the provider: binds the loopback interface only, mounts the provider under Okta's path, and
 * serves the sign-in page, `/healthz` and RFC 8414 metadata beside it.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { messagePage, pageHeaders } from './pages.mjs';
import { createProvider, MOUNT } from './provider.mjs';
import { Recorder } from './record.mjs';
import { signInHandler } from './sign-in.mjs';
import { Store } from './store.mjs';

const HOST = '127.0.0.1';

/** @returns {{ jwk: any, cookieKeys: string[], entries: [string, any][] }} */
function freshState() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = randomBytes(12).toString('base64url');
  return {
    jwk: { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' },
    cookieKeys: [randomBytes(32).toString('base64url')],
    entries: [],
  };
}

function loadState(file) {
  if (!file) return freshState();
  try {
    const state = JSON.parse(readFileSync(file, 'utf8'));
    return state.jwk?.d && Array.isArray(state.cookieKeys) && Array.isArray(state.entries) ? state : freshState();
  } catch {
    return freshState();
  }
}

function saveState(file, state) {
  if (!file) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(state), { mode: 0o600 });
}

/**
 * @typedef {object} ServerOptions
 * @property {number} port          0 picks a free one
 * @property {string} publicUrl
 * @property {string} clientId
 * @property {string} clientSecret
 * @property {number} [codeTtl]     seconds, default 60
 * @property {number} [accessTokenTtl]  seconds, default 3600
 * @property {object} [clientMetadata]  what the client is registered with beside the usual
 * @property {boolean} [requirePar]  authorization requests must be pushed, default false
 * @property {string} [record]      file for what was issued and received
 * @property {string} [stateFile]   file that keeps keys, sessions and tokens over a restart
 * @property {(line: string) => void} [log]
 */

/**
 * Starts the provider. Rejects with the listening error (`EADDRINUSE`) where the port is taken.
 *
 * @param {ServerOptions} options
 * @returns {Promise<{ issuer: string, port: number, close: () => Promise<void> }>}
 */
export async function startProvider({ port, stateFile, record, log = () => {}, ...options }) {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, 'listening');

  const publicUrl = options.publicUrl.replace(/\/+$/, '');
  const host = `${HOST}:${server.address().port}`;
  const issuer = `http://${host}${MOUNT}`;
  const { jwk, cookieKeys, entries } = loadState(stateFile);
  const store = new Store(entries);
  const save = () => saveState(stateFile, { jwk, cookieKeys, entries: store.dump() });
  save();
  const provider = createProvider({
    codeTtl: 60,
    accessTokenTtl: 3600,
    clientMetadata: {},
    requirePar: false,
    ...options,
    issuer,
    publicUrl,
    jwk,
    cookieKeys,
    store,
    recorder: new Recorder(record),
    log,
  });
  const answer = provider.callback();
  const signIn = signInHandler(provider, { publicUrl, log });
  const headers = pageHeaders(publicUrl);

  const route = async (req, res) => {
    // Endpoints in the metadata are written from this header: they have to be the issuer's.
    req.headers.host = host;
    const path = req.url.split('?', 1)[0];
    if (path === '/healthz') {
      res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end('{"status":"ok"}');
    } else if (path.startsWith(`${MOUNT}/signin/`)) {
      req.originalUrl = path;
      await signIn(req, res);
    } else if (path.startsWith(`${MOUNT}/`)) {
      req.originalUrl = req.url;
      req.url = req.url.slice(MOUNT.length);
      answer(req, res);
    } else if (path === `/.well-known/oauth-authorization-server${MOUNT}`) {
      req.url = '/.well-known/oauth-authorization-server';
      req.originalUrl = MOUNT + req.url;
      answer(req, res);
    } else {
      res.writeHead(path === '/' ? 200 : 404, headers).end(messagePage(path === '/'
        ? {
          title: 'Development identity provider',
          text: 'It signs people in to the application. Start there; this page has nothing more to show.',
          detail: issuer,
          back: publicUrl,
        }
        : { title: 'Page not found', text: 'There is nothing at this address.', back: publicUrl }));
    }
  };

  server.on('request', (req, res) => {
    route(req, res).catch((error) => {
      if (!error.expose) log(`Provider error: ${error.stack ?? error.message}`);
      if (res.headersSent) return void res.destroy();
      res.writeHead(error.status ?? 500, headers).end(messagePage({
        title: 'That did not work', text: 'The request cannot be answered.', back: publicUrl,
      }));
    });
  });

  return {
    issuer,
    port: server.address().port,
    async close() {
      save();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
