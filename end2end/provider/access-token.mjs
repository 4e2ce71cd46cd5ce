/**
 * Access tokens in the shape of an Okta custom authorization server: a JWT with audience `api://default`, `cid`,
 * `uid`, `scp`, `auth_time` and `acr`, header `alg` and `kid` only, which the provider's own userinfo, introspection and
 * revocation endpoints accept too. oidc-provider has either a JWT for an API or an opaque token for userinfo; so the stored
 * token stays opaque, and what leaves is a JWT that carries its id.
 */
import * as crypto from 'node:crypto';

import { accountBySub } from './accounts.mjs';

export const AUDIENCE = 'api://default';
const ID_PREFIX = 'AT.';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

/**
 * When and how the person signed in, for the token and its introspection (RFC 9470, section 6). A refreshed token has
 * what the first one had.
 */
export async function authenticationEvent({ oidc: { entities } }) {
  const source = entities.AuthorizationCode ?? entities.RefreshToken;
  return source && { auth_time: source.authTime, acr: source.acr };
}

/**
 * @param {import('oidc-provider').default} provider
 * @param {{ issuer: string, jwk: crypto.JsonWebKey & { kid: string }, currentContext: () => any }} options
 */
export function issueJwtAccessTokens(provider, { issuer, jwk, currentContext }) {
  const privateKey = crypto.createPrivateKey({ key: jwk, format: 'jwk' });
  const publicKey = crypto.createPublicKey(privateKey);
  const { AccessToken, IdToken } = provider;
  const opaque = AccessToken.prototype.getValueAndPayload;
  const issue = IdToken.prototype.issue;
  /** @type {WeakMap<object, string>} the access token of each request, for `at_hash` beside it */
  const issued = new WeakMap();

  AccessToken.prototype.getValueAndPayload = async function getValueAndPayload() {
    const { value, payload } = await opaque.call(this);
    const account = accountBySub(payload.accountId);
    const scopes = (payload.scope ?? '').split(' ').filter(Boolean);
    const head = encode({ kid: jwk.kid, alg: 'RS256' });
    const body = encode({
      ver: 1,
      jti: ID_PREFIX + value,
      iss: issuer,
      aud: AUDIENCE,
      iat: payload.iat,
      exp: payload.exp,
      cid: payload.clientId,
      uid: payload.accountId,
      scp: scopes,
      ...payload.extra,
      sub: account?.preferred_username ?? payload.accountId,
      ...(scopes.includes('groups') && account ? { groups: account.groups } : undefined),
      ...(payload.jkt ? { cnf: { jkt: payload.jkt } } : undefined),
    });
    const signature = crypto.sign('sha256', Buffer.from(`${head}.${body}`), privateKey).toString('base64url');
    const token = `${head}.${body}.${signature}`;
    const context = currentContext();
    if (context) issued.set(context, token);
    return { value: token, payload };
  };

  // OpenID Connect Core 1.0, section 3.1.3.6: optional in the code flow, and Okta sends it.
  IdToken.prototype.issue = async function issueWithHash(options) {
    const token = issued.get(currentContext());
    if (options?.use === 'idtoken' && token) this.set('at_hash', token);
    return issue.call(this, options);
  };

  /** The id of the stored token that this JWT stands for, or undefined. */
  function storedId(token) {
    const parts = token.split('.');
    if (parts.length !== 3) return undefined;
    try {
      const [head, body, signature] = parts;
      const signed = crypto.verify('sha256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url'));
      const { jti } = decode(body);
      return signed && jti?.startsWith(ID_PREFIX) ? jti.slice(ID_PREFIX.length) : undefined;
    } catch {
      return undefined;
    }
  }

  /** What oidc-provider knows a presented token by. An access token's bare id is not a token. */
  async function translate(token) {
    const id = storedId(token);
    if (id) return id;
    return token.includes('.') || await AccessToken.adapter.find(token) ? 'unknown' : token;
  }

  /** Koa middleware, in front of the provider: JWTs in, ids of stored tokens further on. */
  return async (ctx, next) => {
    const path = ctx.path;
    if (path === '/v1/userinfo') {
      const [, scheme, token] = /^(Bearer|DPoP) (\S+)$/i.exec(ctx.get('authorization')) ?? [];
      if (token) ctx.req.headers.authorization = `${scheme} ${await translate(token)}`;
    }
    if ((path === '/v1/introspect' || path === '/v1/revoke') && ctx.is('application/x-www-form-urlencoded')) {
      const form = Object.fromEntries(new URLSearchParams(await text(ctx.req)));
      if (form.token) form.token = await translate(form.token);
      ctx.req.body = form;
    }
    await next();
    if (path === '/v1/introspect' && ctx.body?.active && ctx.oidc?.entities.AccessToken) {
      const token = ctx.oidc.entities.AccessToken;
      const account = accountBySub(token.accountId);
      Object.assign(ctx.body, {
        aud: AUDIENCE,
        jti: ID_PREFIX + token.jti,
        uid: token.accountId,
        username: account?.preferred_username,
        sub: account?.preferred_username,
      });
    }
  };
}

const BODY_LIMIT = 64 * 1024;

/** @param {AsyncIterable<Buffer>} stream the whole request body, at most 64 KiB */
export async function text(stream) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > BODY_LIMIT) throw Object.assign(new Error('request body too large'), { status: 413, expose: true });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
