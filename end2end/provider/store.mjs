/**
 * What the provider remembers: an oidc-provider adapter over one Map, which can be written to a file, so that
 * sessions and refresh tokens of a developer survive a restart of the provider.
 */

const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'DeviceCode']);
const SWEEP_EVERY = 500;

const now = () => Math.floor(Date.now() / 1000);

export class Store {
  /** @type {Map<string, { payload: any, expires: number | undefined }>} */
  #entries = new Map();

  #writes = 0;

  /** @param {[string, any][]} [entries] what `dump` returned earlier */
  constructor(entries = []) {
    this.#entries = new Map(entries);
    this.#sweep();
  }

  /** Everything that has not expired, for a file. */
  dump() {
    this.#sweep();
    return [...this.#entries];
  }

  get(key) {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.expires !== undefined && entry.expires <= now()) {
      this.#entries.delete(key);
      return undefined;
    }
    return entry.payload;
  }

  set(key, payload, expiresIn) {
    this.#writes += 1;
    if (this.#writes % SWEEP_EVERY === 0) this.#sweep();
    this.#entries.set(key, { payload, expires: expiresIn === undefined ? undefined : now() + expiresIn });
  }

  delete(key) {
    this.#entries.delete(key);
  }

  /** Deletes every entry of one grant, whatever its model. */
  deleteGrant(grantId) {
    for (const [key, { payload }] of this.#entries) {
      if (payload?.grantId === grantId && GRANTABLE.has(payload.kind)) this.#entries.delete(key);
    }
  }

  find(predicate) {
    for (const key of this.#entries.keys()) {
      const payload = this.get(key);
      if (payload && predicate(payload)) return payload;
    }
    return undefined;
  }

  #sweep() {
    for (const key of [...this.#entries.keys()]) this.get(key);
  }

  /** The adapter factory that oidc-provider's configuration takes. */
  adapter() {
    return (model) => ({
      upsert: async (id, payload, expiresIn) => this.set(`${model}:${id}`, payload, expiresIn),
      find: async (id) => this.get(`${model}:${id}`),
      findByUid: async (uid) => this.find((payload) => payload.kind === model && payload.uid === uid),
      findByUserCode: async (code) => this.find((payload) => payload.kind === model && payload.userCode === code),
      consume: async (id) => {
        const payload = this.get(`${model}:${id}`);
        if (payload) payload.consumed = now();
      },
      destroy: async (id) => this.delete(`${model}:${id}`),
      revokeByGrantId: async (grantId) => this.deleteGrant(grantId),
    });
  }
}
