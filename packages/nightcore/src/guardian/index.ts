/**
 * Decides whether a verified module may run, and with what: facts in, verdict with reasons and grant out.
 *
 * It must never look at anything but the facts it is given, never allow what no rule was asked about, and never turn its
 * own fault into anything but a deny. It holds no power. The order of verdicts (forbid overrides, deny by default) is
 * Cedar's; policies join through the `PolicyEngine` seam and can only add reasons.
 */
export { APPROVAL_BYTES_MAX, COMMENT_CHARACTERS_MAX, encodeApproval, isComment, parseApproval } from "./approval.ts";
export type { ApprovalAct, ApprovalFault, ApprovalStatement, ApprovalTerms } from "./approval.ts";
export { ACTS, encodeAct, parseAct } from "./approval-act.ts";
export type { Act, ActStatement } from "./approval-act.ts";
export { approvalsOf, NO_APPROVALS, policyVersionOf } from "./approval-facts.ts";
export type { ApprovalFacts, OpenReview, RecordedApproval } from "./approval-facts.ts";
export { BASE_APPROVALS } from "./approval-policy.ts";
export type { ApprovalPolicy } from "./approval-policy.ts";
export { approvalPolicyOf, isApproved, weighApprovals } from "./approval-weighing.ts";
export type { WeighedApproval, Weighing } from "./approval-weighing.ts";
export { askedRun } from "./asked-run.ts";
export type { GrantedRun } from "./asked-run.ts";
export { assessRun, ASSESSMENT_RULES } from "./assessment.ts";
export type { AssessmentBasis, EndedRun } from "./assessment.ts";
export { BASE_ASSESSMENT } from "./assessment-policy.ts";
export type { AssessmentPolicy, ContainmentPolicy } from "./assessment-policy.ts";
export { applyChanges, findChanges, findSmallestChange } from "./counterfactual.ts";
export type { Change } from "./counterfactual.ts";
export { measureDistance } from "./distance.ts";
export type { Distance, Threshold } from "./distance.ts";
export { decide, nameRules } from "./decision.ts";
export type {
  AskedPolicies,
  Decision,
  JudgedFacts,
  PolicyAnswer,
  PolicyEngine,
  PolicyRequest,
  Reason,
  Verdict,
} from "./decision.ts";
export { explainApprovalFault, explainPolicyFault } from "./explain.ts";
export type { Facts, Finding } from "./facts.ts";
export { issuePermit, nameVerdict, Permit } from "./permit.ts";
export { encodePolicyAct, parsePolicyAct, POLICY_ACTS } from "./policy-act.ts";
export type { PolicyActName, PolicyActStatement } from "./policy-act.ts";
export { checkPolicyFiles, encodePolicyBundle, parsePolicyBundle } from "./policy-bundle.ts";
export type { CompiledPolicy, PolicyBundle, PolicyBundleFault } from "./policy-bundle.ts";
export { fillRequirements } from "./requirement.ts";
export type { Requirement } from "./requirement.ts";
export { RISK_WEIGHTS, scoreRisk } from "./risk.ts";
export type { Contribution, Risk, RiskName, RiskWeights } from "./risk.ts";
export { spreadOf } from "./robust-statistics.ts";
export type { Spread } from "./robust-statistics.ts";
export { weighStanding } from "./standing.ts";
export type { Standing, StandingEvidence, WeighedStanding } from "./standing.ts";
export { BASE_POLICY, ONE_APPROVER, nameBackend, parseTenantPolicy } from "./tenant-policy.ts";
export type { PolicyFault, TenantPolicy } from "./tenant-policy.ts";
