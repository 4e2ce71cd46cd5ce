/**
 * The steps that people take, as the tests say them.
 */
import { accounts } from '../provider/accounts.mjs';
import { expect } from './fixtures.mjs';

export const [alice, bob] = accounts;

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
