import type { WasiContext } from "../context.ts";
import { ERRNO } from "../errno.ts";
import type { WasiCall } from "./call.ts";

/** No descriptor is ever a socket: EBADF for one that is not open, ENOTSOCK for every other. */
function refuseSocket(context: WasiContext, fd: number): number {
  context.descriptors.get(fd);
  return ERRNO.notsock;
}

/** `sock_*`: there is no socket that a guest could hold. */
export const SOCKET_CALLS = {
  sock_accept: (context: WasiContext, fd: number, _flags: number, _opened: number) => refuseSocket(context, fd),
  sock_recv: (
    context: WasiContext,
    fd: number,
    _data: number,
    _count: number,
    _flags: number,
    _size: number,
    _outFlags: number,
  ) => refuseSocket(context, fd),
  sock_send: (context: WasiContext, fd: number, _data: number, _count: number, _flags: number, _size: number) =>
    refuseSocket(context, fd),
  sock_shutdown: (context: WasiContext, fd: number, _how: number) => refuseSocket(context, fd),
} satisfies Readonly<Record<string, WasiCall>>;
