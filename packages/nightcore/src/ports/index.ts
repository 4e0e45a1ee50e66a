/**
 * The contracts between the conduct and the hands: what an engine, a ledger writer and a reader promise, and how their
 * faults read.
 *
 * This room decides nothing and holds no power. A second engine or store fulfils these types and passes the compliance
 * suite that stands beside them, and nothing above notices the difference.
 */
export { explainEngineFault } from "./engine.ts";
export type {
  Cancellation,
  Engine,
  EngineFault,
  EngineFaultCode,
  EngineJob,
  EngineReport,
  EngineSize,
  GuestConduct,
  Mount,
  MountedFile,
  OpenEngine,
  Print,
  PrintedStream,
} from "./engine.ts";
export { checkEngine, ENGINE_RULES } from "./compliance/engine-compliance.ts";
export type { Compliance } from "./compliance/engine-compliance.ts";
export type { ComplianceTools, EngineRule, Subject } from "./compliance/subject.ts";
export { explainInboxFault } from "./inbox.ts";
export type { InboxFault, InboxFaultCode, PendingFile, SubmittedFiles } from "./inbox.ts";
export { explainSourceFault } from "./modules.ts";
export type { BlobStore, ModuleFiles, ModuleSource, PrunableBlobs, SourceFault, SourceFaultCode } from "./modules.ts";
export { explainLedgerFault } from "./ledger.ts";
export type { Appended, LedgerFault, LedgerFaultCode, LedgerReader, LedgerWriter, Recovery } from "./ledger.ts";
