import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Layout } from "#store/workspace";

/** A small file of the workspace that goes with its log: what reading and going on need, but for the private key. */
export type Companion = {
  /** Its path in the backup. */
  readonly name: string;
  readonly path: string;
};

const POLICY_VERSION = /^[0-9a-f]{64}\.json$/;

/** What a backup holds beside the log. Restoring puts back what is not there. `versions`: where versions of the policies lie now. */
export function listCompanions(layout: Layout, versions: string): readonly Companion[] {
  // By their digests: a version that came from a backup and was changed there is refused when it is read.
  const files = existsSync(versions) ? readdirSync(versions).filter((file) => POLICY_VERSION.test(file)) : [];
  return [
    { name: "witnessed", path: layout.witnessed },
    { name: "workspace/nightcore.toml", path: layout.config },
    { name: "workspace/node.pub", path: layout.nodePublicKey },
    { name: "workspace/node-ml-dsa.pub", path: layout.nodeMlDsaPublicKey },
    { name: "workspace/trust-store.json", path: layout.trustStore },
    ...files.toSorted().map((file) => ({ name: `workspace/policies/${file}`, path: join(layout.policyVersions, file) })),
  ];
}
