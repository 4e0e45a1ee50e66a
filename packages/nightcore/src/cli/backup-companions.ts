import type { Layout } from "#store/workspace";

/** A small file of the workspace that goes with its log: what reading and going on need, but for the private key. */
export type Companion = {
  /** Its path in the backup. */
  readonly name: string;
  readonly pathIn: (layout: Layout) => string;
};

/** What a backup holds beside the log. A restoring puts back what is not there. */
export const COMPANIONS: readonly Companion[] = [
  { name: "witnessed", pathIn: ({ witnessed }) => witnessed },
  { name: "workspace/nightcore.toml", pathIn: ({ config }) => config },
  { name: "workspace/node.pub", pathIn: ({ nodePublicKey }) => nodePublicKey },
  { name: "workspace/node-ml-dsa.pub", pathIn: ({ nodeMlDsaPublicKey }) => nodeMlDsaPublicKey },
  { name: "workspace/trust-store.json", pathIn: ({ trustStore }) => trustStore },
];
