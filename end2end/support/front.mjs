/**
 * What stands between the browser and Cloakroom in the tests, and between Cloakroom and the API: passes every request on,
 * byte for byte, and keeps what was sent. With a certificate it is also the TLS front that a deployment has.
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

const { BROTLI_OPERATION_FLUSH, Z_SYNC_FLUSH, ZSTD_e_flush: ZSTD_FLUSH } = zlib.constants;
/** What reads each encoding, and what makes it content with the beginning. */
const DECODERS = {
  br: [zlib.brotliDecompressSync, BROTLI_OPERATION_FLUSH],
  gzip: [zlib.gunzipSync, Z_SYNC_FLUSH],
  deflate: [zlib.inflateSync, Z_SYNC_FLUSH],
  zstd: [zlib.zstdDecompressSync, ZSTD_FLUSH],
};

function decoded(body, encoding, { whole }) {
  if (body.length === 0 || !encoding || encoding === 'identity') return body;
  const [decode, beginning] = DECODERS[encoding] ?? [];
  if (!decode) throw new Error(`cannot read content-encoding ${encoding}`);
  return decode(body, whole ? {} : { finishFlush: beginning });
}

const isEventStream = ({ headers }) => headers['content-type']?.startsWith('text/event-stream') ?? false;

export class Front {
  /** @type {Exchange[]} */
  exchanges = [];

  /** @type {http.Server} */
  #server;

  #target;

  /**
   * Answers that are on their way.
   *
   * @type {Map<http.IncomingMessage, { request: http.IncomingMessage, chunks: Buffer[], closed: Promise<unknown> }>}
   */
  #open = new Map();

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

  /** Waits, at most `milliseconds`, for the answers that are on their way; not for event streams, which do not end. */
  async settled(milliseconds = 2000) {
    const deadline = new Promise((resolve) => { setTimeout(resolve, milliseconds).unref(); });
    const ending = [...this.#open].filter(([answer]) => !isEventStream(answer)).map(([, { closed }]) => closed);
    await Promise.race([Promise.all(ending), deadline]);
  }

  /** What was sent so far of the answers that are on their way. @returns {Exchange[]} */
  get underWay() {
    return [...this.#open].map(([answer, { request, chunks }]) => this.#exchange(request, answer, chunks));
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
      const closed = new Promise((resolve) => { answer.on('close', resolve); });
      this.#open.set(answer, { request, chunks, closed });
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      // An event stream's head comes before its first event.
      response.flushHeaders();
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('close', () => {
        this.#open.delete(answer);
        this.exchanges.push(this.#exchange(request, answer, chunks));
      });
      answer.pipe(response);
      response.on('close', () => upstream.destroy());
    });
    upstream.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'content-type': 'text/plain' }).end('The application is not there.');
    });
    request.pipe(upstream);
  }

  /** @returns {Exchange} */
  #exchange(request, answer, chunks) {
    const raw = Buffer.concat(chunks);
    let body = raw;
    try {
      body = decoded(raw, answer.headers['content-encoding'], { whole: answer.complete });
    } catch (error) {
      // A browser that went away leaves half an answer; what cannot be read is searched as it is.
      if (answer.complete) throw error;
    }
    return {
      method: request.method,
      path: request.url,
      requestHeaders: request.headers,
      status: answer.statusCode,
      headers: answer.headers,
      body,
    };
  }
}
