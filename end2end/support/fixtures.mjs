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

/** What the browsers of one test did, and what they were sent. */
class Watch {
  /** Console errors that the test provokes. @type {RegExp[]} */
  expected = [];

  /** @type {string[]} */
  #errors = [];

  /** @type {string[]} */
  #addresses = [];

  /** @type {import('@playwright/test').BrowserContext[]} */
  #contexts = [];

  #from;

  /** @param {Stack} stack */
  constructor(stack) {
    this.stack = stack;
    this.#from = stack.front.exchanges.length;
  }

  /** @param {import('@playwright/test').BrowserContext} context a browser of this test, before its first page */
  async follow(context) {
    this.#contexts.push(context);
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, disposition }) => {
        console.error(`Content-Security-Policy (${disposition}): ${violatedDirective} ${blockedURI}`);
      });
    });
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

  /** What went between this test's browsers and Cloakroom; of event streams what was sent until now. */
  get exchanges() {
    return [...this.stack.front.exchanges.slice(this.#from), ...this.stack.front.underWay];
  }

  /** Every address this test's browsers went to, the provider's too. */
  get addresses() {
    return [...this.#addresses];
  }

  get unexpectedErrors() {
    return this.#errors.filter((error) => !this.expected.some((pattern) => pattern.test(error)));
  }

  /** What the browsers keep: cookies, both storages, `document.cookie`, the pages. */
  async #kept() {
    const kept = [];
    for (const context of this.#contexts) {
      kept.push(JSON.stringify(await context.storageState()));
      for (const page of context.pages()) {
        if (!page.url().startsWith(this.stack.origin)) continue;
        kept.push(await page.evaluate(() => JSON.stringify([
          document.cookie, { ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML,
        ])));
      }
    }
    return kept.join('\n');
  }

  /** Closes the browsers that the test opened besides its first. */
  async closeOthers() {
    for (const context of this.#contexts.slice(1)) await context.close();
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
 *   import('@playwright/test').PlaywrightTestArgs & import('@playwright/test').PlaywrightTestOptions
 *     & { watch: Watch, anotherBrowser: () => Promise<import('@playwright/test').BrowserContext> },
 *   import('@playwright/test').PlaywrightWorkerArgs & import('@playwright/test').PlaywrightWorkerOptions & {
 *     scheme: 'http' | 'https', strict: boolean, accessTokenTtl: number | undefined, scopes: string | undefined, stack: Stack }>}
 */
export const test = base.extend({
  scheme: ['http', { option: true, scope: 'worker' }],

  strict: [false, { option: true, scope: 'worker' }],

  accessTokenTtl: [undefined, { option: true, scope: 'worker' }],

  scopes: [undefined, { option: true, scope: 'worker' }],

  stack: [async ({ scheme, strict, accessTokenTtl, scopes }, use, workerInfo) => {
    const name = `${strict ? 'strict-' : ''}${scheme}-${workerInfo.workerIndex}`;
    const stack = new Stack({ scheme, strict, accessTokenTtl, scopes, name });
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
    const watch = new Watch(stack);
    await watch.follow(context);
    await use(watch);
    const { leaks } = await watch.searchForSecrets();
    expect.soft(leaks, 'secrets in what the browser was sent or the server logged').toEqual([]);
    expect.soft(watch.unexpectedErrors, 'errors on the console').toEqual([]);
    await watch.closeOthers();
  }, { auto: true }],

  anotherBrowser: async ({ browser, watch, baseURL, ignoreHTTPSErrors }, use) => {
    await use(async () => {
      const context = await browser.newContext({ baseURL, ignoreHTTPSErrors });
      await watch.follow(context);
      return context;
    });
  },
});
