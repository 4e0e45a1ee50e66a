/**
 * Calls of a guest that the host answered with a refusal, counted. One with a path that leaves its preopen is an escape and a
 * denied call; one with a pointer outside of the guest's memory is neither.
 */
export type Refusals = {
  /** Not permitted: EPERM, ENOTCAPABLE, EROFS. */
  readonly deniedCalls: number;
  /** Of these: an absolute path, `..` above a preopen, a link that leads to either, or planting such a link. */
  readonly escapes: number;
  /** EFAULT. */
  readonly badPointers: number;
};

/** What a guest has that was refused nothing. */
export const NO_REFUSALS: Refusals = { deniedCalls: 0, escapes: 0, badPointers: 0 };
