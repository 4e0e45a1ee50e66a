import type { Result } from "#core";
import type { NoteSignature } from "#ledger";
import type { Pauses } from "./back-off.ts";
import { type AskedWitness, type Submission, submitCheckpoint, type WitnessFault } from "./client.ts";

/** Whom to ask, what is enough, and how long to wait: `graceMs` for the others once there is enough. */
export type Asking = Submission & {
  readonly witnesses: readonly AskedWitness[];
  readonly isQuorum: (witnessIds: ReadonlySet<string>) => boolean;
  readonly waitMs: number;
  readonly graceMs: number;
};

/** One witness's answer; the fault is the last one when it was asked again. */
export type WitnessAnswer = { readonly witness: AskedWitness; readonly answer: Result<NoteSignature, WitnessFault> };

/** What came of asking. Witnesses that had not answered when there was enough are not among the answers. */
export type Asked = { readonly met: boolean; readonly answers: readonly WitnessAnswer[] };

/**
 * Asks all witnesses at once and returns when the quorum has cosigned (and the grace is over), or when nobody is left to wait
 * for. `met` counts verified lines only.
 */
export async function askWitnesses(asking: Asking, pauses: Pauses): Promise<Asked> {
  const { witnesses, isQuorum, waitMs, graceMs } = asking;
  const { clock, sleep } = pauses;
  const enough = new AbortController();
  const answers: WitnessAnswer[] = [];
  const cosigned = new Set<string>();
  const deadlineMs = clock() + waitMs;
  const met = Promise.withResolvers<void>();
  const each = witnesses.map(async (witness) => {
    const answer = await submitCheckpoint({ ...asking, witness }, { ...pauses, deadlineMs, signal: enough.signal });
    if (enough.signal.aborted && !answer.ok && answer.fault.code === "witness/unreachable") return;
    answers.push({ witness, answer });
    if (answer.ok) cosigned.add(witness.key.id);
    if (isQuorum(cosigned)) met.resolve();
  });
  const all = Promise.all(each);
  await Promise.race([all, met.promise]);
  const over = new AbortController();
  if (graceMs > 0 && answers.length < witnesses.length) await Promise.race([all, sleep(graceMs, over.signal)]);
  over.abort();
  enough.abort();
  await all;
  // In the order of the policy, whoever was faster.
  const ordered = answers.toSorted((a, b) => witnesses.indexOf(a.witness) - witnesses.indexOf(b.witness));
  return { met: isQuorum(cosigned), answers: ordered };
}
