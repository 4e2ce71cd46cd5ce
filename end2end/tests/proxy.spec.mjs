/**
 * The proxy as pages meet it: what lets a call through, what the API is told, what comes back, and what pages of other
 * origins get, which is nothing.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';

import { expect, test } from '../support/fixtures.mjs';
import { alice, callApi, endSession, newText, openBoard, post, signIn } from '../support/walk.mjs';

const MESSAGES = '/api/sample/messages';
const refusedOnConsole = (status) => new RegExp(`status of ${status} .*/api/`);

/** A call that a page makes without our client. */
const bare = (page, path, init = {}) => page.evaluate(async ([address, options]) => {
  const answer = await fetch(address, options);
  return { status: answer.status, code: answer.headers.get('cloakroom-error'), body: await answer.json() };
}, [path, init]);

test('a call without X-CSRF is refused before anything else', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole(403));
  await signIn(page, stack);
  const before = stack.api.exchanges.length;
  for (const [path, init] of [
    [MESSAGES],
    [MESSAGES, { headers: { 'X-CSRF': '0' } }],
    [MESSAGES, { headers: { 'X-CSRF': '1, 1' } }],
    [MESSAGES, { method: 'POST', body: '{"text":"x"}', headers: { 'content-type': 'application/json' } }],
    [MESSAGES, { method: 'DELETE' }],
    ['/api/no-such-api/messages'],
  ]) {
    const { status, code, body } = await bare(page, path, init);
    expect({ status, code }, JSON.stringify([path, init])).toEqual({ status: 403, code: 'csrf_header_missing' });
    expect(body).toMatchObject({ status: 403, code: 'csrf_header_missing' });
  }
  expect(stack.api.exchanges).toHaveLength(before);
});

test('an address of the proxy in the address bar shows no answer of the API', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole(403));
  await signIn(page, stack);
  const before = stack.api.exchanges.length;
  const answer = await page.goto(MESSAGES);
  expect(answer.status()).toBe(403);
  expect(answer.headers()['cloakroom-error']).toBe('csrf_header_missing');
  expect(stack.api.exchanges).toHaveLength(before);
});

test('a visitor\'s call answers 401 with the way to sign in, and not with a page', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole(401));
  await page.goto('/');
  const before = stack.api.exchanges.length;
  const { status, headers, body } = await callApi(page, MESSAGES);
  expect(status).toBe(401);
  expect(headers['content-type']).toContain('application/problem+json');
  expect(headers['cloakroom-error']).toBe('signed_out');
  expect(body.code).toBe('signed_out');
  expect(JSON.stringify(body)).toContain('/auth/login');
  expect(stack.api.exchanges).toHaveLength(before);
});

test('what is not configured is not called', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole('40[03]'));
  await signIn(page, stack);
  const before = stack.api.exchanges.length;
  for (const path of ['/api/other/messages', '/api/sample/%2Fmessages', '/api/sample//messages', '/api/sample/messages;x=1']) {
    const { status, headers } = await callApi(page, path);
    expect([400, 403], path).toContain(status);
    expect(headers['cloakroom-error'], path).toBeTruthy();
  }
  expect(stack.api.exchanges).toHaveLength(before);
});

test('the API is told what the page said, and nothing of the browser', async ({ page, stack }) => {
  await signIn(page, stack);
  const text = newText();
  const { status, headers, body } = await callApi(page, `${MESSAGES}?page=1&q=%2F`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer forged', 'x-forwarded-for': '203.0.113.9' },
    body: JSON.stringify({ text }),
  });
  expect(status).toBe(201);
  expect(body.text).toBe(text);
  expect(headers).not.toHaveProperty('cloakroom-error');
  expect(headers['x-content-type-options']).toBe('nosniff');

  const call = stack.calls('POST', '/api/messages?page=1&q=%2F').at(-1);
  expect(call.requestHeaders.authorization).toMatch(/^Bearer ey/);
  expect(call.requestHeaders['content-type']).toBe('application/json');
  for (const name of ['cookie', 'origin', 'referer', 'x-csrf', 'x-forwarded-for', 'sec-fetch-site', 'sec-fetch-mode']) {
    expect(call.requestHeaders, name).not.toHaveProperty(name);
  }
  const { uid, scp } = JSON.parse(Buffer.from(call.requestHeaders.authorization.split('.')[1], 'base64url'));
  expect(uid).toBe(alice.sub);
  expect(scp).toEqual(expect.arrayContaining(['messages:read', 'messages:write']));
});

test('what the API refuses comes through as it is, told apart from refusals of ours', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole('4(01|04|22)'));
  await signIn(page, stack);
  const json = { 'content-type': 'application/json' };
  const empty = await callApi(page, MESSAGES, { method: 'POST', headers: json, body: '{"text":" "}' });
  expect(empty).toMatchObject({ status: 422, body: { code: 'text_empty' } });
  const unknown = await callApi(page, '/api/sample/nothing-here');
  expect(unknown).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const weak = await callApi(page, MESSAGES, { method: 'DELETE' });
  expect(weak.status).toBe(401);
  expect(weak.headers['www-authenticate']).toContain('error="insufficient_user_authentication"');
  expect(weak.headers['www-authenticate']).toContain('acr_values="urn:okta:loa:2fa:any"');
  for (const { headers } of [empty, unknown, weak]) expect(headers).not.toHaveProperty('cloakroom-error');
});

test('while nobody answers at the API\'s address, the answer is 502 and ours', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole(502));
  await signIn(page, stack);
  await stack.withoutApi(async () => {
    const { status, headers, body } = await callApi(page, MESSAGES);
    expect(status).toBe(502);
    expect(headers['cloakroom-error']).toBe('upstream_unreachable');
    expect(body.code).toBe('upstream_unreachable');
  });
  expect((await callApi(page, MESSAGES)).status).toBe(200);
});

test('an event stream needs no header from a page of this origin, and ends with the session', async ({ page, context, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole(401));
  await signIn(page, stack);
  const heard = page.evaluate(() => new Promise((resolve) => {
    const events = [];
    const source = new EventSource('/api/sample/events');
    source.addEventListener('open', () => { window.listening = true; });
    source.addEventListener('message', ({ data }) => events.push(JSON.parse(data).text));
    source.addEventListener('error', () => {
      if (source.readyState === EventSource.CLOSED) resolve(events);
    });
  }));
  await expect.poll(() => page.evaluate(() => window.listening)).toBe(true);
  const other = await context.newPage();
  await other.goto('/');
  const text = newText();
  await post(other, text);
  const stream = () => watch.exchanges.find(({ path, status }) => path === '/api/sample/events' && status === 200);
  await expect.poll(() => stream().body.toString()).toContain(text);
  expect(await endSession(other)).toBe(204);
  expect(await heard, 'the stream ends, comes again, and is refused').toContain(text);
  const refused = () => watch.exchanges.find(({ path, status }) => path === '/api/sample/events' && status === 401);
  await expect.poll(() => refused()?.headers['cloakroom-error']).toBe('signed_out');
});

test('no answer that came through the proxy has a token, and none of what the browser is sent', async ({ page, stack, watch }) => {
  watch.expectConsoleError(refusedOnConsole('4(01|04|22)'));
  await openBoard(page, stack);
  await post(page, newText());
  await callApi(page, MESSAGES, { method: 'DELETE' });
  await callApi(page, '/api/sample/nothing-here');
  const proxied = watch.exchanges.filter(({ path }) => path.startsWith('/api/'));
  const types = proxied.map(({ headers }) => headers['content-type']?.split(';')[0]);
  for (const type of ['application/json', 'application/problem+json', 'text/event-stream']) {
    expect(types, `${type} was among what was searched`).toContain(type);
  }
  for (const { headers } of proxied) {
    for (const name of Object.keys(headers)) expect(name).not.toMatch(/^(set-cookie|access-control-.*|clear-site-data|service-worker-allowed)$/);
  }
  const sent = stack.api.exchanges.map(({ requestHeaders }) => requestHeaders.authorization?.split(' ')[1]).filter(Boolean);
  const known = new Set(stack.secrets().filter(({ kind }) => kind === 'access_token').map(({ value }) => value));
  expect(sent.length).toBeGreaterThan(0);
  expect(sent.every((token) => known.has(token)), 'the search knows every token that was sent to the API').toBe(true);
  const { leaks } = await watch.searchForSecrets();
  expect(leaks).toEqual([]);
});

test.describe('a page of another origin', () => {
  /** @type {import('node:http').Server} */
  let server;

  test.beforeAll(async () => {
    server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  test.afterAll(() => server.close());

  // The first is another origin of the same site: Lax cookies come with its requests.
  for (const host of ['localhost', '127.0.0.1']) {
    test(`gets nothing of an API, and does nothing (${host})`, async ({ page, stack, watch }) => {
      watch.expectConsoleError(/CORS policy|net::ERR_(FAILED|BLOCKED_BY_RESPONSE)|status of 40[0-9] .*\/(api|auth)\//);
      await signIn(page, stack);
      const before = stack.api.exchanges.length;
      const from = stack.front.exchanges.length;
      await page.goto(`http://${host}:${server.address().port}/`);
      const outcomes = await page.evaluate(async (origin) => {
        const read = (path, init) => fetch(origin + path, { credentials: 'include', ...init })
          .then((answer) => (answer.type === 'opaque' ? 'nothing' : `read ${answer.status}`), () => 'nothing');
        const listened = new Promise((resolve) => {
          const source = new EventSource(`${origin}/api/sample/events`, { withCredentials: true });
          source.addEventListener('open', () => resolve('opened'));
          source.addEventListener('error', () => resolve('nothing'));
        });
        const headers = { 'X-CSRF': '1' };
        return {
          simple: await read('/api/sample/messages'),
          withHeader: await read('/api/sample/messages', { headers }),
          posted: await read('/api/sample/messages', { method: 'POST', mode: 'no-cors', body: '{"text":"from elsewhere"}' }),
          deleted: await read('/api/sample/messages', { method: 'DELETE', headers }),
          session: await read('/auth/session'),
          listened: await listened,
        };
      }, stack.origin);
      expect(new Set(Object.values(outcomes)), JSON.stringify(outcomes)).toEqual(new Set(['nothing']));
      await stack.front.settled();
      expect(stack.api.exchanges, 'the API hears nothing of it').toHaveLength(before);
      const answers = stack.front.exchanges.slice(from).filter(({ path }) => path.startsWith('/api/'));
      expect(answers.map(({ method }) => method)).toEqual(expect.arrayContaining(['GET', 'OPTIONS', 'POST']));
      for (const { method, status, headers } of answers) {
        expect(status, method).toBeGreaterThanOrEqual(400);
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control-')), method).toEqual([]);
      }
      await page.goto('/');
      expect((await callApi(page, MESSAGES)).status, 'and the person is still signed in').toBe(200);
    });
  }
});
