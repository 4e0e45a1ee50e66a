/**
 * What policies can speak of, in Cedar's schema language. It belongs to the software and not to a workspace: these are the facts
 * that there are. `nightcore policy schema` prints it for editors; docs/formats/cedar.md explains each member.
 */
export const POLICY_SCHEMA = `// Whose module it is.
entity Tenant;

// The trusted key that signed the module.
entity Key = { name: String };

entity Module in [Tenant] = {
  sizeBytes: Long,
  imports: Set<String>,
  features: Set<String>,
};

// Asked for each run ("run") and for each check without execution ("prove").
action run, prove appliesTo {
  principal: Key,
  resource: Module,
  context: {
    // "human", "agent", "import" or "unspecified"
    source: String,
    entry: String,
    // What would be granted if nothing forbids it.
    capabilities: Set<String>,
    operatorGrants: Set<String>,
    wallMs: Long,
    memoryBytes: Long,
    fuel: Long,
    outputBytes: Long,
    manifestSigned: Bool,
    // People in the required roles have approved exactly this.
    approved: Bool,
    backend: String,
    isolation: Set<String>,
    // 0 to 100, and its band: "trusted", "safe", "elevated", "high" or "quarantine"
    riskScore: Long,
    riskBand: String,
    // What findings about earlier runs have left, 0 to 100.
    standing: Long,
    // Whether these bytes have been here before, and how their executions and the tenant's ended.
    known: Bool,
    // Whether the tenant last ran other bytes to their end, and how these ended.
    changed: Bool,
    previousRuns: Long,
    previousFailures: Long,
    digestRuns: Long,
    digestFailures: Long,
    tenantRuns: Long,
    tenantFailures: Long,
  },
};

// What people do. A person is a member of the roles that the trust store gives to their keys.
entity Role;
entity Person in [Role];
entity Workspace;

action approve, reject, review, breakGlass, revokeApproval appliesTo {
  principal: Person,
  resource: Tenant,
};

// The end of a block: of a tenant's, or of one that is about more than one tenant.
action release appliesTo {
  principal: Person,
  resource: [Tenant, Workspace],
};

action approvePolicy appliesTo {
  principal: Person,
  resource: Workspace,
};
`;
