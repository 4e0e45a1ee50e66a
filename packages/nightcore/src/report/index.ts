/**
 * What people and scripts read after a run: the dashboard, the history, the orchestration report, and entries of the log in
 * the forms that other systems take in.
 *
 * This room decides nothing and adds nothing: every line is what it was given, and a status is never turned into a kinder
 * one. It must never let foreign text become markup: all of it passes through one escaping function, and the page's policy
 * forbids what would slip through. It follows HTML, CSP Level 3, OCSF 1.3 (docs/formats/export.md), and Night Core v39's
 * report format (docs/formats/reports.md).
 */
export { renderDashboard } from "./dashboard.ts";
export { renderHistory } from "./history-page.ts";
export { compareEntries, compareHistory } from "./history-report.ts";
export type { HistoryChange, HistoryEntry, HistoryReport, HistoryTenant, ImportedClaim, WitnessedRun } from "./history-report.ts";
export { EXPORT_FORMS, renderCheckpointLine, renderExportLines } from "./export.ts";
export type { ExportedEntry, ExportForm } from "./export.ts";
export { OCSF_VERSION, renderOcsf } from "./ocsf.ts";
export type { LoggedEvent } from "./ocsf.ts";
export { encodeOrchestrationReport } from "./orchestration-report.ts";
export { renderReceiptPage } from "./receipt-page.ts";
export type { ReceiptPage } from "./receipt-page.ts";
export { countStatuses, RUN_STATUSES } from "./run-report.ts";
export type { LogView, RunReason, RunReport, RunRow, RunStatus, Signer } from "./run-report.ts";
