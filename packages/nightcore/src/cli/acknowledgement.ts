import { assert, encodeTime, quote } from "#core";
import type { LedgerWriter } from "#ports";
import { explainWitnessFault, type WitnessFault } from "#witness";
import type { Recorder } from "#worker";
import { AcknowledgingWriter, type CosigningEnd, type Miss } from "./acknowledging-writer.ts";
import { type Invocation, usageStop } from "./invocation.ts";
import { archiveOf, logKeyOf, type View } from "./session.ts";
import { type Cosigned, cosignPublished, readLogPolicy } from "./witnessing.ts";

const MISS_REASONS_MAX = 16; // LIMIT: of an entry; a policy may have more witnesses than one needs to read of
const REASON_CHARACTERS_MAX = 500;

type Opened = Pick<View, "layout" | "configuration" | "publicKey"> & {
  readonly ledger: LedgerWriter;
  /** The recorder over the writer that is made here: a miss goes through it, past that writer. */
  readonly recorder: () => Recorder;
};

/**
 * The writer of a session whose workspace asks for more than `durable`: its appends wait for publication, or for the quorum of
 * the policy that the configuration names. A miss is said aloud and stands in the log before anybody hears of what it is about.
 */
export function openAcknowledgingWriter(opened: Opened, { root, terminal }: Invocation): AcknowledgingWriter {
  const { layout, configuration, ledger, recorder } = opened;
  const { level, unreached, policy: file, waitMs } = configuration.acknowledgement;
  const asked = level === "witnessed" ? "witnessed" : "published";
  const vkey = logKeyOf(opened);
  const policy = asked === "witnessed" ? readLogPolicy(root, file, vkey) : undefined;
  if (policy?.quorum === "none")
    throw usageStop(`the policy ${quote(file)} asks for no witness`, "name a quorum, or acknowledge what is `published`");
  const onMiss = (miss: Miss) => {
    const words = unreached === "fail_open" ? "told all the same (fail_open)" : "so nothing is told of them (fail_closed)";
    const why = miss.reasons.map(({ message, code }) => `${message} [${code}]`).join("; ");
    terminal.say(
      `${terminal.paint("red", "not witnessed")}: entries ${miss.from} to ${miss.to - 1} are published and not cosigned, ${words}: ${why}`,
    );
    const { from, to, reached } = miss;
    const reasons = miss.reasons
      .slice(0, MISS_REASONS_MAX)
      .map(({ code, message }) => ({ code, message: message.slice(0, REASON_CHARACTERS_MAX) }));
    const event = { kind: "acknowledgement", at: encodeTime(Date.now()), asked, reached, unreached, from, to, reasons } as const;
    return recorder().record([{ about: { name: "acknowledgement", digest: null }, event }], ledger);
  };
  const cosign = async () => {
    assert(policy !== undefined, "only what is to be witnessed asks for cosignatures");
    return endOf(
      await cosignPublished({ layout, policy, vkey, archive: archiveOf(opened) }, { waitMs, graceMs: 0 }),
      policy.quorum,
    );
  };
  return new AcknowledgingWriter({ ledger, level: asked, unreached, cosign, onMiss, clock: Date.now });
}

/** A witness that knows more than is here, or another history: nothing that follows could ever be witnessed. */
function contradictsLog(fault: WitnessFault): boolean {
  return fault.code === "witness/ahead" || (fault.code === "witness/refused" && fault.status === 422);
}

function endOf({ met, size, answers }: Cosigned, quorum: string): CosigningEnd {
  const faults = answers.flatMap(({ answer }) => (answer.ok ? [] : [answer.fault]));
  const against = faults.find(contradictsLog);
  if (against !== undefined) {
    const code = against.code === "witness/ahead" ? "ledger/rollback" : "ledger/forked";
    return { kind: "contradicted", code, detail: explainWitnessFault(against).message };
  }
  if (met) return { kind: "met", size };
  const said = faults.map((fault) => ({ code: fault.code, message: explainWitnessFault(fault).message }));
  const few = { code: "witness/quorum-unmet", message: `the quorum ${quote(quorum)} is not met` };
  return { kind: "missed", reasons: [few, ...said] };
}
