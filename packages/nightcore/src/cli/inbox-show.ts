import { BUDGET_NAMES, type Budgets, type Capability, type Digest, escapeControls, parseDigest, utf8 } from "#core";
import { approvalsOf, askedRun, parseApproval } from "#guardian";
import { parseEnvelope } from "#attest";
import { approvalRecord, readClearance, type Row, type Rows } from "#state";
import { openBlobs } from "#store/blobs";
import { shortKey } from "#trust";
import { compareModules, type ModuleDifference, profileModule } from "#worker";
import { EXIT, type Invocation, usageStop } from "./invocation.ts";
import { lastSubmission } from "./inbox-list.ts";
import { brief, type Candidate, findCandidates, nameMissing, shown, stateOf } from "./inbox-words.ts";
import { judgeTenant, type TenantStanding } from "./judging.ts";
import { count } from "./run-words.ts";
import { crypto, openView, type View, viewTrust } from "./session.ts";

/** What was approved last for a tenant, as far as it is still known. */
type Baseline = {
  readonly id: string;
  readonly at: string;
  readonly digest: string;
  readonly person: string;
  readonly signer: string | null;
  readonly capabilities: readonly Capability[];
  readonly budgets: Budgets | undefined;
  readonly entry: string | undefined;
};

/** What a reviewer sees: the difference to what was last approved, who may approve it, and everything that speaks against it. */
export async function run(invocation: Invocation): Promise<number> {
  const { terminal, json, positionals } = invocation;
  const [tenant] = positionals;
  if (tenant === undefined) throw usageStop("a tenant is needed", "`nightcore inbox list` shows them");
  const view = await openView(invocation);
  try {
    const workspace = { ...view, ...viewTrust(view) };
    const standing = judgeTenant(workspace, tenant);
    const { facts } = standing.judgement;
    const baseline = findBaseline(view.rows, tenant);
    const review = {
      tenant,
      digest: facts.module.digest ?? null,
      state: stateOf(standing.weighing),
      needs: nameMissing(standing.weighing),
      submission: describeSubmission(lastSubmission(view.rows, tenant)),
      signer: facts.signature.trusted ? `${facts.signature.keyName} (${shortKey(facts.signature.keyId)})` : null,
      asked: askedRun(facts),
      baseline: baseline ?? null,
      difference: compareWith(view, standing, baseline) ?? null,
      observed: observe(view.rows, facts.module.digest),
      observedBefore: observe(view.rows, baseline === undefined ? undefined : parseDigest(baseline.digest)),
      approvals: standing.weighing.approvals.map(({ approval, counts, finding }) => ({
        ...{ id: approval.id, person: approval.person ?? null, act: approval.statement?.act ?? null },
        ...{ expires: approval.statement?.expires ?? null, counts, finding: finding ?? null },
      })),
      candidates: findCandidates(facts, standing.weighing, workspace.store),
      verdict: standing.judgement.decision.verdict,
      reasons: standing.judgement.decision.reasons,
      openReviews: approvalsOf(facts).openReviews,
    };
    if (json) terminal.print(JSON.stringify(review));
    else tell(invocation, review);
    return EXIT.ok;
  } finally {
    view.close();
  }
}

function findBaseline(rows: Pick<Rows, "get">, tenant: string): Baseline | undefined {
  const last = readClearance(rows, tenant)?.complete.at(-1);
  const row = last === undefined ? undefined : rows.get("approvals", approvalRecord({ ...last, tenant }));
  if (row === undefined) return undefined;
  const envelope = parseEnvelope(utf8(String(row["envelope"])));
  const statement = envelope.ok ? parseApproval(envelope.value.payload) : undefined;
  const said = statement?.ok === true ? statement.value : undefined;
  return {
    ...{ id: String(row["id"]), at: String(row["at"]), digest: String(row["digest"]), person: String(row["person"]) },
    signer: row["signer"] === null ? null : String(row["signer"]),
    ...{ capabilities: said?.capabilities ?? [], budgets: said?.budgets, entry: said?.entry },
  };
}

/** The difference between the bytes approved last and those at hand; undefined where one of them cannot be read any more. */
function compareWith(
  { layout }: View,
  { judgement }: TenantStanding,
  baseline: Baseline | undefined,
): ModuleDifference | undefined {
  const { admitted } = judgement.inspection;
  const before = baseline === undefined ? undefined : openBlobs(layout.blobs).get(baseline.digest);
  if (!admitted.ok) return undefined;
  const after = profileModule(admitted.value.module.bytes, crypto);
  const empty = { sizeBytes: 0, imports: [], exports: [], functions: [], sections: new Map<string, Digest>() };
  const old = baseline === undefined ? ({ ok: true, value: empty } as const) : before && profileModule(before, crypto);
  return old?.ok === true && after.ok ? compareModules(old.value, after.value) : undefined;
}

const RUNS_MAX = 1000; // LIMIT: the newest runs that are summed up

/** What executions of these bytes have used at the most; undefined when there was none. */
function observe(rows: Pick<Rows, "scan">, digest: Digest | undefined) {
  if (digest === undefined) return null;
  const question = { where: { digest }, orderBy: "decided_at", descending: true, limit: RUNS_MAX } as const;
  const runs = rows.scan("runs", question).filter((row) => row["fuel"] !== null);
  if (runs.length === 0) return null;
  const most = (column: string) => Math.max(...runs.map((row) => Number(row[column])));
  const failed = runs.filter((row) => row["status"] === "failed").length;
  const used = {
    wallMs: most("wall_ms"),
    memoryBytes: most("memory_bytes"),
    fuel: most("fuel"),
    outputBytes: most("output_bytes"),
  };
  return { runs: runs.length, failed, most: used };
}

function describeSubmission(row: Row | undefined) {
  if (row === undefined) return null;
  const claimed = JSON.parse(String(row["claimed"])) as Readonly<Record<string, string | null>>;
  return { at: String(row["at"]), file: String(row["file"]), account: String(row["account"]), claimed };
}

type Review = {
  readonly tenant: string;
  readonly digest: string | null;
  readonly state: string;
  readonly needs: string;
  readonly submission: ReturnType<typeof describeSubmission>;
  readonly signer: string | null;
  readonly asked: ReturnType<typeof askedRun>;
  readonly baseline: Baseline | null;
  readonly difference: ModuleDifference | null;
  readonly observed: ReturnType<typeof observe>;
  readonly observedBefore: ReturnType<typeof observe>;
  readonly approvals: readonly {
    readonly id: string;
    readonly person: string | null;
    readonly counts: boolean;
    readonly finding: { readonly message: string } | null;
  }[];
  readonly candidates: readonly Candidate[];
  readonly reasons: readonly { readonly code: string; readonly message: string }[];
};

function tell(invocation: Invocation, review: Review): void {
  const { terminal } = invocation;
  const { submission, baseline, digest, tenant } = review;
  terminal.print(
    `${shown(tenant)}  ${digest ?? "no module"}  ${review.state}${review.needs === "" ? "" : `, needs ${review.needs}`}`,
  );
  if (submission !== null) {
    const claims = Object.entries(submission.claimed).filter(([, text]) => text !== null);
    terminal.print(`submitted ${submission.at} by ${shown(submission.account)} as ${shown(submission.file)}`);
    for (const [name, text] of claims) terminal.print(`  says of itself: ${name} ${shown(text)}`);
  }
  terminal.print(
    baseline === null
      ? "nothing was ever approved for this tenant: everything is new"
      : baseline.digest === digest
        ? `these bytes were approved at ${baseline.at} by ${shown(baseline.person)}; nothing has changed in them`
        : `compared with ${brief(baseline.digest)}, approved at ${baseline.at} by ${shown(baseline.person)}:`,
  );
  for (const line of describeDifference(review)) terminal.print(`  ${line}`);
  for (const { id, person, counts, finding } of review.approvals)
    terminal.print(
      `approval ${brief(id)} by ${shown(person ?? "nobody known")}: ${counts ? "counts" : (finding?.message ?? "a newer one stands for it")}`,
    );
  for (const { code, message } of review.reasons)
    terminal.print(`${terminal.paint("yellow", "against it")}: ${message} [${code}]`);
  const able = review.candidates.filter(({ excluded, approved }) => excluded === undefined && !approved);
  if (review.needs !== "")
    terminal.print(
      able.length === 0
        ? "nobody can approve it now"
        : `can approve it: ${able.map(({ person, roles }) => `${escapeControls(person)} (${roles.join(", ")})`).join(", ")}`,
    );
}

/** The difference in lines, what matters most first. Unchanged things are told in a word. */
function describeDifference({ difference, asked, baseline, signer, observed, observedBefore }: Review): readonly string[] {
  const lines = [
    changeLine("capabilities", compareLists(baseline?.capabilities ?? [], asked.capabilities)),
    ...budgetLines(asked.budgets, baseline?.budgets),
  ];
  if (baseline?.entry !== asked.entry)
    lines.push(`entry: ${baseline?.entry === undefined ? "" : `${shown(baseline.entry)}, now `}${shown(asked.entry)}`);
  const before = baseline?.signer ?? "nobody";
  lines.push(
    (signer ?? "nobody") === before
      ? `signed by ${shown(before)}, as before`
      : `signed by ${shown(signer ?? "nobody")}, before by ${shown(before)}`,
  );
  if (difference === null)
    lines.push("the modules cannot be compared: the bytes approved last are gone, or one of them is no module");
  else {
    const { functions, sizeBytes, sections } = difference;
    lines.push(changeLine("imports", difference.imports), changeLine("exports", difference.exports));
    lines.push(
      `functions: ${functions.unchanged} as before${listed("changed", functions.changed)}${listed("added", functions.added)}${listed("gone", functions.removed)}`,
    );
    if (sections.length > 0) lines.push(`other contents changed: ${sections.join(", ")}`);
    lines.push(`size: ${count(sizeBytes[1])} bytes, before ${count(sizeBytes[0])}`);
  }
  for (const [what, use] of [
    ["observed", observed],
    ["observed of what was approved", observedBefore],
  ] as const)
    if (use !== null)
      lines.push(
        `${what}: ${use.runs} runs, ${use.failed} failed; at most fuel ${count(use.most.fuel)}, memory ${count(use.most.memoryBytes)} bytes, ${use.most.wallMs.toFixed(0)} ms, output ${count(use.most.outputBytes)} bytes`,
      );
  return lines;
}

function budgetLines(now: Budgets, before: Budgets | undefined): string[] {
  return BUDGET_NAMES.filter((name) => now[name] !== before?.[name]).map((name) => {
    const was = before === undefined ? "" : `, before ${count(before[name])}${now[name] > before[name] ? " (raised)" : ""}`;
    return `${name}: ${count(now[name])}${was}`;
  });
}

type Change = { readonly added: readonly string[]; readonly removed: readonly string[] };

function compareLists(before: readonly string[], after: readonly string[]): Change {
  return { added: after.filter((one) => !before.includes(one)), removed: before.filter((one) => !after.includes(one)) };
}

function changeLine(what: string, { added, removed }: Change): string {
  if (added.length + removed.length === 0) return `${what}: as before`;
  return `${what}:${listed("new", added).replace(/^,/, "")}${listed("gone", removed)}`;
}

const NAMES_SHOWN_MAX = 12; // LIMIT: a line that is read; --json has all of them

function listed(word: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const more = names.length > NAMES_SHOWN_MAX ? ` and ${names.length - NAMES_SHOWN_MAX} more` : "";
  return `, ${names.length} ${word}: ${names
    .slice(0, NAMES_SHOWN_MAX)
    .map((name) => shown(name).slice(0, 80))
    .join(", ")}${more}`;
}
