/**
 * One Cloakroom with its own store, its own provider and a front before it, on free ports. `strict` is the most that a
 * provider asks for: assertions signed with a key of the client's own, requests pushed, answers posted, userinfo signed.
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
const SITE = resolve(END2END, process.env.CLOAKROOM_SITE || '../target/site');

export const ARTIFACTS = join(END2END, 'artifacts');

const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CLOAKROOM_')));

export class Stack {
  /** @type {Front} */
  front;

  #folder = mkdtempSync(join(tmpdir(), 'cloakroom-browser-'));

  #scheme;

  #name;

  /** @type {Program} */
  #provider;

  /** @type {Program} */
  #cloakroom;

  #cloakroomPort = 0;

  #clientSecret = `${randomBytes(24).toString('base64url')}+/%~`;

  #clientKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  /** @param {{ scheme: 'http' | 'https', name: string, strict?: boolean }} options the name is that of the log files */
  constructor({ scheme, name, strict = false }) {
    this.#scheme = scheme;
    this.strict = strict;
    this.#name = name;
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
    for (const program of ['provider', 'cloakroom']) writeFileSync(this.#logFile(program), '');
    const port = await freePort();
    this.origin = `${this.#scheme}://localhost:${port}`;
    this.#cloakroomPort = await freePort();
    await this.#startProvider();
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
      ...(this.strict ? ['--require-par', '--client-metadata', JSON.stringify(this.#clientMetadata())] : []),
    ], { CLOAKROOM_CLIENT_ID: 'cloakroom-browser-tests', CLOAKROOM_CLIENT_SECRET: this.#clientSecret });
    await this.#answering(this.#provider, { host: '127.0.0.1', port });
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
      CLOAKROOM_CLIENT_ID: 'cloakroom-browser-tests',
      ...this.#clientSettings(),
      CLOAKROOM_PUBLIC_URL: this.origin,
      CLOAKROOM_LISTEN: `127.0.0.1:${this.#cloakroomPort}`,
      CLOAKROOM_STORE: `sqlite:${join(this.#folder, 'sessions.db')}`,
      CLOAKROOM_SCOPES: 'openid profile email groups offline_access',
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

  /** Everything the provider issued and received until now. */
  secrets() {
    return readRecord(this.#recordFile);
  }

  /** Cloakroom's log until now. */
  log() {
    return readFileSync(this.#logFile('cloakroom'), 'utf8');
  }

  async stop() {
    await this.front?.close();
    await this.#cloakroom?.stop();
    await this.#provider?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

