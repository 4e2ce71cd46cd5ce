/**
 * A provider that gives no refresh token: the session goes on as identity, and calls to APIs offer to sign in again.
 */
import { expect, test } from '../support/fixtures.mjs';
import {
  alice, boardReady, callApi, claim, newText, openBoard, post, signIn, untilTokensEnd,
} from '../support/walk.mjs';

test.use({ accessTokenTtl: 5, scopes: 'openid profile email groups messages:read messages:write' });

const REFUSED_ON_CONSOLE = /status of 401 .*\/(api|_fn)\//;
const session = (page) => page.evaluate(async () => (await fetch('/auth/session?touch=false')).json());

test('while the token is good the session says for how long', async ({ page, stack }) => {
  await signIn(page, stack);
  const answer = await session(page);
  expect(answer).toMatchObject({ signed_in: true, sign_in_again: false });
  expect(answer.api_expires_in).toBeLessThanOrEqual(5);
  expect((await callApi(page, '/api/sample/messages')).status).toBe(200);
});

test('afterwards an API call is refused with a code of its own, and nobody is signed out', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  await signIn(page, stack);
  await untilTokensEnd(stack);
  const before = stack.api.exchanges.length;
  const { status, headers, body } = await callApi(page, '/api/sample/messages');
  expect(status).toBe(401);
  expect(headers['cloakroom-error']).toBe('sign_in_again');
  expect(body).toMatchObject({ status: 401, code: 'sign_in_again' });
  expect(stack.api.exchanges, 'the API hears nothing of it').toHaveLength(before);
  expect(stack.refreshes()).toEqual([]);
  expect(await session(page)).toMatchObject({ signed_in: true, sign_in_again: true, user: { email: alice.email } });
  await page.goto('/profile');
  await expect(claim(page, 'email')).toContainText(alice.email);
});

test('the page offers to sign in again, and goes on where it was', async ({ page, stack, watch }) => {
  watch.expectConsoleError(REFUSED_ON_CONSOLE);
  const { messages, send, text: box, notice, signInAgain } = await openBoard(page, stack);
  await untilTokensEnd(stack);
  const text = newText('Not lost');
  await box.fill(text);
  await send.click();
  await expect(notice).toBeVisible();
  await expect(signInAgain).toBeVisible();
  await expect(box).toHaveValue(text);

  await signInAgain.click();
  await expect(page).toHaveURL('/messages');
  await boardReady(page);
  const sent = () => stack.calls('POST').filter(({ status, body }) => status === 201 && JSON.parse(body).text === text);
  if (sent().length === 0) {
    await expect(box).toHaveValue(text);
    await send.click();
  }
  await expect(messages.filter({ hasText: text })).toHaveCount(1);
  expect(sent()).toHaveLength(1);
  await expect(signInAgain).toBeHidden();
  await post(page, newText());
});
