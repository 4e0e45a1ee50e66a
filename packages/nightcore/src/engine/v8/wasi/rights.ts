/** Rights of WASI preview 1 (witx `$rights`). All lie in the lower 30 bits, so a number holds a set of them. */
export const RIGHT = {
  fdDatasync: 1 << 0,
  fdRead: 1 << 1,
  fdSeek: 1 << 2,
  fdFdstatSetFlags: 1 << 3,
  fdSync: 1 << 4,
  fdTell: 1 << 5,
  fdWrite: 1 << 6,
  fdAdvise: 1 << 7,
  fdAllocate: 1 << 8,
  pathCreateDirectory: 1 << 9,
  pathCreateFile: 1 << 10,
  pathLinkSource: 1 << 11,
  pathLinkTarget: 1 << 12,
  pathOpen: 1 << 13,
  fdReaddir: 1 << 14,
  pathReadlink: 1 << 15,
  pathRenameSource: 1 << 16,
  pathRenameTarget: 1 << 17,
  pathFilestatGet: 1 << 18,
  pathFilestatSetSize: 1 << 19,
  pathFilestatSetTimes: 1 << 20,
  fdFilestatGet: 1 << 21,
  fdFilestatSetSize: 1 << 22,
  fdFilestatSetTimes: 1 << 23,
  pathSymlink: 1 << 24,
  pathRemoveDirectory: 1 << 25,
  pathUnlinkFile: 1 << 26,
  pollFdReadwrite: 1 << 27,
} as const;

/** Every right that this host knows. */
export const ALL_RIGHTS = (1 << 28) - 1;

/** What can be done with an open file. */
export const FILE_RIGHTS =
  RIGHT.fdDatasync |
  RIGHT.fdRead |
  RIGHT.fdSeek |
  RIGHT.fdFdstatSetFlags |
  RIGHT.fdSync |
  RIGHT.fdTell |
  RIGHT.fdWrite |
  RIGHT.fdAdvise |
  RIGHT.fdAllocate |
  RIGHT.fdFilestatGet |
  RIGHT.fdFilestatSetSize |
  RIGHT.fdFilestatSetTimes |
  RIGHT.pollFdReadwrite;

/** What can be done with an open folder: everything but reading, writing and seeking. */
export const FOLDER_RIGHTS =
  ALL_RIGHTS & ~(RIGHT.fdRead | RIGHT.fdSeek | RIGHT.fdTell | RIGHT.fdWrite | RIGHT.fdAllocate | RIGHT.fdFilestatSetSize);

/** What can be done with standard input. */
export const STREAM_READ_RIGHTS = RIGHT.fdRead | RIGHT.fdFilestatGet | RIGHT.fdFdstatSetFlags | RIGHT.pollFdReadwrite;
/** What can be done with standard output and standard error. */
export const STREAM_WRITE_RIGHTS = RIGHT.fdWrite | RIGHT.fdFilestatGet | RIGHT.fdFdstatSetFlags | RIGHT.pollFdReadwrite;

/** The known rights in the 64 bits that a guest hands in. */
export function rightsOf(bits: bigint): number {
  return Number(BigInt.asUintN(30, bits)) & ALL_RIGHTS;
}
