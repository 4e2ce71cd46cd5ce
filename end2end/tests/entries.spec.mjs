/**
 * Sign-ins that no link of a page begins: silent ones, and those that the provider's dashboard begins.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, claim, endSession, enterPassword, signedIn, signIn, signInLink,
} from '../support/walk.mjs';

const session = (page) => page.evaluate(async () => (await fetch('/auth/session')).json());

test('a silent sign-in of somebody whom the provider knows asks nothing', async ({ page, stack, watch }) => {
  await signIn(page, stack);
  expect(await endSession(page)).toBe(204);
  const before = watch.addresses.length;
  await page.goto('/auth/login?prompt=none&return_to=/profile');
  await expect(page).toHaveURL('/profile');
  await expect(claim(page, 'email')).toContainText(alice.email);
  expect(watch.addresses.slice(before).some((address) => address.includes('/signin/')), 'no form was shown').toBe(false);
});

test('a silent sign-in of somebody whom the provider does not know comes back, and says so once', async ({ page }) => {
  await page.goto('/auth/login?prompt=none&return_to=/');
  await expect(page).toHaveURL('/');
  await expect(signInLink(page)).toBeVisible();
  expect(await session(page)).toEqual({ signed_in: false, silent_sign_in: 'login_required' });
  expect(await session(page)).toEqual({ signed_in: false });
});

test('a silent sign-in that fails leaves the session that is there', async ({ page, stack, context }) => {
  await signIn(page, stack);
  await context.clearCookies({ domain: '127.0.0.1' });
  await page.goto('/auth/login?prompt=none&return_to=/');
  await signedIn(page, alice);
});

test('a tile of the provider\'s dashboard begins a sign-in, by link and by form', async ({ page, stack }) => {
  const tile = new URL('/auth/initiate', stack.origin);
  tile.search = new URLSearchParams({ iss: stack.issuer, login_hint: alice.email, target_link_uri: `${stack.origin}/profile` });
  await page.goto(tile.href);
  await atProvider(page, stack);
  await expect(page.getByLabel('Email')).toHaveValue(alice.email);

  // From another site, as a form: no Lax cookie comes with it.
  await page.goto(new URL(stack.issuer).origin);
  await page.evaluate(({ action, fields }) => {
    const form = document.createElement('form');
    form.method = 'post';
    form.action = action;
    for (const [name, value] of fields) {
      const input = document.createElement('input');
      Object.assign(input, { type: 'hidden', name, value });
      form.append(input);
    }
    document.body.append(form);
    form.submit();
  }, { action: `${stack.origin}/auth/initiate`, fields: [...tile.searchParams] });
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await expect(page).toHaveURL('/profile');
  await expect(claim(page, 'email')).toContainText(alice.email);
});

test('a tile that leads elsewhere, or comes from another provider, leads nowhere', async ({ page, stack, watch }) => {
  watch.expectConsoleError(/status of 400 .*\/auth\//);
  for (const parameters of [
    { iss: stack.issuer, target_link_uri: 'https://elsewhere.example/' },
    { iss: 'https://another.example', target_link_uri: `${stack.origin}/profile` },
    { target_link_uri: `${stack.origin}/profile` },
  ]) {
    await page.goto(`/auth/initiate?${new URLSearchParams(parameters)}`);
    expect(new URL(page.url()).origin).toBe(stack.origin);
    expect(new URL(page.url()).pathname).toBe('/auth/error');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
});
