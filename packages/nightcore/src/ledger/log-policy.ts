import { type Bytes, encodeHex, fail, ok, parseUtf8, type Result, type Sha256 } from "#core";
import { type LogKey, parseVkey, parseWitnessVkey } from "./vkey.ts";

const POLICY_BYTES_MAX = 64 * 1024; // LIMIT: a policy is read by people
const MEMBERS_MAX = 256;

/** A log or a witness of a policy, and where it is reached. */
export type PolicyKey = { readonly key: LogKey; readonly url: string | undefined };
/** A witness under the name that groups call it by. */
export type PolicyWitness = PolicyKey & { readonly name: string };

/** A policy file (tlog-policy): whose checkpoints count, and which witnesses must have cosigned them. */
export type LogPolicy = {
  readonly logs: readonly PolicyKey[];
  readonly witnesses: readonly PolicyWitness[];
  /** Whether the witnesses of these key ids are enough. */
  readonly isQuorum: (witnessIds: ReadonlySet<string>) => boolean;
  readonly quorum: string;
};

export type LogPolicyFault = { readonly code: "ledger/policy-malformed"; readonly problems: readonly string[] };

type Member = (ids: ReadonlySet<string>) => boolean;

/**
 * Reads a policy file and lists every problem: unknown lines, keys that are refused, names used twice or before they are there, a
 * member of two groups, one public key under two names, no quorum or two.
 */
export function parseLogPolicy(bytes: Bytes, sha256: Sha256): Result<LogPolicy, LogPolicyFault> {
  const text = bytes.length > POLICY_BYTES_MAX ? undefined : parseUtf8(bytes);
  if (text?.ok !== true) return fail({ code: "ledger/policy-malformed", problems: ["it is too long or not UTF-8"] });
  const reading = new Reading(sha256);
  text.value.split("\n").forEach((line, n) => {
    reading.line(line.replace(/#.*$/s, "").trim(), n + 1);
  });
  return reading.finish();
}

class Reading {
  readonly #sha256: Sha256;
  readonly #problems: string[] = [];
  readonly #logs: PolicyKey[] = [];
  readonly #witnesses: PolicyWitness[] = [];
  readonly #members = new Map<string, Member>();
  readonly #taken = new Set<string>();
  readonly #keys = new Set<string>();
  #quorum: string | undefined;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  line(line: string, number: number): void {
    if (line === "") return;
    const [kind = "", ...words] = line.split(/[ \t]+/);
    const problem = this.#read(kind, words);
    if (problem !== undefined && this.#problems.length < MEMBERS_MAX) this.#problems.push(`line ${number}: ${problem}`);
  }

  #read(kind: string, words: readonly string[]): string | undefined {
    switch (kind) {
      case "log":
        return this.#log(words);
      case "witness":
        return this.#witness(words);
      case "group":
        return this.#group(words);
      case "quorum":
        return this.#setQuorum(words);
      default:
        return "it is neither log, witness, group nor quorum";
    }
  }

  #log([vkey = "", url, ...rest]: readonly string[]): string | undefined {
    const key = parseVkey(this.#sha256, vkey);
    if (!key.ok) return `the log's key is refused: ${key.fault.code}`;
    if (rest.length > 0) return "a log has a key and a URL";
    return this.#takeKey(key.value) ?? void this.#logs.push({ key: key.value, url });
  }

  #witness([name = "", vkey = "", url, ...rest]: readonly string[]): string | undefined {
    const key = parseWitnessVkey(this.#sha256, vkey);
    if (!key.ok) return `the witness's key is refused: ${key.fault.code}`;
    if (rest.length > 0) return "a witness has a name, a key and a URL";
    const { id } = key.value;
    return (
      this.#takeKey(key.value) ??
      this.#name(name, (ids) => ids.has(id)) ??
      void this.#witnesses.push({ name, key: key.value, url })
    );
  }

  #group([name = "", threshold = "", ...names]: readonly string[]): string | undefined {
    const members: Member[] = [];
    for (const one of names) {
      const member = this.#members.get(one);
      if (member === undefined) return `nothing before it is called ${JSON.stringify(one)}`;
      if (this.#taken.has(one)) return `${JSON.stringify(one)} is a member already`;
      this.#taken.add(one);
      members.push(member);
    }
    const needed =
      threshold === "all" ? members.length : threshold === "any" ? 1 : Number(/^[1-9][0-9]{0,3}$/.exec(threshold)?.[0]);
    if (!(needed >= 1 && needed <= members.length)) return "its threshold is not any, all, or a number up to its members";
    return this.#name(name, (ids) => members.filter((member) => member(ids)).length >= needed);
  }

  #setQuorum([name = "", ...rest]: readonly string[]): string | undefined {
    if (this.#quorum !== undefined) return "there is a quorum already";
    if (rest.length > 0 || (name !== "none" && !this.#members.has(name))) return "it names no witness or group before it";
    this.#quorum = name;
    return undefined;
  }

  #name(name: string, member: Member): string | undefined {
    if (!/^[^\s#]+$/.test(name) || name === "none") return "its name is missing or reserved";
    if (this.#members.has(name)) return `the name ${JSON.stringify(name)} is used already`;
    if (this.#members.size >= MEMBERS_MAX) return "there are too many names";
    this.#members.set(name, member);
    return undefined;
  }

  #takeKey({ publicKey }: LogKey): string | undefined {
    const key = encodeHex(publicKey);
    if (this.#keys.has(key)) return "its public key is used already";
    this.#keys.add(key);
    return undefined;
  }

  finish(): Result<LogPolicy, LogPolicyFault> {
    if (this.#quorum === undefined) this.#problems.push("there is no quorum; `quorum none` says that none is needed");
    if (this.#problems.length > 0) return fail({ code: "ledger/policy-malformed", problems: this.#problems });
    const quorum = this.#quorum ?? "none";
    const member = this.#members.get(quorum);
    return ok({ logs: this.#logs, witnesses: this.#witnesses, quorum, isQuorum: (ids) => member === undefined || member(ids) });
  }
}
