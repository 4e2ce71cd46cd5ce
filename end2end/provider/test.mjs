/**
 * The development identity provider, seen from a relying party: what Okta does, it does.
 * Run with `npm run test:tools`.
 */
import assert from 'node:assert/strict';
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { text } from './access-token.mjs';
import { accounts } from './accounts.mjs';
import { levels } from './levels.mjs';
import { startProvider } from './server.mjs';

const PUBLIC_URL = 'http://localhost:3999';
const CALLBACK = `${PUBLIC_URL}/auth/callback`;
const CLIENT_ID = 'cloakroom-test';
const CLIENT_SECRET = 'a secret with +, / and % in it';
const [alice, bob, carol] = accounts;
const [ONE_FACTOR, PASSWORD, TWO_FACTORS] = levels;

const folder = mkdtempSync(join(tmpdir(), 'cloakroom-provider-'));
const record = join(folder, 'record.jsonl');
const settings = { port: 0, publicUrl: PUBLIC_URL, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET };
let provider;
let metadata;

before(async () => {
  provider = await startProvider({ ...settings, record });
  metadata = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
});
after(async () => {
  await provider.close();
  rmSync(folder, { recursive: true });
});

/** A browser without JavaScript: cookies by path, redirects one at a time. */
class Browser {
  #cookies = new Map();

  async request(url, init = {}) {
    const { pathname } = new URL(url);
    const cookie = [...this.#cookies.values()]
      .filter(({ path }) => pathname.startsWith(path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { accept: 'text/html', ...init.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split('; ');
      const [name, value] = pair.split('=');
      const path = attributes.find((attribute) => attribute.startsWith('path='))?.slice(5) ?? '/';
      if (value) this.#cookies.set(`${name} ${path}`, { name, value, path });
      else this.#cookies.delete(`${name} ${path}`);
    }
    return response;
  }

  /** Follows redirects until they leave the provider, or a page comes. */
  async follow(url, init) {
    let response = await this.request(url, init);
    let location = response.headers.get('location');
    while (location && new URL(location, url).origin === new URL(url).origin) {
      url = new URL(location, url).href;
      response = await this.request(url);
      location = response.headers.get('location');
    }
    return { response, url, location };
  }
}

function authorizationRequest(overrides = {}) {
  const verifier = randomBytes(32).toString('base64url');
  const url = new URL(metadata.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: CLIENT_ID,
    response_type: 'code',
    scope: 'openid profile email groups offline_access',
    redirect_uri: CALLBACK,
    state: randomBytes(16).toString('base64url'),
    nonce: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...overrides,
  });
  return { verifier, url };
}

const form = (fields) => ({
  method: 'POST',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body: new URLSearchParams(fields),
});

const basic = `Basic ${Buffer.from(`${CLIENT_ID}:${encodeURIComponent(CLIENT_SECRET)}`).toString('base64')}`;
const asClient = (endpoint, fields) => {
  const init = form(fields);
  return fetch(endpoint, { ...init, headers: { ...init.headers, authorization: basic, accept: 'application/json' } });
};

/** What each page asks for, by its heading. */
const ANSWERS = {
  'Sign in': ({ email, password }) => ({ email, password, action: 'sign-in' }),
  'Confirm it is you': ({ code }) => ({ code, action: 'confirm' }),
};

/** Signs in through the forms; answers the parameters of the callback, and the headings of the pages that came. */
async function walk(browser, request, account = alice) {
  const asked = [];
  let page = await browser.follow(request.url.href);
  while (!page.location) {
    assert.equal(page.response.status, 200);
    const [, heading] = /<h1>(.+)<\/h1>/.exec(await page.response.text());
    asked.push(heading);
    page = await browser.follow(page.url, form(ANSWERS[heading](account)));
  }
  assert.ok(page.location.startsWith(CALLBACK), `back to the callback, not ${page.location}`);
  return { answer: new URL(page.location).searchParams, asked };
}

const signIn = async (...args) => (await walk(...args)).answer;

const exchange = (code, verifier) => asClient(metadata.token_endpoint, {
  grant_type: 'authorization_code', code, code_verifier: verifier, redirect_uri: CALLBACK,
});

async function tokensFor(browser = new Browser(), account = alice, overrides = {}) {
  const request = authorizationRequest(overrides);
  const answer = await signIn(browser, request, account);
  const response = await exchange(answer.get('code'), request.verifier);
  assert.equal(response.status, 200);
  return { ...await response.json(), nonce: request.url.searchParams.get('nonce') };
}

const part = (jwt, index) => JSON.parse(Buffer.from(jwt.split('.')[index], 'base64url').toString());

async function verified(jwt) {
  const { keys } = await (await fetch(metadata.jwks_uri)).json();
  const jwk = keys.find(({ kid }) => kid === part(jwt, 0).kid);
  const [head, body, signature] = jwt.split('.');
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  assert.ok(verify('sha256', Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url')), 'signature');
  return part(jwt, 1);
}

describe('metadata', () => {
  test('names the issuer and the paths of an Okta custom authorization server', () => {
    assert.match(provider.issuer, /^http:\/\/127\.0\.0\.1:\d+\/oauth2\/default$/);
    assert.equal(metadata.issuer, provider.issuer);
    const paths = {
      authorization_endpoint: 'authorize', token_endpoint: 'token', jwks_uri: 'keys', userinfo_endpoint: 'userinfo',
      end_session_endpoint: 'logout', introspection_endpoint: 'introspect', revocation_endpoint: 'revoke',
    };
    for (const [name, path] of Object.entries(paths)) assert.equal(metadata[name], `${provider.issuer}/v1/${path}`);
    for (const scope of ['openid', 'profile', 'email', 'groups', 'offline_access']) {
      assert.ok(metadata.scopes_supported.includes(scope));
    }
    assert.deepEqual(metadata.code_challenge_methods_supported, ['S256']);
  });

  test('is the same under the OAuth path (RFC 8414) and for another host name', async () => {
    const url = new URL(provider.issuer);
    const oauth = await fetch(`${url.origin}/.well-known/oauth-authorization-server${url.pathname}`);
    assert.deepEqual(await oauth.json(), metadata);
    const otherHost = await new Promise((resolve, reject) => {
      const path = `${url.pathname}/.well-known/openid-configuration`;
      get({ host: url.hostname, port: url.port, path, headers: { host: 'elsewhere.example' } }, resolve).on('error', reject);
    });
    assert.deepEqual(JSON.parse(await text(otherHost)), metadata);
  });

  test('/healthz answers', async () => {
    assert.equal((await fetch(`${new URL(provider.issuer).origin}/healthz`)).status, 200);
  });
});

describe('sign-in page', () => {
  test('works without scripts, loads nothing, and lets the form lead to the application', async () => {
    const page = await new Browser().follow(authorizationRequest({ login_hint: 'bob@example.com' }).url.href);
    const html = await page.response.text();
    assert.doesNotMatch(html, /<script|https?:\/\/(?!localhost)/);
    assert.match(html, /value="bob@example.com"/);
    const policy = page.response.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /form-action 'self' http:\/\/localhost:3999/);
  });

  test('a wrong password stays on the form and keeps the email; the right one then signs in', async () => {
    const browser = new Browser();
    const request = authorizationRequest();
    const page = await browser.follow(request.url.href);
    for (const password of ['', 'wrong', bob.password]) {
      const { response, location } = await browser.follow(page.url, form({ email: alice.email, password, action: 'sign-in' }));
      assert.equal(response.status, 422);
      assert.equal(location, null);
      const html = await response.text();
      assert.match(html, /role="alert"/);
      assert.match(html, /value="alice@example.com"/);
    }
    const { location } = await browser.follow(page.url, form({ email: ' ALICE@example.com', password: alice.password }));
    assert.ok(new URL(location).searchParams.get('code'));
  });

  test('what was typed is escaped', async () => {
    const browser = new Browser();
    const page = await browser.follow(authorizationRequest().url.href);
    const { response } = await browser.follow(page.url, form({ email: '"><script>alert(1)</script>', password: 'x' }));
    assert.doesNotMatch(await response.text(), /<script/);
  });

  test('cancel answers access_denied with the state', async () => {
    const browser = new Browser();
    const request = authorizationRequest();
    const page = await browser.follow(request.url.href);
    const { location } = await browser.follow(page.url, form({ action: 'cancel' }));
    const answer = new URL(location).searchParams;
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('state'), request.url.searchParams.get('state'));
    assert.equal(answer.get('iss'), provider.issuer);
  });

  test('an old or foreign form address is a page with a way back', async () => {
    const page = await new Browser().follow(authorizationRequest().url.href);
    const response = await new Browser().request(page.url);
    assert.equal(response.status, 400);
    assert.match(await response.text(), /Back to the application/);
  });

  test('two tabs at once both sign in', async () => {
    const browser = new Browser();
    const first = authorizationRequest();
    const second = authorizationRequest();
    const pages = [await browser.follow(first.url.href), await browser.follow(second.url.href)];
    for (const [index, { url }] of pages.entries()) {
      const { location } = await browser.follow(url, form({ email: alice.email, password: alice.password }));
      const answer = new URL(location).searchParams;
      assert.equal(answer.get('state'), [first, second][index].url.searchParams.get('state'));
      assert.ok(answer.get('code'));
    }
  });

  test('a signed-in person is not asked again; prompt=login asks, and may change the person', async () => {
    const browser = new Browser();
    await tokensFor(browser, alice);
    const silent = authorizationRequest({ prompt: 'none' });
    const { location } = await browser.follow(silent.url.href);
    assert.ok(new URL(location).searchParams.get('code'));
    const again = await tokensFor(browser, bob, { prompt: 'login' });
    assert.equal(part(again.id_token, 1).email, bob.email);
  });

  test('prompt=none without a session answers login_required', async () => {
    const { location } = await new Browser().follow(authorizationRequest({ prompt: 'none' }).url.href);
    assert.equal(new URL(location).searchParams.get('error'), 'login_required');
  });
});

describe('authorization request', () => {
  test('a redirect URI that is not registered is a page here, never a redirect', async () => {
    for (const uri of ['http://localhost:3999/other', 'http://localhost:4000/auth/callback']) {
      const { response, location } = await new Browser().follow(authorizationRequest({ redirect_uri: uri }).url.href);
      assert.equal(response.status, 400);
      assert.equal(location, null);
    }
  });

  test('without PKCE, or with plain, it is refused', async () => {
    for (const overrides of [{ code_challenge: '', code_challenge_method: '' }, { code_challenge_method: 'plain' }]) {
      const { location } = await new Browser().follow(authorizationRequest(overrides).url.href);
      assert.equal(new URL(location).searchParams.get('error'), 'invalid_request');
    }
  });
});

describe('second factor', () => {
  const strong = { acr_values: TWO_FACTORS };
  const essential = (values) => ({ claims: JSON.stringify({ id_token: { acr: { essential: true, values } } }) });
  /** What a walk brings: the claims of both tokens, and the pages it took. */
  const walked = async (browser, account, overrides) => {
    const request = authorizationRequest(overrides);
    const { answer, asked } = await walk(browser, request, account);
    const tokens = await (await exchange(answer.get('code'), request.verifier)).json();
    return { asked, tokens, id: await verified(tokens.id_token), access: await verified(tokens.access_token) };
  };
  /** Waits for the second hand: times in tokens are whole seconds. */
  const nextSecond = () => new Promise((resolve) => { setTimeout(resolve, 1000 - (Date.now() % 1000) + 20); });

  test('the metadata has the three levels', () => {
    assert.deepEqual(metadata.acr_values_supported, [ONE_FACTOR, PASSWORD, TWO_FACTORS]);
  });

  test('comes after the password, and both tokens say so', async () => {
    for (const overrides of [strong, essential([TWO_FACTORS]), { claims: JSON.stringify({ id_token: { acr: { essential: true, value: TWO_FACTORS } } }) }]) {
      const { asked, id, access } = await walked(new Browser(), alice, overrides);
      assert.deepEqual(asked, ['Sign in', 'Confirm it is you']);
      assert.equal(id.acr, TWO_FACTORS);
      assert.deepEqual(id.amr, ['pwd', 'otp']);
      assert.equal(access.acr, TWO_FACTORS);
      assert.equal(access.auth_time, id.auth_time);
    }
  });

  test('comes alone where the person has a session, and is news: auth_time is that of the code', async () => {
    const browser = new Browser();
    const before = await walked(browser, alice);
    assert.equal(before.access.acr, PASSWORD);
    await nextSecond();
    const after = await walked(browser, alice, { ...strong, max_age: '300' });
    assert.deepEqual(after.asked, ['Confirm it is you']);
    assert.ok(after.access.auth_time > before.access.auth_time);
    assert.equal(after.id.sub, alice.sub);
  });

  test('is not asked for again while the session lasts, nor by who did not ask', async () => {
    const browser = new Browser();
    await walked(browser, alice, strong);
    assert.deepEqual((await walked(browser, alice, { ...strong, max_age: '300' })).asked, []);
    const { asked, access } = await walked(browser, alice);
    assert.deepEqual(asked, []);
    assert.equal(access.acr, TWO_FACTORS);
  });

  test('prompt=login and max_age=0 ask for everything again, and renew auth_time', async () => {
    const browser = new Browser();
    const before = await walked(browser, alice, strong);
    for (const overrides of [{ prompt: 'login' }, { max_age: '0' }]) {
      await nextSecond();
      const after = await walked(browser, alice, { ...strong, ...overrides });
      assert.deepEqual(after.asked, ['Sign in', 'Confirm it is you'], JSON.stringify(overrides));
      assert.ok(after.id.auth_time > before.id.auth_time);
    }
    assert.deepEqual((await walked(browser, alice, { max_age: '0' })).asked, ['Sign in'], 'within the same second');
  });

  test('a session older than max_age signs in again', async () => {
    const browser = new Browser();
    await walked(browser, alice, strong);
    await nextSecond();
    await nextSecond();
    assert.deepEqual((await walked(browser, alice, { ...strong, max_age: '1' })).asked, ['Sign in', 'Confirm it is you']);
  });

  test('the level is told in the words of the request', async () => {
    const browser = new Browser();
    for (const [acrValues, told, pages] of [
      [ONE_FACTOR, ONE_FACTOR, ['Sign in']],
      [`urn:unknown ${PASSWORD}`, PASSWORD, []],
      [`${TWO_FACTORS} ${PASSWORD}`, TWO_FACTORS, ['Confirm it is you']],
      [PASSWORD, PASSWORD, []],
      ['urn:unknown', TWO_FACTORS, []],
    ]) {
      const { asked, id, access } = await walked(browser, alice, { acr_values: acrValues });
      assert.deepEqual([id.acr, access.acr], [told, told], acrValues);
      assert.deepEqual(asked, pages, acrValues);
    }
  });

  test('a wrong code is told, and may be tried again', async () => {
    const browser = new Browser();
    await tokensFor(browser);
    const page = await browser.follow(authorizationRequest(strong).url.href);
    for (const code of ['', '000000', bob.code, `${alice.code}0`]) {
      const { response, location } = await browser.follow(page.url, form({ code, action: 'confirm' }));
      assert.equal(response.status, 422);
      assert.equal(location, null);
      const html = await response.text();
      assert.match(html, /role="alert"/);
      assert.match(html, /alice@example\.com/);
    }
    const { location } = await browser.follow(page.url, form({ code: ' 314 159', action: 'confirm' }));
    assert.ok(new URL(location).searchParams.get('code'));
  });

  test('a cancelled one answers access_denied, and the session is what it was', async () => {
    const browser = new Browser();
    await tokensFor(browser);
    const request = authorizationRequest(strong);
    const page = await browser.follow(request.url.href);
    const { location } = await browser.follow(page.url, form({ action: 'cancel' }));
    const answer = new URL(location).searchParams;
    assert.equal(answer.get('error'), 'access_denied');
    assert.equal(answer.get('state'), request.url.searchParams.get('state'));
    const { asked, access } = await walked(browser, alice);
    assert.deepEqual(asked, []);
    assert.equal(access.acr, PASSWORD);
  });

  test('an account without one answers unmet_authentication_requirements', async () => {
    for (const overrides of [strong, essential([TWO_FACTORS]), essential(['urn:unknown'])]) {
      const browser = new Browser();
      const { answer, asked } = await walk(browser, authorizationRequest(overrides), carol);
      assert.deepEqual(asked, ['Sign in']);
      assert.equal(answer.get('error'), 'unmet_authentication_requirements');
      assert.equal(answer.get('iss'), provider.issuer);
      const again = await walk(browser, authorizationRequest(overrides), carol);
      assert.deepEqual(again.asked, [], 'nothing that could be asked would help');
      assert.equal(again.answer.get('error'), 'unmet_authentication_requirements');
    }
    const { id } = await walked(new Browser(), carol, { acr_values: `${TWO_FACTORS} ${ONE_FACTOR}` });
    assert.equal(id.acr, ONE_FACTOR, 'what is liked less will do');
  });

  test('prompt=none never shows the form', async () => {
    const browser = new Browser();
    await tokensFor(browser);
    const { answer, asked } = await walk(browser, authorizationRequest({ ...strong, prompt: 'none' }));
    assert.deepEqual(asked, []);
    assert.equal(answer.get('error'), 'interaction_required');
  });

  test('a refreshed token, and introspection, have the level and the time of the first one', async () => {
    const { tokens, access } = await walked(new Browser(), alice, strong);
    await nextSecond();
    const renewed = await (await asClient(metadata.token_endpoint, {
      grant_type: 'refresh_token', refresh_token: tokens.refresh_token,
    })).json();
    const claims = await verified(renewed.access_token);
    const introspected = await (await asClient(metadata.introspection_endpoint, { token: renewed.access_token })).json();
    for (const { acr, auth_time: time } of [claims, introspected]) {
      assert.equal(acr, TWO_FACTORS);
      assert.equal(time, access.auth_time);
    }
    assert.equal((await verified(renewed.id_token)).acr, TWO_FACTORS);
  });
});

describe('tokens', () => {
  test('the ID token names the person, with profile, email and groups, and hashes the access token', async () => {
    const tokens = await tokensFor();
    const claims = await verified(tokens.id_token);
    assert.equal(claims.iss, provider.issuer);
    assert.equal(claims.aud, CLIENT_ID);
    assert.equal(claims.nonce, tokens.nonce);
    assert.deepEqual(claims.amr, ['pwd']);
    assert.match(claims.jti, /^ID\./);
    assert.ok(Number.isInteger(claims.auth_time));
    const { password, code, ...expected } = alice;
    for (const [claim, value] of Object.entries(expected)) assert.deepEqual(claims[claim], value, claim);
    for (const secret of [password, code]) assert.equal(JSON.stringify(claims).includes(secret), false);
    const hash = createHash('sha256').update(tokens.access_token).digest();
    assert.equal(claims.at_hash, hash.subarray(0, 16).toString('base64url'));
  });

  test('the access token is Okta\'s: a JWT for api://default with cid, uid and scp', async () => {
    const tokens = await tokensFor();
    assert.equal(tokens.token_type, 'Bearer');
    assert.equal(tokens.expires_in, 3600);
    assert.deepEqual(Object.keys(part(tokens.access_token, 0)).sort(), ['alg', 'kid']);
    const claims = await verified(tokens.access_token);
    assert.equal(claims.aud, 'api://default');
    assert.equal(claims.cid, CLIENT_ID);
    assert.equal(claims.uid, alice.sub);
    assert.equal(claims.sub, alice.email);
    assert.deepEqual([...claims.scp].sort(), ['email', 'groups', 'offline_access', 'openid', 'profile']);
    assert.equal(claims.exp - claims.iat, 3600);
    assert.equal(claims.acr, PASSWORD);
    assert.equal(claims.auth_time, part(tokens.id_token, 1).auth_time);
    assert.match(claims.jti, /^AT\./);
  });

  test('scopes decide what is told', async () => {
    const tokens = await tokensFor(new Browser(), alice, { scope: 'openid email' });
    const claims = part(tokens.id_token, 1);
    assert.equal(claims.email, alice.email);
    assert.equal(claims.name, undefined);
    assert.equal(claims.groups, undefined);
    assert.equal(tokens.refresh_token, undefined);
  });

  test('the scopes of the sample API are granted as asked', async () => {
    for (const scope of ['openid messages:read', 'openid messages:read messages:write']) {
      const tokens = await tokensFor(new Browser(), alice, { scope });
      assert.equal(tokens.scope, scope);
      assert.deepEqual(part(tokens.access_token, 1).scp, scope.split(' '));
    }
    assert.ok(metadata.scopes_supported.includes('messages:write'));
  });

  test('userinfo accepts the access token, and nothing that only resembles it', async () => {
    const tokens = await tokensFor();
    const ask = (token) => fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${token}` } });
    const claims = await (await ask(tokens.access_token)).json();
    assert.equal(claims.sub, alice.sub);
    assert.deepEqual(claims.groups, alice.groups);
    assert.equal(claims.jti, undefined);
    const id = part(tokens.access_token, 1).jti.replace('AT.', '');
    for (const token of [id, `AT.${id}`, tokens.id_token, `${tokens.access_token}x`, 'x']) {
      assert.equal((await ask(token)).status, 401);
    }
  });

  test('a code is good once; used twice, its tokens end', async () => {
    const request = authorizationRequest();
    const answer = await signIn(new Browser(), request);
    const first = await (await exchange(answer.get('code'), request.verifier)).json();
    const second = await exchange(answer.get('code'), request.verifier);
    assert.equal(second.status, 400);
    assert.equal((await second.json()).error, 'invalid_grant');
    const response = await fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${first.access_token}` } });
    assert.equal(response.status, 401);
  });

  test('a code needs its verifier, its redirect URI and the client\'s secret', async () => {
    const request = authorizationRequest();
    const answer = await signIn(new Browser(), request);
    const code = answer.get('code');
    assert.equal((await exchange(code, randomBytes(32).toString('base64url'))).status, 400);
    const init = form({ grant_type: 'authorization_code', code, code_verifier: request.verifier, redirect_uri: CALLBACK });
    const wrong = `Basic ${Buffer.from(`${CLIENT_ID}:wrong`).toString('base64')}`;
    const refused = await fetch(metadata.token_endpoint, { ...init, headers: { ...init.headers, authorization: wrong } });
    assert.equal(refused.status, 401);
    assert.equal((await exchange(code, request.verifier)).status, 200);
  });

  test('a code ends after the time that was set', async () => {
    const quick = await startProvider({ ...settings, codeTtl: 1 });
    const previous = metadata;
    try {
      metadata = await (await fetch(`${quick.issuer}/.well-known/openid-configuration`)).json();
      const request = authorizationRequest();
      const answer = await signIn(new Browser(), request);
      await new Promise((resolve) => { setTimeout(resolve, 2100); });
      const response = await exchange(answer.get('code'), request.verifier);
      assert.equal(response.status, 400);
      assert.equal((await response.json()).error, 'invalid_grant');
    } finally {
      metadata = previous;
      await quick.close();
    }
  });

  test('offline_access brings a refresh token without a question, which changes at every use', async () => {
    const tokens = await tokensFor();
    assert.ok(tokens.refresh_token);
    const refresh = (token) => asClient(metadata.token_endpoint, { grant_type: 'refresh_token', refresh_token: token });
    const renewed = await (await refresh(tokens.refresh_token)).json();
    assert.notEqual(renewed.refresh_token, tokens.refresh_token);
    assert.notEqual(renewed.access_token, tokens.access_token);
    assert.equal((await verified(renewed.access_token)).uid, alice.sub);
    assert.equal((await verified(renewed.id_token)).auth_time, part(tokens.id_token, 1).auth_time);
    const replayed = await refresh(tokens.refresh_token);
    assert.equal(replayed.status, 400);
    assert.equal((await replayed.json()).error, 'invalid_grant');
  });

  test('introspection and revocation take the JWT', async () => {
    const tokens = await tokensFor();
    const introspect = async (token) => (await asClient(metadata.introspection_endpoint, { token })).json();
    const active = await introspect(tokens.access_token);
    assert.equal(active.active, true);
    assert.equal(active.client_id, CLIENT_ID);
    assert.equal(active.uid, alice.sub);
    assert.equal(active.username, alice.email);
    assert.equal(active.aud, 'api://default');
    assert.equal((await introspect(tokens.refresh_token)).active, true);
    assert.deepEqual(await introspect(tokens.id_token), { active: false });
    assert.equal((await asClient(metadata.revocation_endpoint, { token: tokens.access_token })).status, 200);
    assert.deepEqual(await introspect(tokens.access_token), { active: false });
    assert.equal((await asClient(metadata.revocation_endpoint, { token: 'unknown' })).status, 200);
  });
});

describe('logout', () => {
  const logout = (browser, fields) => {
    const url = new URL(metadata.end_session_endpoint);
    url.search = new URLSearchParams(fields);
    return browser.follow(url.href);
  };

  test('with a valid hint it asks nothing, ends the session, and goes back with the state', async () => {
    const browser = new Browser();
    const { id_token: hint } = await tokensFor(browser);
    const { location, response } = await logout(browser, {
      id_token_hint: hint, post_logout_redirect_uri: `${PUBLIC_URL}/`, state: 'a b',
    });
    assert.equal(response.status, 303);
    assert.equal(location, `${PUBLIC_URL}/?state=a+b`);
    const { location: next } = await browser.follow(authorizationRequest({ prompt: 'none' }).url.href);
    assert.equal(new URL(next).searchParams.get('error'), 'login_required');
  });

  test('with a valid hint and nobody signed in it goes back, too', async () => {
    const { id_token: hint } = await tokensFor();
    const { location } = await logout(new Browser(), { id_token_hint: hint, post_logout_redirect_uri: `${PUBLIC_URL}/` });
    assert.equal(location, `${PUBLIC_URL}/`);
  });

  test('without a hint it asks', async () => {
    const browser = new Browser();
    await tokensFor(browser);
    const { response, location } = await logout(browser, {});
    assert.equal(location, null);
    assert.match(await response.text(), /Stay signed in/);
  });

  test('a hint for somebody else, a broken hint and a foreign address are refused, and the session stays', async () => {
    const browser = new Browser();
    const { id_token: own } = await tokensFor(browser);
    const { id_token: foreign } = await tokensFor(new Browser(), bob);
    for (const fields of [
      { id_token_hint: foreign, post_logout_redirect_uri: `${PUBLIC_URL}/` },
      { id_token_hint: `${own}x`, post_logout_redirect_uri: `${PUBLIC_URL}/` },
      { id_token_hint: own, post_logout_redirect_uri: 'http://localhost:3999/elsewhere' },
    ]) {
      const { response, location } = await logout(browser, fields);
      assert.equal(response.status, 400);
      assert.equal(location, null);
    }
    const { location } = await browser.follow(authorizationRequest({ prompt: 'none' }).url.href);
    assert.ok(new URL(location).searchParams.get('code'));
  });
});

describe('process', () => {
  test('the record holds what was issued and received', async () => {
    const request = authorizationRequest();
    const answer = await signIn(new Browser(), request);
    const tokens = await (await exchange(answer.get('code'), request.verifier)).json();
    const lines = readFileSync(record, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
    const values = (kind) => lines.filter((line) => line.kind === kind).map(({ value }) => value);
    assert.ok(values('client_secret').includes(CLIENT_SECRET));
    assert.ok(values('code').includes(answer.get('code')));
    assert.ok(values('code_verifier').includes(request.verifier));
    assert.ok(values('state').includes(request.url.searchParams.get('state')));
    for (const kind of ['access_token', 'refresh_token', 'id_token']) assert.ok(values(kind).includes(tokens[kind]), kind);
    const requests = () => readFileSync(record, 'utf8').trim().split('\n').map((line) => JSON.parse(line))
      .filter(({ kind }) => kind === 'token_request').map(({ value, status }) => `${value} ${status}`);
    assert.equal(requests().at(-1), 'authorization_code 200');
    const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
    for (const expected of [200, 400]) {
      await asClient(metadata.token_endpoint, refresh);
      assert.equal(requests().at(-1), `refresh_token ${expected}`);
    }
  });

  test('with a state file, keys and tokens outlive a restart', async () => {
    const stateFile = join(folder, 'state', 'provider.json');
    const previous = metadata;
    const first = await startProvider({ ...settings, stateFile });
    metadata = await (await fetch(`${first.issuer}/.well-known/openid-configuration`)).json();
    const tokens = await tokensFor();
    await first.close();
    const second = await startProvider({ ...settings, port: first.port, stateFile });
    try {
      // The connections of the first are gone; the client notices at its next request at the latest.
      await fetch(metadata.jwks_uri).catch(() => undefined);
      await verified(tokens.access_token);
      const renewed = await asClient(metadata.token_endpoint, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token });
      assert.equal(renewed.status, 200);
    } finally {
      metadata = previous;
      await second.close();
    }
  });

  test('a taken port is an error that says so', async () => {
    await assert.rejects(startProvider({ ...settings, port: provider.port }), { code: 'EADDRINUSE' });
  });
});
