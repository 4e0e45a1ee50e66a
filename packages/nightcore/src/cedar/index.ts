/**
 * Judges facts by policies in the Cedar language: which policies permit a run, which forbid it, and why in their authors' words.
 *
 * It decides nothing by itself: `guardian` asks it through the `PolicyEngine` seam, where it can add reasons and never take one
 * away. It must never leave out a policy that failed: an error in any of them is a deny. It follows the Cedar language 4, as
 * `@cedar-policy/cedar-wasm` implements it. POWER: the file system, to read that implementation and nothing else.
 */
export { CEDAR_COMPILER, loadCedar } from "./library.ts";
export { compilePolicies } from "./compilation.ts";
export { openCedarEngine } from "./engine.ts";
export type { CedarEngine, KnownAnswers } from "./engine.ts";
export { POLICY_SCHEMA } from "./schema.ts";
export { openAuthority } from "./authority.ts";
export type { Authority, Deed, Question } from "./authority.ts";
export { DEFAULT_POLICIES } from "./default-policies.ts";
