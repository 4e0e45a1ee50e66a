import { print } from "../library/wasi";

print("hello from a tenant that is signed, allowed and metered\n");
