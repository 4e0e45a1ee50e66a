import { exit, listFiles, print, readFile } from "../library/wasi";

let lines: i32 = 0;
let words: i32 = 0;
let bytes: i32 = 0;
let insideWord: bool = false;

function count(byte: u8): void {
  bytes++;
  if (byte == 10) lines++;
  const space = byte == 32 || (byte >= 9 && byte <= 13);
  if (!space && !insideWord) words++;
  insideWord = !space;
}

const names = listFiles().filter((name) => name.endsWith(".txt"));
names.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
for (let i = 0; i < names.length; i++) {
  lines = words = bytes = 0;
  insideWord = false;
  if (readFile(names[i], count)) print(`${lines} lines ${words} words ${bytes} bytes ${names[i]}\n`);
  else print(`cannot open ${names[i]}\n`);
}
if (names.length == 0) {
  print("no .txt file in /sandbox\n");
  exit(1);
}
