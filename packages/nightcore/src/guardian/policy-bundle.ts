import { type Bytes, fail, isJsonObject, type Json, type JsonFault, ok, parseJson, quote, type Result, utf8 } from "#core";
import type { Verdict } from "./decision.ts";
import { BASE_POLICY, parseTenantPolicy, type PolicyFault } from "./tenant-policy.ts";

const BUNDLE_BYTES_MAX = 2 * 1024 * 1024; // LIMIT: every policy file of a workspace with its compiled form
const FILE_CHARACTERS_MAX = 256 * 1024; // LIMIT: a policy is read by people
const FILES_MAX = 2000; // LIMIT: one for each tenant that differs from the others
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,120}\.(?:json|cedar)$/;

/** One policy as it is enforced: its author's id and words, and its text in the Cedar language. */
export type CompiledPolicy = {
  readonly id: string;
  readonly file: string;
  readonly effect: "permit" | "forbid";
  /** What follows when it forbids; without meaning for a permit. */
  readonly verdict: Exclude<Verdict, "allow">;
  readonly reason?: string;
  readonly hint?: string;
  readonly text: string;
};

/** Everything that one version of the policies consists of: the files as people wrote them, and what was compiled from them. */
export type PolicyBundle = {
  readonly files: Readonly<Record<string, string>>;
  readonly compiler: string;
  readonly policies: readonly CompiledPolicy[];
};

export type PolicyBundleFault = { readonly code: "guardian/bundle-malformed"; readonly detail: string };

/** The bytes of a version, whose digest is its name: canonical, so that the same files give the same version. */
export function encodePolicyBundle({ files, compiler, policies }: PolicyBundle): Bytes {
  const sorted = Object.fromEntries(Object.entries(files).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return utf8(`${JSON.stringify({ files: sorted, compiler, policies })}\n`);
}

/** Reads a version's bytes, which were checked against the digest that the log names. */
export function parsePolicyBundle(bytes: Bytes): Result<PolicyBundle, PolicyBundleFault | JsonFault> {
  const json = parseJson(bytes, BUNDLE_BYTES_MAX);
  if (!json.ok) return json;
  const bad = (detail: string) => fail<PolicyBundleFault>({ code: "guardian/bundle-malformed", detail });
  if (!isJsonObject(json.value)) return bad("not an object");
  const { files, compiler, policies } = json.value;
  if (!isJsonObject(files) || !Object.values(files).every((text) => typeof text === "string")) return bad("`files`");
  if (typeof compiler !== "string") return bad("`compiler`");
  if (!Array.isArray(policies) || !policies.every(isCompiled)) return bad("`policies`");
  return ok({ files: files as Record<string, string>, compiler, policies });
}

function isCompiled(value: Json): value is CompiledPolicy {
  if (!isJsonObject(value)) return false;
  const { id, file, effect, verdict, reason = "", hint = "", text } = value;
  const texts = [id, file, reason, hint, text].every((one) => typeof one === "string");
  const known = (effect === "permit" || effect === "forbid") && ["deny", "hold", "quarantine"].some((one) => one === verdict);
  return texts && known;
}

/**
 * Checks the files of a candidate that are in v39's JSON form, and the names of all: a file that nobody would read is refused,
 * because its author believes that it counts. Every problem of every file.
 */
export function checkPolicyFiles(files: Readonly<Record<string, string>>): readonly string[] {
  const names = Object.keys(files);
  const problems: string[] = [];
  if (names.length > FILES_MAX) problems.push(`there are ${names.length} files, more than ${FILES_MAX}`);
  for (const name of names.filter((one) => !FILE_NAME.test(one)))
    problems.push(`${quote(name)} is neither \`NAME.json\` nor \`NAME.cedar\``);
  for (const name of names.filter((one) => (files[one]?.length ?? 0) > FILE_CHARACTERS_MAX))
    problems.push(`${quote(name)} is larger than ${FILE_CHARACTERS_MAX} characters`);
  if (!("_default.json" in files)) problems.push("`_default.json` is missing, and without it everything is denied");
  for (const name of names.filter((one) => one.endsWith(".json"))) {
    const policy = parseTenantPolicy(utf8(files[name] ?? ""), name, BASE_POLICY);
    if (!policy.ok) problems.push(...problemsOf(policy.fault, name));
  }
  return problems;
}

function problemsOf(fault: PolicyFault, name: string): readonly string[] {
  switch (fault.code) {
    case "guardian/policy-not-json":
      return [`${quote(name)} is not strict JSON`];
    case "guardian/policy-refused":
      return fault.problems.map((problem) => `${quote(name)}: ${problem}`);
    default:
      return [`${quote(name)}: ${fault.problems.join("; ")}`];
  }
}
