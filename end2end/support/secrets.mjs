/**
 * The search for secrets: takes what the provider wrote down, in every form it could travel in, and looks for it in
 * what the browser was sent, in the addresses it went to, in what it keeps, and in the server's log.
 */
import { readFileSync } from 'node:fs';

/** What a browser must never be sent. A code is among it: it may only be in the address of the callback. */
export const HIDDEN_FROM_BROWSERS = ['client_secret', 'client_assertion', 'code', 'code_verifier', 'access_token',
  'refresh_token', 'id_token'];
/** What no log may have. */
export const HIDDEN_FROM_LOGS = [...HIDDEN_FROM_BROWSERS, 'state', 'nonce', 'cookie'];

const CALLBACK = '/auth/callback';
const LOGOUT = '/auth/logout';

/**
 * @typedef {{ kind: string, value: string }} Secret
 * @typedef {{ kind: string, form: string, text: string }} Needle
 */

/** @param {string} file the provider's record @returns {Secret[]} */
export const readRecord = (file) => readFileSync(file, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));

/** The part of base64 that is the same wherever in a longer text the value stands, for each of three positions. */
function base64Cores(value) {
  return [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(value)]);
    const usable = bytes.length - (bytes.length % 3);
    return bytes.subarray(0, usable).toString('base64').slice(offset === 0 ? 0 : 4);
  });
}

function forms(value) {
  const all = [
    ['as it is', value],
    ['percent-encoded', encodeURIComponent(value)],
    ['form-encoded', new URLSearchParams({ '': value }).toString().slice(1)],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(value))],
    ['hexadecimal', Buffer.from(value).toString('hex')],
    ['JSON', JSON.stringify(value).slice(1, -1)],
    ...base64Cores(value).flatMap((core) => [
      ['base64', core],
      ['base64url', core.replaceAll('+', '-').replaceAll('/', '_')],
      ['base64, percent-encoded', encodeURIComponent(core)],
    ]),
  ];
  const parts = value.split('.');
  if (parts.length === 3 && parts.every((part) => part.length > 20)) {
    all.push(['payload of the JWT', parts[1]], ['signature of the JWT', parts[2]]);
  }
  return all;
}

/** @param {Secret[]} secrets @param {string[]} kinds @returns {Needle[]} */
export function needles(secrets, kinds) {
  const found = new Map();
  for (const { kind, value } of secrets) {
    if (!kinds.includes(kind)) continue;
    for (const [form, text] of forms(value)) {
      if (text.length < 12) throw new Error(`a ${kind} of the record is too short to be searched for`);
      if (!found.has(text)) found.set(text, { kind, form, text });
    }
  }
  return [...found.values()];
}

/**
 * @param {string | Buffer} haystack
 * @param {Needle[]} wanted
 * @param {string} where  for the report
 * @returns {string[]}  one line for each kind and form that is there, without the value
 */
export function search(haystack, wanted, where) {
  const text = Buffer.isBuffer(haystack) ? haystack.toString('latin1') : haystack;
  const lower = text.toLowerCase();
  return wanted
    .filter(({ form, text: value }) => (form === 'hexadecimal' ? lower : text).includes(value))
    .map(({ kind, form }) => `${kind} (${form}) in ${where}`);
}

const headerText = (headers) => Object.entries(headers)
  .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join('\n') : value}`)
  .join('\n');

/** Takes the `id_token_hint` out of an address of the provider's end-session endpoint. */
function withoutHint(address, endSession) {
  if (!address?.startsWith(`${endSession}?`)) return { rest: address ?? '', hints: 0 };
  const url = new URL(address);
  const hints = url.searchParams.getAll('id_token_hint').length;
  url.searchParams.delete('id_token_hint');
  return { rest: url.href, hints };
}

/** Takes the code out of the address of the callback, the one place that may have it. */
function withoutCode(path) {
  const url = new URL(path, 'http://origin');
  if (url.pathname !== CALLBACK) return path;
  url.searchParams.delete('code');
  return url.pathname + url.search;
}

/**
 * Searches what went between browser and Cloakroom. The `id_token_hint` is excepted in one place: the 303 that answers
 * a form-posted sign-out, to the provider's end-session endpoint.
 *
 * @param {import('./front.mjs').Exchange[]} exchanges
 * @param {Secret[]} secrets
 * @param {string} endSession  address of the end-session endpoint
 * @returns {{ leaks: string[], hints: number }}
 */
export function searchExchanges(exchanges, secrets, endSession) {
  const wanted = needles(secrets, HIDDEN_FROM_BROWSERS);
  const leaks = [];
  let hints = 0;
  for (const { method, path, requestHeaders, status, headers, body } of exchanges) {
    const name = `${method} ${path.split('?', 1)[0]}`;
    let { location } = headers;
    if (method === 'POST' && path === LOGOUT && status === 303) {
      const found = withoutHint(location, endSession);
      location = found.rest;
      hints += found.hints;
    }
    leaks.push(
      ...search(withoutCode(path), wanted, `the address of ${name}`),
      ...search(headerText(requestHeaders), wanted, `the request headers of ${name}`),
      ...search(headerText({ ...headers, location: location ?? '' }), wanted, `the headers that answer ${name}`),
      ...search(body, wanted, `the body that answers ${name}`),
    );
  }
  return { leaks, hints };
}

/**
 * Searches every address the browser went to, whichever the site.
 *
 * @param {string[]} addresses
 * @param {Secret[]} secrets
 * @param {{ origin: string, endSession: string }} where
 * @returns {{ leaks: string[], hints: number }}
 */
export function searchAddresses(addresses, secrets, { origin, endSession }) {
  const wanted = needles(secrets, HIDDEN_FROM_BROWSERS);
  const leaks = [];
  let hints = 0;
  for (const address of addresses) {
    const found = withoutHint(address, endSession);
    hints += found.hints;
    const rest = found.rest.startsWith(`${origin}/`) ? withoutCode(found.rest.slice(origin.length)) : found.rest;
    leaks.push(...search(rest, wanted, `an address the browser went to (${address.split('?', 1)[0]})`));
  }
  return { leaks, hints };
}

/** The values of the cookies that Cloakroom set: no log may have them. @returns {Secret[]} */
export const cookiesSet = (exchanges) => exchanges
  .flatMap(({ headers }) => headers['set-cookie'] ?? [])
  .map((line) => line.split(';', 1)[0].split('=').slice(1).join('='))
  .filter((value) => value.length >= 16)
  .map((value) => ({ kind: 'cookie', value }));
