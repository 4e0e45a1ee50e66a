/**
 * The workspace on disk: where things lie, its configuration, and files that are replaced whole.
 *
 * It decides nothing. It must never leave half a file behind, and never pass over a member of the configuration that it
 * does not know. The configuration is TOML 1.0.
 */
export { encodeConfiguration, explainConfigurationFault, readConfiguration } from "./configuration.ts";
export type { Configuration, ConfigurationFault } from "./configuration.ts";
export { listFolders, readIfThere, replaceFile, replaceReport } from "./files.ts";
export { layOut } from "./layout.ts";
export type { Layout } from "./layout.ts";
