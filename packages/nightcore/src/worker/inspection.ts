import { type Crypto, type Digest, escapeControls, type Explanation, type Fault, fail, type Result } from "#core";
import type { Facts, Finding } from "#guardian";
import { explainSourceFault, type ModuleFiles, type SourceFault } from "#ports";
import {
  admitModule,
  type AdmittedModule,
  digestBytes,
  type DigestedBytes,
  examineSignature,
  explainAdmissionFault,
  explainTrustFault,
  type Manifest,
  parseManifest,
  type RecentShapes,
  type SignatureQuestion,
  type SignatureStanding,
  type TrustStore,
  type VerifiedModule,
  verifyModule,
} from "#trust";
import type { WasmFault } from "#wasm";

const MESSAGE_CHARACTERS_MAX = 1500; // LIMIT: a reason has to fit into a log entry many times over
const NAMES_MAX = 64; // LIMIT: imports and exports that an entry names; their count is always given

/** What was found out about one module before anything was decided. */
export type Inspection = {
  readonly digest: Digest | undefined;
  readonly sizeBytes: number | undefined;
  readonly admitted: Result<AdmittedModule, SourceFault | WasmFault>;
  readonly standing: SignatureStanding | undefined;
  readonly verified: VerifiedModule | undefined;
  readonly manifest: Manifest | undefined;
  readonly manifestFact: Facts["manifest"];
};

/** What an inspection computes with and trusts. */
export type InspectionPowers = {
  readonly crypto: Crypto;
  readonly store: TrustStore;
  readonly moduleBytesMax: number;
  /** Absent: every module is parsed. */
  readonly shapes?: RecentShapes | undefined;
};

/**
 * Admits and verifies the files of one module, each looked at once. Both stages are always tried, so that a refusal names
 * everything that is wrong: a native object with a good signature is refused for being native, and said to be signed.
 */
export function inspectModule(
  files: ModuleFiles,
  { tenant, nowMs }: { readonly tenant: string; readonly nowMs: number },
  powers: InspectionPowers,
): Inspection {
  const { crypto, store, moduleBytesMax, shapes } = powers;
  const manifestBytes = files.manifest === undefined ? undefined : digestBytes(files.manifest, crypto);
  const { manifest, manifestFact } = readManifest(manifestBytes);
  if (!files.wasm.ok) {
    const nothing = { digest: undefined, sizeBytes: undefined, standing: undefined, verified: undefined };
    return { ...nothing, admitted: fail(files.wasm.fault), manifest, manifestFact };
  }
  const module = digestBytes(files.wasm.value, crypto);
  const { signature, envelope, publicKeyHint, digestFile } = files;
  const question = { manifest: manifestBytes, evidence: { signature, envelope, publicKeyHint, digestFile }, tenant, nowMs };
  const admitted = admitModule(module, moduleBytesMax, shapes);
  const { standing, verified } = verify(admitted, { ...question, module }, { crypto, store });
  return { digest: module.digest, sizeBytes: module.bytes.length, admitted, standing, verified, manifest, manifestFact };
}

function verify(
  admitted: Result<AdmittedModule, WasmFault>,
  question: SignatureQuestion,
  { crypto, store }: { readonly crypto: Crypto; readonly store: TrustStore },
) {
  if (!admitted.ok) return { standing: examineSignature(question, store, crypto), verified: undefined };
  const verified = verifyModule(admitted.value, question, { store, crypto });
  return verified.ok
    ? { standing: verified.value.standing, verified: verified.value }
    : { standing: { trusted: false, fault: verified.fault } as const, verified: undefined };
}

function readManifest(bytes: DigestedBytes | undefined): { manifest: Manifest | undefined; manifestFact: Facts["manifest"] } {
  if (bytes === undefined) return { manifest: undefined, manifestFact: { state: "absent" } };
  const manifest = parseManifest(bytes.bytes);
  if (!manifest.ok)
    return { manifest: undefined, manifestFact: { state: "refused", finding: findingOf(manifest.fault, explainTrustFault) } };
  const { form, tenant, capabilities, budgets } = manifest.value;
  return { manifest: manifest.value, manifestFact: { state: "read", digest: bytes.digest, form, tenant, capabilities, budgets } };
}

/** A fault as facts, reasons and entries carry it: its code, and words of bounded length. */
export function findingOf<F extends Fault>(fault: F, explain: (fault: F) => Explanation): Finding {
  const { message, hint } = explain(fault);
  const cut = escapeControls(message).slice(0, MESSAGE_CHARACTERS_MAX);
  return hint === undefined ? { code: fault.code, message: cut } : { code: fault.code, message: cut, hint };
}

/** One sentence for a module that could not be read or was not admitted. */
export function explainAdmission(fault: SourceFault | WasmFault): Explanation {
  return fault.code.startsWith("source/") ? explainSourceFault(fault as SourceFault) : explainAdmissionFault(fault as WasmFault);
}

/** Names from a hostile module, bounded in number and length, safe to print. */
export function boundNames(names: readonly string[]): readonly string[] {
  return names.slice(0, NAMES_MAX).map((name) => escapeControls(name.slice(0, 80)));
}
