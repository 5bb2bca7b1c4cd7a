# SPDX-License-Identifier: Apache-2.0
"""Runs a program as if the kernel had no memfd_secret."""

import ctypes
import errno
import os
import sys

ALLOW = 0x7fff0000
ERROR = 0x00050000

seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(ALLOW)))
call = seccomp.seccomp_syscall_resolve_name(b"memfd_secret")
if (seccomp.seccomp_rule_add(context, ctypes.c_uint32(ERROR | errno.ENOSYS),
                             call, 0) != 0
        or seccomp.seccomp_load(context) != 0):
    sys.exit("the call cannot be filtered")
os.execv(sys.argv[1], sys.argv[1:])
