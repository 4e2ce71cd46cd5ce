/**
 * Every page there is, and how to get to it: for the tests that look at all of them.
 */
import {
  alice, atProvider, CANCELLED_ON_CONSOLE, enterPassword, hydrated, providerForm, signIn, signOut,
} from './walk.mjs';

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
