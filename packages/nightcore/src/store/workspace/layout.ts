import { join } from "node:path";

/** Where a workspace keeps what, as absolute paths under its root (docs/ARCHITECTURE.md, "A workspace on disk"). */
export type Layout = ReturnType<typeof layOut>;

/** The layout under a root. Computes paths; touches nothing. */
export function layOut(root: string) {
  const own = join(root, ".nightcore");
  return {
    root,
    config: join(root, "nightcore.toml"),
    modules: join(root, "modules"),
    inbox: {
      pending: join(root, "inbox", "agent", "pending"),
      processed: join(root, "inbox", "agent", "processed"),
      rejected: join(root, "inbox", "agent", "rejected"),
    },
    policies: join(root, "policies"),
    trust: join(root, "trust"),
    trustStore: join(root, "trust", "store.json"),
    maintainers: join(root, "keys", "maintainers"),
    logs: join(root, "logs"),
    own,
    ledger: join(own, "ledger"),
    blobs: join(own, "blobs"),
    policyVersions: join(own, "policies"),
    vault: join(own, "vault"),
    orders: join(own, "orders"),
    forward: join(own, "forward"),
    witnessed: join(own, "witnessed"),
    state: join(own, "state.db"),
    stateBefore: join(own, "state.before-restore.db"),
    nodeKey: join(own, "node.key"),
    nodePublicKey: join(own, "node.pub"),
    nodeMlDsaKey: join(own, "node-ml-dsa.key"),
    nodeMlDsaPublicKey: join(own, "node-ml-dsa.pub"),
  } as const;
}
