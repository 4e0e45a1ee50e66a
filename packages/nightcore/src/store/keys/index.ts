/**
 * Holds keys as files and computes with them: Node's Ed25519, ML-DSA-44 and SHA-256, which the law is handed as functions, and the
 * key files of maintainers and of the node.
 *
 * It decides nothing about trust. It must never overwrite a key, write a private one that others can read, or put a
 * secret into a message. It follows RFC 8032 (Ed25519), FIPS 204 (ML-DSA), RFC 8410 and RFC 9881 (their encodings) and RFC 5958 (encrypted PKCS#8).
 */
export { privateKeyObject, publicKeyObject, publicKeyOf, sha256, signerOf, verifyEd25519, verifyMlDsa44 } from "./crypto.ts";
export {
  explainKeyFileFault,
  readMlDsaPrivateKey,
  readMlDsaPublicKey,
  readPrivateKey,
  readPublicKey,
  writeKeyPair,
  writeMlDsaKeyPair,
} from "./key-file.ts";
export type { KeyFileFault } from "./key-file.ts";
export { random } from "./random.ts";
