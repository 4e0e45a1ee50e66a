import type { Row, Rows } from "./rows.ts";

/** What to find. Members that are absent do not narrow; times are RFC 3339 in UTC, both ends included. */
export type EntryQuestion = {
  readonly run?: string | undefined;
  readonly tenant?: string | undefined;
  readonly digest?: string | undefined;
  /** The whole key id. */
  readonly signer?: string | undefined;
  readonly verdict?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Runs and other events, the newest first. */
  readonly limit: number;
};

// A run's row keeps how it ended; an allowed run goes on to these.
const STATUSES: Readonly<Record<string, readonly string[]>> = {
  allow: ["allowed", "verified", "started", "ran", "failed"],
  hold: ["held"],
  deny: ["denied"],
  quarantine: ["quarantined"],
};

/** The verdicts that can be asked for. */
export const VERDICTS: readonly string[] = Object.keys(STATUSES);

/**
 * Indexes of the entries that the projection leads to, in the order of the log. It is an index and no more: whoever uses it
 * reads the entries themselves, and can prove each of them; that none was left out cannot be proved by a log without a map.
 */
export function findEntries(rows: Rows, question: EntryQuestion): readonly number[] {
  const found = [...findRuns(rows, question), ...findNotices(rows, question), ...findImports(rows, question)];
  const newest = found.toSorted((a, b) => b.last - a.last).slice(0, question.limit);
  return [...new Set(newest.flatMap(({ indexes }) => indexes))].toSorted((a, b) => a - b);
}

type Found = { readonly indexes: readonly number[]; readonly last: number };

function findRuns(rows: Rows, { run, tenant, digest, signer, verdict, since, until, limit }: EntryQuestion): readonly Found[] {
  const where = { ...only("run", run), ...only("tenant", tenant), ...only("digest", digest), ...only("key_id", signer) };
  const range = since === undefined && until === undefined ? undefined : { column: "decided_at", from: since, to: until };
  const statuses = verdict === undefined ? [undefined] : (STATUSES[verdict] ?? []);
  return statuses
    .flatMap((status) =>
      rows.scan("runs", {
        where: { ...where, ...only("status", status) },
        range,
        orderBy: "decided_at",
        descending: true,
        limit,
      }),
    )
    .map((row) => {
      const indexes = String(row["indexes"]).split(",").map(Number);
      return { indexes, last: indexes.at(-1) ?? 0 };
    });
}

function findNotices(rows: Rows, { run, tenant, digest, signer, verdict, since, until, limit }: EntryQuestion): readonly Found[] {
  if (verdict !== undefined) return [];
  const where = { ...only("run", run), ...only("tenant", tenant), ...only("digest", digest), ...only("key_id", signer) };
  const range = since === undefined && until === undefined ? undefined : { column: "at", from: since, to: until };
  return rows.scan("notices", { where, range, descending: true, limit }).map(foundAt);
}

/** Imported records name tenants and digests; the entry that brought them in is found by the digest of its file. */
function findImports(rows: Rows, { run, tenant, digest, signer, verdict, since, until, limit }: EntryQuestion): readonly Found[] {
  const others = [run, signer, verdict, since, until];
  if (others.some((one) => one !== undefined) || (tenant === undefined && digest === undefined)) return [];
  const records = rows.scan("imported", { where: { ...only("tenant", tenant), ...only("digest", digest) }, limit });
  const sources = new Set(records.map((row) => String(row["id"]).split("/")[0] ?? ""));
  return [...sources]
    .flatMap((source) => rows.scan("notices", { where: { kind: "import", digest: source }, limit }))
    .map(foundAt);
}

function foundAt(row: Row): Found {
  const index = Number(row["log_index"]);
  return { indexes: [index], last: index };
}

function only(column: string, value: string | undefined): Row {
  return value === undefined ? {} : { [column]: value };
}
