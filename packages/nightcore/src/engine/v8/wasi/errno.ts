/** Error numbers of WASI preview 1 (witx `$errno`), those that this host answers with. */
export const ERRNO = {
  success: 0,
  badf: 8,
  exist: 20,
  fault: 21,
  fbig: 22,
  ilseq: 25,
  inval: 28,
  isdir: 31,
  loop: 32,
  mfile: 33,
  mlink: 34,
  nametoolong: 37,
  noent: 44,
  nospc: 51,
  nosys: 52,
  notdir: 54,
  notempty: 55,
  notsock: 57,
  notsup: 58,
  overflow: 61,
  perm: 63,
  rofs: 69,
  spipe: 70,
  xdev: 75,
  notcapable: 76,
} as const;
export type ErrnoValue = (typeof ERRNO)[keyof typeof ERRNO];

/** Carries an error number from the depth of a call to the call's boundary, where it becomes the answer to the guest. */
export class Errno extends Error {
  readonly errno: ErrnoValue;
  /** The call named a place outside of what it was called on. */
  readonly escapes: boolean;
  constructor(errno: ErrnoValue, escapes = false) {
    super();
    this.errno = errno;
    this.escapes = escapes;
  }
}

/** Ends the call with an error number. */
export function refuse(errno: ErrnoValue): never {
  throw new Errno(errno);
}

/** Ends the call with EPERM, as one that tried to leave the folder that it was given. */
export function refuseEscape(): never {
  throw new Errno(ERRNO.perm, true);
}
