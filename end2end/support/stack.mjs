/**
 * One Cloakroom with its own store, its own provider, its own sample API and a front before each of the two that answer
 * calls, on free ports. `strict` is the most that a provider asks for: assertions signed with a key of the client's own,
 * requests pushed, answers posted, userinfo signed.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { localhostCertificate } from './certificate.mjs';
import { Front } from './front.mjs';
import { freePort, Program, untilHealthy } from './processes.mjs';
import { readRecord } from './secrets.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const END2END = resolve(HERE, '..');
const BINARY = resolve(END2END, process.env.CLOAKROOM_BIN || '../target/release/cloakroom');
const API_BINARY = resolve(END2END, process.env.CLOAKROOM_DEV_API_BIN || '../target/release/examples/messages');
const SITE = resolve(END2END, process.env.CLOAKROOM_SITE || '../target/site');

export const ARTIFACTS = join(END2END, 'artifacts');

export const SCOPES = 'openid profile email groups offline_access messages:read messages:write';

const CLIENT_ID = 'cloakroom-browser-tests';

const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CLOAKROOM_')));

export class Stack {
  /** Between the browser and Cloakroom. @type {Front} */
  front;

  /** Between Cloakroom and the sample API. @type {Front} */
  api;

  #folder = mkdtempSync(join(tmpdir(), 'cloakroom-browser-'));

  #scheme;

  #name;

  /** @type {Program} */
  #provider;

  /** @type {Program} */
  #messages;

  #apiPort = 0;

  /** @type {Program} */
  #cloakroom;

  #cloakroomPort = 0;

  #accessTokenTtl;

  #scopes;

  #clientSecret = `${randomBytes(24).toString('base64url')}+/%~`;

  #clientKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /**
   * @param {object} options
   * @param {'http' | 'https'} options.scheme
   * @param {string} options.name  of the log files
   * @param {boolean} [options.strict]
   * @param {number} [options.accessTokenTtl]  seconds
   * @param {string} [options.scopes]  what Cloakroom asks for
   */
  constructor({ scheme, name, strict = false, accessTokenTtl = 3600, scopes = SCOPES }) {
    this.#scheme = scheme;
    this.strict = strict;
    this.#name = name;
    this.#accessTokenTtl = accessTokenTtl;
    this.#scopes = scopes;
  }

  get #recordFile() {
    return join(this.#folder, 'record.jsonl');
  }

  #logFile(program) {
    return join(ARTIFACTS, 'logs', `${this.#name}-${program}.log`);
  }

  #program(name, command, args, env) {
    const file = this.#logFile(name);
    return new Program(name, command, args, {
      env: { ...inherited, ...env },
      cwd: this.#folder,
      onLine: (line) => appendFileSync(file, `${line}\n`),
    });
  }

  async start() {
    mkdirSync(join(ARTIFACTS, 'logs'), { recursive: true });
    for (const program of ['provider', 'api', 'cloakroom']) writeFileSync(this.#logFile(program), '');
    const port = await freePort();
    this.origin = `${this.#scheme}://localhost:${port}`;
    this.#cloakroomPort = await freePort();
    await this.#startProvider();
    await this.#startApi();
    await this.#startCloakroom();
    const tls = this.#scheme === 'https' ? localhostCertificate() : undefined;
    this.front = new Front({ targetPort: this.#cloakroomPort, tls });
    await this.front.listen(port);
  }

  async #startProvider() {
    const port = await freePort();
    this.issuer = `http://127.0.0.1:${port}/oauth2/default`;
    this.endSession = `${this.issuer}/v1/logout`;
    this.#provider = this.#program('provider', process.execPath, [
      join(END2END, 'provider', 'main.mjs'), '--port', String(port), '--public-url', this.origin, '--record', this.#recordFile,
      '--token-ttl', String(this.#accessTokenTtl),
      ...(this.strict ? ['--require-par', '--client-metadata', JSON.stringify(this.#clientMetadata())] : []),
    ], { CLOAKROOM_CLIENT_ID: CLIENT_ID, CLOAKROOM_CLIENT_SECRET: this.#clientSecret });
    await this.#answering(this.#provider, { host: '127.0.0.1', port });
  }

  async #startApi() {
    const port = await freePort();
    this.#messages = this.#program('api', API_BINARY, [], {
      MESSAGES_ISSUER: this.issuer, MESSAGES_LISTEN: `127.0.0.1:${port}`,
    });
    await this.#answering(this.#messages, { host: '127.0.0.1', port });
    this.#apiPort = await freePort();
    this.api = new Front({ targetPort: port });
    await this.api.listen(this.#apiPort);
  }

  #clientMetadata() {
    const key = { ...this.#clientKey.publicKey.export({ format: 'jwk' }), kid: 'browser-tests', use: 'sig', alg: 'ES256' };
    return {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      userinfo_signed_response_alg: 'RS256',
      // The provider would not trust the front's certificate.
      ...(this.#scheme === 'https' ? { jwks: { keys: [key] } } : { jwks_uri: `${this.origin}/auth/jwks.json` }),
    };
  }

  #clientSettings() {
    if (!this.strict) return { CLOAKROOM_CLIENT_SECRET: this.#clientSecret };
    const file = join(this.#folder, 'client-key.json');
    const key = { ...this.#clientKey.privateKey.export({ format: 'jwk' }), kid: 'browser-tests' };
    writeFileSync(file, JSON.stringify(key), { mode: 0o600 });
    return { CLOAKROOM_CLIENT_KEY_FILE: file, CLOAKROOM_RESPONSE_MODE: 'form_post' };
  }

  async #startCloakroom() {
    this.#cloakroom = this.#program('cloakroom', BINARY, [], {
      CLOAKROOM_ISSUER: this.issuer,
      CLOAKROOM_CLIENT_ID: CLIENT_ID,
      ...this.#clientSettings(),
      CLOAKROOM_PUBLIC_URL: this.origin,
      CLOAKROOM_LISTEN: `127.0.0.1:${this.#cloakroomPort}`,
      CLOAKROOM_STORE: `sqlite:${join(this.#folder, 'sessions.db')}`,
      CLOAKROOM_SCOPES: this.#scopes,
      CLOAKROOM_API_SAMPLE: `http://127.0.0.1:${this.#apiPort}/api`,
      CLOAKROOM_SITE: SITE,
      // The search reads the log: it has to find nothing where the server says the most.
      CLOAKROOM_LOG: process.env.CLOAKROOM_LOG || 'debug',
      XDG_STATE_HOME: this.#folder,
    });
    await this.#answering(this.#cloakroom, {
      host: '127.0.0.1', port: this.#cloakroomPort, hostHeader: new URL(this.origin).host,
    });
  }

  async #answering(program, where) {
    try {
      await untilHealthy(program, where);
    } catch (error) {
      await program.stop();
      throw new Error(`${error.message} Its log:\n${readFileSync(this.#logFile(program.name), 'utf8').slice(-4000)}`);
    }
  }

  /** Ends Cloakroom as a deployment does (SIGTERM), and starts it again with the same store. */
  async restart() {
    await this.#cloakroom.stop();
    if (this.#cloakroom.code !== 0) throw new Error(`Cloakroom ended with ${this.#cloakroom.how}, not 0, after SIGTERM`);
    await this.#startCloakroom();
  }

  /** Does something while nobody listens at the API's address. @param {() => Promise<void>} meanwhile */
  async withoutApi(meanwhile) {
    await this.api.close();
    try {
      await meanwhile();
    } finally {
      await this.api.listen(this.#apiPort);
    }
  }

  /** The calls of this kind that came to the API, and their answers, until now. @param {string} method */
  calls(method, path = '/api/messages') {
    return this.api.exchanges.filter((exchange) => exchange.method === method && exchange.path === path);
  }

  /** Everything the provider issued and received until now. */
  secrets() {
    return readRecord(this.#recordFile);
  }

  /** What each refresh that the provider was asked for until now was answered with. @returns {number[]} */
  refreshes() {
    return this.secrets().filter(({ kind, value }) => kind === 'token_request' && value === 'refresh_token')
      .map(({ status }) => status);
  }

  /** When the access token that was issued last is over, in Unix milliseconds. */
  accessTokenEnds() {
    const { value } = this.secrets().findLast(({ kind }) => kind === 'access_token');
    return JSON.parse(Buffer.from(value.split('.')[1], 'base64url')).exp * 1000;
  }

  /** Ends what the provider lets Cloakroom renew, as an administrator there does (RFC 7009). */
  async revokeRefreshToken() {
    const { value } = this.secrets().findLast(({ kind }) => kind === 'refresh_token');
    const basic = [CLIENT_ID, this.#clientSecret].map(encodeURIComponent).join(':');
    const answer = await fetch(`${this.issuer}/v1/revoke`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
      body: new URLSearchParams({ token: value }),
    });
    if (!answer.ok) throw new Error(`the provider revokes nothing: ${answer.status}`);
  }

  /** What Cloakroom and the API have logged until now. */
  log() {
    return ['cloakroom', 'api'].map((program) => readFileSync(this.#logFile(program), 'utf8')).join('\n');
  }

  async stop() {
    await this.front?.close();
    await this.#cloakroom?.stop();
    await this.api?.close();
    await this.#messages?.stop();
    await this.#provider?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
