/**
 * Decides what a module is and who stands behind it: admission of bytes, the manifest that asks for capabilities and
 * budgets, signatures, and the host's trust store with its revocations.
 *
 * It must never trust a key for travelling with a module, never read a byte twice, and never touch a file, clock or key
 * itself: bytes, the moment and the hash and signature functions are handed in. It follows the WebAssembly core
 * specification (binary format), RFC 8032 (Ed25519), DSSE 1.0.2 and in-toto Statement v1.
 */
export { AdmittedModule, admitModule, RecentShapes, VerifiedModule, verifyModule } from "./admission.ts";
export type { TrustedStanding } from "./admission.ts";
export { digestBytes, DigestedBytes } from "./evidence.ts";
export type { ModuleEvidence, SignatureFault, SignatureStanding } from "./evidence.ts";
export { explainAdmissionFault, explainTrustFault, shortKey } from "./explain.ts";
export type { AdmissionFault, TrustFault } from "./explain.ts";
export { MemberReader } from "./member-reader.ts";
export { EVERY_TENANT, isSamePerson, parseRole, personOf, ROLES } from "./key-record.ts";
export type { Grant, KeyFault, Revocation, Role, TrustedKey } from "./key-record.ts";
export { MANIFEST_BYTES_MAX, parseManifest } from "./manifest.ts";
export type { Manifest, ManifestFault, ManifestForm, Source } from "./manifest.ts";
export {
  hashPublicKeyFile,
  judgeProof,
  MODULE_STATEMENT_TYPE,
  parseBase64File,
  proveSignature,
  SignatureProof,
} from "./signature.ts";
export type { SignatureQuestion } from "./signature.ts";
export { TrustStore } from "./trust-store.ts";
export type { TrustStoreFault } from "./trust-store.ts";
