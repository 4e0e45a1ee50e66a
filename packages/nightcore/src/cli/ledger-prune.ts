import { userInfo } from "node:os";
import { encodeTime, ok, quote, type Result } from "#core";
import { explainLedgerFault, type LedgerFault } from "#ports";
import { pruneLedger } from "#store/tiles";
import { EXIT, type Invocation } from "./invocation.ts";
import { planPruning, type PruningPlan, readPruningWish, wordLimit } from "./pruning-plan.ts";
import { openReader, openSession, openView, type Session } from "./session.ts";
import { unwrap } from "./unwrap.ts";

/** Moves old entries out of the published folder into an archive: copied and recorded first. With `--list`, only says which. */
export async function run(invocation: Invocation): Promise<number> {
  return invocation.flag("list") ? listPruned(invocation) : prune(invocation);
}

async function listPruned(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const wish = readPruningWish(invocation);
  const view = await openView(invocation);
  try {
    const plan = planPruning(view, { reader: view.reader, wish, invocation });
    const { minimumIndex, recordedIndex, archive, by } = plan;
    if (json) terminal.print(JSON.stringify({ minimumIndex, recordedIndex, archive: archive.named, by, pruned: null }));
    terminal.say(`${minimumIndex - recordedIndex} entries would go into the archive ${quote(archive.named)}; ${wordLimit(plan)}`);
  } finally {
    view.close();
  }
  return EXIT.ok;
}

async function prune(invocation: Invocation): Promise<number> {
  const { terminal, json } = invocation;
  const wish = readPruningWish(invocation);
  const session = await openSession(invocation, { thread: false });
  try {
    unwrap(await session.ledger.publish(), explainLedgerFault);
    const reader = openReader(session);
    const plan = planPruning(session, { reader, wish, invocation });
    const { minimumIndex, recordedIndex, archive, by } = plan;
    const record = (root: string) => recordPruning(session, plan, root);
    const pruned = unwrap(
      await pruneLedger({ reader, archive: archive.folder, minimumIndex, recordedIndex, record }),
      explainLedgerFault,
    );
    if (json) terminal.print(JSON.stringify({ minimumIndex, recordedIndex, archive: archive.named, by, pruned }));
    terminal.say(
      `${minimumIndex - recordedIndex} entries went into the archive ${quote(archive.named)}, ${pruned.files} files of ${pruned.bytes} bytes; ${wordLimit(plan)}`,
    );
  } finally {
    await session.finish();
  }
  return EXIT.ok;
}

/** The entry that makes it so. It is published, and acknowledged as the workspace wants it, before anything goes. */
async function recordPruning(
  { recorder, ledger }: Session,
  { minimumIndex, logDays, archive }: PruningPlan,
  root: string,
): Promise<Result<undefined, LedgerFault>> {
  const by = { account: userInfo().username };
  const at = encodeTime(Date.now());
  const event = { kind: "pruning", at, minimumIndex, root, policy: { logDays }, archive: archive.named, by } as const;
  const recorded = await recorder.record([{ about: { name: "pruning", digest: null }, event }]);
  if (!recorded.ok) return recorded;
  const published = await ledger.publish();
  return published.ok ? ok(undefined) : published;
}
