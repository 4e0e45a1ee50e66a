import type { BlockTarget, Bytes, Digest } from "#core";
import { isBlocked, readFlows, type Row, type Rows } from "#state";
import { listedDigests } from "./mount-listing.ts";
import { parseOutputManifest } from "./output-tree.ts";

/** What is recalled: all that a key signed, that has or was given some bytes, of a tenant, or decided under a version of the policies. */
export type RecallSeed = { readonly by: "key" | "digest" | "tenant" | "policy-version"; readonly value: string };

/** A run that is recalled; `consumed` says what it was given and from where, and is undefined for what the seed itself names. */
export type RecalledRun = {
  readonly run: string;
  readonly tenant: string;
  readonly digest: string | null;
  readonly status: string;
  readonly at: string | null;
  readonly consumed: { readonly digest: string; readonly of: string } | undefined;
};

/** Bytes that a recalled run left. */
export type RecalledOutput = { readonly digest: string; readonly run: string; readonly what: "printed" | "tree" | "file" };

/** Everything that a recall reaches. */
export type Recall = {
  readonly runs: readonly RecalledRun[];
  readonly outputs: readonly RecalledOutput[];
  /** Approvals that the key gave or that are for what it signed, or that are for the bytes or the tenant. */
  readonly approvals: readonly Row[];
  /** What has to be blocked so that none of it is used: the seed itself, and every output. Without what is blocked already. */
  readonly targets: readonly BlockTarget[];
  /** Listings whose bytes are gone: what they named cannot be told. */
  readonly gaps: readonly string[];
};

/** POWER: finds kept bytes by their digest, those in the vault as well. */
export type RecallPowers = { readonly rows: Rows; readonly find: (digest: Digest) => Bytes | undefined };

/**
 * Follows what was recalled through the log: the runs that the seed names, what they left, the later runs that were given any of
 * it, what those left, and so on. By digest alone: a run that was given equal bytes from elsewhere counts as well.
 */
export function traceRecall(seed: RecallSeed, powers: RecallPowers): Recall {
  const trace = new Trace(powers);
  const roots = findRoots(seed, trace, powers.rows);
  for (const row of roots) trace.add(row, undefined);
  trace.follow();
  const { runs, outputs, gaps } = trace;
  const targets = dedupe([
    ...targetsOf(seed, roots),
    ...outputs.map(({ digest }) => ({ kind: "digest", target: digest }) as const),
  ]);
  return {
    runs: [...runs].toSorted((a, b) => (a.run < b.run ? -1 : 1)),
    outputs,
    approvals: findApprovals(seed, roots, powers.rows),
    targets: targets.filter(({ kind, target }) => kind !== "digest" || !isBlocked(powers.rows, target)),
    gaps: [...gaps].toSorted(),
  };
}

const COLUMN = { key: "key_id", tenant: "tenant", digest: "digest", "policy-version": "policy" } as const;

/** What the seed itself names. Bytes may be a module or what a run was given; whoever left them is not to blame for it. */
function findRoots({ by, value }: RecallSeed, trace: Trace, rows: Rows): readonly Row[] {
  const named = rows.scan("runs", { where: { [COLUMN[by]]: value } });
  return by === "digest" ? [...named, ...trace.consumersOf(value, -1)] : named;
}

function targetsOf({ by, value }: RecallSeed, roots: readonly Row[]): readonly BlockTarget[] {
  if (by === "key") return [{ kind: "signer", target: value }];
  if (by !== "policy-version") return [{ kind: by, target: value }];
  // A version of the policies cannot be blocked; what was let through under it can.
  const executed = roots.filter((row) => ["started", "ran", "failed"].includes(String(row["status"])));
  return executed.map((row) => ({ kind: "digest", target: String(row["digest"]) }));
}

function findApprovals({ by, value }: RecallSeed, roots: readonly Row[], rows: Rows): readonly Row[] {
  const all = rows.scan("approvals", { orderBy: "log_index" });
  const modules = new Set(roots.map((row) => `${row["tenant"]}/${row["digest"]}`));
  return all.filter((row) => {
    if (by === "key") return row["key_id"] === value || row["signer"] === value;
    if (by === "policy-version") return modules.has(`${row["tenant"]}/${row["digest"]}`);
    return row[by] === value;
  });
}

function dedupe(targets: readonly BlockTarget[]): readonly BlockTarget[] {
  return [...new Map(targets.map((target) => [`${target.kind}:${target.target}`, target])).values()];
}

/** What a run left, and the entry that says so. */
type Left = Pick<RecalledOutput, "digest" | "what"> & { readonly index: number };

/** Grows from run to run, until nothing new is reached. */
class Trace {
  readonly #rows: Rows;
  readonly #find: RecallPowers["find"];
  readonly #runs = new Map<string, RecalledRun>();
  readonly #waiting: string[] = [];
  /** For each digest, from which entry on it counts as left by a recalled run. */
  readonly #since = new Map<string, number>();
  readonly outputs: RecalledOutput[] = [];
  readonly gaps = new Set<string>();
  #listed: ReadonlyMap<string, readonly Row[]> | undefined;

  constructor({ rows, find }: RecallPowers) {
    this.#rows = rows;
    this.#find = find;
  }

  get runs(): Iterable<RecalledRun> {
    return this.#runs.values();
  }

  add(row: Row, consumed: RecalledRun["consumed"]): void {
    const run = String(row["run"]);
    if (this.#runs.has(run)) return;
    const text = (name: string) => (typeof row[name] === "string" ? row[name] : null);
    const { tenant, status } = row;
    const said = { run, tenant: String(tenant), digest: text("digest"), status: String(status), at: text("decided_at") };
    this.#runs.set(run, { ...said, consumed });
    this.#waiting.push(run);
  }

  follow(): void {
    for (let run = this.#waiting.pop(); run !== undefined; run = this.#waiting.pop()) {
      for (const { digest, what, index } of this.#outputsOf(run)) {
        this.outputs.push({ digest, run, what });
        // An earlier source of the same bytes may reach runs that a later one did not.
        if (index >= (this.#since.get(digest) ?? Infinity)) continue;
        this.#since.set(digest, index);
        for (const consumer of this.consumersOf(digest, index)) this.add(consumer, { digest, of: run });
      }
    }
  }

  #outputsOf(run: string): readonly Left[] {
    return readFlows(this.#rows, run).flatMap((flow): readonly Left[] => {
      const digest = String(flow["digest"]) as Digest;
      const index = Number(flow["log_index"]);
      if (flow["direction"] === "out") return [{ digest, what: "printed", index }];
      if (flow["direction"] !== "out-tree") return [];
      const entries = this.#read(digest, parseOutputManifest) ?? [];
      const files = entries.flatMap(({ file }) => (file === undefined || file.bytes === 0 ? [] : file.digest));
      const left = [...new Set(files)].map((file) => ({ digest: file, what: "file", index }) as const);
      return [{ digest, what: "tree", index }, ...left];
    });
  }

  /** The runs that were given these bytes, by an intent behind that entry. */
  consumersOf(digest: string, since: number): readonly Row[] {
    const inline = this.#rows.scan("flows", { where: { digest, direction: "in" } });
    this.#listed ??= this.#readListings();
    const given = [...inline, ...(this.#listed.get(digest) ?? [])];
    const later = given.filter((flow) => Number(flow["log_index"]) > since);
    return later.map((flow) => this.#rows.get("runs", String(flow["run"]))).filter((row) => row !== undefined);
  }

  /** Which runs were given what, as far as only the blob of a listing says it. */
  #readListings(): ReadonlyMap<string, readonly Row[]> {
    const flows = new Map<string, Row[]>();
    const listings = Map.groupBy(this.#rows.scan("flows", { where: { direction: "in-tree" } }), (flow) => String(flow["digest"]));
    for (const [listing, given] of listings) {
      const said = { guestPath: "", digest: listing as Digest, files: 1, bytes: 0, listing: null };
      const digests = this.#read(listing as Digest, (bytes) => listedDigests(said, () => bytes)) ?? [];
      for (const digest of new Set<string>([listing, ...digests])) flows.set(digest, [...(flows.get(digest) ?? []), ...given]);
    }
    return flows;
  }

  #read<T>(digest: Digest, parse: (bytes: Bytes) => T | undefined): T | undefined {
    const bytes = this.#find(digest);
    const parsed = bytes === undefined ? undefined : parse(bytes);
    if (parsed === undefined) this.gaps.add(digest);
    return parsed;
  }
}
