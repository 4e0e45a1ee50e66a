/** CRC-32 (ISO 3309) over the eight bytes of two numbers, little end first. It imports nothing and has no `_start`. */
export function run(a: i32, b: i32): i32 {
  return ~feed(feed(-1, a), b);
}

function feed(crc: i32, word: i32): i32 {
  for (let shift = 0; shift < 32; shift += 8) {
    crc ^= (word >>> shift) & 0xff;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return crc;
}
