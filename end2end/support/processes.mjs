/**
 * Starting programs, waiting until they answer, and ending them: shared by `run.mjs` and the browser tests.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * Whether somebody could listen there now.
 *
 * @param {string} host
 * @param {number} port
 */
export async function canListen(host, port) {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch (error) {
    // A host without IPv6 cannot have a program in the way there.
    return error.code === 'EADDRNOTAVAIL' || error.code === 'EAFNOSUPPORT';
  } finally {
    server.close();
  }
}

/** A port on the loopback interface that nobody listens on at the moment. */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const status = (host, port, hostHeader) => new Promise((resolve) => {
  const request = get({ host, port, path: '/healthz', headers: { host: hostHeader }, agent: false, timeout: 2000 }, (response) => {
    response.resume();
    resolve(response.statusCode);
  });
  request.on('timeout', () => request.destroy());
  request.on('error', () => resolve(undefined));
});

const pause = (milliseconds) => new Promise((resolve) => { setTimeout(resolve, milliseconds); });

/**
 * Waits until `/healthz` answers 200, the program ends, or the time is over.
 *
 * @param {Program} program
 * @param {{ host: string, port: number, hostHeader?: string, seconds?: number }} where
 */
export async function untilHealthy(program, { host, port, hostHeader = `${host}:${port}`, seconds = 30 }) {
  const deadline = Date.now() + seconds * 1000;
  while (!program.ended) {
    if (await status(host, port, hostHeader) === 200) return;
    if (Date.now() > deadline) throw new Error(`${program.name} does not answer on port ${port} after ${seconds} seconds.`);
    await pause(100);
  }
  throw new Error(`${program.name} ended during its start (${program.how}).`);
}

/** A child process, with its output line by line. */
export class Program {
  /** @type {string} how it ended, in words */
  how = '';

  ended = false;

  /** @type {number | null} */
  code = null;

  /**
   * @param {string} name
   * @param {string} command
   * @param {string[]} args
   * @param {{ env: NodeJS.ProcessEnv, cwd: string, onLine?: (line: string) => void }} options
   */
  constructor(name, command, args, { env, cwd, onLine = () => {} }) {
    this.name = name;
    this.child = spawn(command, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const outputs = [this.child.stdout, this.child.stderr].map((stream) => {
      const lines = createInterface({ input: stream });
      lines.on('line', onLine);
      return once(lines, 'close');
    });
    const exit = new Promise((resolve) => {
      this.child.on('error', (error) => resolve([null, error.message]));
      this.child.on('exit', (code, signal) => resolve([code, signal ?? `exit code ${code}`]));
    });
    this.finished = exit.then(async ([code, how]) => {
      this.ended = true;
      this.code = code;
      this.how = how;
      if (this.child.pid !== undefined) await Promise.all(outputs);
    });
  }

  /** Asks it to end, insists after `seconds`, and waits until it has. */
  async stop({ signal = 'SIGTERM', seconds = 10 } = {}) {
    if (!this.ended) {
      this.child.kill(signal);
      const insist = setTimeout(() => this.child.kill('SIGKILL'), seconds * 1000);
      await this.finished;
      clearTimeout(insist);
    }
    await this.finished;
  }
}
