import { explainCoreFault, type Explanation, quote, unreachable } from "#core";
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
