/**
 * The tests' own tools: a search that finds nothing has to be able to find something.
 * Run with `node --test support/support.test.mjs`.
 */
import assert from 'node:assert/strict';
import { randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { describe, test } from 'node:test';
import { brotliCompressSync, constants, createGzip, gzipSync } from 'node:zlib';

import { localhostCertificate } from './certificate.mjs';
import { Front } from './front.mjs';
import { freePort } from './processes.mjs';
import { cookiesSet, needles, search, searchAddresses, searchExchanges } from './secrets.mjs';

const part = () => randomBytes(40).toString('base64url');
const token = [part(), part(), part()].join('.');
const code = part();
const clientSecret = `${part()}+/% ~`;
const secrets = [
  { kind: 'id_token', value: token }, { kind: 'code', value: code }, { kind: 'client_secret', value: clientSecret },
];
const END_SESSION = 'http://127.0.0.1:9/oauth2/default/v1/logout';
const ORIGIN = 'http://localhost:8';
const exchange = (fields) => ({
  method: 'GET', path: '/', requestHeaders: {}, status: 200, headers: {}, body: Buffer.alloc(0), ...fields,
});
const leaksIn = (fields) => searchExchanges([exchange(fields)], secrets, END_SESSION).leaks;
const hint = (address) => `${address}?id_token_hint=${token}&post_logout_redirect_uri=x`;

describe('the search finds', () => {
  const wanted = needles(secrets, ['id_token', 'code', 'client_secret']);
  const placed = (text) => `<p data-x="1">${text}</p>`;
  const transformations = {
    'the value itself': (value) => value,
    'its percent-encoding': encodeURIComponent,
    'its form encoding': (value) => new URLSearchParams({ x: value }).toString(),
    'its JSON': (value) => JSON.stringify({ x: value }),
    'its hexadecimal': (value) => Buffer.from(value).toString('hex').toUpperCase(),
    'its base64': (value) => Buffer.from(value).toString('base64'),
    'base64 of a text around it': (value) => Buffer.from(`id:${value}`).toString('base64'),
    'base64 of another text around it': (value) => Buffer.from(`cloakroom:${value}x`).toString('base64'),
    'base64url of a text around it': (value) => Buffer.from(`{"x":"${value}"}`).toString('base64url'),
  };
  for (const [name, transform] of Object.entries(transformations)) {
    test(name, () => {
      for (const { kind, value } of secrets) {
        assert.ok(search(placed(transform(value)), wanted, 'here').some((line) => line.startsWith(kind)), kind);
      }
    });
  }

  test('a token\'s payload or signature alone', () => {
    const [, payload, signature] = token.split('.');
    assert.equal(search(placed(payload), wanted, 'here').length, 1);
    assert.equal(search(placed(signature), wanted, 'here').length, 1);
  });

  test('nothing where nothing is, and never tells the value', () => {
    assert.deepEqual(search(placed(part()), wanted, 'here'), []);
    assert.equal(search(token, wanted, 'here').join().includes(token), false);
  });
});

describe('what goes over the counter', () => {
  test('a token in a body, a header, a cookie or an address is a leak', () => {
    assert.ok(leaksIn({ body: Buffer.from(token) }).length > 0);
    assert.ok(leaksIn({ headers: { 'x-token': token } }).length > 0);
    assert.ok(leaksIn({ headers: { 'set-cookie': ['a=b', `c=${token}`] } }).length > 0);
    assert.ok(leaksIn({ path: `/?t=${token}` }).length > 0);
  });

  test('the code is allowed in the address of the callback, and nowhere else', () => {
    assert.deepEqual(leaksIn({ path: `/auth/callback?code=${code}&state=s` }), []);
    assert.ok(leaksIn({ path: `/auth/callback?state=${code}` }).length > 0);
    assert.ok(leaksIn({ path: `/profile?code=${code}` }).length > 0);
    assert.ok(leaksIn({ requestHeaders: { referer: `${ORIGIN}/auth/callback?code=${code}` } }).length > 0);
    const where = { origin: ORIGIN, endSession: END_SESSION };
    assert.deepEqual(searchAddresses([`${ORIGIN}/auth/callback?code=${code}`], secrets, where).leaks, []);
    assert.ok(searchAddresses([`http://localhost:9/auth/callback?code=${code}`], secrets, where).leaks.length > 0);
  });

  test('the hint is allowed in the answer to a form-posted sign-out, and nowhere else', () => {
    const signOut = { method: 'POST', path: '/auth/logout', status: 303, headers: { location: hint(END_SESSION) } };
    assert.deepEqual(searchExchanges([exchange(signOut)], secrets, END_SESSION), { leaks: [], hints: 1 });
    assert.ok(leaksIn({ ...signOut, status: 200 }).length > 0);
    assert.ok(leaksIn({ ...signOut, method: 'GET' }).length > 0);
    assert.ok(leaksIn({ ...signOut, path: '/' }).length > 0);
    assert.ok(leaksIn({ ...signOut, headers: { location: hint('http://127.0.0.1:9/elsewhere') } }).length > 0);
    assert.ok(leaksIn({ ...signOut, headers: { location: `${END_SESSION}?state=${token}` } }).length > 0);
    assert.ok(leaksIn({ ...signOut, body: Buffer.from(token) }).length > 0);
  });

  test('cookies are known by their values', () => {
    const exchanges = [exchange({ headers: { 'set-cookie': ['session=0123456789abcdef==; Path=/', 'short=1'] } })];
    assert.deepEqual(cookiesSet(exchanges), [{ kind: 'cookie', value: '0123456789abcdef==' }]);
  });
});

describe('the front', () => {
  async function upstream(handler) {
    const server = createServer(handler);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  const ask = (send, options) => new Promise((resolve, reject) => {
    const request = send({ host: '127.0.0.1', ...options }, async (response) => {
      const chunks = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) });
    });
    request.on('error', reject);
    request.end(options.body);
  });

  test('passes on host, cookies and bodies unchanged, and keeps what was sent, decoded', async () => {
    const server = await upstream((request, response) => {
      const body = JSON.stringify({ host: request.headers.host, url: request.url });
      response.writeHead(200, [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['content-encoding', 'gzip']].flat());
      response.end(gzipSync(body));
    });
    const port = await freePort();
    const front = new Front({ targetPort: server.address().port });
    await front.listen(port);
    const answer = await ask(httpRequest, { port, path: '/x?y=%2F', headers: { host: 'localhost:1' } });
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(front.exchanges.length, 1);
    assert.deepEqual(JSON.parse(front.exchanges[0].body), { host: 'localhost:1', url: '/x?y=%2F' });
    await front.close();
    server.close();
  });

  test('reads Brotli', async () => {
    const server = await upstream((_, response) => {
      response.writeHead(200, { 'content-encoding': 'br' }).end(brotliCompressSync('plain'));
    });
    const port = await freePort();
    const front = new Front({ targetPort: server.address().port });
    await front.listen(port);
    await ask(httpRequest, { port, path: '/' });
    assert.equal(front.exchanges[0].body.toString(), 'plain');
    await front.close();
    server.close();
  });

  test('speaks TLS with a certificate for localhost', async () => {
    const tls = localhostCertificate();
    const certificate = new X509Certificate(tls.cert);
    assert.equal(certificate.checkHost('localhost'), 'localhost');
    assert.ok(certificate.verify(certificate.publicKey));
    const server = await upstream((_, response) => response.end('over TLS'));
    const port = await freePort();
    const front = new Front({ targetPort: server.address().port, tls });
    await front.listen(port);
    const answer = await ask(httpsRequest, { port, path: '/', ca: tls.cert, servername: 'localhost', agent: false });
    assert.equal(answer.body.toString(), 'over TLS');
    await front.close();
    server.close();
  });

  test('outlives a browser that goes away in the middle of an answer', async () => {
    const server = await upstream((_, response) => response.write('the beginning'));
    const port = await freePort();
    const front = new Front({ targetPort: server.address().port });
    await front.listen(port);
    const request = httpRequest({ host: '127.0.0.1', port, path: '/', agent: false });
    request.on('error', () => undefined);
    request.end();
    const [response] = await once(request, 'response');
    response.on('error', () => undefined);
    await once(response, 'data');
    request.destroy();
    while (front.exchanges.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
    assert.equal(front.exchanges[0].body.toString(), 'the beginning');
    await front.close();
    server.close();
    server.closeAllConnections();
  });

  for (const encoding of ['identity', 'gzip']) {
    test(`shows what an event stream has brought before it ends, and does not wait for the end (${encoding})`, async () => {
      const server = await upstream((_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding });
        if (encoding === 'identity') return void response.write('data: first\n\n');
        const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH });
        gzip.pipe(response);
        gzip.write('data: first\n\n');
      });
      const port = await freePort();
      const front = new Front({ targetPort: server.address().port });
      await front.listen(port);
      const request = httpRequest({ host: '127.0.0.1', port, path: '/events', agent: false });
      request.on('error', () => undefined);
      request.end();
      const [response] = await once(request, 'response');
      response.on('error', () => undefined);
      await once(response, 'data');
      await front.settled(60_000);
      assert.equal(front.exchanges.length, 0);
      const [{ path, status, body }] = front.underWay;
      assert.deepEqual({ path, status, body: body.toString() }, { path: '/events', status: 200, body: 'data: first\n\n' });
      request.destroy();
      while (front.exchanges.length === 0) await new Promise((resolve) => { setImmediate(resolve); });
      assert.equal(front.exchanges[0].body.toString(), 'data: first\n\n');
      assert.deepEqual(front.underWay, []);
      await front.close();
      server.close();
      server.closeAllConnections();
    });
  }

  test('passes the head of an event stream on before the first event', async () => {
    const server = await upstream((_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders());
    const port = await freePort();
    const front = new Front({ targetPort: server.address().port });
    await front.listen(port);
    const request = httpRequest({ host: '127.0.0.1', port, path: '/', agent: false });
    request.on('error', () => undefined);
    request.end();
    const [response] = await once(request, 'response');
    response.on('error', () => undefined);
    assert.equal(response.statusCode, 200);
    request.destroy();
    await front.close();
    server.close();
    server.closeAllConnections();
  });

  test('says 502 while nobody is behind it', async () => {
    const port = await freePort();
    const front = new Front({ targetPort: await freePort() });
    await front.listen(port);
    assert.equal((await ask(httpRequest, { port, path: '/' })).status, 502);
    await front.close();
  });
});
