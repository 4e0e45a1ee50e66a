import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { CEDAR_COMPILER, type CedarEngine, compilePolicies, type KnownAnswers, openCedarEngine } from "#cedar";
import { type Digest, digestOf, escapeControls, fail, ok, quote, type Result } from "#core";
import {
  checkPolicyFiles,
  encodePolicyBundle,
  explainPolicyFault,
  type Finding,
  parsePolicyBundle,
  type PolicyBundle,
  type PolicyFault,
} from "#guardian";
import { type PolicyVersionRow, readPolicyHead, type Rows } from "#state";
import { sha256 } from "#store/keys";
import { type Layout, readIfThere, replaceFile } from "#store/workspace";
import { type Deciding, PolicyShelf } from "#worker";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";

const FILE_BYTES_MAX = 1024 * 1024; // LIMIT: what is read of one file before anybody looks at it
const POLICY_FILE = /\.(?:json|cedar)$/;

/** Where a version lies, whole and durable, for as long as the workspace does: the log names it by digest. */
function pathOf({ policyVersions }: Layout, version: Digest): string {
  return join(policyVersions, `${version}.json`);
}

/** Compiles files into a version. Every problem of every file is in the fault. */
export function bundleFiles(files: Readonly<Record<string, string>>): Result<PolicyBundle, PolicyFault> {
  const problems = checkPolicyFiles(files);
  const texts = Object.entries(files)
    .filter(([file]) => file.endsWith(".cedar"))
    .map(([file, text]) => ({ file, text }));
  const compiled = compilePolicies(texts);
  const all = [...problems, ...(compiled.ok || !("problems" in compiled.fault) ? [] : compiled.fault.problems)];
  if (!compiled.ok || all.length > 0) return fail({ code: "guardian/policies-refused", problems: all });
  return ok({ files, compiler: CEDAR_COMPILER, policies: compiled.value });
}

/** The files of a folder, or of one file over those of a version: what a candidate consists of. */
export function readPolicyFiles(path: string, base: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const about = statSync(path, { throwIfNoEntry: false });
  if (about === undefined) throw usageStop(`there is no ${quote(path)}`, "name a file of policies, or a folder with all of them");
  if (!about.isDirectory()) return { ...base, [basename(path)]: readText(path) };
  const names = readdirSync(path).filter((name) => POLICY_FILE.test(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, readText(join(path, name))]));
}

function readText(path: string): string {
  const about = lstatSync(path);
  if (!about.isFile()) throw usageStop(`${quote(path)} is not a file`, "policies are plain files, and links are not followed");
  if (about.size > FILE_BYTES_MAX) throw usageStop(`${quote(path)} is larger than ${FILE_BYTES_MAX} bytes`);
  return new TextDecoder("utf-8", { fatal: false }).decode(readFileSync(path));
}

/** Keeps a version durably, before the log names it. */
export function keepVersion(layout: Layout, bundle: PolicyBundle): Digest {
  const bytes = encodePolicyBundle(bundle);
  const version = digestOf(sha256, bytes);
  const path = pathOf(layout, version);
  if (!existsSync(path)) replaceFile(path, bytes);
  return version;
}

/** A version as it was kept: its bytes are what the log names, or it is a fault. */
export function readVersion(layout: Layout, version: Digest): Result<PolicyBundle, Finding> {
  const bytes = readIfThere(pathOf(layout, version));
  const hint = "get `.nightcore/policies` back from a copy of the workspace, or activate another version";
  if (bytes === undefined || digestOf(sha256, bytes) !== version) {
    const what = bytes === undefined ? "is gone" : "is not what the log recorded";
    return fail({ code: "guardian/policy-gone", message: `the version ${version.slice(0, 16)} of the policies ${what}`, hint });
  }
  const bundle = parsePolicyBundle(bytes);
  if (bundle.ok) return bundle;
  const message = `the version ${version.slice(0, 16)} of the policies cannot be read (${bundle.fault.code})`;
  return fail({ code: "guardian/bundle-malformed", message, hint });
}

/** What decides in a session: the version in force, its limits, and the engine for its policies. */
export type PoliciesInForce = {
  readonly active: PolicyVersionRow | undefined;
  readonly bundle: PolicyBundle | undefined;
  readonly shelf: PolicyShelf;
  readonly engine: CedarEngine | undefined;
  /** The version that is tried beside it, if one is and if it can be read: a trial is never in the way. */
  readonly trial: OpenedDeciding | undefined;
};

/**
 * Opens what the log says is in force, and nothing that lies in `policies/`. Whatever is wrong with it denies everything. With
 * `known`, that is looked at before Cedar is asked; without, and for what is on trial, Cedar itself answers.
 */
export function openPolicies(layout: Layout, rows: Pick<Rows, "get">, known?: KnownAnswers): PoliciesInForce {
  const active = readPolicyHead(rows, "active");
  const none = { active, bundle: undefined, engine: undefined, trial: undefined };
  if (active === undefined) {
    const message = "no policies are in force, and so everything is denied";
    const finding = { code: "guardian/policy-inactive", message, hint: "`nightcore policy activate` puts `policies/` in force" };
    return { ...none, shelf: new PolicyShelf({ finding }, sha256) };
  }
  const read = readVersion(layout, active.version);
  if (!read.ok) return { ...none, shelf: new PolicyShelf({ finding: read.fault }, sha256) };
  const tried = readPolicyHead(rows, "tried");
  const trial = tried === undefined ? undefined : readVersion(layout, tried.version);
  return {
    active,
    bundle: read.value,
    ...openDeciding(active, read.value, known),
    trial: tried !== undefined && trial?.ok === true ? openDeciding(tried, trial.value) : undefined,
  };
}

type OpenedDeciding = Deciding & { readonly engine: CedarEngine };

/** The limits and the engine of a version. */
export function openDeciding(
  { number, version }: Pick<PolicyVersionRow, "number" | "version">,
  bundle: PolicyBundle,
  known?: KnownAnswers,
): OpenedDeciding {
  const shelf = new PolicyShelf({ version: { number, digest: version }, files: bundle.files }, sha256);
  return { shelf, engine: openCedarEngine({ name: version, policies: bundle.policies }, known) };
}

/** The version, or the end of the command after every problem was told on a line of its own. */
export function unwrapBundle(
  { terminal, json }: Pick<Invocation, "terminal" | "json">,
  bundled: Result<PolicyBundle, PolicyFault>,
): PolicyBundle {
  if (bundled.ok) return bundled.value;
  const { fault } = bundled;
  const hint = "nothing was changed";
  if (json || !("problems" in fault))
    throw new CommandStop({ code: fault.code, message: explainPolicyFault(fault).message, hint, exit: EXIT.usage });
  for (const problem of fault.problems) terminal.say(`  ${escapeControls(problem)}`);
  const message =
    fault.problems.length === 1
      ? "this is a problem of the policies"
      : `these are ${fault.problems.length} problems of the policies`;
  throw new CommandStop({ code: fault.code, message, hint, exit: EXIT.usage });
}
