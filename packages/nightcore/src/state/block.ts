import { type Block, type BlockCause, type BlockKind, type BlockTarget, type Digest, parseImportSet } from "#core";
import type { BlockEvent, QuarantineEvent, ReleaseEvent } from "./events.ts";
import type { Row, Rows } from "./rows.ts";

// The row that says how far whoever moves blocked bytes into the vault has to look.
const NEWEST = "newest digest";

/** The older form, which only knew digests, as what it means now. */
export function asBlock({ at, digest, reason }: QuarantineEvent): BlockEvent {
  const targets = [{ kind: "digest", target: digest }] as const;
  return { at, targets, reason, cause: "operator", causedBy: null, run: null, order: null };
}

/** Puts the blocks of an entry in force. */
export function evolveBlock(rows: Rows, event: BlockEvent, index: number): void {
  event.targets.forEach(({ kind, target }, n) => {
    const id = `${index}.${n}`;
    rows.put("blocks", {
      id,
      kind,
      target,
      reason: event.reason,
      cause: event.cause,
      caused_by: event.causedBy,
      run: event.run,
      kill_order: event.order,
      at: event.at,
      log_index: index,
      released_at: null,
      released_index: null,
    });
    addId(rows, subjectOf({ kind, target }), id);
    if (event.order !== null) addId(rows, `order:${event.order}`, id);
  });
  if (event.targets.some(({ kind }) => kind === "digest")) noteDigestChange(rows, index);
}

/** Counts a consent, and takes blocks out of force when there are enough. What was refused changes nothing. */
export function evolveRelease(rows: Rows, event: ReleaseEvent, index: number): void {
  if (event.state === "refused") return;
  for (const id of event.blocks) {
    const block = rows.get("blocks", id);
    if (block === undefined || block["released_at"] !== null) continue;
    const { keyId, person, at } = event;
    rows.put("consents", { id: `${id}/${index}`, block: id, key_id: keyId, person, at, log_index: index });
    if (event.state !== "released") continue;
    rows.put("blocks", { ...block, released_at: at, released_index: index });
    if (block["kind"] === "digest") noteDigestChange(rows, index);
    removeId(rows, subjectOf(targetOf(block)), id);
  }
}

/** What a decision looks at: whatever of it is blocked holds the run back. */
export type BlockQuestion = {
  readonly digest: Digest | undefined;
  /** The key that signed the bytes and is trusted. */
  readonly signer: string | undefined;
  readonly tenant: string;
  /** `module.name` of everything that the module imports. */
  readonly imports: readonly string[];
  /** Digests of what the run would be given. */
  readonly inputs: readonly Digest[];
};

const BLOCKS_MAX = 8; // LIMIT: they stand in the facts of a decision, and each of them is enough
const REASON_CHARACTERS_MAX = 500; // LIMIT: the same

/** Blocks in force that match, the oldest of each subject first, {@link BLOCKS_MAX} at the most. Asks by key only. */
export function findBlocks(rows: Pick<Rows, "get">, question: BlockQuestion): readonly Block[] {
  const { digest, signer, tenant, imports, inputs } = question;
  const found: Block[] = [];
  const ask = (subject: string, matches: (row: Row) => boolean = () => true) => {
    for (const id of found.length < BLOCKS_MAX ? idsOf(rows, subject) : []) {
      const row = rows.get("blocks", id);
      if (row !== undefined && matches(row) && found.length < BLOCKS_MAX) found.push(blockOf(row));
    }
  };
  ask("everything:");
  ask(`tenant:${tenant}`);
  if (signer !== undefined) ask(`signer:${signer}`);
  for (const one of new Set([...(digest === undefined ? [] : [digest]), ...inputs])) ask(`digest:${one}`);
  const has = new Set(imports);
  ask("imports:", (row) => parseImportSet(String(row["target"]))?.every((name) => has.has(name)) === true);
  return found;
}

/** Whether any digest was ever blocked. */
export function blocksDigests(rows: Pick<Rows, "get">): boolean {
  return newestDigestChange(rows) !== undefined;
}

/** Index of the newest entry that blocked or released a digest. */
export function newestDigestChange(rows: Pick<Rows, "get">): number | undefined {
  const [index] = idsOf(rows, NEWEST);
  return index === undefined ? undefined : Number(index);
}

/** The blocks in force on a digest. */
export function digestBlocks(rows: Pick<Rows, "get">, digest: string): readonly Block[] {
  const found = idsOf(rows, `digest:${digest}`).map((id) => rows.get("blocks", id));
  return found.filter((row) => row !== undefined).map(blockOf);
}

/** Whether these bytes are blocked by their digest. */
export function isBlocked(rows: Pick<Rows, "get">, digest: string): boolean {
  return idsOf(rows, `digest:${digest}`).length > 0;
}

/** Whether an order of the kill switch is in the log. */
export function isOrderRecorded(rows: Pick<Rows, "get">, order: string): boolean {
  return idsOf(rows, `order:${order}`).length > 0;
}

/** Reads the id of a block (`17.0`), or of all blocks of an entry (`17`), whose `place` is undefined. */
export function parseBlockId(text: string): { readonly entry: number; readonly place: number | undefined } | undefined {
  const match = /^(0|[1-9][0-9]{0,14})(?:\.(0|[1-9][0-9]{0,5}))?$/.exec(text);
  if (match === null) return undefined;
  return { entry: Number(match[1]), place: match[2] === undefined ? undefined : Number(match[2]) };
}

function targetOf(row: Row): BlockTarget {
  return { kind: String(row["kind"]) as BlockKind, target: String(row["target"]) };
}

function blockOf(row: Row): Block {
  const reason = String(row["reason"]).slice(0, REASON_CHARACTERS_MAX);
  return { id: String(row["id"]), ...targetOf(row), reason, cause: String(row["cause"]) as BlockCause, at: String(row["at"]) };
}

function subjectOf({ kind, target }: BlockTarget): string {
  return kind === "imports" ? "imports:" : `${kind}:${target}`;
}

function noteDigestChange(rows: Rows, index: number): void {
  rows.put("blocked", { subject: NEWEST, ids: String(index) });
}

function idsOf(rows: Pick<Rows, "get">, subject: string): readonly string[] {
  const ids = String(rows.get("blocked", subject)?.["ids"] ?? "");
  return ids === "" ? [] : ids.split(" ");
}

function addId(rows: Rows, subject: string, id: string): void {
  rows.put("blocked", { subject, ids: [...idsOf(rows, subject), id].join(" ") });
}

function removeId(rows: Rows, subject: string, id: string): void {
  const left = idsOf(rows, subject).filter((one) => one !== id);
  rows.put("blocked", { subject, ids: left.join(" ") });
}
