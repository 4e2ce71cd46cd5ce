/**
 * Every page there is, and how to get to it: for the tests that look at all of them.
 */
import {
  alice, atProvider, atSecondFactor, boardReady, CANCELLED_ON_CONSOLE, carol, endSession, enterCode, enterPassword,
  hydrated, openBoard, post, providerForm, signIn, signOut,
} from './walk.mjs';

/** What the console says of a call that was refused, where the page offers what to do. */
const REFUSED_ON_CONSOLE = /status of 401 .*\/(api|_fn)\//;

/**
 * @typedef {object} Visit
 * @property {string} name
 * @property {(page: import('@playwright/test').Page, stack: import('./stack.mjs').Stack) => Promise<void>} open
 * @property {RegExp} [consoleError] the error that opening it puts on the console
 */

/** @type {readonly Visit[]} */
export const visits = [
  {
    name: 'home-signed-out',
    open: async (page) => {
      await page.goto('/');
      await hydrated(page);
    },
  },
  {
    name: 'home-signed-in',
    open: async (page, stack) => {
      await signIn(page, stack);
      await hydrated(page);
    },
  },
  {
    name: 'profile',
    open: async (page, stack) => {
      await page.goto('/profile');
      await atProvider(page, stack);
      await enterPassword(page);
      await page.waitForURL('/profile');
      await hydrated(page);
    },
  },
  {
    name: 'messages',
    open: async (page, stack) => {
      const { messages } = await openBoard(page, stack);
      await post(page, 'Whoever leaves last hangs up the stars.');
      await page.reload();
      await boardReady(page);
      await messages.first().waitFor();
    },
  },
  {
    name: 'messages-step-up-offer',
    consoleError: REFUSED_ON_CONSOLE,
    open: async (page, stack) => {
      const { clear, offer } = await openBoard(page, stack);
      await clear.click();
      await offer.waitFor();
    },
  },
  {
    name: 'messages-signed-out',
    consoleError: REFUSED_ON_CONSOLE,
    open: async (page, stack) => {
      const { text, send, signInAgain } = await openBoard(page, stack);
      await endSession(page);
      await text.fill('Typed before it was known.');
      await send.click();
      await signInAgain.waitFor();
    },
  },
  {
    name: 'step-up-unmet',
    consoleError: /status of (401|403) /,
    open: async (page, stack) => {
      const { clear, confirm } = await openBoard(page, stack, carol);
      await clear.click();
      await confirm.click();
      await page.waitForURL((url) => url.pathname === '/auth/error');
      await hydrated(page);
    },
  },
  {
    name: 'signed-out-notice',
    open: async (page, stack) => {
      await signIn(page, stack);
      await signOut(page);
      await hydrated(page);
    },
  },
  {
    name: 'sign-in-failed',
    consoleError: CANCELLED_ON_CONSOLE,
    open: async (page, stack) => {
      await page.goto('/auth/login?return_to=/profile');
      await atProvider(page, stack);
      await providerForm(page).cancel.click();
      await page.waitForURL((url) => url.pathname === '/auth/error');
      await hydrated(page);
    },
  },
  {
    name: 'not-found',
    consoleError: /status of 404/,
    open: async (page) => {
      await page.goto('/no-such-page');
      await hydrated(page);
    },
  },
  {
    name: 'provider-sign-in',
    open: async (page, stack) => {
      await page.goto('/auth/login');
      await atProvider(page, stack);
    },
  },
  {
    name: 'provider-second-factor',
    open: async (page, stack) => {
      await signIn(page, stack);
      await page.goto('/auth/login?acr_values=urn:okta:loa:2fa:any');
      await atSecondFactor(page, stack);
    },
  },
  {
    name: 'provider-wrong-code',
    consoleError: /status of 422/,
    open: async (page, stack) => {
      await signIn(page, stack);
      await page.goto('/auth/login?acr_values=urn:okta:loa:2fa:any');
      await atSecondFactor(page, stack);
      await enterCode(page, { code: '000000' });
      await page.getByRole('alert').waitFor();
    },
  },
  {
    name: 'provider-wrong-password',
    consoleError: /status of 422/,
    open: async (page, stack) => {
      await page.goto('/auth/login');
      await atProvider(page, stack);
      await enterPassword(page, { ...alice, password: 'not it' });
      await page.getByRole('alert').waitFor();
    },
  },
];
