import {
  type Bytes,
  type Crypto,
  encodeBase64,
  fail,
  isJsonObject,
  type Json,
  type JsonFault,
  type JsonObject,
  keyIdOf,
  type KeyId,
  ok,
  parseBase64,
  parseDigest,
  parseJson,
  parseTime,
  type Result,
  utf8,
} from "#core";
import { gapOfGrant, type Grant, type KeyFault, parseRole, type Revocation, type Role, type TrustedKey } from "./key-record.ts";

const STORE_BYTES_MAX = 4 * 1024 * 1024; // LIMIT: about 8,000 keys

export type TrustStoreFault =
  | { readonly code: "trust/store-malformed"; readonly problems: readonly string[] }
  | { readonly code: "trust/store-not-json"; readonly json: JsonFault }
  /** The file is not what the log says was last recorded: somebody edited it outside `nightcore trust`. */
  | { readonly code: "trust/store-not-recorded"; readonly found: string; readonly recorded: string };

/**
 * Which keys the host trusts. Immutable: every change makes a new store, whose bytes are named by digest in the log.
 * A key is trusted because it stands here, never because it travels with a module.
 */
export class TrustStore {
  readonly #keys: ReadonlyMap<KeyId, TrustedKey>;
  readonly #grants: readonly Grant[];
  readonly #revocations: ReadonlyMap<KeyId, Revocation>;

  private constructor(
    keys: ReadonlyMap<KeyId, TrustedKey>,
    grants: readonly Grant[],
    revocations: ReadonlyMap<KeyId, Revocation>,
  ) {
    this.#keys = keys;
    this.#grants = grants;
    this.#revocations = revocations;
  }

  static readonly empty = new TrustStore(new Map(), [], new Map());

  get keys(): readonly TrustedKey[] {
    return [...this.#keys.values()];
  }

  grantsOf(keyId: KeyId): readonly Grant[] {
    return this.#grants.filter((grant) => grant.keyId === keyId);
  }

  revocationOf(keyId: KeyId): Revocation | undefined {
    return this.#revocations.get(keyId);
  }

  keyOf(keyId: KeyId): TrustedKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Keys whose identifier begins with the text; 8 digits are enough to name one. */
  findKeys(prefix: string): readonly TrustedKey[] {
    const hex = prefix.toLowerCase().replace(/^sha256:/, "");
    return /^[0-9a-f]{8,64}$/.test(hex) ? this.keys.filter((key) => key.keyId.startsWith(hex)) : [];
  }

  withGrant(key: TrustedKey, grant: Grant): TrustStore {
    const known = this.#keys.get(key.keyId);
    return new TrustStore(new Map(this.#keys).set(key.keyId, known ?? key), [...this.#grants, grant], this.#revocations);
  }

  /** A revocation is final: a key that is already revoked keeps its first reason. */
  withRevocation(revocation: Revocation): TrustStore {
    if (this.#revocations.has(revocation.keyId)) return this;
    return new TrustStore(this.#keys, this.#grants, new Map(this.#revocations).set(revocation.keyId, revocation));
  }

  /** The gap between what is trusted and what is asked; undefined means that the key may act in this role now. */
  gapOf(keyId: KeyId, role: Role, { tenant, nowMs }: { readonly tenant: string; readonly nowMs: number }): KeyFault | undefined {
    const revoked = this.#revocations.get(keyId);
    if (revoked !== undefined) return { code: "trust/key-revoked", keyId, revokedAt: revoked.revokedAt, reason: revoked.reason };
    const grants = this.grantsOf(keyId);
    if (!this.#keys.has(keyId) || grants.length === 0) return { code: "trust/key-untrusted", keyId };
    const inRole = grants.filter((grant) => grant.role === role);
    if (inRole.length === 0) return { code: "trust/key-wrong-role", keyId, role };
    const gaps = inRole.map((grant) => gapOfGrant(grant, tenant, nowMs));
    if (gaps.includes(undefined)) return undefined;
    // A grant for this tenant that has lapsed says more than one for another tenant.
    return gaps.find((gap) => gap?.code !== "trust/key-not-for-tenant") ?? gaps[0];
  }

  /** The roles in which a key may act for the tenant at that moment. */
  rolesOf(keyId: KeyId, asked: { readonly tenant: string; readonly nowMs: number }): readonly Role[] {
    const roles = new Set(this.grantsOf(keyId).map(({ role }) => role));
    return [...roles].filter((role) => this.gapOf(keyId, role, asked) === undefined);
  }

  /** The bytes of `trust/store.json`: what {@link TrustStore.parse} reads, and what the log names by digest. */
  encode(): Uint8Array {
    const document = {
      format: "nightcore-trust/v1",
      keys: this.keys.map(({ keyId, publicKey, name, person }) => ({ keyId, publicKey: encodeBase64(publicKey), name, person })),
      grants: this.#grants,
      revocations: [...this.#revocations.values()],
    };
    return utf8(`${JSON.stringify(document, null, 2)}\n`);
  }

  /** Reads `trust/store.json`, listing every problem. Nothing of a malformed store is used. */
  static parse(bytes: Bytes, crypto: Crypto): Result<TrustStore, TrustStoreFault> {
    const json = parseJson(bytes, STORE_BYTES_MAX);
    if (!json.ok) return fail({ code: "trust/store-not-json", json: json.fault });
    const problems: string[] = [];
    const read = new StoreReader(problems, crypto);
    const parts = read.document(json.value);
    if (parts === undefined || problems.length > 0) return fail({ code: "trust/store-malformed", problems });
    return ok(new TrustStore(parts.keys, parts.grants, parts.revocations));
  }
}

class StoreReader {
  readonly #problems: string[];
  readonly #crypto: Crypto;

  constructor(problems: string[], crypto: Crypto) {
    this.#problems = problems;
    this.#crypto = crypto;
  }

  document(value: Json) {
    if (!isJsonObject(value)) return this.#refuse("the document is not an object");
    this.#only(value, ["format", "keys", "grants", "revocations"], "the document");
    if (value.format !== "nightcore-trust/v1") this.#refuse("`format` is not `nightcore-trust/v1`");
    const keys = new Map<KeyId, TrustedKey>();
    for (const key of this.#list(value.keys, "keys").map((item, i) => this.#key(item, `keys[${i}]`))) {
      if (key !== undefined) keys.set(key.keyId, key);
    }
    const grants = this.#list(value.grants, "grants").map((item, i) => this.#grant(item, `grants[${i}]`));
    const revocations = this.#list(value.revocations, "revocations").map((item, i) =>
      this.#revocation(item, `revocations[${i}]`),
    );
    return {
      keys,
      grants: grants.filter((grant) => grant !== undefined),
      revocations: new Map(revocations.filter((r) => r !== undefined).map((r) => [r.keyId, r])),
    };
  }

  #key(value: Json, where: string): TrustedKey | undefined {
    if (!isJsonObject(value)) return this.#refuse(`${where} is not an object`);
    this.#only(value, ["keyId", "publicKey", "name", "person"], where);
    const publicKey = typeof value.publicKey === "string" ? parseBase64(value.publicKey) : undefined;
    if (publicKey?.ok !== true || publicKey.value.length !== 32)
      return this.#refuse(`${where}.publicKey is not 32 bytes in base64`);
    const keyId = keyIdOf(this.#crypto.sha256, publicKey.value);
    if (keyId !== value.keyId) return this.#refuse(`${where}.keyId is not the hash of its public key`);
    if (typeof value.name !== "string") return this.#refuse(`${where}.name is not a text`);
    const { name, person } = value;
    if (person !== undefined && (typeof person !== "string" || person.trim() === ""))
      return this.#refuse(`${where}.person is not a name`);
    return { keyId, publicKey: publicKey.value, name, person };
  }

  #grant(value: Json, where: string): Grant | undefined {
    if (!isJsonObject(value)) return this.#refuse(`${where} is not an object`);
    this.#only(value, ["keyId", "role", "tenants", "from", "to", "addedAt"], where);
    const keyId = this.#keyId(value, where);
    const role = typeof value.role === "string" ? parseRole(value.role) : undefined;
    if (role === undefined) return this.#refuse(`${where}.role is not the name of a role`);
    const tenants = this.#list(value.tenants, `${where}.tenants`).filter((tenant) => typeof tenant === "string");
    if (tenants.length === 0) return this.#refuse(`${where}.tenants names nobody`);
    const from = this.#time(value, "from", where);
    const to = this.#time(value, "to", where);
    const addedAt = this.#time(value, "addedAt", where);
    if (keyId === undefined || addedAt === undefined) return undefined;
    return { keyId, role, tenants, from, to, addedAt };
  }

  #revocation(value: Json, where: string): Revocation | undefined {
    if (!isJsonObject(value)) return this.#refuse(`${where} is not an object`);
    this.#only(value, ["keyId", "revokedAt", "reason"], where);
    const keyId = this.#keyId(value, where);
    const revokedAt = this.#time(value, "revokedAt", where);
    if (typeof value.reason !== "string") return this.#refuse(`${where}.reason is not a text`);
    return keyId === undefined || revokedAt === undefined ? undefined : { keyId, revokedAt, reason: value.reason };
  }

  #keyId(object: JsonObject, where: string): KeyId | undefined {
    const keyId = typeof object.keyId === "string" ? parseDigest(object.keyId) : undefined;
    return keyId === undefined ? this.#refuse(`${where}.keyId is not a key identifier`) : (keyId as KeyId);
  }

  #time(object: JsonObject, name: string, where: string): string | undefined {
    const value = object[name];
    if (value === undefined && name !== "addedAt" && name !== "revokedAt") return undefined;
    if (typeof value === "string" && parseTime(value) !== undefined) return value;
    return this.#refuse(`${where}.${name} is not an RFC 3339 time`);
  }

  #list(value: Json | undefined, where: string): readonly Json[] {
    if (Array.isArray(value)) return value as readonly Json[];
    this.#refuse(`${where} is not a list`);
    return [];
  }

  #only(object: JsonObject, names: readonly string[], where: string): void {
    for (const name of Object.keys(object))
      if (!names.includes(name)) this.#refuse(`${where} has the unknown member \`${name}\``);
  }

  #refuse(problem: string): undefined {
    this.#problems.push(problem);
    return undefined;
  }
}
