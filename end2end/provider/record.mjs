/**
 * A record of everything that must never reach a browser or a log, for the tests that search for it, and of every token
 * request, for those that count. One JSON object a line: `{"kind":"access_token","value":"..."}`,
 * `{"kind":"token_request","value":"refresh_token","status":200}`. Written only where `--record` names a file.
 */
import { appendFileSync, writeFileSync } from 'node:fs';

/**
 * @typedef {'client_secret' | 'code' | 'code_verifier' | 'access_token' | 'refresh_token' | 'id_token' | 'state' |
 *   'nonce' | 'client_assertion'} Kind
 */

export class Recorder {
  #file;

  #seen = new Set();

  /** @param {string | undefined} file absent: nothing is kept */
  constructor(file) {
    this.#file = file;
    if (file) writeFileSync(file, '', { mode: 0o600 });
  }

  /** @param {Kind} kind @param {unknown} value */
  note(kind, value) {
    if (!this.#file || typeof value !== 'string' || value === '') return;
    const key = `${kind} ${value}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#write({ kind, value });
  }

  /** @param {unknown} grantType @param {number} status what it was answered with */
  tokenRequest(grantType, status) {
    if (this.#file) this.#write({ kind: 'token_request', value: String(grantType), status });
  }

  #write(line) {
    appendFileSync(this.#file, `${JSON.stringify(line)}\n`);
  }

  /** @param {Record<string, unknown> | undefined} fields names that are kinds are noted, others ignored */
  noteAll(fields) {
    for (const kind of ['client_secret', 'code', 'code_verifier', 'access_token', 'refresh_token', 'id_token', 'state',
      'nonce', 'client_assertion']) {
      this.note(kind, fields?.[kind]);
    }
  }
}

/**
 * Koa middleware that notes what each request brought and each answer took away.
 *
 * @param {Recorder} recorder
 */
export const recording = (recorder) => async (ctx, next) => {
  await next();
  if (!ctx.oidc) return;
  const { route, body, params } = ctx.oidc;
  if (route === 'authorization') recorder.noteAll({ state: params?.state, nonce: params?.nonce });
  if (route === 'authorization' || route === 'resume') {
    const location = ctx.response.get('location');
    if (location) recorder.note('code', new URL(location, ctx.href).searchParams.get('code'));
    // response_mode=form_post: a page with the answer's fields.
    if (typeof ctx.body === 'string') recorder.note('code', /name="code" value="([^"]+)"/.exec(ctx.body)?.[1]);
  }
  if (route === 'pushed_authorization_request') recorder.noteAll(body);
  if (route === 'token' || route === 'introspection' || route === 'revocation') {
    recorder.noteAll(body);
    if (route === 'token') {
      recorder.noteAll(ctx.body);
      recorder.tokenRequest(body?.grant_type, ctx.status);
    }
  }
  if (route === 'end_session') recorder.note('id_token', params?.id_token_hint);
};
