import { type Digest, digestOf, type Result, type Sha256 } from "#core";
import type { Mount, SourceFault } from "#ports";
import { blocksDigests, type Rows } from "#state";
import { listMounts } from "./mount-listing.ts";
import type { RunRequest } from "./run-record.ts";

/** What a run would be given besides its module. */
type Given = Pick<RunRequest, "stdin"> & { readonly captured: Result<readonly Mount[], SourceFault> | undefined };

/**
 * Digests of what a run would be given: its input, each mounted file, and each mounted tree by the digest of its listing. Empty as
 * long as no digest has ever been blocked, so that nothing is hashed for a question that nobody asks.
 */
export function inputDigests({ stdin, captured }: Given, rows: Pick<Rows, "get">, sha256: Sha256): readonly Digest[] {
  if (!blocksDigests(rows)) return [];
  const listed = captured?.ok === true ? listMounts(captured.value, sha256) : [];
  const mounted = listed.flatMap(({ said, files }) => [said.digest, ...files.map(({ digest }) => digest)]);
  return [...(stdin.length === 0 ? [] : [digestOf(sha256, stdin)]), ...mounted];
}
