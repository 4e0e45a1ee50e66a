import { explainCoreFault, type Explanation, quote, unreachable } from "#core";
import { explainWasmFault, type WasmFault } from "#wasm";
import type { SignatureFault } from "./evidence.ts";
import type { ManifestFault } from "./manifest.ts";
import type { TrustStoreFault } from "./trust-store.ts";

export type TrustFault = SignatureFault | ManifestFault | TrustStoreFault;
export type AdmissionFault = WasmFault;

/** One sentence for each way in which bytes are not admitted. */
export const explainAdmissionFault: (fault: AdmissionFault) => Explanation = explainWasmFault;

/** A key by the beginning of its identifier: enough to find it, short enough to read. */
export function shortKey(keyId: string): string {
  return keyId.slice(0, 16);
}

export function explainTrustFault(fault: TrustFault): Explanation {
  switch (fault.code) {
    case "trust/unsigned":
      return { message: "the module is not signed", hint: "sign it with `nightcore sign --dir DIR --key KEY`" };
    case "trust/public-key-malformed":
      return { message: "`pubkey.b64` is not 32 bytes in base64" };
    case "trust/digest-file-malformed":
      return { message: "`module.sha256` is not a SHA-256 in hexadecimal" };
    case "trust/digest-changed":
      return {
        message: `the module has changed since it was signed: ${fault.found.slice(0, 16)} is not ${fault.signed.slice(0, 16)}`,
        hint: "look at what changed, and sign again if it is right",
      };
    case "trust/signature-malformed":
      return { message: `the signature cannot be read: ${fault.what}` };
    case "trust/signature-invalid":
      return { message: "the signature does not fit these bytes under any key that the host trusts or `pubkey.b64` names" };
    case "trust/signature-other-module":
      return { message: "the signature was made for another module" };
    case "trust/signature-other-tenant":
      return { message: `the signature was made for tenant ${quote(fault.signed)}, not for ${quote(fault.tenant)}` };
    case "trust/manifest-changed":
      return {
        message: "the manifest has changed since it was signed together with the module",
        hint: "look at what changed, and sign again if it is right",
      };
    case "trust/key-untrusted":
      return {
        message: `the key ${shortKey(fault.keyId)} is not trusted here`,
        hint: "if you trust its owner: `nightcore trust add KEY.pub --tenant TENANT`",
      };
    case "trust/key-revoked":
      return { message: `the key ${shortKey(fault.keyId)} was revoked at ${fault.revokedAt}: ${quote(fault.reason)}` };
    case "trust/key-wrong-role":
      return { message: `the key ${shortKey(fault.keyId)} is not trusted as ${fault.role}` };
    case "trust/key-not-for-tenant":
      return { message: `the key ${shortKey(fault.keyId)} is trusted, but not for tenant ${quote(fault.tenant)}` };
    case "trust/key-not-yet-valid":
      return { message: `the key ${shortKey(fault.keyId)} is trusted from ${fault.from} on` };
    case "trust/key-expired":
      return { message: `trust in the key ${shortKey(fault.keyId)} ended at ${fault.to}` };
    case "trust/manifest-not-json":
      return { message: `the manifest cannot be read: ${explainCoreFault(fault.json).message}` };
    case "trust/manifest-refused":
      return { message: `the manifest is refused: ${fault.problems.join("; ")}` };
    case "trust/store-not-json":
      return { message: `the trust store cannot be read: ${explainCoreFault(fault.json).message}` };
    case "trust/store-malformed":
      return { message: `the trust store is refused: ${fault.problems.join("; ")}` };
    case "trust/store-not-recorded":
      return {
        message: `\`trust/store.json\` (${fault.found.slice(0, 16)}) is not what the log recorded (${fault.recorded.slice(0, 16)})`,
        hint: "it was edited outside `nightcore trust`; put the recorded file back",
      };
    default:
      return unreachable(fault);
  }
}
