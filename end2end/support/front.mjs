/**
 * What stands between the browser and Cloakroom in the tests: passes every request on, byte for byte, and keeps what
 * the browser was sent. With a certificate it is also the TLS front that a deployment has.
 */
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import * as zlib from 'node:zlib';

/**
 * @typedef {object} Exchange
 * @property {string} method
 * @property {string} path            with the query
 * @property {http.IncomingHttpHeaders} requestHeaders
 * @property {number} status
 * @property {http.IncomingHttpHeaders} headers   `set-cookie` is a list
 * @property {Buffer} body            decoded
 */

const DECODERS = { br: zlib.brotliDecompressSync, gzip: zlib.gunzipSync, deflate: zlib.inflateSync };

function decoded(body, encoding) {
  if (body.length === 0 || !encoding || encoding === 'identity') return body;
  const decode = DECODERS[encoding] ?? zlib.zstdDecompressSync;
  if (!decode || (encoding !== 'zstd' && !DECODERS[encoding])) throw new Error(`cannot read content-encoding ${encoding}`);
  return decode(body);
}

export class Front {
  /** @type {Exchange[]} */
  exchanges = [];

  /** @type {http.Server} */
  #server;

  #target;

  /** Answers that are on their way. @type {Set<Promise<unknown>>} */
  #open = new Set();

  /** @param {{ targetPort: number, tls?: { key: string, cert: string } }} options */
  constructor({ targetPort, tls }) {
    this.#target = targetPort;
    const handler = (request, response) => this.#pass(request, response);
    this.#server = tls ? https.createServer(tls, handler) : http.createServer(handler);
  }

  /** @param {number} port on 127.0.0.1 */
  async listen(port) {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close() {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  /** Waits for the answers that are on their way; an event stream has until `milliseconds` are over. */
  async settled(milliseconds = 2000) {
    const deadline = new Promise((resolve) => { setTimeout(resolve, milliseconds).unref(); });
    await Promise.race([Promise.all(this.#open), deadline]);
  }

  #pass(request, response) {
    const upstream = http.request({
      host: '127.0.0.1',
      port: this.#target,
      method: request.method,
      path: request.url,
      headers: request.rawHeaders,
      agent: false,
    });
    upstream.on('response', (answer) => {
      const chunks = [];
      // A browser that goes away aborts the answer; it closes all the same.
      answer.on('error', () => response.destroy());
      const finished = new Promise((resolve) => { answer.on('close', resolve); }).then(() => this.#open.delete(finished));
      this.#open.add(finished);
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('close', () => this.#keep(request, answer, Buffer.concat(chunks)));
      answer.pipe(response);
      response.on('close', () => upstream.destroy());
    });
    upstream.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'content-type': 'text/plain' }).end('The application is not there.');
    });
    request.pipe(upstream);
  }

  #keep(request, answer, raw) {
    let body = raw;
    try {
      body = decoded(raw, answer.headers['content-encoding']);
    } catch (error) {
      // A browser that went away leaves half an answer; what cannot be read whole is searched as it is.
      if (answer.complete) throw error;
    }
    this.exchanges.push({
      method: request.method,
      path: request.url,
      requestHeaders: request.headers,
      status: answer.statusCode,
      headers: answer.headers,
      body,
    });
  }
}
