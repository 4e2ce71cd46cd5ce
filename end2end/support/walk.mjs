/**
 * The steps that people take, as the tests say them.
 */
import { randomUUID } from 'node:crypto';

import { accounts } from '../provider/accounts.mjs';
import { expect } from './fixtures.mjs';

export const [alice, bob, carol] = accounts;

/** What the console says of the page of a sign-in that was cancelled: its status tells machines that it failed. */
export const CANCELLED_ON_CONSOLE = /status of 403 \S+ \(\S+\/auth\/error\?/;

/** @typedef {import('@playwright/test').Page} Page */

/** @param {Page} page */
export const hydrated = (page) => page.locator('html[data-hydrated]').waitFor({ state: 'attached' });

/** @param {Page} page */
export const signInLink = (page) => page.getByRole('link', { name: 'Sign in', exact: true }).first();

/** @param {Page} page */
export const signOutButton = (page) => page.getByRole('button', { name: 'Sign out' });

/** @param {Page} page @param {string} claim */
export const claim = (page, name) => page.locator(`tr[data-claim="${name}"]`);

/** The provider's form. @param {Page} page */
export const providerForm = (page) => ({
  email: page.getByLabel('Email'),
  password: page.getByLabel('Password'),
  submit: page.getByRole('button', { name: 'Sign in' }),
  cancel: page.getByRole('button', { name: 'Cancel' }),
});

/** @param {Page} page @param {import('./stack.mjs').Stack} stack */
export async function atProvider(page, stack) {
  await expect(page).toHaveURL((url) => url.href.startsWith(`${stack.issuer}/signin/`));
}

/** Fills the provider's form, which has to be there, and sends it. @param {Page} page */
export async function enterPassword(page, { email, password } = alice) {
  const form = providerForm(page);
  await form.email.fill(email);
  await form.password.fill(password);
  await form.submit.click();
}

/** The provider's form for the second factor. @param {Page} page */
export const codeForm = (page) => ({
  code: page.getByLabel('Six-digit code'),
  submit: page.getByRole('button', { name: 'Confirm' }),
  cancel: page.getByRole('button', { name: 'Cancel' }),
});

/** @param {Page} page @param {import('./stack.mjs').Stack} stack */
export async function atSecondFactor(page, stack) {
  await atProvider(page, stack);
  await expect(codeForm(page).code).toBeVisible();
}

/** Fills the provider's form for the second factor, which has to be there, and sends it. @param {Page} page */
export async function enterCode(page, { code } = alice) {
  const form = codeForm(page);
  await form.code.fill(code);
  await form.submit.click();
}

/** From the home page to a greeting. @param {Page} page @param {import('./stack.mjs').Stack} stack */
export async function signIn(page, stack, account = alice) {
  await page.goto('/');
  await signInLink(page).click();
  await atProvider(page, stack);
  await enterPassword(page, account);
  await signedIn(page, account);
}

/** The page is Cloakroom's home, and greets. @param {Page} page */
export async function signedIn(page, account = alice) {
  await expect(page).toHaveURL('/');
  await expect(page.getByRole('heading', { level: 1 })).toContainText(`Hello, ${account.given_name}`);
}

/** From any page of a signed-in person to the notice. @param {Page} page */
export async function signOut(page) {
  await signOutButton(page).click();
  await expect(page.getByRole('status')).toContainText('signed out');
  await expect(signInLink(page)).toBeVisible();
}

/** The page of the sample API's messages. @param {Page} page */
export const board = (page) => ({
  list: page.getByTestId('messages-list'),
  messages: page.getByTestId('messages-list').getByTestId('message'),
  fromServer: page.getByTestId('messages-server'),
  text: page.getByTestId('message-text'),
  send: page.getByTestId('message-send'),
  clear: page.getByTestId('messages-clear'),
  offer: page.getByTestId('step-up-offer'),
  confirm: page.getByTestId('step-up-continue'),
  notice: page.getByTestId('api-notice'),
  signInAgain: page.getByTestId('sign-in-again'),
  restored: page.getByTestId('draft-restored'),
});

/** Signs in, and opens the messages. @param {Page} page @param {import('./stack.mjs').Stack} stack */
export async function openBoard(page, stack, account = alice) {
  await page.goto('/auth/login?return_to=/messages');
  await atProvider(page, stack);
  await enterPassword(page, account);
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  return board(page);
}

/** The page answers. What is on the board may still be on its way. @param {Page} page */
export async function boardReady(page) {
  await hydrated(page);
  await expect(board(page).text).toBeEditable();
}

/** A text that no other test has. */
export const newText = (what = 'A message') => `${what} ${randomUUID()}`;

/**
 * Calls an API through the proxy as a page does, and tells what came back.
 *
 * @param {Page} page
 * @param {string} path
 * @param {RequestInit} [init]
 */
export const callApi = (page, path, init = {}) => page.evaluate(async ([address, options]) => {
  const answer = await fetch(address, { ...options, headers: { 'X-CSRF': '1', ...options.headers } });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text,
  };
}, [path, init]);

/** Puts a message on the board past the page's form. @param {Page} page @param {string} text */
export async function post(page, text) {
  const { status } = await callApi(page, '/api/sample/messages', {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ text }),
  });
  expect(status).toBe(201);
}

/** Ends the session here alone, as another tab would: the provider still knows the person. @param {Page} page */
export const endSession = (page) => page.evaluate(async () => (await fetch('/auth/logout', { method: 'POST' })).status);

/**
 * Waits until no access token that was issued until now is good any more, for Cloakroom either: it counts from when it got
 * the answer, a second later at most.
 *
 * @param {import('./stack.mjs').Stack} stack
 */
export const untilTokensEnd = (stack) => expect.poll(() => Date.now() - stack.accessTokenEnds(), { intervals: [100] })
  .toBeGreaterThan(1200);
