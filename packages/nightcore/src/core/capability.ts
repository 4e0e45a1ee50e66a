/**
 * What a guest may touch outside its own memory. `stdout` and `fs:read` are Night Core's since v37; stderr goes with
 * `stdout`. Without a capability the guest gets a virtual substitute (a seeded random, a clock that starts at zero) or an error.
 */
export const CAPABILITIES = ["stdout", "stdin", "fs:read", "clock:real", "random:real", "fs:write"] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** The capability of this name, or undefined for a name that there is not. */
export function parseCapability(text: string): Capability | undefined {
  return CAPABILITIES.find((capability) => capability === text);
}
