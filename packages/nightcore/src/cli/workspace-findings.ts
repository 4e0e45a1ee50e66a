import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type LedgerFault } from "#ports";
import { Projection } from "#store/sqlite";
import { type LedgerFinding, openLedgerReader } from "#store/tiles";
import type { Layout } from "#store/workspace";
import { archiveOf, foldUpTo, type View } from "./session.ts";

const HOUR_MS = 3_600_000;

type WorkspaceFiles = Pick<View, "layout" | "configuration" | "publicKey">;

/**
 * What is wrong beside the ledger: a projection that is not what the log gives, files that were never renamed. Paths are relative
 * to the ledger folder. Changes nothing; folds the log into a temporary database, which takes as long as a rebuild.
 */
export function examineSurroundings(files: WorkspaceFiles): readonly LedgerFinding[] {
  const { layout } = files;
  const projection = examineProjection(files);
  const stray = listStrays(layout, Date.now()).map((file) => derived({ code: "ledger/leftover", where: file, detail: "" }));
  return projection === undefined ? stray : [derived(projection), ...stray];
}

/** The projection's place as findings name it. */
export const PROJECTION_FILE = "../state.db";

function examineProjection(files: WorkspaceFiles): LedgerFault | undefined {
  const { publicKey } = files;
  const { ledger, state } = files.layout;
  if (!existsSync(state)) return undefined; // the next command folds it
  const differs = (detail: string): LedgerFault => ({ code: "ledger/projection-differs", where: PROJECTION_FILE, detail });
  const reader = openLedgerReader({ folder: ledger, publicKey, archive: archiveOf(files) });
  if (!reader.ok) return undefined; // said already, as what it is
  const rows = Projection.openExisting(state);
  if (rows === undefined) return differs("it cannot be used");
  const scratch = mkdtempSync(join(tmpdir(), "nightcore-fsck-"));
  const { projection: expected } = Projection.open(join(scratch, "state.db"));
  try {
    // More than the log has is no damage of the projection: it remembers what the log has lost, and every command refuses.
    if (rows.applied > reader.value.size) {
      const detail = `the projection has seen ${rows.applied} entries, and the log has ${reader.value.size}`;
      return { code: "ledger/rollback", where: PROJECTION_FILE, detail };
    }
    if (!foldUpTo(rows.applied, { rows: expected, reader: reader.value, publicKey }).ok) return undefined;
    return expected.digest() === digestOf(rows) ? undefined : differs("its rows are not those that the log gives");
  } finally {
    rows.close();
    expected.close();
    rmSync(scratch, { recursive: true });
  }
}

/** The digest of the rows; undefined where SQLite cannot read them. */
function digestOf(rows: Projection): string | undefined {
  try {
    return rows.digest();
  } catch {
    return undefined;
  }
}

function derived(fault: LedgerFault): LedgerFinding {
  const nature = fault.code === "ledger/rollback" ? "authoritative" : "derived";
  return { fault, file: fault.where, offset: undefined, entries: undefined, nature };
}

/** Files that were to replace another one and are older than any writing takes. Whoever wrote them is dead. */
function listStrays({ root, own, ledger, trust, policies, logs }: Layout, nowMs: number): readonly string[] {
  const isOld = (path: string) => nowMs - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? nowMs) > HOUR_MS;
  return [own, trust, policies, logs, root].flatMap((folder) =>
    (existsSync(folder) ? readdirSync(folder) : [])
      .filter((name) => /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/.test(name))
      .map((name) => join(folder, name))
      .filter(isOld)
      .map((path) => relative(ledger, path)),
  );
}
