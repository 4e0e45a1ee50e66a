import type { Bytes } from "#core";

/** POWER: fills a buffer with unpredictable bytes, or with bytes that only look so. */
export type FillRandom = (target: Uint8Array<ArrayBuffer>) => void;

const BLOCK_BYTES = 64;

/**
 * The key stream of ChaCha20 (RFC 8439 section 2.3) under the run's seed, with nonce 0 and a counter from 0: the same seed gives
 * a guest the same bytes on every machine.
 */
export function seededRandom(seed: Bytes): FillRandom {
  let fill: FillRandom | undefined; // most guests never draw
  return (target) => (fill ??= keyStream(seed))(target);
}

function keyStream(seed: Bytes): FillRandom {
  const key = new DataView(seed.buffer, seed.byteOffset, 32);
  const initial = new Uint32Array(16);
  initial.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
  for (let i = 0; i < 8; i++) initial[4 + i] = key.getUint32(i * 4, true);
  const state = new Uint32Array(16);
  const block = new DataView(new ArrayBuffer(BLOCK_BYTES));
  const blockBytes = new Uint8Array(block.buffer);
  let used = BLOCK_BYTES;

  const nextBlock = (): void => {
    state.set(initial);
    for (let round = 0; round < 10; round++) {
      quarter(state, 0, 4, 8, 12);
      quarter(state, 1, 5, 9, 13);
      quarter(state, 2, 6, 10, 14);
      quarter(state, 3, 7, 11, 15);
      quarter(state, 0, 5, 10, 15);
      quarter(state, 1, 6, 11, 12);
      quarter(state, 2, 7, 8, 13);
      quarter(state, 3, 4, 9, 14);
    }
    for (let i = 0; i < 16; i++) block.setUint32(i * 4, (state[i] as number) + (initial[i] as number), true);
    initial[12] = (initial[12] as number) + 1;
    // The nonce follows the counter, so that a guest that draws 256 GiB does not see the stream again.
    if (initial[12] === 0) initial[13] = (initial[13] as number) + 1;
    used = 0;
  };

  return (target) => {
    let at = 0;
    while (at < target.length) {
      if (used === BLOCK_BYTES) nextBlock();
      const length = Math.min(target.length - at, BLOCK_BYTES - used);
      target.set(blockBytes.subarray(used, used + length), at);
      used += length;
      at += length;
    }
  };
}

/** RFC 8439 section 2.1. */
function quarter(s: Uint32Array, a: number, b: number, c: number, d: number): void {
  let sa = s[a] as number;
  let sb = s[b] as number;
  let sc = s[c] as number;
  let sd = s[d] as number;
  sa = (sa + sb) | 0;
  sd = rotate(sd ^ sa, 16);
  sc = (sc + sd) | 0;
  sb = rotate(sb ^ sc, 12);
  sa = (sa + sb) | 0;
  sd = rotate(sd ^ sa, 8);
  sc = (sc + sd) | 0;
  sb = rotate(sb ^ sc, 7);
  s[a] = sa;
  s[b] = sb;
  s[c] = sc;
  s[d] = sd;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

const WEB_CRYPTO_BYTES_MAX = 65_536; // Web Cryptography API 10.1.1

/** The machine's own randomness, for a guest with `random:real`. */
export const realRandom: FillRandom = (target) => {
  for (let at = 0; at < target.length; at += WEB_CRYPTO_BYTES_MAX) {
    crypto.getRandomValues(target.subarray(at, at + WEB_CRYPTO_BYTES_MAX));
  }
};
