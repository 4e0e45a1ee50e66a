import { shortKey } from "#trust";
import { explainCoreFault, type Explanation, quote, unreachable } from "#core";
import type { ApprovalFault } from "./approval.ts";
import type { PolicyFault } from "./tenant-policy.ts";

export function explainPolicyFault(fault: PolicyFault): Explanation {
  switch (fault.code) {
    case "guardian/policy-not-json":
      return { message: `the policy ${quote(fault.file)} cannot be read: ${explainCoreFault(fault.json).message}` };
    case "guardian/policy-refused":
      return { message: `the policy ${quote(fault.file)} is refused: ${fault.problems.join("; ")}` };
    case "guardian/policies-refused":
      return { message: `the policies are refused: ${fault.problems.join("; ")}` };
    default:
      return unreachable(fault);
  }
}

export function explainApprovalFault(fault: ApprovalFault): Explanation {
  switch (fault.code) {
    case "guardian/approval-malformed":
      return { message: `the approval cannot be read: ${fault.what}` };
    case "guardian/approval-forged":
      return { message: `the approval is not signed by the key ${shortKey(fault.keyId)} that it names` };
    case "guardian/approver-unknown":
      return {
        message: `the key ${shortKey(fault.keyId)} that approved is not in the trust store`,
        hint: "if you trust its owner: `nightcore trust add KEY.pub --role approver --tenant TENANT`",
      };
    default:
      return unreachable(fault);
  }
}
