import { resolve } from "node:path";
import { encodeTime, parseTime, quote } from "#core";
import { parseVkey, TILE_WIDTH, verifyCheckpoint } from "#ledger";
import type { TilesReader } from "#store/tiles";
import { readIfThere } from "#store/workspace";
import { limitPruning, type PruningLimit } from "#worker";
import { CommandStop, EXIT, type Invocation, usageStop } from "./invocation.ts";
import { crypto, logKeyOf, readEntry, type View } from "./session.ts";
import { readSinceOption } from "./time-option.ts";

const DAY_MS = 86_400_000;

/** What `--before` asks for: entries before an index, or older than a time. */
export type PruningWish = { readonly index: number } | { readonly beforeMs: number };

/** What a pruning of this workspace would take, and where to. */
export type PruningPlan = PruningLimit & {
  /** The minimum index that the log has recorded. */
  readonly recordedIndex: number;
  /** As it was named, and as it is found from here. */
  readonly archive: { readonly named: string; readonly folder: string };
  readonly logDays: number;
};

type Planning = Pick<View, "layout" | "configuration" | "publicKey" | "rows">;

/** Reads `--before`: a whole number is an index, everything else a time. */
export function readPruningWish(invocation: Invocation): PruningWish {
  const text = invocation.text("before");
  if (text === undefined)
    throw usageStop("`--before` is missing", "an index, a time (2026-01-31), or 365d for what is older than that");
  if (/^\d{1,15}$/.test(text)) return { index: Number(text) };
  return { beforeMs: parseTime(readSinceOption(invocation, "before") ?? "") ?? 0 };
}

/**
 * Says what may be pruned under the policy of nightcore.toml, and where the archive is to be. Without a policy nothing may, and
 * the command ends with `ledger/retention-unset`.
 */
export function planPruning(
  view: Planning,
  { reader, wish, invocation }: { readonly reader: TilesReader; readonly wish: PruningWish; readonly invocation: Invocation },
): PruningPlan {
  const { configuration, publicKey, rows } = view;
  const { logDays } = configuration.retention;
  if (logDays === 0)
    throw new CommandStop({
      code: "ledger/retention-unset",
      message: "nothing in nightcore.toml says that entries of the log may go",
      hint: "write `log_days = 365`, or another number of days that entries are kept, under `[retention]`",
      exit: EXIT.usage,
    });
  const eventOf = (index: number) => readEntry({ reader, publicKey }, index)[0];
  const recorded = rows.scan("notices", { where: { kind: "pruning" }, descending: true, limit: 1 })[0];
  const before = recorded === undefined ? undefined : eventOf(Number(recorded["log_index"]));
  const pruned = before?.kind === "pruning" ? before : undefined;
  const recordedIndex = pruned?.minimumIndex ?? 0;
  const keptMs = Date.now() - logDays * DAY_MS;
  const { size } = reader.published;
  const limit = limitPruning({
    bounds: {
      asked: "index" in wish ? wish.index : size,
      unpublished: size,
      journal: reader.journalFrom,
      uncosigned: readCosignedSize(view) ?? size,
      open: findOpenRun(view) ?? size,
    },
    beforeMs: "index" in wish ? keptMs : Math.min(keptMs, wish.beforeMs),
    from: recordedIndex,
    bundleWidth: TILE_WIDTH,
    timeOf: (index) => parseTime(eventOf(index)?.at ?? ""),
  });
  return { ...limit, recordedIndex, archive: readArchive(view, invocation, pruned?.archive), logDays };
}

/** Why no more may go, in words for a person. */
export function wordLimit({ by, logDays, minimumIndex }: PruningPlan): string {
  const WORDS = {
    asked: "no more was asked for",
    unpublished: "no more is published",
    journal: "the journal still holds what follows",
    uncosigned: "nobody has cosigned what follows",
    open: "a run that follows has no outcome yet",
    young: `what follows is newer than what was asked for, or than ${encodeTime(Date.now() - logDays * DAY_MS)} (log_days = ${logDays})`,
  } as const;
  return `the minimum index is ${minimumIndex}, in whole bundles of ${TILE_WIDTH} entries: ${WORDS[by]}`;
}

/** How much of the log witnesses have cosigned; undefined where they never have. Proofs for them begin there. */
function readCosignedSize(view: Planning): number | undefined {
  const bytes = readIfThere(view.layout.witnessed);
  const key = parseVkey(crypto.sha256, logKeyOf(view));
  if (bytes === undefined || !key.ok) return undefined;
  const head = verifyCheckpoint(Buffer.from(bytes).toString("utf8"), key.value, crypto.verifyEd25519);
  return head.ok ? head.value.size : undefined;
}

function findOpenRun({ rows }: Planning): number | undefined {
  const firsts = rows.scan("runs", { where: { status: "started" } }).map((row) => Number(String(row["indexes"]).split(",")[0]));
  return firsts.length === 0 ? undefined : Math.min(...firsts);
}

/** The archive of `--archive`, else of the configuration, else of the last pruning. */
function readArchive({ layout, configuration }: Planning, invocation: Invocation, recorded: string | undefined) {
  const { logArchive } = configuration.retention;
  const option = invocation.text("archive");
  const named = option ?? (logArchive === "" ? recorded : logArchive);
  if (named === undefined || named === "")
    throw usageStop("the archive is missing", "name a folder for it: `--archive DIR`, or `log_archive` in nightcore.toml");
  const folder = resolve(layout.root, named);
  // Everything that reads looks where the configuration says.
  if (option !== undefined && logArchive !== "" && resolve(layout.root, logArchive) !== folder)
    throw usageStop(
      `nightcore.toml names another archive, ${quote(logArchive)}`,
      "change `log_archive` there, or leave `--archive` out",
    );
  return { named, folder };
}
