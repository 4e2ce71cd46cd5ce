/**
 * oidc-provider (a certified OpenID Provider) in the shape of an Okta custom authorization server: its paths, its
 * scopes and claims, its access tokens, a second factor where `acr_values` ask for it, a refresh token for
 * `offline_access` without a consent prompt, and codes that are good once and for a minute.
 */
import { randomBytes } from 'node:crypto';

import { accountBySub } from './accounts.mjs';
import { authenticationEvent, issueJwtAccessTokens } from './access-token.mjs';
import { levels, missing, reported, SECOND_FACTOR } from './levels.mjs';
import { logoutWithoutSession, rpInitiatedLogout } from './logout.mjs';
import { messagePage, pageHeaders } from './pages.mjs';
import { Recorder, recording } from './record.mjs';

// Two notices that are no news here: the runtime is tested, and the body is parsed on purpose (access-token.mjs).
const EXPECTED = /^oidc-provider WARNING: (Unsupported runtime|already parsed request body)/;
const warn = console.warn;
console.warn = (...args) => {
  if (!EXPECTED.test(String(args[0]).replace(/^\x1b\[[\d;]*m/, ''))) warn(...args);
};
const { default: Provider, errors, interactionPolicy } = await import('oidc-provider');

export const MOUNT = '/oauth2/default';

const HOUR = 60 * 60;
const DAY = 24 * HOUR;

/**
 * @typedef {object} ProviderOptions
 * @property {string} issuer        ends in MOUNT
 * @property {string} publicUrl     where browsers find the application, without a trailing slash
 * @property {string} clientId
 * @property {string} clientSecret
 * @property {number} codeTtl       seconds that an authorization code is good for
 * @property {number} accessTokenTtl  seconds
 * @property {object} clientMetadata  what this client is registered with beside the usual (RFC 7591 section 2)
 * @property {boolean} requirePar   authorization requests must be pushed (RFC 9126 section 5)
 * @property {import('node:crypto').JsonWebKey & { kid: string }} jwk  RSA private key that signs
 * @property {string[]} cookieKeys
 * @property {import('./store.mjs').Store} store
 * @property {Recorder} recorder
 * @property {(line: string) => void} log
 */

const claims = {
  openid: ['sub', 'auth_time', 'amr', 'ver', 'jti', 'idp'],
  profile: ['name', 'given_name', 'family_name', 'preferred_username', 'locale', 'zoneinfo'],
  email: ['email', 'email_verified'],
  groups: ['groups'],
  acr: null,
  sid: null,
  iss: null,
};

/** The sample API's. Who may do what is not this provider's business: both are granted as asked. */
const API_SCOPES = ['messages:read', 'messages:write'];

const routes = {
  authorization: '/v1/authorize',
  token: '/v1/token',
  jwks: '/v1/keys',
  userinfo: '/v1/userinfo',
  end_session: '/v1/logout',
  introspection: '/v1/introspect',
  revocation: '/v1/revoke',
  pushed_authorization_request: '/v1/par',
};

async function findAccount(_ctx, sub) {
  const account = accountBySub(sub);
  if (!account) return undefined;
  const { password: _password, code: _code, ...userClaims } = account;
  return {
    accountId: sub,
    claims: async (use) => (use === 'id_token'
      ? { ...userClaims, ver: 1, jti: `ID.${randomBytes(16).toString('base64url')}`, idp: '00odemoidentityprovider' }
      : userClaims),
  };
}

// Okta grants what the application is configured for. Every authorization has a grant of its own, so that a code used
// twice costs the tokens of that sign-in alone.
async function loadExistingGrant(ctx) {
  const { provider, client, account, requestParamOIDCScopes } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
  grant.addOIDCScope([...requestParamOIDCScopes].join(' '));
  await grant.save();
  return grant;
}

const renderError = (publicUrl) => async (ctx, out) => {
  ctx.set(pageHeaders(publicUrl));
  ctx.body = messagePage({
    title: 'That did not work',
    text: out.error_description ?? 'The request cannot be answered.',
    detail: out.error,
    back: publicUrl,
  });
};

/**
 * Who has to be asked for what: the password by oidc-provider's rules, then the second factor by ours. oidc-provider
 * would ask for the password again, and again, where an `acr` is essential.
 */
function policy() {
  const { Check, Prompt, base } = interactionPolicy;
  const prompts = base();
  prompts.get('consent').checks.clear();
  const { checks } = prompts.get('login');
  checks.remove('essential_acr');
  checks.remove('essential_acrs');
  // Or whoever signed in within this second would not be asked (OpenID Connect Core 1.0, section 3.1.2.1).
  checks.add(new Check('max_age_zero', 'End-User authentication could not be obtained', 'login_required', ({ oidc }) => (
    Number(oidc.params.max_age) === 0 && !oidc.result?.login)));
  prompts.add(new Prompt({ name: SECOND_FACTOR }, new Check('acr', 'requested ACR could not be obtained', ({ oidc }) => {
    const answer = missing(oidc);
    if (answer === 'unmet') {
      throw new errors.UnmetAuthenticationRequirements('The requested authentication level cannot be met by this account.');
    }
    return answer === 'second-factor';
  })));
  return prompts;
}

/** @param {ProviderOptions} options */
export function createProvider(options) {
  const { issuer, publicUrl, clientId, clientSecret, codeTtl, accessTokenTtl, clientMetadata, requirePar, jwk, recorder, log } = options;
  const cookieSuffix = new URL(issuer).port;

  const provider = new Provider(issuer, {
    adapter: options.store.adapter(),
    jwks: { keys: [jwk] },
    routes,
    claims,
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access', ...API_SCOPES],
    acrValues: levels,
    extraTokenClaims: authenticationEvent,
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    findAccount,
    loadExistingGrant,
    renderError: renderError(publicUrl),
    rotateRefreshToken: true,
    expiresWithSession: async () => false,
    issueRefreshToken: async (_ctx, client, source) => client.grantTypeAllowed('refresh_token')
      && source.scopes.has('offline_access'),
    clientBasedCORS: () => false,
    // oidc-provider goes to no loopback address for a client's keys; here everything is on one.
    fetch: (url, { dispatcher: _guarded, ...rest }) => fetch(url, rest),
    pkce: { required: () => true },
    cookies: {
      // Cookies know no ports: two providers on one machine must not overwrite each other's.
      names: {
        session: `dev_session_${cookieSuffix}`,
        interaction: `dev_interaction_${cookieSuffix}`,
        resume: `dev_resume_${cookieSuffix}`,
      },
      keys: options.cookieKeys,
    },
    interactions: { policy: policy(), url: (_ctx, { uid }) => `${MOUNT}/signin/${uid}` },
    features: {
      claimsParameter: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: false },
      introspection: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: requirePar },
      revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: rpInitiatedLogout(publicUrl),
    },
    ttl: {
      AccessToken: () => accessTokenTtl,
      AuthorizationCode: () => codeTtl,
      IdToken: () => HOUR,
      RefreshToken: () => 90 * DAY,
      Interaction: () => HOUR,
      Session: () => 14 * DAY,
      Grant: () => 90 * DAY,
      ClientCredentials: () => HOUR,
    },
    clients: [{
      client_id: clientId,
      client_secret: clientSecret,
      client_name: 'Cloakroom',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [`${publicUrl}/auth/callback`],
      post_logout_redirect_uris: [`${publicUrl}/`],
      ...clientMetadata,
      // A client that signs its assertions with a key of its own has no secret.
      ...(clientMetadata.token_endpoint_auth_method === 'private_key_jwt' ? { client_secret: undefined } : {}),
    }],
  });

  grantOfflineAccessWithoutConsent(provider);
  reportLevels(provider);
  recorder.note('client_secret', clientSecret);
  provider.use(recording(recorder));
  provider.use(issueJwtAccessTokens(provider, { issuer, jwk, currentContext: () => Provider.ctx }));
  provider.use(logoutWithoutSession(publicUrl));
  reportErrors(provider, log);
  return provider;
}

// oidc-provider drops `offline_access` where the request does not say `prompt=consent` (OpenID Connect Core 1.0,
// section 11, leaves "other conditions" to the provider). Okta's condition is the application's configuration.
function grantOfflineAccessWithoutConsent(provider) {
  class Prompts extends Set {
    has(prompt) {
      return prompt === 'consent' || super.has(prompt);
    }
  }
  const { get } = Object.getOwnPropertyDescriptor(provider.OIDCContext.prototype, 'prompts');
  Object.defineProperty(provider.OIDCContext.prototype, 'prompts', {
    get() {
      return new Prompts(get.call(this));
    },
  });
}

function reportLevels(provider) {
  Object.defineProperty(provider.OIDCContext.prototype, 'acr', {
    get() {
      return reported(this);
    },
  });
}

function reportErrors(provider, log) {
  const report = (what) => (_ctx, error) => {
    const detail = [error.error_description, error.error_detail].filter(Boolean).join('; ');
    log(`${what} refused: ${error.error ?? error.message}${detail ? ` (${detail})` : ''}`);
  };
  provider.on('authorization.error', (ctx, error) => {
    if (error.error !== 'access_denied') report('Authorization request')(ctx, error);
  });
  provider.on('grant.error', report('Token request'));
  provider.on('userinfo.error', report('Userinfo request'));
  provider.on('introspection.error', report('Introspection request'));
  provider.on('revocation.error', report('Revocation request'));
  provider.on('end_session.error', report('Logout request'));
  provider.on('server_error', (_ctx, error) => log(`Provider error: ${error.stack ?? error.message}`));
}
