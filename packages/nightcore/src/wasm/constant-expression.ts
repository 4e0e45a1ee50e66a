import { FEATURE_BIT } from "./feature.ts";
import type { InstructionReader } from "./instruction.ts";

/**
 * Passes over a constant expression (core specification 3.3.10) that begins where the reader stands, and leaves it behind the
 * `end`. Anything but constants, `global.get` of a global that exists already, and integer arithmetic is malformed.
 */
export function skipConstantExpression(reader: InstructionReader, at: number, end: number): number {
  reader.begin(at, end, 0);
  for (;;) {
    reader.depth = 2; // so that the closing `end` may be followed by more of the section
    reader.next();
    switch (reader.op) {
      case 0x0b: // end
        return reader.at;
      case 0x23: // global.get
      case 0x41: // i32.const
      case 0x42: // i64.const
      case 0x43: // f32.const
      case 0x44: // f64.const
      case 0xd0: // ref.null
      case 0xd2: // ref.func
      case 0xfd0c: // v128.const
        break;
      case 0x6a: // i32.add, sub, mul
      case 0x6b:
      case 0x6c:
      case 0x7c: // i64.add, sub, mul
      case 0x7d:
      case 0x7e:
        reader.features |= FEATURE_BIT["extended-const"];
        break;
      default:
        reader.malformed("not a constant expression", reader.start);
    }
  }
}
