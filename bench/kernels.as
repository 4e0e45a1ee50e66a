// The kernels that bench/meter.ts times, in AssemblyScript. Each is an export that takes a size and returns a checksum.

const K: StaticArray<u32> = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
  0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
  0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
  0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
  0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
  0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];
const W = new StaticArray<u32>(64);
const H: StaticArray<u32> = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

// SHA-256 (FIPS 180-4) of so many blocks that follow from each other.
export function hashing(n: i32): u32 {
  for (let block = 0; block < n; block++) {
    for (let i = 0; i < 16; i++) unchecked((W[i] = H[i & 7] + <u32>(block * 31 + i)));
    for (let i = 16; i < 64; i++) {
      const x = unchecked(W[i - 15]);
      const y = unchecked(W[i - 2]);
      const s0 = rotr(x, 7) ^ rotr(x, 18) ^ (x >> 3);
      const s1 = rotr(y, 17) ^ rotr(y, 19) ^ (y >> 10);
      unchecked((W[i] = W[i - 16] + s0 + W[i - 7] + s1));
    }
    let a = unchecked(H[0]), b = unchecked(H[1]), c = unchecked(H[2]), d = unchecked(H[3]);
    let e = unchecked(H[4]), f = unchecked(H[5]), g = unchecked(H[6]), h = unchecked(H[7]);
    for (let i = 0; i < 64; i++) {
      const t1 = h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + unchecked(K[i]) + unchecked(W[i]);
      const t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g; g = f; f = e; e = d + t1; d = c; c = b; b = a; a = t1 + t2;
    }
    unchecked((H[0] += a)); unchecked((H[1] += b)); unchecked((H[2] += c)); unchecked((H[3] += d));
    unchecked((H[4] += e)); unchecked((H[5] += f)); unchecked((H[6] += g)); unchecked((H[7] += h));
  }
  return unchecked(H[0]);
}

const NUMBERS = new StaticArray<i32>(65536);
let state: u32 = 1;
function next(): u32 {
  state = state * 1664525 + 1013904223;
  return state >> 8;
}

function quicksort(low: i32, high: i32): void {
  while (low < high) {
    const pivot = NUMBERS[(low + high) >> 1];
    let i = low;
    let j = high;
    while (i <= j) {
      while (NUMBERS[i] < pivot) i++;
      while (NUMBERS[j] > pivot) j--;
      if (i <= j) {
        const t = NUMBERS[i];
        NUMBERS[i] = NUMBERS[j];
        NUMBERS[j] = t;
        i++;
        j--;
      }
    }
    if (j - low < high - i) {
      quicksort(low, j);
      low = i;
    } else {
      quicksort(i, high);
      high = j;
    }
  }
}

export function sorting(n: i32): u32 {
  for (let i = 0; i < n; i++) NUMBERS[i] = <i32>next();
  quicksort(0, n - 1);
  return NUMBERS[n >> 1];
}

const A = new StaticArray<f64>(16384);
const B = new StaticArray<f64>(16384);
const C = new StaticArray<f64>(16384);

export function matrices(n: i32): u32 {
  for (let i = 0; i < n * n; i++) {
    A[i] = <f64>(i % 17);
    B[i] = <f64>(i % 13);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum: f64 = 0;
      for (let k = 0; k < n; k++) sum += A[i * n + k] * B[k * n + j];
      C[i * n + j] = sum;
    }
  }
  return <u32>C[n + 1];
}

// push, add, subtract, duplicate, swap, jump if not zero, and multiply modulo
const PROGRAM: StaticArray<u8> = [0, 7, 3, 1, 0, 3, 6, 4, 0, 1, 2, 4, 4, 3, 5, 6, 7];
const STACK = new StaticArray<i32>(64);

export function interpreter(n: i32): u32 {
  let sp = 0;
  let pc = 0;
  STACK[sp++] = 1;
  STACK[sp++] = n;
  let checksum: u32 = 0;
  while (true) {
    switch (PROGRAM[pc++]) {
      case 0: STACK[sp++] = PROGRAM[pc++]; break;
      case 1: sp--; STACK[sp - 1] += STACK[sp]; break;
      case 2: sp--; STACK[sp - 1] -= STACK[sp]; break;
      case 3: STACK[sp] = STACK[sp - 1]; sp++; break;
      case 4: { const t = STACK[sp - 1]; STACK[sp - 1] = STACK[sp - 2]; STACK[sp - 2] = t; break; }
      case 5: { if (--n > 0) { pc = 0; sp = 2; } else pc++; break; }
      case 6: sp--; STACK[sp - 1] = (STACK[sp - 1] * STACK[sp]) & 0xffff; checksum += STACK[sp - 1]; break;
      default: return checksum;
    }
  }
}

const SHAPES: ((x: i32) => i32)[] = [
  (x: i32): i32 => x * 3 + 1,
  (x: i32): i32 => x ^ (x >> 7),
  (x: i32): i32 => (x & 1 ? x >> 1 : x + 12345),
  (x: i32): i32 => { let y = x; for (let i = 0; i < 4; i++) y = y * 5 + i; return y; },
  (x: i32): i32 => -x,
];

export function indirect(n: i32): u32 {
  let x = 1;
  for (let i = 0; i < n; i++) x = SHAPES[<i32>(<u32>(x + i) % 5)](x);
  return x;
}

const TEXT = new StaticArray<u8>(65536);

export function tokenizer(n: i32): u32 {
  const pattern: StaticArray<u8> = [102, 111, 111, 40, 98, 97, 114, 44, 32, 52, 50, 41, 32, 43, 61, 32, 34, 97, 98, 99, 34, 59, 10];
  for (let i = 0; i < n; i++) TEXT[i] = pattern[i % 23];
  let names: u32 = 0, numbers: u32 = 0, strings: u32 = 0, marks: u32 = 0, hash: u32 = 0;
  let i = 0;
  while (i < n) {
    const c = TEXT[i];
    if (c == 32 || c == 10) i++;
    else if (c >= 97 && c <= 122) {
      while (i < n && TEXT[i] >= 97 && TEXT[i] <= 122) hash = hash * 31 + TEXT[i++];
      names++;
    } else if (c >= 48 && c <= 57) {
      let value: u32 = 0;
      while (i < n && TEXT[i] >= 48 && TEXT[i] <= 57) value = value * 10 + TEXT[i++] - 48;
      numbers += value;
    } else if (c == 34) {
      i++;
      while (i < n && TEXT[i] != 34) i++;
      i++;
      strings++;
    } else {
      marks++;
      i++;
    }
  }
  return names + numbers * 3 + strings * 7 + marks * 11 + hash;
}

// Ways to place queens on a board: a recursion that works in each call.
function place(n: i32, row: i32, columns: u32, left: u32, right: u32): i32 {
  if (row == n) return 1;
  let found = 0;
  let free = ((1 << n) - 1) & ~(columns | left | right);
  while (free) {
    const bit = free & -free;
    free ^= bit;
    found += place(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return found;
}

export function recursion(n: i32): u32 {
  return place(n, 0, 0, 0, 0);
}

// The worst case: a recursion that does nothing but call.
export function fibonacci(n: i32): u32 {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

const SIEVE = new StaticArray<u8>(65536);

export function sieve(n: i32): u32 {
  for (let i = 0; i < n; i++) SIEVE[i] = 1;
  let count: u32 = 0;
  for (let i = 2; i < n; i++) {
    if (SIEVE[i]) {
      count++;
      for (let j = i * 2; j < n; j += i) SIEVE[j] = 0;
    }
  }
  return count;
}

// Escape times of points of the plane: floats, and no memory.
export function mandelbrot(n: i32): u32 {
  let total: u32 = 0;
  for (let py = 0; py < n; py++) {
    for (let px = 0; px < n; px++) {
      const cx = <f64>px / <f64>n * 3 - 2;
      const cy = <f64>py / <f64>n * 2 - 1;
      let x: f64 = 0, y: f64 = 0;
      let i = 0;
      while (i < 200 && x * x + y * y < 4) {
        const t = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = t;
        i++;
      }
      total += i;
    }
  }
  return total;
}

// Dijkstra's walk over a grid with a binary heap.
const HEAP = new StaticArray<u32>(65536);
const DISTANCE = new StaticArray<u32>(16384);

export function shortest(n: i32): u32 {
  for (let i = 0; i < n * n; i++) DISTANCE[i] = 0xffff;
  let size = 1;
  HEAP[0] = 0;
  DISTANCE[0] = 0;
  while (size > 0) {
    const top = HEAP[0];
    const last = HEAP[--size];
    let at = 0;
    while (true) {
      let child = at * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && HEAP[child + 1] < HEAP[child]) child++;
      if (HEAP[child] >= last) break;
      HEAP[at] = HEAP[child];
      at = child;
    }
    HEAP[at] = last;
    const cell = <i32>(top & 0xffff);
    const far = top >> 16;
    if (far > DISTANCE[cell]) continue;
    for (let side = 0; side < 4; side++) {
      const x = cell % n + (side == 0 ? 1 : side == 1 ? -1 : 0);
      const y = cell / n + (side == 2 ? 1 : side == 3 ? -1 : 0);
      if (x < 0 || y < 0 || x >= n || y >= n) continue;
      const to = y * n + x;
      const distance = far + 1 + ((<u32>to * 2654435761) >> 29);
      if (distance >= DISTANCE[to]) continue;
      DISTANCE[to] = distance;
      let leaf = size++;
      const key = (distance << 16) | to;
      while (leaf > 0 && HEAP[(leaf - 1) >> 1] > key) {
        HEAP[leaf] = HEAP[(leaf - 1) >> 1];
        leaf = (leaf - 1) >> 1;
      }
      HEAP[leaf] = key;
    }
  }
  return DISTANCE[n * n - 1];
}
