/**
 * The two forms of signing in, for the password and for the second factor: shows them, checks what was typed, and hands
 * the result back to oidc-provider.
 */
import { accountBySub, accounts, authenticate, provesPresence } from './accounts.mjs';
import { text } from './access-token.mjs';
import { PASSWORD, SECOND_FACTOR, TWO_FACTORS } from './levels.mjs';
import { messagePage, pageHeaders, secondFactorPage, signInPage } from './pages.mjs';

const CANCELLED = {
  error: 'access_denied',
  error_description: 'The resource owner or authorization server denied the request.',
};

const send = (res, status, headers, body) => res.writeHead(status, headers).end(body);

/**
 * @param {import('oidc-provider').default} provider
 * @param {{ publicUrl: string, log: (line: string) => void }} options
 * @returns {(req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => Promise<void>}
 */
export function signInHandler(provider, { publicUrl, log }) {
  const headers = pageHeaders(publicUrl);

  const show = async (req, res, interaction, view = {}) => {
    const client = await provider.Client.find(interaction.params.client_id);
    const common = { action: req.originalUrl, client: client?.clientName ?? interaction.params.client_id };
    send(res, view.problem ? 422 : 200, headers, interaction.prompt.name === SECOND_FACTOR
      ? secondFactorPage({ ...common, account: accountBySub(interaction.session.accountId), ...view })
      : signInPage({ ...common, email: interaction.params.login_hint, accounts, ...view }));
  };

  const signIn = async (req, res, account, how) => {
    const returnTo = await provider.interactionResult(req, res, {
      login: { accountId: account.sub, ...how },
    }, { mergeWithLastSubmission: false });
    await forgetOtherAccount(req, res, account);
    log(`Signed in: ${account.email} (${how.amr.join(', ')})`);
    send(res, 303, { location: returnTo, 'cache-control': 'no-store' });
  };

  // oidc-provider ends the session of another account by a page that posts itself with JavaScript. Taking that
  // account out of the session first makes it one redirect, with or without JavaScript.
  const forgetOtherAccount = async (req, res, account) => {
    const session = await provider.Session.get(provider.createContext(req, res));
    if (!session.accountId || session.accountId === account.sub) return;
    session.accountId = undefined;
    session.authorizations = undefined;
    await session.persist();
  };

  const checkPassword = async (req, res, interaction, form) => {
    const email = form.get('email') ?? '';
    const account = authenticate(email, form.get('password') ?? '');
    if (account) {
      await signIn(req, res, account, { amr: ['pwd'], acr: PASSWORD });
    } else {
      log('Sign-in refused: wrong email or password');
      await show(req, res, interaction, { email, problem: 'The email or the password is not right. Please try again.' });
    }
  };

  const checkCode = async (req, res, interaction, form) => {
    const account = accountBySub(interaction.session.accountId);
    if (provesPresence(account, form.get('code') ?? '')) {
      await signIn(req, res, account, { amr: ['pwd', 'otp'], acr: TWO_FACTORS });
    } else {
      log('Second factor refused: wrong code');
      await show(req, res, interaction, { problem: 'The code is not right. Please try again.' });
    }
  };

  return async (req, res) => {
    let interaction;
    try {
      interaction = await provider.interactionDetails(req, res);
    } catch {
      send(res, 400, headers, messagePage({
        title: 'This sign-in has ended',
        text: 'It took too long, or it was finished in another tab. Go back to the application and sign in again.',
        back: publicUrl,
      }));
      return;
    }
    if (req.method === 'GET') {
      await show(req, res, interaction);
      return;
    }
    if (req.method !== 'POST') {
      send(res, 405, { allow: 'GET, POST' }, '');
      return;
    }
    const form = new URLSearchParams(await text(req));
    if (form.get('action') === 'cancel') {
      log('Sign-in cancelled');
      await provider.interactionFinished(req, res, CANCELLED, { mergeWithLastSubmission: false });
      return;
    }
    await (interaction.prompt.name === SECOND_FACTOR ? checkCode : checkPassword)(req, res, interaction, form);
  };
}
