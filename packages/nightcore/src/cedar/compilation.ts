import type { PolicyJson } from "@cedar-policy/cedar-wasm/web";
import { escapeControls, fail, ok, quote, type Result } from "#core";
import type { CompiledPolicy, PolicyFault } from "#guardian";
import { type Cedar, loadCedar } from "./library.ts";
import { POLICY_SCHEMA } from "./schema.ts";

/** One file of policies, as its author wrote it. */
export type PolicyText = { readonly file: string; readonly text: string };

const TEXT_BYTES_MAX = 64 * 1024; // LIMIT: of one file; people read it, and Cedar's parser recurses into it
const POLICIES_MAX = 500; // LIMIT: of all files together; each is evaluated for every decision
const NESTING_MAX = 32; // LIMIT: brackets within brackets; Cedar's parser dies of a thousand and takes its memory with it
const OPERATORS_MAX = 256; // LIMIT: in a row without a bracket, which Cedar nests as deeply as it nests brackets
const PROBLEMS_MAX = 100; // LIMIT: problems told at once
const WORDS_MAX = 300; // LIMIT: characters of a reason or a hint
const POLICY_ID = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const VERDICTS = ["deny", "hold", "quarantine"] as const;

/**
 * Compiles policy files into what is put in force: every policy by the id that its author gave it, checked against the schema.
 * All problems of all files are listed at once. Refuses a policy without an id, two with one id, templates, and an annotation
 * that means nothing here: a verdict with a typing error must not be a verdict that is not there.
 */
export function compilePolicies(texts: readonly PolicyText[]): Result<readonly CompiledPolicy[], PolicyFault> {
  const problems: string[] = [];
  const compiled: CompiledPolicy[] = [];
  const bounded = texts.filter((one) => {
    const problem = findExcess(one.text);
    if (problem !== undefined) problems.push(`${quote(one.file)}: ${problem}`);
    return problem === undefined;
  });
  try {
    const cedar = loadCedar();
    for (const one of bounded) compileFile(one, cedar, { compiled, problems });
    if (compiled.length > POLICIES_MAX) problems.push(`there are ${compiled.length} policies, more than ${POLICIES_MAX}`);
    else problems.push(...validate(compiled, cedar));
  } catch (error) {
    // What is deeper than its stack ends Cedar itself; nothing more can be said about this set in this process.
    problems.push(`Cedar could not read the policies: ${error instanceof Error ? error.message : "unknown"}`);
  }
  if (problems.length === 0) return ok(compiled);
  return fail({ code: "guardian/policies-refused", problems: problems.slice(0, PROBLEMS_MAX).map((one) => escapeControls(one)) });
}

/** Why a text is not given to Cedar's parser at all; undefined when it may be. */
function findExcess(text: string): string | undefined {
  if (text.length > TEXT_BYTES_MAX) return `the file is larger than ${TEXT_BYTES_MAX} characters`;
  let depth = 0;
  let operators = 0;
  for (const character of text) {
    if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    else if (character === ";") operators = 0;
    else if ("&|+-*!=<>.".includes(character)) operators++;
    if (depth > NESTING_MAX) return `brackets are nested more than ${NESTING_MAX} deep`;
    if (operators > OPERATORS_MAX * 2) return `one policy has more than ${OPERATORS_MAX} operators; write several policies`;
  }
  return undefined;
}

type Found = { readonly compiled: CompiledPolicy[]; readonly problems: string[] };

function compileFile({ file, text }: PolicyText, cedar: Cedar, { compiled, problems }: Found): void {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === "failure") {
    problems.push(...parts.errors.map((error) => `${quote(file)}${lineOf(text, error.sourceLocations)}: ${error.message}`));
    return;
  }
  if (parts.policy_templates.length > 0)
    problems.push(`${quote(file)}: templates (\`?principal\`, \`?resource\`) are not used here`);
  for (const policyText of parts.policies) {
    const parsed = cedar.policyToJson(policyText);
    if (parsed.type === "failure") {
      problems.push(...parsed.errors.map(({ message }) => `${quote(file)}: ${message}`));
      continue;
    }
    const read = readAnnotations(parsed.json, file, policyText);
    if (compiled.some(({ id }) => id === read.policy.id)) read.problems.push(`the id ${quote(read.policy.id)} is used twice`);
    if (read.problems.length === 0) compiled.push(read.policy);
    else problems.push(...read.problems.map((problem) => `${quote(file)}: ${problem}`));
  }
}

function lineOf(text: string, locations: readonly { readonly start: number }[] | undefined): string {
  const start = locations?.[0]?.start;
  // Cedar counts bytes of UTF-8.
  return start === undefined ? "" : `:${Buffer.from(text).subarray(0, start).toString("utf8").split("\n").length}`;
}

function readAnnotations(json: PolicyJson, file: string, text: string) {
  const { id = "", verdict = "deny", reason, hint, ...rest } = json.annotations ?? {};
  const problems: string[] = [];
  const where = POLICY_ID.test(id)
    ? `policy ${quote(id)}`
    : `the policy ${quote(text.trim().replaceAll(/\s+/g, " ").slice(0, 60))}`;
  if (!POLICY_ID.test(id))
    problems.push(`${where} has no id; write \`@id("a-name")\` before it, of lower-case letters, digits, \`.\`, \`_\`, \`-\``);
  const known = VERDICTS.find((one) => one === verdict);
  if (known === undefined) problems.push(`${where}: \`@verdict\` is not one of ${VERDICTS.join(", ")}`);
  if (json.effect === "permit" && json.annotations?.["verdict"] !== undefined)
    problems.push(`${where}: a permit has no \`@verdict\``);
  for (const [name, words] of [
    ["reason", reason],
    ["hint", hint],
  ] as const) {
    if (words !== undefined && (words.length === 0 || words.length > WORDS_MAX || /\p{Cc}/u.test(words)))
      problems.push(`${where}: \`@${name}\` is not one line of 1 to ${WORDS_MAX} characters`);
  }
  for (const name of Object.keys(rest)) problems.push(`${where}: there is no annotation \`@${name}\``);
  const policy: CompiledPolicy = {
    ...{ id, file, effect: json.effect, verdict: known ?? "deny" },
    ...(reason === undefined ? {} : { reason }),
    ...(hint === undefined ? {} : { hint }),
    // As text and not as the JSON of its syntax tree, in which JavaScript would round its larger numbers.
    text: text.trim(),
  };
  return { policy, problems };
}

function validate(compiled: readonly CompiledPolicy[], cedar: Cedar): readonly string[] {
  const staticPolicies = Object.fromEntries(compiled.map(({ id, text }) => [id, text]));
  const answer = cedar.validate({ schema: POLICY_SCHEMA, policies: { staticPolicies, templates: {}, templateLinks: [] } });
  if (answer.type === "failure") return answer.errors.map(({ message }) => message);
  const fileOf = new Map(compiled.map(({ id, file }) => [id, file]));
  return [...answer.validationErrors, ...answer.validationWarnings].map(({ policyId, error }) => {
    const help = error.help === null ? "" : ` (${error.help})`;
    return `${quote(fileOf.get(policyId) ?? "")}: ${error.message}${help}`;
  });
}
