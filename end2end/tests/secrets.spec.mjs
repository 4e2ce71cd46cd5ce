/**
 * Tokens never reach a browser. Every test ends with the search (support/fixtures.mjs); this one makes sure that there
 * was something to find, over the whole way, and that the one exception is the only one.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, bob, CANCELLED_ON_CONSOLE, claim, enterPassword, hydrated, providerForm, signIn, signOut,
} from '../support/walk.mjs';

test('the whole way shows the browser no token, and one id_token_hint', async ({ page, stack, watch }) => {
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  await signIn(page, stack, alice);
  await hydrated(page);
  await page.getByRole('link', { name: 'Profile' }).click();
  await expect(claim(page, 'email')).toContainText(alice.email);
  await page.evaluate(async () => (await fetch('/auth/session')).json());
  await page.goto('/auth/login?prompt=login&return_to=/profile');
  await enterPassword(page, bob);
  await expect(claim(page, 'email')).toContainText(bob.email);
  await page.goto('/auth/login?prompt=login');
  await providerForm(page).cancel.click();
  await expect(page).toHaveURL((url) => url.pathname === '/auth/error');
  await page.goto('/');
  await signOut(page);

  const secrets = stack.secrets();
  const count = (kind) => secrets.filter((secret) => secret.kind === kind).length;
  for (const kind of ['code', 'code_verifier', 'access_token', 'refresh_token', 'id_token']) {
    expect(count(kind), `the provider recorded each ${kind}`).toBeGreaterThanOrEqual(2);
  }
  expect(count('client_secret')).toBe(1);

  const kinds = watch.exchanges.map(({ headers }) => headers['content-type']?.split(';')[0]);
  for (const kind of ['text/html', 'application/json', 'application/wasm']) {
    expect(kinds, `${kind} was among what was searched`).toContain(kind);
  }
  expect(watch.addresses.filter((address) => address.startsWith(`${stack.origin}/auth/callback?`)).length).toBe(3);
  expect(stack.log().trim().split('\n').length, 'there is a log to search').toBeGreaterThan(3);

  const { leaks, hints } = await watch.searchForSecrets();
  expect(leaks).toEqual([]);
  expect(hints, 'one redirect with an id_token_hint, followed once').toEqual({ answered: 1, followed: 1 });
});

test('a sign-out by fetch ends the session here and shows no hint', async ({ page, stack, watch }) => {
  await signIn(page, stack);
  const status = await page.evaluate(async () => (await fetch('/auth/logout', { method: 'POST' })).status);
  expect(status).toBe(204);
  await page.goto('/profile');
  await expect(page).not.toHaveURL('/auth/error');
  const { leaks, hints } = await watch.searchForSecrets();
  expect(leaks).toEqual([]);
  expect(hints).toEqual({ answered: 0, followed: 0 });
});

test('after a callback, neither the address bar nor the history has the code', async ({ page, stack, watch }) => {
  await page.goto('/auth/login?return_to=/profile');
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await expect(page).toHaveURL('/profile');
  const callback = watch.exchanges.find(({ path }) => path.startsWith('/auth/callback'));
  expect(callback.status).toBe(303);
  expect(callback.headers.location).toBe('/profile');
  for (const { path, requestHeaders } of watch.exchanges) {
    if (!path.startsWith('/auth/callback')) expect(requestHeaders.referer ?? '').not.toContain('code=');
  }
});
