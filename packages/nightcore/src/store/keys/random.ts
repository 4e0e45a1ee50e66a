import { randomBytes } from "node:crypto";

// Asking for a page at a time costs a tenth; no byte is handed out twice, and each is a copy.
let pool = new Uint8Array(randomBytes(4096));
let poolAt = 0;

/** POWER: the operating system's random bytes. */
export function random(length: number): Uint8Array {
  if (length > pool.length) return randomBytes(length);
  if (poolAt + length > pool.length) {
    pool = new Uint8Array(randomBytes(pool.length));
    poolAt = 0;
  }
  poolAt += length;
  return pool.slice(poolAt - length, poolAt);
}
