/**
 * Clearing the board needs a second factor (RFC 9470): offered, by the person's choice, with what was typed kept, and the
 * call repeated once; and what becomes of work in the middle of which a person is signed out.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, atProvider, atSecondFactor, bob, board, boardReady, CANCELLED_ON_CONSOLE, carol, codeForm, endSession, enterCode,
  enterPassword, newText, openBoard, post,
} from '../support/walk.mjs';

/** What the console says of a call that was refused with 401; the page says the rest. */
const REFUSED_ON_CONSOLE = /status of 401 .*\/(api|_fn)\//;
const UNMET_ON_CONSOLE = /status of 403 \S+ \(\S+\/auth\/error\?/;

/** How often somebody tried to clear the board since, by what the API answered. */
function clearings(stack) {
  const before = stack.calls('DELETE').length;
  return () => stack.calls('DELETE').slice(before).map(({ status }) => status);
}
const authorizations = (watch) => watch.addresses.filter((address) => new URL(address).pathname.endsWith('/v1/authorize'));
const kept = (page) => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }));

test('clearing the board asks first, then for the second factor, and happens once', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { messages, text: box, clear, offer, confirm, restored } = await openBoard(page, stack);
  await post(page, newText());
  await expect(messages.first()).toBeVisible();
  const statuses = clearings(stack);
  const before = authorizations(watch).length;
  await clear.click();
  await expect(offer).toBeVisible();
  expect(page.url(), 'nobody is sent away unasked').toBe(`${stack.origin}/messages`);
  expect(authorizations(watch)).toHaveLength(before);
  const draft = newText('Typed while the offer was there:');
  await box.fill(draft);

  await confirm.click();
  await atSecondFactor(page, stack);
  const request = new URL(authorizations(watch).at(-1)).searchParams;
  expect(request.get('acr_values')).toBe('urn:okta:loa:2fa:any');
  expect(request.get('max_age')).toBe('300');
  await enterCode(page, alice);

  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  await expect(restored).toBeVisible();
  await expect(box).toHaveValue(draft);
  await expect(messages).toHaveCount(0);
  expect(statuses(), 'refused once, repeated once').toEqual([401, 204]);
  await expect(offer).toBeHidden();

  const text = newText('After the clearing');
  await post(page, text);
  await page.reload();
  await boardReady(page);
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  expect(statuses(), 'a reload repeats nothing').toEqual([401, 204]);
});

test('who has confirmed is not asked again', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { messages, clear, confirm, offer } = await openBoard(page, stack);
  const statuses = clearings(stack);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);
  await enterCode(page, alice);
  await expect(page).toHaveURL('/messages');
  await expect.poll(statuses).toEqual([401, 204]);
  await boardReady(page);
  await post(page, newText());
  await expect(messages).toHaveCount(1);
  await clear.click();
  await expect(messages).toHaveCount(0);
  await expect(offer).toBeHidden();
  expect(statuses()).toEqual([401, 204, 204]);
});

test('a wrong code first is no harm', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  watch.expectConsoleError(/status of 422 .*\/signin\//);
  const { clear, confirm } = await openBoard(page, stack, bob);
  const statuses = clearings(stack);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);
  await enterCode(page, alice);
  await expect(page.getByRole('alert')).toBeVisible();
  await enterCode(page, bob);
  await expect(page).toHaveURL('/messages');
  await expect.poll(statuses).toEqual([401, 204]);
});

test('who cancels finds what was typed, still signed in, and nothing is repeated', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  const { text: box, clear, confirm, offer } = await openBoard(page, stack);
  const statuses = clearings(stack);
  const draft = newText('Half a thought');
  await box.fill(draft);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);
  const before = authorizations(watch).length;
  await codeForm(page).cancel.click();
  await expect(page).toHaveURL((url) => url.pathname === '/auth/error' && url.searchParams.get('code') === 'access_denied');
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();

  await page.goto('/messages');
  await boardReady(page);
  await expect(box).toHaveValue(draft);
  expect(authorizations(watch), 'no loop').toHaveLength(before);
  expect(statuses()).toEqual([401]);

  await clear.click();
  await expect(offer, 'offered again where it is asked for again').toBeVisible();
  await expect.poll(statuses).toEqual([401, 401]);
});

test('who cancels and tries again gets there', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  watch.expectConsoleError(CANCELLED_ON_CONSOLE);
  const { text: box, clear, confirm } = await openBoard(page, stack);
  const statuses = clearings(stack);
  const draft = newText('Half a thought');
  await box.fill(draft);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);
  await codeForm(page).cancel.click();
  await expect(page).toHaveURL((url) => url.pathname === '/auth/error');
  await page.getByRole('link', { name: 'Try again' }).click();
  // What the first try asked for is no part of the address that starts again: it may come without the second factor.
  await expect(page).toHaveURL((url) => url.pathname === '/messages' || url.href.startsWith(`${stack.issuer}/signin/`));
  if (!page.url().startsWith(stack.origin)) await enterCode(page, alice);
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  await expect(box).toHaveValue(draft);
  expect(statuses().filter((status) => status === 204).length, 'at most once').toBeLessThanOrEqual(1);
});

test('an account that has no second factor is told, and not sent in circles', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  watch.expectConsoleError(UNMET_ON_CONSOLE);
  const { text: box, clear, confirm } = await openBoard(page, stack, carol);
  const statuses = clearings(stack);
  const draft = newText('Travelling light');
  await box.fill(draft);
  await clear.click();
  const before = authorizations(watch).length;
  await confirm.click();
  await expect(page).toHaveURL((url) => url.pathname === '/auth/error'
    && url.searchParams.get('code') === 'unmet_authentication_requirements');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('A stronger sign-in is needed');

  await page.goto('/messages');
  await boardReady(page);
  await expect(box).toHaveValue(draft);
  expect(authorizations(watch)).toHaveLength(before + 1);
  expect(statuses(), 'not repeated').toEqual([401]);
  await page.reload();
  await boardReady(page);
  expect(authorizations(watch)).toHaveLength(before + 1);
  expect(statuses()).toEqual([401]);
});

test('what one person typed is gone when another signs in, and so is what they wanted to do', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { text: box, clear, confirm, restored } = await openBoard(page, stack, alice);
  const statuses = clearings(stack);
  const draft = newText('For my eyes only');
  await box.fill(draft);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);

  await page.goto('/auth/login?prompt=login&return_to=/messages');
  await atProvider(page, stack);
  await enterPassword(page, bob);
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  await expect(page.getByRole('banner')).toContainText(bob.name);
  await expect(box).toHaveValue('');
  await expect(restored).toBeHidden();
  expect(await kept(page)).not.toContain(draft);
  expect(statuses(), 'nobody acts for somebody else').toEqual([401]);
});

test('what was typed is gone after signing out', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { text: box, clear, confirm } = await openBoard(page, stack, alice);
  const draft = newText('For my eyes only');
  await box.fill(draft);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);
  await page.goto('/');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('status')).toContainText('signed out');
  await openBoard(page, stack, alice);
  await expect(box).toHaveValue('');
  expect(await kept(page)).not.toContain(draft);
});

test('what is kept over the way to the provider is no token, and is used up', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { text: box, clear, confirm, restored } = await openBoard(page, stack);
  const draft = newText('Kept');
  await box.fill(draft);
  await clear.click();
  await confirm.click();
  await atSecondFactor(page, stack);
  await enterCode(page, alice);
  await expect(page).toHaveURL('/messages');
  await expect(restored).toBeVisible();
  await expect(box).toHaveValue(draft);
  await expect.poll(() => kept(page)).not.toMatch(/DELETE/i);
  await page.goto('/');
  await page.goto('/messages');
  await boardReady(page);
  await expect(restored).toBeHidden();
});

test('who is signed out in the middle of work keeps what was typed, signs in, and goes on', async ({ page, context, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { messages, text: box, send, notice, signInAgain } = await openBoard(page, stack);
  const other = await context.newPage();
  await other.goto('/');
  expect(await endSession(other)).toBe(204);

  const text = newText('A long letter');
  await box.fill(text);
  await send.click();
  await expect(notice).toBeVisible();
  await expect(signInAgain).toBeVisible();
  await expect(box).toHaveValue(text);
  expect(page.url(), 'nobody is sent away unasked').toBe(`${stack.origin}/messages`);

  // The provider still knows the person: it may ask nothing.
  await signInAgain.click();
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  await expect(notice).toBeHidden();
  const sent = () => stack.calls('POST').filter(({ status, body }) => status === 201 && JSON.parse(body).text === text);
  if (sent().length === 0) {
    await expect(box).toHaveValue(text);
    await send.click();
  }
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  expect(sent(), 'sent once').toHaveLength(1);
});

test('who has to give the password again after being signed out keeps what was typed, too', async ({ page, context, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { text: box, send, signInAgain } = await openBoard(page, stack);
  const other = await context.newPage();
  await other.goto('/');
  expect(await endSession(other)).toBe(204);
  await context.clearCookies({ domain: '127.0.0.1' });
  const text = newText('A long letter');
  await box.fill(text);
  await send.click();
  await signInAgain.click();
  await atProvider(page, stack);
  await enterPassword(page, alice);
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  await expect(async () => {
    const posted = stack.calls('POST').some(({ status, body }) => status === 201 && JSON.parse(body).text === text);
    expect(posted || await box.inputValue() === text).toBe(true);
  }).toPass();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('the second factor is a link away, and the board is cleared with one more press', async ({ page, stack }) => {
    await page.goto('/auth/login?return_to=/messages');
    await atProvider(page, stack);
    await enterPassword(page, alice);
    await expect(page).toHaveURL('/messages');
    const statuses = clearings(stack);
    const { clear, offer, confirm } = board(page);
    await clear.click();
    await expect(offer).toBeVisible();
    await confirm.click();
    await atSecondFactor(page, stack);
    await enterCode(page, alice);
    await expect(page).toHaveURL('/messages');
    await clear.click();
    await expect.poll(statuses).toEqual([401, 204]);
  });
});
