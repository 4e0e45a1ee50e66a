/** The policies that a new workspace starts with, as the file `policies/default.cedar`. */
export const DEFAULT_POLICIES = `// Night Core's policies, in the Cedar language (https://docs.cedarpolicy.com).
//
// How to read them: nothing is allowed unless a "permit" applies, and a "forbid" that applies always wins.
// "principal" is the key that signed the module, "resource" is the module, "context" is what is asked for.
// A forbid says with @verdict what follows: "deny" (as without it), "hold" (a person must approve) or "quarantine".
// Before any of this, Night Core itself refuses what is not signed by a trusted key, what is in quarantine,
// and what asks for more than _default.json or the tenant's own .json grants.
//
// An edited file changes nothing. "nightcore policy activate" puts it in force, and the log records it.

@id("signed-modules")
@reason("a trusted key signed the module for this tenant")
permit (principal is Key, action in [Action::"run", Action::"prove"], resource is Module);

@id("high-risk-waits")
@verdict("hold")
@reason("the risk is high, and no person has approved it")
@hint("look at the contributions to its risk, and approve it or make it smaller")
forbid (principal, action == Action::"run", resource)
when { context.riskBand == "high" }
unless { context.approved };

@id("extreme-risk")
@verdict("quarantine")
@reason("the risk is too high for anyone to approve")
forbid (principal, action == Action::"run", resource)
when { context.riskBand == "quarantine" };

@id("approvers-decide")
@reason("approvers look at what came in, and approve, reject, review and release it")
permit (
  principal in Role::"approver",
  action in [
    Action::"approve",
    Action::"reject",
    Action::"review",
    Action::"revokeApproval",
    Action::"release",
    Action::"approvePolicy"
  ],
  resource
);

@id("break-glass")
@reason("whoever has the role break-glass may let something run at once, for a short time")
permit (principal in Role::"break-glass", action == Action::"breakGlass", resource);
`;
