import {
  type AcknowledgementLevel,
  type Bytes,
  type Crypto,
  encodeTime,
  isBelow,
  isJsonObject,
  type Json,
  ok,
  parseAcknowledgementLevel,
  type Result,
  utf8,
} from "#core";
import {
  type Cosignature,
  type EvidenceFault,
  explainEvidenceFault,
  type LogKey,
  type LogPolicy,
  parseLogPolicy,
  parseNote,
  parseReceipt,
  parseTlogProof,
  parseWitnessVkey,
  verifyCosignatures,
} from "#ledger";
import type { NamedCheck, Trust } from "./inspection.ts";
import type { Step } from "./run-story.ts";

/** The witnesses that the verifier believes: those that it names, all of which count, and a policy with its quorum. */
type Believed = { readonly named: readonly LogKey[]; readonly policy: LogPolicy | undefined };

/** Who has cosigned, and whether that is what the verifier asks for; undefined when it names nobody. */
type Witnessed = { readonly enough: boolean; readonly said: string } | undefined;

/**
 * Two checks: whether the witnesses that the verifier believes have cosigned, and whether the level that the receipt claims for
 * its run is the one that was asked for and is borne out. A claim of `witnessed` is compared with cosignatures, never believed.
 */
export function checkAcknowledgement(
  receiptBytes: Bytes,
  { steps, trust }: { readonly steps: readonly Step[]; readonly trust: Trust },
  crypto: Crypto,
): readonly [NamedCheck, NamedCheck] {
  const believed = readBelieved(trust, crypto);
  const witnessed = believed.ok ? countCosignatures(receiptBytes, believed.value, crypto) : believed;
  return [describeWitnesses(witnessed), describeLevel(receiptBytes, steps, witnessed)];
}

function readBelieved({ witnessKeys = [], policy }: Trust, { sha256 }: Crypto): Result<Believed, EvidenceFault> {
  const named: LogKey[] = [];
  for (const vkey of witnessKeys) {
    const key = parseWitnessVkey(sha256, vkey);
    if (!key.ok) return key;
    named.push(key.value);
  }
  if (policy === undefined) return ok({ named, policy: undefined });
  const parsed = parseLogPolicy(utf8(policy), sha256);
  return parsed.ok ? ok({ named, policy: parsed.value }) : parsed;
}

function countCosignatures(receiptBytes: Bytes, { named, policy }: Believed, crypto: Crypto): Result<Witnessed, EvidenceFault> {
  if (named.length === 0 && policy === undefined) return ok(undefined);
  const receipt = parseReceipt(receiptBytes);
  const proof = receipt.ok ? parseTlogProof(receipt.value.entries[0]?.proof ?? "") : receipt;
  const note = proof.ok ? parseNote(proof.value.checkpoint) : proof;
  const keys = [...named, ...(policy?.witnesses ?? []).map(({ key }) => key)];
  const found = note.ok ? verifyCosignatures(note.value, keys, crypto.verifyEd25519) : note;
  if (!found.ok) return found;
  const missing = named.filter((witness) => !found.value.some(({ id }) => id === witness.id));
  if (missing.length > 0) return ok({ enough: false, said: `not cosigned by ${missing.map(({ name }) => name).join(", ")}` });
  const quorum = policy?.isQuorum(new Set(found.value.map(({ id }) => id))) ?? true;
  const said = found.value.map(describeCosignature).join(", ");
  return ok(
    quorum ? { enough: true, said } : { enough: false, said: `the quorum ${policy?.quorum} is not met: ${said || "nobody"}` },
  );
}

function describeCosignature({ name, atSeconds }: Cosignature): string {
  return `${name} at ${encodeTime(atSeconds * 1000)}`;
}

function describeWitnesses(witnessed: Result<Witnessed, EvidenceFault>): NamedCheck {
  const name = "witness cosignatures";
  if (!witnessed.ok) return { name, outcome: "failed", why: explainEvidenceFault(witnessed.fault).message };
  if (witnessed.value === undefined)
    return { name, outcome: "absent", why: "no witness was named, so nothing is known of what others were shown" };
  return { name, outcome: witnessed.value.enough ? "ok" : "failed", why: witnessed.value.said };
}

const MEANT: Readonly<Record<AcknowledgementLevel, string>> = {
  durable: "durable: signed by the log's key, which signs what is flushed",
  published: "published: under a checkpoint that the log's key signed",
  witnessed: "witnessed",
};

function describeLevel(receiptBytes: Bytes, steps: readonly Step[], witnessed: Result<Witnessed, EvidenceFault>): NamedCheck {
  const name = "acknowledged as it says";
  const receipt = parseReceipt(receiptBytes);
  const claimed = receipt.ok ? (receipt.value.acknowledged ?? "durable") : "durable";
  const decision = steps.find(({ kind }) => kind === "decision")?.predicate;
  const said = readMember(decision?.["acknowledgement"]);
  const asked = parseAcknowledgementLevel(said?.["level"] ?? "durable");
  if (asked === undefined) return { name, outcome: "failed", why: "the decision asks for a level that is none" };
  if (isBelow(asked, claimed))
    return { name, outcome: "failed", why: `it claims ${claimed}, and no more than ${asked} was asked for` };
  if (isBelow(claimed, asked)) {
    const told = said?.["unreached"] === "fail_open" ? "told all the same (fail_open)" : "nothing was told of it (fail_closed)";
    return { name, outcome: "absent", why: `${claimed} and not ${asked}, which was asked for: ${told}` };
  }
  if (claimed !== "witnessed") return { name, outcome: "ok", why: MEANT[claimed] };
  if (!witnessed.ok) return { name, outcome: "failed", why: explainEvidenceFault(witnessed.fault).message };
  if (witnessed.value === undefined)
    return { name, outcome: "absent", why: "it claims witnessed; name the witnesses, or their policy, to have that checked" };
  const { enough, said: by } = witnessed.value;
  return enough
    ? { name, outcome: "ok", why: `witnessed: ${by}` }
    : { name, outcome: "failed", why: `it claims witnessed, and is ${by}` };
}

function readMember(value: Json | undefined) {
  return value !== undefined && isJsonObject(value) ? value : undefined;
}
