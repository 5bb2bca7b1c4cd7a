/* SPDX-License-Identifier: Apache-2.0 */
/* What of the file system a runner can still open. */

#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <ezcdc/connector.h>

#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/runner/landlock.h"
#include "core/runner/reach.h"

#define COUNT(array) (sizeof (array) / sizeof *(array))

/* Libraries and their data. No home, no temporary folder, nothing of other
 * processes. */
static const char *const trees[] = {
  "/usr",
  "/lib",
  "/lib32",
  "/lib64",
  "/opt",
  "/nix/store",
  "/gnu/store",
  /* Trusted certificates, and what programs agree on about TLS. */
  "/etc/ssl/certs",
  "/etc/ssl/cert.pem",
  "/etc/ca-certificates",
  "/etc/pki/ca-trust",
  "/etc/pki/tls/certs",
  "/etc/crypto-policies",
  "/var/lib/ca-certificates",
  /* Facts about the machine and about itself. */
  "/sys/devices/system/cpu",
  "/proc/cpuinfo",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/sys/crypto",
  "/proc/sys/vm/overcommit_memory",
  "/proc/self",
  "/proc/self/exe",
};

/* Not all of /etc, where others keep their secrets. */
static const char *const files[REACH_FILES] = {
  "/etc/resolv.conf",   "/etc/hosts",    "/etc/host.conf", "/etc/gai.conf",
  "/etc/nsswitch.conf", "/etc/services", "/etc/protocols", "/etc/networks",
  "/etc/ld.so.cache",   "/etc/passwd",   "/etc/group",     "/etc/localtime",
  "/etc/krb5.conf",     "/etc/timezone",
};

static const char *const devices[] = { "/dev/null", "/dev/zero", "/dev/random",
                                       "/dev/urandom" };

bool
reach_covers (const char *path)
{
  for (size_t i = 0; i < COUNT (trees); i++) {
    size_t length = strlen (trees[i]);

    if (strncmp (path, trees[i], length) == 0 && path[length] == '/')
      return true;
  }
  return false;
}

/* ---- Folders ----------------------------------------------------------- */

/* Allows the folder of a file, but never the root of all: then the file, if
 * there is one. */
static void
allow_folder_of (const struct landlock *landlock, const char *path,
                 enum landlock_use use)
{
  const char *slash = strrchr (path, '/');
  size_t length = slash == NULL ? 0 : (size_t) (slash - path);
  CLEANUP_FREE char *folder = slash == NULL ? strdup (".")
                                            : strndup (path, length);
  CLEANUP_FREE char *whole = folder == NULL ? NULL : realpath (folder, NULL);

  if (whole == NULL)
    return;
  landlock_allow (landlock, strcmp (whole, "/") == 0 ? path : whole, use);
}

/* A path that a connector is given: a folder, a device, or a file beside which
 * others may come, as when it is written anew and renamed. */
static void
allow_given (const struct landlock *landlock, const char *path)
{
  struct stat status;

  if (stat (path, &status) == 0 && !S_ISREG (status.st_mode))
    landlock_allow (landlock, path, LANDLOCK_WRITE);
  else
    allow_folder_of (landlock, path, LANDLOCK_WRITE);
}

/* The option "path" and whatever looks like one. */
static bool
is_path (const struct ini_key *key)
{
  return strcmp (key->name, "path") == 0 || key->value[0] == '/'
         || strncmp (key->value, "./", 2) == 0
         || strncmp (key->value, "../", 3) == 0;
}

/* The file and its signature, not what else lies beside them. */
static void
allow_connector (const struct landlock *landlock, const char *folder,
                 const char *name)
{
  CLEANUP_TEXT struct text path = { 0 };

  if (strchr (name, '/') != NULL)
    text_append_string (&path, name);
  else
    text_printf (&path, "%s/%s.so", folder, name);
  landlock_allow (landlock, text_string (&path), LANDLOCK_READ);
  text_append_string (&path, ".sig");
  landlock_allow (landlock, text_string (&path), LANDLOCK_READ);
}

static void
allow_section (const struct landlock *landlock,
               const struct reach_places *places, const char *name)
{
  const struct ini_section *section = ini_section (places->ini, name);

  if (section == NULL)
    return;
  for (const struct ini_key *key = section->keys; key != NULL;
       key = key->next) {
    if (strcmp (key->name, "connector") == 0)
      allow_connector (landlock, places->connector_dir, key->value);
    else if (strncmp (key->name, "ssl_", 4) != 0 && is_path (key))
      allow_given (landlock, key->value);
  }
}

static void
allow_places (const struct landlock *landlock,
              const struct reach_places *places)
{
  if (places->ini != NULL) {
    allow_section (landlock, places, "source");
    allow_section (landlock, places, "sink");
    /* To name the connectors that there are to who has misspelt one. */
    landlock_allow (landlock, places->connector_dir, LANDLOCK_LIST);
  }
  else if (places->connector_dir != NULL)
    landlock_allow (landlock, places->connector_dir, LANDLOCK_READ);
  if (places->connector != NULL)
    allow_connector (landlock, places->connector_dir, places->connector);
  if (places->state_folder != NULL)
    landlock_allow (landlock, places->state_folder, LANDLOCK_WRITE);
}

/* ---- Files that may be replaced ---------------------------------------- */

/* The name itself: of a symbolic link it is the link that counts. */
static void
identify (const char *path, uint64_t *ret_device, uint64_t *ret_inode)
{
  struct stat status;
  bool there = lstat (path, &status) == 0;

  *ret_device = there ? (uint64_t) status.st_dev : 0;
  *ret_inode = there ? (uint64_t) status.st_ino : 0;
}

/* A link leads to where a service replaces the file often, such as
 * /run/systemd/resolve; there it is the folder that is allowed. */
static void
allow_file (const struct landlock *landlock, const char *path)
{
  CLEANUP_FREE char *target = realpath (path, NULL);

  if (target != NULL && strncmp (target, "/run/", 5) == 0)
    allow_folder_of (landlock, target, LANDLOCK_READ);
  else
    landlock_allow (landlock, path, LANDLOCK_READ);
}

const char *
reach_replaced (const struct reach *reach)
{
  uint64_t device;
  uint64_t inode;

  for (size_t i = 0; reach->abi > 0 && i < REACH_FILES; i++) {
    identify (files[i], &device, &inode);
    if (device != reach->files[i].device || inode != reach->files[i].inode)
      return files[i];
  }
  return NULL;
}

/* ---- All of it --------------------------------------------------------- */

int
reach_restrict (const struct reach_places *places, struct reach *ret_reach,
                struct error *error)
{
  struct landlock landlock;

  if (landlock_begin (&landlock, error) != 0)
    return error->code;
  for (size_t i = 0; i < COUNT (trees); i++)
    landlock_allow (&landlock, trees[i], LANDLOCK_READ);
  for (size_t i = 0; i < COUNT (devices); i++)
    landlock_allow (&landlock, devices[i], LANDLOCK_WRITE);
  for (size_t i = 0; i < REACH_FILES; i++) {
    identify (files[i], &ret_reach->files[i].device,
              &ret_reach->files[i].inode);
    allow_file (&landlock, files[i]);
  }
  allow_places (&landlock, places);
  ret_reach->abi = landlock.abi;
  return landlock_enforce (&landlock, error);
}
