/**
 * The test function of every browser test. Each worker has a stack of its own; each test ends with three checks that
 * nobody has to ask for: no console error, no violation of the Content-Security-Policy, and no secret in anything the
 * browser got or the server logged.
 */
import { expect, test as base } from '@playwright/test';

import {
  cookiesSet, HIDDEN_FROM_BROWSERS, HIDDEN_FROM_LOGS, needles, search, searchAddresses, searchExchanges,
} from './secrets.mjs';
import { Stack } from './stack.mjs';

export { expect };

/** What one test's browser did, and what it was sent. */
class Watch {
  /** Console errors that the test provokes. @type {RegExp[]} */
  expected = [];

  /** @type {string[]} */
  #errors = [];

  /** @type {string[]} */
  #addresses = [];

  #from;

  /** @param {Stack} stack @param {import('@playwright/test').BrowserContext} context */
  constructor(stack, context) {
    this.stack = stack;
    this.context = context;
    this.#from = stack.front.exchanges.length;
    context.on('request', (request) => this.#addresses.push(request.url()));
    context.on('console', (message) => {
      if (message.type() === 'error') this.#errors.push(`${message.text()} (${message.location().url})`);
    });
    context.on('weberror', (error) => this.#errors.push(String(error.error())));
  }

  /** For a test that provokes an error of the console. @param {RegExp} pattern */
  expectConsoleError(pattern) {
    this.expected.push(pattern);
  }

  /** What went between this test's browser and Cloakroom. */
  get exchanges() {
    return this.stack.front.exchanges.slice(this.#from);
  }

  /** Every address this test's browser went to, the provider's too. */
  get addresses() {
    return [...this.#addresses];
  }

  get unexpectedErrors() {
    return this.#errors.filter((error) => !this.expected.some((pattern) => pattern.test(error)));
  }

  /** What the browser keeps: cookies, both storages, `document.cookie`. */
  async #kept() {
    const kept = [JSON.stringify(await this.context.storageState())];
    for (const page of this.context.pages()) {
      if (!page.url().startsWith(this.stack.origin)) continue;
      kept.push(await page.evaluate(() => JSON.stringify([
        document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML,
      ])));
    }
    return kept.join('\n');
  }

  /** @returns {Promise<{ leaks: string[], hints: { answered: number, followed: number } }>} */
  async searchForSecrets() {
    await this.stack.front.settled();
    const secrets = this.stack.secrets();
    const sent = searchExchanges(this.exchanges, secrets, this.stack.endSession);
    const gone = searchAddresses(this.#addresses, secrets, this.stack);
    const kept = search(await this.#kept(), needles(secrets, HIDDEN_FROM_BROWSERS), 'what the browser keeps');
    const unlogged = [...secrets, ...cookiesSet(this.stack.front.exchanges)];
    const logged = search(this.stack.log(), needles(unlogged, HIDDEN_FROM_LOGS), 'the log');
    return {
      leaks: [...sent.leaks, ...gone.leaks, ...kept, ...logged],
      hints: { answered: sent.hints, followed: gone.hints },
    };
  }
}

/**
 * @type {import('@playwright/test').TestType<
 *   import('@playwright/test').PlaywrightTestArgs & import('@playwright/test').PlaywrightTestOptions & { watch: Watch },
 *   import('@playwright/test').PlaywrightWorkerArgs & import('@playwright/test').PlaywrightWorkerOptions
 *     & { scheme: 'http' | 'https', strict: boolean, stack: Stack }>}
 */
export const test = base.extend({
  scheme: ['http', { option: true, scope: 'worker' }],

  strict: [false, { option: true, scope: 'worker' }],

  stack: [async ({ scheme, strict }, use, workerInfo) => {
    const stack = new Stack({ scheme, strict, name: `${strict ? 'strict-' : ''}${scheme}-${workerInfo.workerIndex}` });
    try {
      await stack.start();
      await use(stack);
    } finally {
      await stack.stop();
    }
  }, { scope: 'worker', timeout: 90_000 }],

  baseURL: async ({ stack }, use) => use(stack.origin),

  ignoreHTTPSErrors: async ({ scheme }, use) => use(scheme === 'https'),

  watch: [async ({ context, stack }, use) => {
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, disposition }) => {
        console.error(`Content-Security-Policy (${disposition}): ${violatedDirective} ${blockedURI}`);
      });
    });
    const watch = new Watch(stack, context);
    await use(watch);
    const { leaks } = await watch.searchForSecrets();
    expect.soft(leaks, 'secrets in what the browser was sent or the server logged').toEqual([]);
    expect.soft(watch.unexpectedErrors, 'errors on the console').toEqual([]);
  }, { auto: true }],
});
