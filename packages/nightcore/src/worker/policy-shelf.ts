import { type Bytes, type Digest, digestOf, type Sha256, utf8 } from "#core";
import { BASE_POLICY, explainPolicyFault, type Facts, parseTenantPolicy } from "#guardian";

/** POWER: reads `policies/<name>.json`; undefined when there is none. */
export type ReadPolicy = (name: string) => Bytes | undefined;

type PolicyFact = Facts["policy"];

/**
 * Finds the policy of a tenant: `_default.json`, overridden by `<tenant>.json` member by member. Each file is read once in
 * the life of a shelf, so that one command decides everything by the same policies.
 */
export class PolicyShelf {
  readonly #read: ReadPolicy;
  readonly #sha256: Sha256;
  readonly #facts = new Map<string, PolicyFact>();
  #base: PolicyFact | undefined;
  #baseBytes: Bytes = new Uint8Array();

  constructor(read: ReadPolicy, sha256: Sha256) {
    this.#read = read;
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
    const bytes = this.#read("_default");
    if (bytes === undefined) {
      const message = "there is no policy, and without one everything is denied";
      return {
        state: "refused",
        finding: { code: "guardian/policy-missing", message, hint: "`nightcore init` writes `policies/_default.json`" },
      };
    }
    const policy = parseTenantPolicy(bytes, "policies/_default.json", BASE_POLICY);
    if (!policy.ok) return { state: "refused", finding: { code: policy.fault.code, ...explainPolicyFault(policy.fault) } };
    this.#baseBytes = bytes;
    return { state: "read", digest: this.#digest(bytes), policy: policy.value };
  }

  #digest(content: Bytes | string): Digest {
    return digestOf(this.#sha256, typeof content === "string" ? utf8(content) : content);
  }
}
