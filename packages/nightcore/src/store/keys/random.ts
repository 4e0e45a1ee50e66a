import { randomBytes } from "node:crypto";

const PAGE_BYTES = 4096;

// Asking for a page at a time costs a tenth; no byte is handed out twice, and each is a copy.
let page = new Uint8Array(0);
let pageAt = 0;

/** POWER: the operating system's random bytes. */
export function random(length: number): Uint8Array {
  if (length > PAGE_BYTES) return randomBytes(length);
  if (pageAt + length > page.length) {
    page = new Uint8Array(randomBytes(PAGE_BYTES));
    pageAt = 0;
  }
  pageAt += length;
  return page.slice(pageAt - length, pageAt);
}
