import { type Crypto, type Digest, escapeControls, type Explanation, type Fault, fail, type Result } from "#core";
import type { Facts, Finding } from "#guardian";
import { explainSourceFault, type ModuleFiles, type SourceFault } from "#ports";
import {
  admitModule,
  type AdmittedModule,
  digestBytes,
  type DigestedBytes,
  explainAdmissionFault,
  explainTrustFault,
  judgeProof,
  type Manifest,
  parseManifest,
  proveSignature,
  RecentShapes,
  type SignatureProof,
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
  /** Absent: every reading is examined. */
  readonly recent?: RecentExaminations | undefined;
};

/** What follows from a module's files alone, for one tenant, whatever the time is. */
type Examination = Omit<Inspection, "standing" | "verified"> & {
  readonly tenant: string;
  readonly proof: SignatureProof | undefined;
};

/**
 * What was found out about files that are the same ones again: a source that saw nothing change gives the reading that it has, and
 * nobody writes to bytes that were digested. Made for one trust store and one limit, and forgotten with the readings.
 */
export class RecentExaminations {
  readonly #byFiles = new WeakMap<ModuleFiles, Examination>();
  readonly #shapes = new RecentShapes();

  of(files: ModuleFiles, tenant: string, powers: InspectionPowers): Examination {
    const known = this.#byFiles.get(files);
    if (known?.tenant === tenant) return known;
    const examination = examineFiles(files, tenant, powers, this.#shapes);
    this.#byFiles.set(files, examination);
    return examination;
  }
}

/**
 * Admits and verifies the files of one module, each looked at once. Both stages are always tried, so that a refusal names
 * everything that is wrong: a native object with a good signature is refused for being native, and said to be signed.
 */
export function inspectModule(
  files: ModuleFiles,
  { tenant, nowMs }: { readonly tenant: string; readonly nowMs: number },
  powers: InspectionPowers,
): Inspection {
  const examination = powers.recent?.of(files, tenant, powers) ?? examineFiles(files, tenant, powers);
  return { ...examination, ...verify(examination, nowMs) };
}

function examineFiles(
  files: ModuleFiles,
  tenant: string,
  { crypto, store, moduleBytesMax }: InspectionPowers,
  shapes?: RecentShapes,
): Examination {
  const manifestBytes = files.manifest === undefined ? undefined : digestBytes(files.manifest, crypto);
  const read = { tenant, ...readManifest(manifestBytes) };
  if (!files.wasm.ok)
    return { ...read, digest: undefined, sizeBytes: undefined, admitted: fail(files.wasm.fault), proof: undefined };
  const module = digestBytes(files.wasm.value, crypto);
  const { signature, envelope, publicKeyHint, digestFile } = files;
  const evidence = { signature, envelope, publicKeyHint, digestFile };
  const admitted = admitModule(module, moduleBytesMax, shapes);
  const proof = proveSignature({ module, manifest: manifestBytes, evidence, tenant }, store, crypto);
  return { ...read, digest: module.digest, sizeBytes: module.bytes.length, admitted, proof };
}

/** What the evidence is worth at this moment; asked each time, since keys expire. */
function verify({ admitted, proof }: Examination, nowMs: number): Pick<Inspection, "standing" | "verified"> {
  if (proof === undefined) return { standing: undefined, verified: undefined };
  if (!admitted.ok) return { standing: judgeProof(proof, nowMs), verified: undefined };
  const verified = verifyModule(admitted.value, proof, nowMs);
  return verified.ok
    ? { standing: verified.value.standing, verified: verified.value }
    : { standing: { trusted: false, fault: verified.fault }, verified: undefined };
}

function readManifest(bytes: DigestedBytes | undefined): Pick<Inspection, "manifest" | "manifestFact"> {
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
