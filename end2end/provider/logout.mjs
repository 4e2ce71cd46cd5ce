/**
 * OpenID Connect RP-Initiated Logout 1.0 as Okta does it: a valid `id_token_hint` signs out without a question and
 * without JavaScript, and leads back to the registered `post_logout_redirect_uri`.
 */
import { messagePage, pageHeaders, signOutPage } from './pages.mjs';

function leave(ctx, publicUrl) {
  const { post_logout_redirect_uri: uri, state } = ctx.oidc.params;
  if (uri === undefined) {
    ctx.status = 200;
    ctx.set(pageHeaders(publicUrl));
    ctx.body = messagePage({ title: 'Signed out', text: 'You are signed out.', back: publicUrl });
    return;
  }
  const target = new URL(uri);
  if (state !== undefined) target.searchParams.set('state', state);
  ctx.redirect(target.href);
  ctx.status = 303;
  ctx.body = '';
}

/** @param {string} publicUrl */
export const rpInitiatedLogout = (publicUrl) => ({
  enabled: true,
  async logoutSource(ctx, form) {
    const { session, entities, provider } = ctx.oidc;
    const hint = entities.IdTokenHint?.payload;
    ctx.set(pageHeaders(publicUrl));
    if (!hint) {
      ctx.body = signOutPage(form);
    } else if (hint.sub !== session.accountId) {
      ctx.status = 400;
      ctx.body = messagePage({
        title: 'Sign-out refused',
        text: 'The application asked to sign out somebody else than the person who is signed in here.',
        detail: 'id_token_does_not_match_session',
        back: publicUrl,
      });
    } else {
      await session.destroy();
      ctx.cookies.set(provider.cookieName('session'), null, { httpOnly: true, sameSite: 'lax' });
      leave(ctx, publicUrl);
    }
  },
  async postLogoutSuccessSource(ctx) {
    ctx.set(pageHeaders(publicUrl));
    ctx.body = messagePage({ title: 'Signed out', text: 'You are signed out.', back: publicUrl });
  },
});

/**
 * Koa middleware: nobody is signed in here, yet the hint is valid. There is nothing to ask, so go back at once.
 *
 * @param {string} publicUrl
 */
export const logoutWithoutSession = (publicUrl) => async (ctx, next) => {
  await next();
  const oidc = ctx.oidc;
  if (oidc?.route !== 'end_session' || ctx.status !== 200) return;
  if (oidc.entities.IdTokenHint && !oidc.session?.accountId && !oidc.session?.destroyed) leave(ctx, publicUrl);
};
