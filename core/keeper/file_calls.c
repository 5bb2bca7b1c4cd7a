/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls that name files. */

#include <config.h>

#include <stddef.h>
#include <string.h>

#include "core/keeper/file_calls.h"

const struct file_call file_calls[FILE_CALLS] = {
  { "creat", { { -1, 0 }, { -1, -1 } } },
  { "link", { { -1, 0 }, { -1, 1 } } },
  { "linkat", { { 0, 1 }, { 2, 3 } } },
  { "open", { { -1, 0 }, { -1, -1 } } },
  { "openat", { { 0, 1 }, { -1, -1 } } },
  { "rename", { { -1, 0 }, { -1, 1 } } },
  { "renameat", { { 0, 1 }, { 2, 3 } } },
  { "renameat2", { { 0, 1 }, { 2, 3 } } },
  { "unlink", { { -1, 0 }, { -1, -1 } } },
  { "unlinkat", { { 0, 1 }, { -1, -1 } } },
};

const struct file_call *
file_call_find (const char *name)
{
  for (size_t i = 0; i < FILE_CALLS; i++)
    if (strcmp (file_calls[i].name, name) == 0)
      return &file_calls[i];
  return NULL;
}
