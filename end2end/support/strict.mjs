/**
 * The walks of a provider that asks for the most: authorization requests are pushed (RFC 9126), the answer comes as a form
 * (OAuth 2.0 Form Post Response Mode), this client signs its assertions with a key of its own (RFC 7523), and userinfo is
 * signed. The form is a cross-site POST, with which no Lax cookie comes: over http and https the browser has to manage.
 */
import { expect, test } from './fixtures.mjs';
import {
  alice, atProvider, bob, CANCELLED_ON_CONSOLE, claim, enterPassword, hydrated, providerForm, signedIn, signIn, signInLink, signOut,
} from './walk.mjs';

const authorizations = (watch) => watch.addresses.map((address) => new URL(address))
  .filter(({ pathname }) => pathname.endsWith('/v1/authorize'));

/** Declares the tests; each file that does so chooses the scheme. */
export function strictWalks() {
  test('a visitor signs in, reads the profile, outlives a restart, and signs out', async ({ page, stack }) => {
    await page.goto('/');
    await hydrated(page);
    await signInLink(page).click();
    await atProvider(page, stack);
    await enterPassword(page, alice);
    await signedIn(page, alice);
    await stack.restart();
    await page.getByRole('link', { name: 'Profile' }).click();
    await expect(claim(page, 'email')).toContainText(alice.email);
    await signOut(page);
  });

  test('the browser carries two parameters to the provider, and no code in any address', async ({ page, stack, watch }) => {
    await signIn(page, stack);
    const [first] = authorizations(watch);
    expect([...first.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    for (const address of watch.addresses) expect(address).not.toMatch(/[?&](code|state)=/);
    const callback = watch.exchanges.find(({ path }) => path.startsWith('/auth/callback'));
    expect(callback).toMatchObject({ method: 'POST', path: '/auth/callback', status: 303 });
    expect(callback.headers['cache-control']).toContain('no-store');
  });

  test('the profile of a signed userinfo answer has no protocol claims', async ({ page, stack }) => {
    await page.goto('/profile');
    await atProvider(page, stack);
    await enterPassword(page, bob);
    await expect(page).toHaveURL('/profile');
    await expect(claim(page, 'email')).toContainText(bob.email);
    for (const name of ['aud', 'azp', 'nonce', 'sid', 'exp', 'iat']) await expect(claim(page, name)).toHaveCount(0);
  });

  test('two tabs at once both get where they wanted to go', async ({ context, stack }) => {
    const first = await context.newPage();
    const second = await context.newPage();
    await first.goto('/auth/login?return_to=/profile');
    await second.goto('/auth/login?return_to=/');
    await atProvider(first, stack);
    await atProvider(second, stack);
    await enterPassword(first, alice);
    await expect(first).toHaveURL('/profile');
    await enterPassword(second, alice);
    await signedIn(second, alice);
    await first.reload();
    await expect(claim(first, 'email')).toContainText(alice.email);
  });

  test('signing in as somebody else ends the session before', async ({ page, stack, context }) => {
    await signIn(page, stack, alice);
    const before = await context.cookies(stack.origin);
    await page.goto('/auth/login?prompt=login&return_to=/profile');
    await atProvider(page, stack);
    await enterPassword(page, bob);
    await expect(page).toHaveURL('/profile');
    await expect(claim(page, 'email')).toContainText(bob.email);
    for (const { name, value } of before) {
      const replay = await page.request.get('/auth/session', { headers: { cookie: `${name}=${value}` } });
      expect(await replay.json(), name).toEqual({ signed_in: false });
    }
  });

  test('who cancels learns what happened and can try again', async ({ page, stack, watch }) => {
    watch.expectConsoleError(CANCELLED_ON_CONSOLE);
    // The provider's page with the form has status 400 for an error.
    watch.expectConsoleError(/status of 400 .*127\.0\.0\.1/);
    await page.goto('/auth/login?return_to=/profile');
    await atProvider(page, stack);
    await providerForm(page).cancel.click();
    await expect(page).toHaveURL((url) => url.origin === stack.origin && url.pathname === '/auth/error');
    await page.getByRole('link', { name: 'Try again' }).or(page.getByRole('button', { name: 'Try again' })).click();
    await atProvider(page, stack);
    await enterPassword(page, alice);
    await expect(page).toHaveURL('/profile');
  });

  test('Back after signing in leads to the application, not to an error', async ({ page, stack }) => {
    await signIn(page, stack);
    await page.goto('/profile');
    await page.goBack();
    await signedIn(page, alice);
  });

  test.describe('without JavaScript', () => {
    test.use({ javaScriptEnabled: false });

    test('one more button leads back', async ({ page, stack, watch }) => {
      // The page with the form stays long enough for the browser to ask the provider for an icon.
      watch.expectConsoleError(/status of 404 .*127\.0\.0\.1:\d+\/favicon\.ico/);
      await page.goto('/');
      await signInLink(page).click();
      await atProvider(page, stack);
      await enterPassword(page, alice);
      await page.getByRole('button', { name: 'Continue' }).click();
      await signedIn(page, alice);
    });
  });

  test('no cookie is readable by scripts, and all that are kept are as narrow as they can be', async ({ context, page, stack, watch }) => {
    await signIn(page, stack);
    expect(await page.evaluate(() => document.cookie)).toBe('');
    const lines = watch.exchanges.flatMap(({ headers }) => headers['set-cookie'] ?? []).map((line) => line.toLowerCase());
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toContain('httponly');
      expect(line).toContain('path=/');
      expect(line).not.toContain('domain=');
      if (line.includes('samesite=none')) expect(line).toMatch(/binding[^;]*=.*;\s*secure/);
      else expect(line).toContain('samesite=lax');
    }
    const kept = (await context.cookies(stack.origin)).map(({ name }) => name);
    expect(kept.filter((name) => name.includes('session')), 'one session').toHaveLength(1);
    expect(kept.filter((name) => name.includes('arrival')), 'nothing of the way here is left').toEqual([]);
  });
}
