/**
 * What people and scripts read after a run: the dashboard, the history and the orchestration report.
 *
 * This room decides nothing and adds nothing: every line is what it was given, and a status is never turned into a kinder
 * one. It must never let foreign text become markup: all of it passes through one escaping function, and the page's policy
 * forbids what would slip through. It follows HTML, CSP Level 3, and Night Core v39's report format (docs/formats/reports.md).
 */
export { renderDashboard } from "./dashboard.ts";
export { renderHistory } from "./history-page.ts";
export { compareEntries, compareHistory } from "./history-report.ts";
export type { HistoryChange, HistoryEntry, HistoryReport, HistoryTenant, ImportedClaim, WitnessedRun } from "./history-report.ts";
export { encodeOrchestrationReport } from "./orchestration-report.ts";
export { countStatuses, RUN_STATUSES } from "./run-report.ts";
export type { LogView, RunReason, RunReport, RunRow, RunStatus, Signer } from "./run-report.ts";
