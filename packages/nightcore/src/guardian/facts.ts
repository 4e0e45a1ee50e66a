import type { Block, Budgets, Capability, Digest } from "#core";
import type { ManifestForm, Source, TrustedStanding } from "#trust";
import type { Standing } from "./standing.ts";
import type { ApprovalFacts } from "./approval-facts.ts";
import type { TenantPolicy } from "./tenant-policy.ts";

/** Why a stage before the decision refused, in the stage's own code and words. */
export type Finding = { readonly code: string; readonly message: string; readonly hint?: string };

/**
 * Everything that a decision looks at, recorded in full with it, so that it can be made again. Nothing else may influence
 * it: no clock, no file, no earlier decision that is not in here.
 */
export type Facts = {
  readonly tenant: string;
  readonly at: string;
  readonly mode: "run" | "proof";
  readonly backend: string;
  readonly isolation: readonly string[];
  readonly module:
    | {
        readonly admitted: true;
        readonly digest: Digest;
        readonly sizeBytes: number;
        readonly imports: readonly string[];
        readonly features: readonly string[];
      }
    | {
        readonly admitted: false;
        readonly digest: Digest | undefined;
        readonly sizeBytes: number | undefined;
        readonly finding: Finding;
      };
  readonly signature: TrustedStanding | { readonly trusted: false; readonly finding: Finding };
  readonly manifest:
    | {
        readonly state: "read";
        readonly digest: Digest;
        readonly form: ManifestForm;
        readonly tenant: string | undefined;
        readonly capabilities: readonly Capability[];
        readonly budgets: Partial<Budgets>;
      }
    | { readonly state: "absent" }
    | { readonly state: "refused"; readonly finding: Finding };
  /** The export that would be called, and whether the module has it as a function. */
  readonly entry: { readonly name: string; readonly present: boolean };
  readonly source: Source;
  /** Capabilities that the operator added for this run, by hand. */
  readonly operatorGrants: readonly Capability[];
  readonly trustStore: Digest;
  readonly policy:
    | { readonly state: "read"; readonly digest: Digest; readonly policy: TenantPolicy }
    | { readonly state: "refused"; readonly finding: Finding };
  /** The version of all policies together that was in force; absent where none was, or in decisions from before there were versions. */
  readonly policyVersion?: { readonly number: number; readonly digest: Digest };
  /** Blocks in force that match the bytes, their signer, the tenant, the imports or what the run is given. Absent: none. */
  readonly blocks?: readonly Block[];
  /** How older decisions recorded the one kind of block that there was, on a digest. */
  readonly quarantine?: { readonly reason: string; readonly at: string } | undefined;
  /**
   * The folder that `fs:read` would show, captured before anything is decided about it; `unasked` when nobody asks for it.
   * Absent in decisions of the first version, which captured later.
   */
  readonly mounts?:
    | { readonly state: "unasked" }
    | { readonly state: "captured"; readonly files: number; readonly bytes: number }
    | { readonly state: "refused"; readonly finding: Finding };
  readonly history: {
    /** When these bytes were first seen in this workspace; undefined: now. */
    readonly firstSeenAt: string | undefined;
    /** The digest that last ran to its end for this tenant. */
    readonly previousDigest: Digest | undefined;
    /** How often that one has been executed, and how many of these executions failed. */
    readonly previousRuns?: number;
    readonly previousFailures?: number;
    /** Whether these bytes have ever stood here with a signed manifest. */
    readonly manifestWasSigned: boolean;
    /** How often these bytes, and this tenant, have been executed, and how many of these executions failed. */
    readonly digestRuns?: number;
    readonly digestFailures?: number;
    readonly tenantRuns?: number;
    readonly tenantFailures?: number;
  };
  /** What persons said about these bytes, and what speaks against it. Records from before there were approvals have an empty list. */
  readonly approvals: ApprovalFacts;
  /** What was found about earlier runs; absent: nothing, or an older version gathered these facts. */
  readonly standing?: Standing;
};
