// WASI preview 1, as much of it as the examples need, declared by hand: what a module imports is what it can ask for.

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, iovs: usize, iovsLength: i32, written: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, iovs: usize, iovsLength: i32, read: usize): i32;
@external("wasi_snapshot_preview1", "fd_close")
declare function fd_close(fd: i32): i32;
@external("wasi_snapshot_preview1", "fd_readdir")
declare function fd_readdir(fd: i32, buffer: usize, bufferLength: i32, cookie: i64, used: usize): i32;
@external("wasi_snapshot_preview1", "path_open")
declare function path_open(fd: i32, lookup: i32, path: usize, pathLength: i32, open: i32, rights: i64, inheriting: i64, flags: i32, opened: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;

const FIRST_PREOPEN: i32 = 3;
const RIGHT_FD_READ: i64 = 2;
const DIRENT_BYTES: i32 = 24;

// One vector and one result cell: no call here is made while another one waits.
const vector: usize = memory.data(8);
const result: usize = memory.data(4);
const entries: usize = memory.data(4096);
const chunk: usize = memory.data(4096);

export function print(text: string): void {
  const bytes = String.UTF8.encode(text);
  store<u32>(vector, changetype<u32>(bytes));
  store<u32>(vector, bytes.byteLength, 4);
  fd_write(1, vector, 1, result);
}

export function exit(code: i32): void {
  proc_exit(code);
}

/** Names of the files in the first preopened folder, or nothing when there is none. */
export function listFiles(): string[] {
  const names: string[] = [];
  let cookie: i64 = 0;
  while (fd_readdir(FIRST_PREOPEN, entries, 4096, cookie, result) == 0) {
    const used = load<i32>(result);
    let at: i32 = 0;
    while (at + DIRENT_BYTES <= used) {
      const nameLength = load<i32>(entries + at, 16);
      if (at + DIRENT_BYTES + nameLength > used) break;
      cookie = load<i64>(entries + at);
      names.push(String.UTF8.decodeUnsafe(entries + at + DIRENT_BYTES, nameLength));
      at += DIRENT_BYTES + nameLength;
    }
    if (used < 4096 || at == 0) break;
  }
  return names;
}

/** Calls back with each byte of a file in the first preopened folder; false when it cannot be opened. */
export function readFile(name: string, onByte: (byte: u8) => void): bool {
  const path = String.UTF8.encode(name);
  const fault = path_open(FIRST_PREOPEN, 0, changetype<usize>(path), path.byteLength, 0, RIGHT_FD_READ, 0, 0, result);
  if (fault != 0) return false;
  const fd = load<i32>(result);
  store<u32>(vector, <u32>chunk);
  store<u32>(vector, 4096, 4);
  while (fd_read(fd, vector, 1, result) == 0) {
    const length = load<i32>(result);
    if (length == 0) break;
    for (let i = 0; i < length; i++) onByte(load<u8>(chunk + i));
  }
  fd_close(fd);
  return true;
}
