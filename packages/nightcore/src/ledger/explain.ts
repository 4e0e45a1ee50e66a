import { explainAttestFault } from "#attest";
import { type Explanation, quote, unreachable } from "#core";
import type { CosignatureFault } from "./cosignature.ts";
import type { BundleFault } from "./entry-bundle.ts";
import type { LogPolicyFault } from "./log-policy.ts";
import type { ReceiptFault } from "./receipt-verification.ts";
import type { TilePathFault } from "./tile.ts";

/** Every way in which evidence from a log can be malformed or wrong. What goes wrong on the disk is `LedgerFault` in `#ports`. */
export type EvidenceFault = ReceiptFault | BundleFault | TilePathFault | CosignatureFault | LogPolicyFault;

/** One sentence per fault of this room. */
export function explainEvidenceFault(fault: EvidenceFault): Explanation {
  switch (fault.code) {
    case "ledger/key-name-forbidden":
      return { message: `${quote(fault.name)} cannot name a log's key`, hint: "use no spaces, no `+` and no control characters" };
    case "ledger/vkey-malformed":
      return { message: `the verifier key is malformed: ${fault.what}`, hint: "print it with `nightcore ledger vkey`" };
    case "ledger/vkey-type-unknown":
      return { message: `the verifier key is of type ${fault.type}; a log's is of type 1, a witness's of type 4, both Ed25519` };
    case "ledger/vkey-id-mismatch":
      return { message: `the verifier key says id ${fault.said}, but its key has ${fault.computed}` };
    case "ledger/note-too-large":
      return { message: `the signed note has ${fault.characters} characters, which is too many` };
    case "ledger/note-malformed":
      return { message: `the signed note is malformed: ${fault.what}` };
    case "ledger/note-unsigned":
      return { message: `the note is not signed by ${quote(fault.name)}`, hint: "check that the verifier key is this log's" };
    case "ledger/note-bad-signature":
      return { message: `the note's signature by ${quote(fault.name)} is wrong` };
    case "ledger/cosignature-bad":
      return { message: `the cosignature by the witness ${quote(fault.name)} is wrong` };
    case "ledger/policy-malformed":
      return {
        message: `the policy of logs and witnesses is refused: ${fault.problems.map((problem) => quote(problem)).join("; ")}`,
      };
    case "ledger/origin-forbidden":
      return { message: `${quote(fault.origin)} cannot be the origin of a log` };
    case "ledger/checkpoint-malformed":
      return { message: `the checkpoint is malformed: ${fault.what}` };
    case "ledger/checkpoint-foreign":
      return { message: `the checkpoint is of the log ${quote(fault.origin)}, not of ${quote(fault.name)}` };
    case "ledger/proof-malformed":
      return { message: `the tlog-proof is malformed: ${fault.what}` };
    case "ledger/index-outside-tree":
      return { message: `index ${fault.index} is outside a tree of ${fault.size}` };
    case "ledger/path-wrong-length":
      return { message: `the proof has ${fault.hashes} hashes, which does not fit its index and tree size` };
    case "ledger/path-mismatch":
      return { message: "the proof does not lead to the checkpoint's root" };
    case "attest/envelope-too-large":
    case "attest/envelope-malformed":
    case "attest/envelope-wrong-type":
    case "attest/envelope-bad-signature":
    case "attest/statement-malformed":
      return explainAttestFault(fault);
    case "ledger/receipt-malformed":
      return { message: `the receipt is malformed: ${fault.what}`, hint: "print one with `nightcore receipt show RUN`" };
    case "ledger/receipt-two-checkpoints":
      return { message: `entry ${fault.entry} of the receipt is proven under another checkpoint than the first` };
    case "ledger/receipt-unordered":
      return { message: `entry ${fault.entry} of the receipt does not come after the one before it in the log` };
    case "ledger/receipt-foreign-run":
      return { message: `entry ${fault.entry} of the receipt belongs to the run ${quote(fault.run)}` };
    case "ledger/bundle-malformed":
      return { message: `the entry bundle is malformed at offset ${fault.offset}: ${fault.what}` };
    case "ledger/tile-path-malformed":
      return { message: `${quote(fault.path)} is not the path of a tile` };
    default:
      return unreachable(fault);
  }
}
