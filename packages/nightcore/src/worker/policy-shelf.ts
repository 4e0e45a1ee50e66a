import { type Bytes, type Digest, digestOf, type Sha256, utf8 } from "#core";
import { BASE_POLICY, explainPolicyFault, type Facts, type Finding, parseTenantPolicy } from "#guardian";

/** Which policies are in force: the number that people call the version by, and the digest of everything in it. */
export type PolicyVersion = { readonly number: number; readonly digest: Digest };

/** The files of the version in force by their names; or why there is none, and then everything is denied. */
export type ShelvedPolicies =
  | { readonly version: PolicyVersion; readonly files: Readonly<Record<string, string>> }
  | { readonly version?: undefined; readonly finding: Finding };

type PolicyFact = Facts["policy"];

/**
 * Finds the limits of a tenant in the version in force: `_default.json`, overridden by `<tenant>.json` member by member.
 * Files on disk are not looked at: what was edited and not activated is not a policy.
 */
export class PolicyShelf {
  readonly version: PolicyVersion | undefined;
  readonly #shelved: ShelvedPolicies;
  readonly #sha256: Sha256;
  readonly #facts = new Map<string, PolicyFact>();
  #base: PolicyFact | undefined;
  #baseBytes: Bytes = new Uint8Array();

  constructor(shelved: ShelvedPolicies, sha256: Sha256) {
    this.version = shelved.version;
    this.#shelved = shelved;
    this.#sha256 = sha256;
  }

  policyOf(tenant: string): PolicyFact {
    let fact = this.#facts.get(tenant);
    if (fact === undefined) this.#facts.set(tenant, (fact = this.#load(tenant)));
    return fact;
  }

  #load(tenant: string): PolicyFact {
    const base = (this.#base ??= this.#loadBase());
    if (base.state === "refused") return base;
    const bytes = tenant === "_default" ? undefined : this.#read(tenant);
    if (bytes === undefined) return base;
    const policy = parseTenantPolicy(bytes, `policies/${tenant}.json`, base.policy);
    if (!policy.ok) return { state: "refused", finding: { code: policy.fault.code, ...explainPolicyFault(policy.fault) } };
    // Two files make one policy; its digest covers the digests of both.
    return {
      state: "read",
      digest: this.#digest(`${this.#digest(this.#baseBytes)} ${this.#digest(bytes)}`),
      policy: policy.value,
    };
  }

  #loadBase(): PolicyFact {
    if (this.#shelved.version === undefined) return { state: "refused", finding: this.#shelved.finding };
    const bytes = this.#read("_default");
    if (bytes === undefined) {
      const message = "the policies in force have no `_default.json`, and without it everything is denied";
      const hint = "write `policies/_default.json`, then `nightcore policy activate`";
      return { state: "refused", finding: { code: "guardian/policy-missing", message, hint } };
    }
    const policy = parseTenantPolicy(bytes, "policies/_default.json", BASE_POLICY);
    if (!policy.ok) return { state: "refused", finding: { code: policy.fault.code, ...explainPolicyFault(policy.fault) } };
    this.#baseBytes = bytes;
    return { state: "read", digest: this.#digest(bytes), policy: policy.value };
  }

  #read(name: string): Bytes | undefined {
    const files = this.#shelved.version === undefined ? {} : this.#shelved.files;
    const text = Object.hasOwn(files, `${name}.json`) ? files[`${name}.json`] : undefined;
    return text === undefined ? undefined : utf8(text);
  }

  #digest(content: Bytes | string): Digest {
    return digestOf(this.#sha256, typeof content === "string" ? utf8(content) : content);
  }
}
