import { availableParallelism } from "node:os";
import {
  ACKNOWLEDGEMENT_LEVELS,
  type AcknowledgementLevel,
  type Explanation,
  fail,
  ok,
  quote,
  type Result,
  UNREACHED,
  type Unreached,
} from "#core";
import { readIfThere } from "./files.ts";

/** `nightcore.toml`, checked. */
export type Configuration = {
  /** The name of this workspace's log: the first line of every checkpoint. */
  readonly origin: string;
  /** Whether published checkpoints are signed with ML-DSA-44 too. */
  readonly mlDsa44: boolean;
  /** Guests that run at once. */
  readonly parallel: number;
  /** The largest `module.wasm` that is read. */
  readonly moduleBytesMax: number;
  readonly retention: RetentionConfiguration;
  readonly acknowledgement: AcknowledgementConfiguration;
};

/** What may go after so many days, 0: never. */
export type RetentionConfiguration = {
  /** Days that blobs are kept after the last run that names them. */
  readonly inputsDays: number;
  readonly outputsDays: number;
  /** Days that entries stay in the published folder at least. */
  readonly logDays: number;
  /** The folder of the entries that were pruned, relative to the workspace; empty: where the pruning entry says. */
  readonly logArchive: string;
};

/** What is waited for before anybody is told. `policy`, `waitMs` and `unreached` matter for `witnessed` alone. */
export type AcknowledgementConfiguration = {
  readonly level: AcknowledgementLevel;
  /** The file of the log policy with witnesses and quorum, relative to the workspace; empty when none is named. */
  readonly policy: string;
  readonly waitMs: number;
  readonly unreached: Unreached;
};

export type ConfigurationFault =
  | { readonly code: "workspace/absent"; readonly file: string }
  | { readonly code: "workspace/configuration-refused"; readonly file: string; readonly problems: readonly string[] };

export function explainConfigurationFault(fault: ConfigurationFault): Explanation {
  return fault.code === "workspace/absent"
    ? {
        message: `there is no workspace here: ${quote(fault.file)} is missing`,
        hint: "make one with `nightcore init`, or name one with `--root DIR`",
      }
    : { message: `${quote(fault.file)} is refused: ${fault.problems.join("; ")}` };
}

const MODULE_MIB_MAX = 64; // LIMIT: what the reader of the binary format accepts at the most

const WAIT_SECONDS_MAX = 3600; // LIMIT: an hour; who waits longer for a witness wants to be told

const DAYS_MAX = 36_500; // LIMIT: a century

/** The text that `nightcore init` writes. Every member is there, so that a reader sees what there is to set. */
export function encodeConfiguration(origin: string, { mlDsa44 }: { readonly mlDsa44: boolean }): string {
  return `# Night Core workspace. Every member is shown with its value; docs/formats/configuration.md explains them.

[log]
# The first line of every checkpoint, and the name of the log's key. Never change it: a log has one name.
origin = ${JSON.stringify(origin)}
# Whether published checkpoints are signed with ML-DSA-44 too; nightcore ledger ml-dsa-key makes the key.
ml_dsa_44 = ${mlDsa44}

[run]
# Guests that run at once; 0 means one for each processor.
parallel = 0
# The largest module that is read, in MiB.
module_mib_max = ${MODULE_MIB_MAX}

[retention]
# Days that inputs (modules, stdin, files) and outputs are kept after the last run that names them; 0 keeps them for ever.
# nightcore retention apply deletes what is older, and records it.
inputs_days = 0
outputs_days = 0
# Days that entries of the log stay here; nightcore ledger prune moves older ones into an archive. 0 keeps them for ever.
log_days = 0
# The archive, where it is not, or not any more, where the log says.
log_archive = ""

[acknowledgement]
# What is waited for before a guest starts and before anybody hears of its end: durable, published or witnessed.
level = "durable"
# For witnessed: the policy that names witnesses and their quorum (C2SP tlog-policy), and how long they are waited for.
policy = ""
wait_seconds = 30
# And if they do not cosign in time: fail_closed (nothing starts, nothing is told) or fail_open (told, with that).
unreached = "fail_closed"
`;
}

/** Reads `nightcore.toml` strictly, listing every problem. */
export async function readConfiguration(file: string): Promise<Result<Configuration, ConfigurationFault>> {
  const bytes = readIfThere(file);
  if (bytes === undefined) return fail({ code: "workspace/absent", file });
  const { parse, TomlError } = await import("smol-toml");
  let document: Record<string, unknown>;
  try {
    document = parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    const what = error instanceof TomlError ? `line ${error.line}: ${error.message.split("\n")[0]}` : "it is not TOML";
    return fail({ code: "workspace/configuration-refused", file, problems: [what] });
  }
  const problems: string[] = [];
  const configuration = check(document, problems);
  return problems.length > 0 ? fail({ code: "workspace/configuration-refused", file, problems }) : ok(configuration);
}

function check(document: Record<string, unknown>, problems: string[]): Configuration {
  const log = table(document, "log", problems);
  const run = table(document, "run", problems);
  const retention = table(document, "retention", problems);
  const acknowledgement = table(document, "acknowledgement", problems);
  only(document, ["log", "run", "retention", "acknowledgement"], "", problems);
  only(log, ["origin", "ml_dsa_44"], "log.", problems);
  only(run, ["parallel", "module_mib_max"], "run.", problems);
  const origin = typeof log.origin === "string" ? log.origin : "";
  if (!/^[^\s+\p{Cc}]{1,200}$/u.test(origin)) problems.push("`log.origin` is not a name without spaces and `+`");
  if (origin.startsWith("DSSEv1")) problems.push("`log.origin` may not begin with `DSSEv1`");
  const mlDsa44 = log["ml_dsa_44"] ?? false;
  if (typeof mlDsa44 !== "boolean") problems.push("`log.ml_dsa_44` is neither true nor false");
  const parallel = whole(run, "parallel", { least: 0, most: 256, fallback: 0, table: "run" }, problems);
  const mib = whole(run, "module_mib_max", { least: 1, most: MODULE_MIB_MAX, fallback: MODULE_MIB_MAX, table: "run" }, problems);
  return {
    origin,
    mlDsa44: mlDsa44 === true,
    parallel: parallel === 0 ? availableParallelism() : parallel,
    moduleBytesMax: mib * 1024 * 1024,
    retention: checkRetention(retention, problems),
    acknowledgement: checkAcknowledgement(acknowledgement, problems),
  };
}

function checkRetention(object: Record<string, unknown>, problems: string[]): RetentionConfiguration {
  only(object, ["inputs_days", "outputs_days", "log_days", "log_archive"], "retention.", problems);
  const days = { least: 0, most: DAYS_MAX, fallback: 0, table: "retention" } as const;
  const logArchive = object["log_archive"] ?? "";
  if (typeof logArchive !== "string") problems.push("`retention.log_archive` is not a text");
  return {
    inputsDays: whole(object, "inputs_days", days, problems),
    outputsDays: whole(object, "outputs_days", days, problems),
    logDays: whole(object, "log_days", days, problems),
    logArchive: typeof logArchive === "string" ? logArchive : "",
  };
}

function checkAcknowledgement(object: Record<string, unknown>, problems: string[]): AcknowledgementConfiguration {
  only(object, ["level", "policy", "wait_seconds", "unreached"], "acknowledgement.", problems);
  const level = oneOf(object, "level", { values: ACKNOWLEDGEMENT_LEVELS, table: "acknowledgement" }, problems);
  const unreached = oneOf(object, "unreached", { values: UNREACHED, table: "acknowledgement" }, problems);
  const waiting = { least: 1, most: WAIT_SECONDS_MAX, fallback: 30, table: "acknowledgement" };
  const waitMs = whole(object, "wait_seconds", waiting, problems) * 1000;
  const policy = object["policy"] ?? "";
  if (typeof policy !== "string") problems.push("`acknowledgement.policy` is not a text");
  else if (level === "witnessed" && policy === "")
    problems.push("`acknowledgement.policy` is missing: `witnessed` needs to know by whom");
  return { level, policy: typeof policy === "string" ? policy : "", waitMs, unreached };
}

/** One of a few words; the first is what holds when the member is absent. */
function oneOf<T extends string>(
  object: Record<string, unknown>,
  name: string,
  { values, table: prefix }: { readonly values: readonly [T, ...T[]]; readonly table: string },
  problems: string[],
): T {
  const value = object[name] ?? values[0];
  const found = values.find((one) => one === value);
  if (found === undefined) problems.push(`\`${prefix}.${name}\` is not one of ${values.join(", ")}`);
  return found ?? values[0];
}

function table(document: Record<string, unknown>, name: string, problems: string[]): Record<string, unknown> {
  const value = document[name] ?? {};
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  problems.push(`\`${name}\` is not a table`);
  return {};
}

function only(object: Record<string, unknown>, names: readonly string[], prefix: string, problems: string[]): void {
  for (const name of Object.keys(object)) if (!names.includes(name)) problems.push(`${quote(prefix + name)} is unknown`);
}

type Range = { readonly least: number; readonly most: number; readonly fallback: number; readonly table: string };

function whole(object: Record<string, unknown>, name: string, range: Range, problems: string[]): number {
  const { least, most, fallback } = range;
  const value = object[name] ?? fallback;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  problems.push(`\`${range.table}.${name}\` is not a whole number from ${least} to ${most}`);
  return fallback;
}
