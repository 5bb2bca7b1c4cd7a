/* SPDX-License-Identifier: Apache-2.0 */
/* What of the file system this process can still open: Landlock. */

#include <config.h>

#include <unistd.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/runner/landlock.h"

#ifdef HAVE_LINUX_LANDLOCK_H

#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <linux/landlock.h>

/* The C library has no functions for these calls, and the header may be
 * older than the kernel: what came later is written out here. */
#define RIGHTS_ABI_1 ((UINT64_C (1) << 13) - 1)
#define RIGHT_REFER (UINT64_C (1) << 13)     /* ABI 2 */
#define RIGHT_TRUNCATE (UINT64_C (1) << 14)  /* ABI 3 */
#define RIGHT_IOCTL_DEV (UINT64_C (1) << 15) /* ABI 5 */
#define SCOPE_ABSTRACT_SOCKETS UINT64_C (1)  /* ABI 6 */
#define SCOPE_SIGNALS UINT64_C (2)

#define RIGHTS_OF_FILES                                                       \
  (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE               \
   | RIGHT_TRUNCATE)
#define READING (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* No devices, sockets or links, and nothing to execute. */
#define WRITING                                                               \
  (READING | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE                   \
   | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_DIR                \
   | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR           \
   | RIGHT_REFER)

/* struct landlock_ruleset_attr as of ABI 6; older kernels take its start. */
struct ruleset_attributes {
  uint64_t handled_files;
  uint64_t handled_network; /* ABI 4 */
  uint64_t scoped;          /* ABI 6 */
};

static size_t
attributes_size (int abi)
{
  if (abi >= 6)
    return sizeof (struct ruleset_attributes);
  return abi >= 4 ? offsetof (struct ruleset_attributes, scoped)
                  : offsetof (struct ruleset_attributes, handled_network);
}

static uint64_t
rights_of (int abi)
{
  uint64_t rights = RIGHTS_ABI_1;

  if (abi >= 2)
    rights |= RIGHT_REFER;
  if (abi >= 3)
    rights |= RIGHT_TRUNCATE;
  if (abi >= 5)
    rights |= RIGHT_IOCTL_DEV;
  return rights;
}

int
landlock_begin (struct landlock *landlock, struct error *error)
{
  struct ruleset_attributes attributes = { 0 };
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0,
                      LANDLOCK_CREATE_RULESET_VERSION);

  *landlock = (struct landlock){ .ruleset = -1 };
  if (abi < 1)
    return 0;
  landlock->abi = (int) abi;
  landlock->handled = rights_of (landlock->abi);
  attributes.handled_files = landlock->handled;
  if (abi >= 6)
    attributes.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
  landlock->ruleset = (int) syscall (SYS_landlock_create_ruleset, &attributes,
                                     attributes_size (landlock->abi), 0);
  if (landlock->ruleset < 0)
    return error_set (error, EZCDC_E_UNAVAILABLE,
                      "begin a Landlock ruleset (ABI %d): %m", landlock->abi);
  return 0;
}

void
landlock_allow (const struct landlock *landlock, const char *path,
                enum landlock_use use)
{
  CLEANUP_CLOSE int place = -1;
  struct stat status;

  if (landlock->ruleset < 0)
    return;
  place = open (path, O_PATH | O_CLOEXEC);
  if (place < 0 || fstat (place, &status) != 0)
    return;
  static const uint64_t rights_for[] = {
    [LANDLOCK_LIST] = LANDLOCK_ACCESS_FS_READ_DIR,
    [LANDLOCK_READ] = READING,
    [LANDLOCK_WRITE] = WRITING,
  };
  uint64_t rights = rights_for[use];
  if (!S_ISDIR (status.st_mode))
    rights &= RIGHTS_OF_FILES;
  struct landlock_path_beneath_attr rule = {
    .allowed_access = rights & landlock->handled,
    .parent_fd = place,
  };
  syscall (SYS_landlock_add_rule, landlock->ruleset,
           LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

int
landlock_enforce (struct landlock *landlock, struct error *error)
{
  long result = 0;

  if (landlock->ruleset < 0)
    return 0;
  result = syscall (SYS_landlock_restrict_self, landlock->ruleset, 0);
  if (result != 0)
    error_set (error, EZCDC_E_UNAVAILABLE, "enforce a Landlock ruleset: %m");
  close (landlock->ruleset);
  landlock->ruleset = -1;
  return result == 0 ? 0 : EZCDC_E_UNAVAILABLE;
}

#else

int
landlock_begin (struct landlock *landlock, struct error *error)
{
  (void) error;
  *landlock = (struct landlock){ .ruleset = -1 };
  return 0;
}

void
landlock_allow (const struct landlock *landlock, const char *path,
                enum landlock_use use)
{
  (void) landlock;
  (void) path;
  (void) use;
}

int
landlock_enforce (struct landlock *landlock, struct error *error)
{
  (void) landlock;
  (void) error;
  return 0;
}

#endif
